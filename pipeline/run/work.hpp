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

/// How many jobs, one after another, computing of `makespan` seconds takes where each computes for `usable` seconds.
/// With `cut`, tasks that keep their state are cut by the jobs' ends, and each job stops an interval of checkpoints
/// before its end (StopClock). 0 where two intervals do not fit into a job, so that the run would count with shorter
/// ones than was asked for; never more than 10^9.
int jobs_in_a_row(double makespan, double usable, bool cut, double interval);

}  // namespace meander
