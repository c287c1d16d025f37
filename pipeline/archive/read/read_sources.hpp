// Archives and shards as sources: what they say of themselves, and the statuses of their cells.
#pragma once

#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/measure/record.hpp"

namespace meander {

/// Throws BadInput where the file is missing, truncated, damaged, not HDF5, or not a meander study.
Header read_header(const std::string& path);

/// Status of each cell of each family of (study, layout), gathered from archives and shards of the
/// same identity; cells that none of them holds are missing.
using StatusMap = std::vector<std::vector<Status>>;
StatusMap read_statuses(const Study& study, const Layout& layout, const std::vector<std::string>& sources);

}  // namespace meander
