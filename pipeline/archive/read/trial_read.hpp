// Reads everything an archive holds, to see whether it can be read: here, or in a child process where
// the file may be damaged and HDF5 may crash on it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace meander {

struct TrialReport {
  std::vector<std::string> problems;  // one a line, each complete; the header's comes first
  std::size_t arrays = 0;             // read without complaint; not counted by a child
  bool crashed = false;               // HDF5 did, or it hung
};

/// Reads the header and every array of the HDF5 file at `path`, and compares the shapes with the study.
TrialReport trial_read(const std::string& path);

/// The same in a child process: whatever HDF5 does to it becomes a problem in the report. A child from
/// which nothing is heard for a minute, or a quarter of one while it computes, is ended.
TrialReport trial_read_in_child(const std::string& path);

}  // namespace meander
