// Whether an archive is still what was written, byte for byte and array for array.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace meander {

struct CheckReport {
  std::vector<std::string> problems;  // one a line, each complete
  std::size_t arrays = 0;             // read without complaint
  bool intact() const { return problems.empty(); }
};

/// Compares the file with its seal (which finds any changed, missing or added byte), reads every
/// array, and compares the shapes with the study. Where the seal is broken, the arrays are read by a
/// child process, because HDF5 may crash on a damaged file. Throws BadInput where the file is
/// missing or a folder.
CheckReport check_archive(const std::string& path);

}  // namespace meander
