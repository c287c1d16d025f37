// The computing part of a run: each rank takes tasks, runs them and keeps what they give.
#pragma once

#include <mpi.h>

#include <memory>
#include <string>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/run/run.hpp"
#include "pipeline/run/work.hpp"

namespace meander {

/// What a run needs to know on every rank once its input was found good.
struct Plan {
  Study study;
  std::unique_ptr<Measurement> measurement;
  Layout layout;
  std::vector<CellSpace> cells;
  std::vector<TaskKeys> keys;  // per family

  explicit Plan(BoundStudy bound);
  Plan(const Plan&) = delete;  // its members refer to each other
  Plan& operator=(const Plan&) = delete;
  /// The task's identity.
  TaskKey key(const TaskRef& task) const;
};

struct Outcome {
  bool complete = false;        // every task of the share was run to its end, on all ranks
  std::size_t interrupted = 0;  // tasks that were stopped and are to be gone on with, on all ranks
  double busy_seconds = 0.0;    // of this rank
  double work_seconds = 0.0;    // until the last rank was out of tasks
  std::string write_problem;    // of this rank's shard
};

/// Runs `work`, tasks of `plan`, until it is done or the run is to stop. Collective over `comm`. Throws nothing that a
/// task throws: that makes a failed cell.
Outcome compute(const Plan& plan, const Work& work, const RunOptions& options, const std::string& archive,
                MPI_Comm comm);

}  // namespace meander
