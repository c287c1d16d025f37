// Work on a file that may be damaged, in a child process: whatever HDF5 does there, this process goes on.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace meander {

/// Tells the parent a line. Newlines within it become blanks; an empty one only says that there is progress.
using Say = std::function<void(const std::string& line)>;

/// How the work in a child ended.
struct Contained {
  std::vector<std::string> lines;  // all that it said
  bool started = true;             // false where no process could be started
  bool crashed = false;            // by a signal, by an exception, or silent for too long
};

/// How long a child may say nothing, by the clock and in the processor: damage sends HDF5 round in circles.
struct Patience {
  int seconds = 60;
  int processor_seconds = 15;
};

/// Does `work` in a copy of this process, which holds HDF5's lock meanwhile, and gives what it says. A child that loses
/// its parent's patience is ended. Throws std::runtime_error where there is no pipe.
Contained in_child(const std::function<void(const Say&)>& work, const Patience& patience = {});

/// Bounds the memory of this process, a child's, to what it has now and `more` bytes: what a damaged file asks for
/// beyond is refused by the system. A later call may allow more.
void limit_memory(double more);

}  // namespace meander
