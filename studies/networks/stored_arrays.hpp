// What the readers of the user's own HDF5 files share: arrays that must be there, and refusals that name file and
// place.
#pragma once

#include <string>

#include "pipeline/inputs/arrays.hpp"

namespace meander {

/// Throws BadInput: `name: problem`.
[[noreturn]] void refuse_file(const std::string& name, const std::string& problem);

/// "(4, 3)".
std::string shape_text(const NamedArray& array);

/// The dataset at `path`, its numbers all finite; refuses the file otherwise. `what` says what it is for.
const NamedArray& require_array(const NamedArrays& arrays, const std::string& path, const std::string& name,
                                const char* what);

}  // namespace meander
