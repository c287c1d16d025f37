// Writes an archive: rank 0 the skeleton, all ranks together the arrays.
#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/format/header.hpp"

namespace meander {

/// Writes `path` (a temporary name) with the cells that each rank's block holds. Collective. Throws
/// std::runtime_error on every rank where any could not write.
void write_archive_file(MPI_Comm comm, const std::string& path, const Study& study, const Layout& layout,
                        const Block& block, const Attributes& attributes);

}  // namespace meander
