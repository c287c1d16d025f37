// Hands tasks out, largest first, without an idle manager: a counter in node-local shared memory,
// refilled with chunks from one global counter. Needs MPI and nothing else.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace meander {

/// Tasks that are all run by groups of `ranks_per_task` ranks, most expensive first.
struct Phase {
  int ranks_per_task = 1;
  std::vector<double> seconds;  // expected cost of each task, descending
};

struct ScheduleOptions {
  /// Every rank is treated as a node of its own (a test switch; also MEANDER_PRETEND_NODES=1).
  bool pretend_nodes = false;
  /// Asked before each task; false stops the whole run after the tasks in flight. The argument is
  /// the task's expected cost. Must be cheap and must not call MPI.
  std::function<bool(double seconds)> may_start;
};

/// How far the run is, as far as this rank knows.
struct ScheduleProgress {
  std::size_t tasks_done = 0;
  double seconds_done = 0.0;  // expected cost of the tasks done
};

class Scheduler {
 public:
  /// Collective over `world`. Phases run widest group first; a group that finds its phase empty goes
  /// straight on to the next one.
  Scheduler(MPI_Comm world, std::vector<Phase> phases, ScheduleOptions options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Runs tasks until none is left or the run is stopped. `execute(phase, task, group)` is called on
  /// every rank of the group. Collective. True where every task was handed out.
  bool run(const std::function<void(std::size_t phase, std::size_t task, MPI_Comm group)>& execute);

  /// May be called from another thread of this rank while `run` is under way.
  ScheduleProgress progress() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace meander
