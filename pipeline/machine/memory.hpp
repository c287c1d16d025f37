// What this machine has, or what this process's container, batch job or shell leaves of it.
#pragma once

#include <filesystem>

namespace meander {

/// Bytes of memory: the machine's, or the limit of the control group that this process is in, or of one above it
/// (version 1 or 2), whichever is least. `root`: see control_groups.
double machine_memory(const std::filesystem::path& root = "/");

/// Bytes that `processes` like this one on this machine may take together: machine_memory, or `processes` times what
/// each may take, if that is less.
double memory_for(int processes);

/// Bytes that this process may still take of its address space (`ulimit -v`, `ulimit -d`), by what it has now; infinite
/// where there is no limit.
double process_memory();

/// Cores that this process may use: those it may run on, or its control group's share of time (version 1 or 2), rounded
/// up, whichever is less.
int machine_cores(const std::filesystem::path& root = "/");

}  // namespace meander
