// How large a job a study deserves at a site: nodes, ranks, memory and time.
#pragma once

#include <cstddef>
#include <optional>

#include "pipeline/run/work.hpp"
#include "slurm/site.hpp"

namespace meander {

/// What the user asks for; what is left out is chosen.
struct JobWishes {
  std::optional<int> nodes;
  std::optional<int> ranks;
  std::optional<double> seconds;  // of one job
  int parts = 1;                  // elements of a job array
  double checkpoint = 60.0;       // seconds between checkpoints
};

struct JobPlan {
  std::size_t tasks = 0;      // of the whole study that are still to do
  double core_seconds = 0.0;  // of all of them
  double longest = 0.0;       // seconds of the longest task
  bool keeps = false;         // some tasks keep their state: they may be longer than a job
  double task_bytes = 0.0;    // of the largest task, on each of its ranks
  double bytes = 0.0;         // of a rank at its peak
  int parts = 1;
  // Of one job:
  int nodes = 1;
  int ranks = 1;
  int ranks_per_node = 1;
  double memory_per_node = 0.0;  // bytes to ask for; 0: nothing
  double seconds = 0.0;          // its limit
  double makespan = 0.0;         // expected computing time of the largest part on these ranks, seconds
  double efficiency = 1.0;       // of the schedule, predicted
  int jobs_in_a_row = 1;         // expected: 1 where the limit is long enough
};

/// Chooses the largest job that keeps an efficiency of 90 % and is worth its start (five minutes of
/// computing). `todo` are the tasks that are left, largest first; part p of n takes every n-th. `other` bytes are
/// what a rank takes besides its task (memory_need.hpp). Throws
/// BadInput where the site cannot hold a task: too little memory, too few ranks, too short a limit. A task that keeps
/// its state may be longer than the limit: the jobs are chained then.
JobPlan plan_job(const Work& todo, double other, const Site& site, const JobWishes& wishes);

}  // namespace meander
