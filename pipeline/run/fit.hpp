// Whether a run's tasks fit: into the memory of the machine they are to run on, and into its number of ranks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "pipeline/run/work.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// Why the study's tasks do not fit: at worst each of a machine's `ranks` ranks holds its part of one of the largest,
/// and each takes `other` bytes besides (memory_need.hpp).
/// Nothing where they fit. The message is complete: `file:line:column: error: problem (why) suggestion`; `smaller`
/// says what makes a task need less.
std::optional<std::string> memory_problem(const Study& study, const Layout& layout, const Work& work, double other,
                                          int ranks, double machine_bytes,
                                          const std::function<std::string(std::size_t, const Point&)>& smaller);

/// Why a run of `ranks` ranks cannot share them out to tasks of several ranks each; nothing where it can. Complete
/// likewise.
std::optional<std::string> group_problem(const Study& study, const Work& work, int ranks);

}  // namespace meander
