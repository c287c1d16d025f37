// Hands tasks out, largest first, without an idle manager: a counter in node-local shared memory,
// refilled with chunks from one global counter. Needs MPI and nothing else.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "pipeline/schedule/costs.hpp"

namespace meander {

/// Tasks that are all run by groups of `ranks_per_task` ranks, most expensive first.
struct Phase {
  int ranks_per_task = 1;
  Costs seconds;  // expected cost of each task, descending
};

/// How nodes share the global counter: messages to a thread on rank 0 (needs MPI_THREAD_MULTIPLE),
/// or one-sided atomics, which only hardware performs while rank 0 computes. Automatic is the thread
/// where MPI permits it. MEANDER_GLOBAL_COUNTER=served or =window decides where this is automatic.
enum class CounterKind { automatic, served, window };

struct ScheduleOptions {
  /// Every rank is treated as a node of its own (a test switch; also MEANDER_PRETEND_NODES=1).
  bool pretend_nodes = false;
  CounterKind counter = CounterKind::automatic;
  /// Asked before each task; false stops the whole run after the tasks in flight. Must be cheap and
  /// must not call MPI.
  std::function<bool(std::size_t phase, std::size_t task)> may_start;
};

/// How far the run is, as far as this rank knows.
struct ScheduleProgress {
  std::size_t tasks_done = 0;
  double seconds_done = 0.0;  // expected cost of the tasks done
};

class Scheduler {
 public:
  /// Collective over `world`. Phases run widest group first; a group that finds its phase empty goes
  /// straight on to the next one. Ranks that do not fill a group sit its phase out. Throws
  /// std::invalid_argument, on every rank, where a group is wider than the world or a cost is
  /// negative or not finite.
  Scheduler(MPI_Comm world, std::vector<Phase> phases, ScheduleOptions options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Runs tasks until none is left or the run is stopped. `execute(phase, task, group)` is called on
  /// every rank of the group. Collective. True where every task was handed out; false on every rank
  /// where the run was stopped. Sums of `progress` are exact afterwards.
  ///
  /// An exception from `execute` or `may_start` stops the run, waits for the other ranks' tasks in
  /// flight and leaves `run` on this rank; the others return false. In a group, `execute` must not
  /// throw while other ranks of the group wait for this one.
  bool run(const std::function<void(std::size_t phase, std::size_t task, MPI_Comm group)>& execute);

  /// Whether the run is being stopped, for a task that would rather end early: true soon after a rank
  /// was refused a task or failed. To be called inside `execute`, on a group's first rank.
  bool stopped();

  /// This node's tasks; on rank 0 all nodes' as far as their reports came in. May be called from
  /// another thread of this rank while `run` is under way.
  ScheduleProgress progress() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace meander
