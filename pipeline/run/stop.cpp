#include "pipeline/run/stop.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

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

/// Slurm's "days-hours:minutes:seconds", any leading part left out.
std::optional<double> slurm_duration(const std::string& text) {
  int days = 0;
  std::string clock = text;
  if (const std::size_t dash = text.find('-'); dash != std::string::npos) {
    days = std::atoi(text.substr(0, dash).c_str());
    clock = text.substr(dash + 1);
  }
  int a = 0;
  int b = 0;
  int c = 0;
  switch (std::sscanf(clock.c_str(), "%d:%d:%d", &a, &b, &c)) {
    case 3:
      return days * 86400.0 + a * 3600.0 + b * 60.0 + c;
    case 2:
      return days * 86400.0 + a * 60.0 + b;
    default:
      return std::nullopt;  // UNLIMITED, NOT_SET, or no answer
  }
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
  if (const char* end = std::getenv("SLURM_JOB_END_TIME")) {
    const long long at = std::atoll(end);
    if (at > 0) return std::difftime(static_cast<std::time_t>(at), std::time(nullptr));
  }
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || !is_job_id(job)) return std::nullopt;
  const std::string command = "squeue --noheader --format=%L --jobs=" + std::string(job) + " 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::array<char, 64> answer{};
  if (!pipe || std::fgets(answer.data(), static_cast<int>(answer.size()), pipe.get()) == nullptr) return std::nullopt;
  return slurm_duration(answer.data());
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
