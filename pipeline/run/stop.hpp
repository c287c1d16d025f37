// Reasons to stop a run early: signals, and a wall clock that runs out.
#pragma once

#include <chrono>
#include <optional>

namespace meander {

/// While it lives, SIGUSR1, SIGTERM, SIGINT and SIGHUP ask for a clean stop instead of killing the process.
/// A second SIGINT kills as usual, and a SIGHUP that is ignored (nohup) stays so. Inside another one's life it changes
/// nothing: a command listens from before MPI starts, which takes long enough for a signal to arrive, and a run in it
/// listens too.
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

/// Decides whether a task may still be started, and whether one that can be gone on with must end now.
/// The cost model's seconds are corrected by what this rank's tasks have really taken.
class StopClock {
 public:
  using Clock = std::chrono::steady_clock;
  /// No limit where `seconds` is nothing. `interval` is that of checkpoints, in seconds; a limit of less than four of
  /// them counts with a quarter of the limit instead, so that every run gets on with its tasks.
  explicit StopClock(std::optional<double> seconds, double interval = 0.0);

  /// False after a signal, and where the remaining time cannot finish a task expected to take
  /// `seconds`. One that keeps its state may start when two intervals are left, however long it is
  /// expected to take, and with less where it is expected to end before it would have to stop.
  bool may_start(double seconds, bool keeps = false) const;
  /// Whether a task that keeps its state is to stop: after a signal, and when an interval is left
  /// besides twice the `write` seconds that keeping is expected to take.
  bool stopping(double write) const;
  /// A task that was expected to take `expected` seconds took `measured`.
  void learn(double expected, double measured);
  bool limited() const { return end_.has_value(); }

 private:
  double left() const;  // seconds

  std::optional<Clock::time_point> end_;
  double interval_ = 0.0;
  double expected_ = 0.0;
  double measured_ = 0.0;
};

}  // namespace meander
