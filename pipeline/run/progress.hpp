// How far a run is: a bar on a terminal, a line now and then in a log file.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "pipeline/schedule/scheduler.hpp"

namespace meander {

enum class ProgressStyle { none, log, bar };

/// A bar on a terminal, lines elsewhere; MEANDER_PROGRESS = bar, log or none overrides it, because
/// mpirun hides the terminal from its ranks.
ProgressStyle progress_style(bool quiet);

/// "45 %  1203/4000 tasks  3 min 20 s left". Share and time left count expected cost, not tasks, so
/// that they stay honest where costs differ by orders of magnitude.
std::string progress_text(const ScheduleProgress& done, std::size_t tasks, double seconds, double elapsed);

/// "38 s", "3 min 20 s", "5 h 10 min", "3 d 4 h"; from a century on, and for what is no number, "> 100 years".
std::string duration_text(double seconds);

/// Shows progress from a thread of its own until it is destroyed.
class ProgressDisplay {
 public:
  ProgressDisplay(ProgressStyle style, std::size_t tasks, double seconds, std::function<ScheduleProgress()> progress);
  ~ProgressDisplay();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace meander
