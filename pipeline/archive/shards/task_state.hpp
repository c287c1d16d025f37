// The states of tasks that are under way, kept beside the shards: what a long task needs to go on where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/measure/record.hpp"

namespace meander {

/// What a state's file says of it, besides the state itself.
struct TaskStateHead {
  TaskKey key{};
  std::uint32_t measure_version = 0;
  std::uint32_t resumed = 0;  // how often the task was gone on with
  double fraction = 0.0;      // of the task that is done
  double seconds = 0.0;       // that the task has taken so far, all its runs together
};

struct TaskState {
  TaskStateHead head{};
  std::vector<std::byte> bytes{};  // the measure's own; empty where there is none
};

/// The folder of an archive's states, and the file of one task's. A task has at most one.
std::string state_folder(const std::string& archive);
std::string state_file(const std::string& archive, const TaskKey& key);
/// The files of all states, sorted by name.
std::vector<std::string> state_files(const std::string& archive);

/// Replaces the task's state: written beside it, synced and renamed. Throws std::runtime_error with the older state
/// untouched.
void write_state(const std::string& archive, const TaskStateHead& head, std::span<const std::byte> bytes);

/// The state of task `key`, without bytes where there is none. One that is damaged in any byte, another task's or
/// another measure version's is not used either: it is renamed (".unused" behind it), so that nothing overwrites it,
/// and `warning` says so, complete.
TaskState read_state(const std::string& archive, const TaskKey& key, int measure_version, std::string& warning);

/// Heads of all states that can be read, without looking at their bytes; for display.
std::vector<TaskStateHead> state_heads(const std::string& archive);

/// Removes what killed processes left half written; for the holder of the archive's lock.
void remove_stale_states(const std::string& archive);

}  // namespace meander
