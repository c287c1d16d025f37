// What a task may ask of the run, on one rank: a stop clock above it, the states beside the shards below it.
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/archive/shards/task_state.hpp"
#include "pipeline/measure/task_control.hpp"

namespace meander {

/// What all tasks of a rank share.
struct KeepingRules {
  std::string archive{};
  int measure_version = 0;
  double interval = 60.0;  // seconds between checkpoints
  /// Whether the run is to end; asked on a group's first rank, with the seconds that keeping takes.
  std::function<bool(double write)> stopping{};
  /// A state was written, on a group's first rank.
  std::function<void()> kept{};
};

/// The control of one task on one of the ranks of `group`. Collective to construct: the first rank reads the task's
/// state, all of them get it. A state that is not used is warned of on stderr.
class RankControl final : public TaskControl {
 public:
  RankControl(const KeepingRules& rules, const TaskKey& key, MPI_Comm group);

  bool stopping() override;
  bool due() override;
  void keep(std::span<const std::byte> state, double fraction) override;
  const std::vector<std::byte>& kept() const override { return state_.bytes; }

  /// Whether `stopping` was ever true.
  bool told_to_stop() const { return told_; }
  /// Whether the task goes on with a state.
  bool resumed() const { return resumed_; }
  /// Seconds that the task took in earlier runs.
  double earlier_seconds() const { return state_.head.seconds; }

 private:
  using Clock = std::chrono::steady_clock;

  bool agreed(bool answer) const;

  const KeepingRules& rules_;
  const MPI_Comm group_;
  const bool alone_;
  const bool first_;
  TaskState state_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  double write_seconds_ = 0.0;
  bool resumed_ = false;
  bool told_ = false;
  bool warned_ = false;
};

}  // namespace meander
