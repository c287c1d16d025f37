// What a measure wants its user to know about the numbers of an archive.
#pragma once

#include <string>
#include <vector>

namespace meander {

/// One line for each array that was declared with a warning and is non-zero somewhere: how many cells,
/// and the warning. Reads those arrays of the archive at `path`, a part at a time.
std::vector<std::string> archive_warnings(const std::string& path);

}  // namespace meander
