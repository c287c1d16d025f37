// Where the system keeps the limits of this process's container or batch job.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace meander {

/// The folders of the control groups (version 2 or 1) that this process is in and that have `controller` ("memory",
/// "cpu"), from its own up to the topmost that can be seen: a limit of any of them holds. `root` is the system's root;
/// another one is for tests, with proc/self/cgroup, proc/self/mountinfo and the folders that these name below it.
/// Nothing where there are no control groups, or where they cannot be read.
std::vector<std::filesystem::path> control_groups(const std::string& controller,
                                                  const std::filesystem::path& root = "/");

/// The numbers of a limit's file, separated by blanks, for example of cpu.max "150000 100000"; nothing where the file
/// is not there, cannot be read, or holds anything that is no number, as "max".
std::optional<std::vector<double>> limit_numbers(const std::filesystem::path& file);

}  // namespace meander
