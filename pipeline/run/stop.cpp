#include "pipeline/run/stop.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "pipeline/batch/slurm_program.hpp"

namespace meander {
namespace {

std::atomic<bool> stop_requested{false};
int listeners = 0;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch only lock-free atomics");

constexpr std::array stop_signals{SIGUSR1, SIGTERM, SIGINT, SIGHUP};
std::array<bool, stop_signals.size()> listened{};

void request_stop(int signal) {
  stop_requested.store(true);
  if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);
}

bool is_job_id(const std::string& id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

StopSignals::StopSignals() {
  if (listeners++ > 0) return;
  stop_requested.store(false);
  for (std::size_t i = 0; i < stop_signals.size(); ++i) {
    struct sigaction before {};
    sigaction(stop_signals[i], nullptr, &before);
    // `nohup` has hang-ups ignored: the run is to outlive its terminal.
    listened[i] = stop_signals[i] != SIGHUP || before.sa_handler != SIG_IGN;
    if (!listened[i]) continue;
    struct sigaction action {};
    action.sa_handler = request_stop;
    action.sa_flags = SA_RESTART;
    sigaction(stop_signals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  if (--listeners > 0) return;
  for (std::size_t i = 0; i < stop_signals.size(); ++i) {
    if (listened[i]) std::signal(stop_signals[i], SIG_DFL);
  }
}

bool StopSignals::requested() {
  return stop_requested.load();
}

std::optional<double> batch_seconds_left() {
  std::optional<double> left;
  if (const char* text = std::getenv("SLURM_JOB_END_TIME")) {
    std::int64_t end = 0;
    const std::string_view view = text;
    const auto [rest, error] = std::from_chars(view.data(), view.data() + view.size(), end);
    if (error == std::errc() && rest == view.data() + view.size() && end > 0) {
      left = std::difftime(static_cast<std::time_t>(end), std::time(nullptr));
      if (*left > 0.0) return left;
    }
  }
  // Over by what the job was told when it began: Slurm knows whether it got more time since. Else there is none left.
  if (left) left = 0.0;
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || !is_job_id(job)) return left;
  const auto answer = run_slurm({"squeue", "--noheader", "--format=%L", "--jobs=" + std::string(job)});
  if (!answer || answer->code != 0) return left;
  if (answer->out.find("UNLIMITED") != std::string::npos) return std::nullopt;
  const std::optional<double> seconds = slurm_seconds(answer->out);
  return seconds ? seconds : left;
}

StopClock::StopClock(std::optional<double> seconds, double interval) : interval_(interval) {
  if (!seconds) return;
  constexpr double longest = 1e9;  // seconds that the clock can count
  const std::chrono::duration<double> limit(std::clamp(*seconds, -longest, longest));
  end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  interval_ = std::min(interval, std::max(0.0, *seconds) / 4.0);
}

double StopClock::left() const {
  return std::chrono::duration<double>(*end_ - Clock::now()).count();
}

bool StopClock::may_start(double seconds, bool keeps) const {
  if (StopSignals::requested()) return false;
  if (!end_) return true;
  const double factor = expected_ > 0.0 ? measured_ / expected_ : 1.0;
  if (!keeps) return left() > seconds * factor;
  return left() > interval_ + std::min(interval_, seconds * factor);
}

bool StopClock::stopping(double write) const {
  return StopSignals::requested() || (end_ && left() < interval_ + 2.0 * write);
}

void StopClock::learn(double expected, double measured) {
  expected_ += expected;
  measured_ += measured;
}

}  // namespace meander
