// One run of a schedule: everything that it needs from MPI, and the loop that each rank goes through.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/schedule/chunk_table.hpp"
#include "pipeline/schedule/crew.hpp"
#include "pipeline/schedule/global_counter.hpp"
#include "pipeline/schedule/node_counter.hpp"
#include "pipeline/schedule/scheduler.hpp"

namespace meander {

using Execute = std::function<void(std::size_t phase, std::size_t task, MPI_Comm group)>;

struct Outcome {
  bool complete = true;  // nobody stopped the run
  ScheduleProgress done;
};

/// Collective to construct, to finish and to free. A destructor must not call MPI, so free() has to
/// be called.
class Run {
 public:
  /// `options` says for every rank the same, but for may_start.
  Run(MPI_Comm world, std::span<const Phase> phases, const ScheduleOptions& options);

  /// Takes and executes tasks until none is left. What execute or may_start threw stays in failure().
  void work(const Execute& execute);
  /// Waits for all ranks, and sums over them.
  Outcome finish();
  std::exception_ptr failure() const { return failure_; }
  ScheduleProgress progress() const;
  /// Whether a rank stopped the run, as far as this node knows; asks the others now and then.
  bool stopped();
  void free();

 private:
  void work_on(std::size_t phase, const Execute& execute);
  template <class Action>
  void attempt(const Action& action);
  std::optional<std::size_t> next_task(std::size_t phase);
  std::optional<std::size_t> take(std::size_t phase);
  bool refill(std::size_t phase);
  TaskRange fetch(std::size_t phase);
  std::optional<std::size_t> agree(const Group& group, std::optional<std::size_t> task) const;
  void stop();

  std::span<const Phase> phases_;
  const ScheduleOptions& options_;
  Crew crew_;
  std::vector<ChunkTable> chunks_;
  std::optional<NodeCounter> node_;
  std::unique_ptr<GlobalCounter> global_;  // null on a single node
  std::exception_ptr failure_;
};

}  // namespace meander
