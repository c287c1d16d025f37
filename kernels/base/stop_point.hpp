// Where long computations that keep no state of their own can be stopped: averages of theory, which may take minutes
// together.
#pragma once

#include <functional>

namespace meander {

/// Asks what this thread's ScopedStopPoint was given, which may throw to end the computation; at most once in ten
/// milliseconds, so that it may be called every few microseconds. Nothing where there is none.
void stop_point();

class ScopedStopPoint {
 public:
  explicit ScopedStopPoint(std::function<void()> ask);
  ~ScopedStopPoint();
  ScopedStopPoint(const ScopedStopPoint&) = delete;
  ScopedStopPoint& operator=(const ScopedStopPoint&) = delete;

 private:
  std::function<void()> before_;
};

}  // namespace meander
