// Whether a run's tasks fit into the memory of the machine they are to run on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/study/study.hpp"
#include "pipeline/tasks.hpp"

namespace meander {

/// Bytes of memory that this machine has.
double machine_memory();

/// Why the study's tasks do not fit: at worst each of a machine's `ranks` ranks holds one of the largest. Nothing where
/// they fit. The message is complete: `file:line:column: error: problem (why) suggestion`.
std::optional<std::string> memory_problem(const Study& study, const Layout& layout, const std::vector<TaskRef>& tasks,
                                          int ranks, double machine_bytes);

}  // namespace meander
