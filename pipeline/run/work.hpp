// The tasks of one run, in the order in which they are handed out.
#pragma once

#include <cstddef>
#include <vector>

#include "pipeline/measure/tasks.hpp"
#include "pipeline/schedule/scheduler.hpp"

namespace meander {

/// Phases for the scheduler, widest groups first, and which task stands where in them.
struct Work {
  std::vector<Phase> phases;
  std::vector<std::vector<std::size_t>> task;  // per phase: index into the list of tasks
  std::size_t count = 0;
  double seconds = 0.0;  // expected cost of all
};

/// Indices of the tasks by descending cost; equal costs stay in order.
std::vector<std::size_t> largest_first(const std::vector<TaskRef>& tasks);

/// The chosen tasks as phases; `chosen` is sorted by descending cost.
Work make_work(const std::vector<TaskRef>& tasks, const std::vector<std::size_t>& chosen);

}  // namespace meander
