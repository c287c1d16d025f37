// Reasons to stop a run early: signals, and a wall clock that runs out.
#pragma once

#include <chrono>
#include <optional>

namespace meander {

/// While it lives, SIGUSR1, SIGTERM and SIGINT ask for a clean stop instead of killing the process.
/// A second SIGINT kills as usual. Inside another one's life it changes nothing: a command listens
/// from before MPI starts, which takes long enough for a signal to arrive, and a run in it listens too.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  static bool requested();
};

/// Seconds until the batch job that this process runs in ends; nothing outside a job or where the
/// job has no limit. Asks Slurm's environment, then squeue.
std::optional<double> batch_seconds_left();

/// Decides whether a task may still be started. The cost model's seconds are corrected by what this
/// rank's tasks have really taken.
class StopClock {
 public:
  using Clock = std::chrono::steady_clock;
  /// No limit where `seconds` is nothing.
  explicit StopClock(std::optional<double> seconds);

  /// False after a signal, and where the remaining time cannot finish a task expected to take
  /// `seconds`.
  bool may_start(double seconds) const;
  /// A task that was expected to take `expected` seconds took `measured`.
  void learn(double expected, double measured);
  bool limited() const { return end_.has_value(); }

 private:
  std::optional<Clock::time_point> end_;
  double expected_ = 0.0;
  double measured_ = 0.0;
};

}  // namespace meander
