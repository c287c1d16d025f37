// Opening of files that a user names: what is no regular file (a FIFO, a device, a folder) is refused with a reason
// before anything could wait for it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace meander {

/// Why `path`, links followed, leads to no regular file ("it is a directory", "No such file or directory"); nothing
/// where it does. Opens nothing, so that it never waits; whoever opens the file next by its name asks here first.
std::optional<std::string> regular_file_problem(const std::string& path);

/// A descriptor for reading, closed on exec; -1 where there is none, and `problem` says why. Never waits for a FIFO's
/// other end or for a device, whatever stands at `path` by then.
int open_regular_file(const std::string& path, std::string& problem);

/// The whole content; nothing where it cannot be read (more than the machine's memory is not tried), and `problem` says
/// why.
std::optional<std::vector<std::byte>> read_regular_file(const std::string& path, std::string& problem);

}  // namespace meander
