#include "pipeline/archive/write/write_watchdog.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace meander {
namespace {

constexpr double packed_bytes_per_second = 5e6;  // gzip of incompressible numbers, and slowly

std::array<long long, 4> state_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {static_cast<long long>(status.st_size), static_cast<long long>(status.st_blocks),
          static_cast<long long>(status.st_mtim.tv_sec), static_cast<long long>(status.st_mtim.tv_nsec)};
}

}  // namespace

WriteWatchdog::WriteWatchdog(std::string path, std::chrono::duration<double> patience, std::function<void()> give_up)
    : path_(std::move(path)), patience_(patience), give_up_(std::move(give_up)), thread_([this] { watch(); }) {}

WriteWatchdog::~WriteWatchdog() {
  {
    const std::lock_guard guard(mutex_);
    done_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void WriteWatchdog::watch() {
  using Clock = std::chrono::steady_clock;
  auto seen = std::pair(state_of(path_), steps_.load());
  Clock::time_point changed = Clock::now();
  std::unique_lock guard(mutex_);
  while (!wake_.wait_for(guard, std::min(patience_ / 8, std::chrono::duration<double>(1.0)), [&] { return done_; })) {
    const auto now = std::pair(state_of(path_), steps_.load());
    if (now != seen) {
      seen = now;
      changed = Clock::now();
    } else if (Clock::now() - changed > patience_) {
      return give_up_();
    }
  }
}

std::chrono::duration<double> write_patience(std::size_t bytes, int ranks) {
  double seconds = 300.0;
  if (const char* set = std::getenv("MEANDER_WRITE_PATIENCE")) {
    if (const double wanted = std::atof(set); wanted > 0.0) seconds = wanted;
  }
  return std::chrono::duration<double>(seconds + static_cast<double>(bytes) / ranks / packed_bytes_per_second);
}

}  // namespace meander
