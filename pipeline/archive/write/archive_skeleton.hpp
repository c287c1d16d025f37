// An archive before its arrays are filled: attributes, dimensions, strings, and empty arrays with
// their descriptions.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "pipeline/archive/format/header.hpp"

namespace meander {

struct Skeleton {
  std::vector<std::byte> image;  // of the HDF5 file
  /// What the file may take at most once its arrays are filled.
  std::size_t largest_size = 0;
};

/// `ragged_totals`: the length of each ragged dimension. `messages`: what error codes mean, the
/// first one being that of no error.
Skeleton archive_skeleton(const Study& study, const Layout& layout,
                          const std::map<std::string, std::size_t>& ragged_totals,
                          const std::vector<std::string>& messages, const Attributes& attributes);

}  // namespace meander
