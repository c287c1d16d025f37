// What is asked is kept by each thread for itself.
#include "kernels/base/stop_point.hpp"

#include <chrono>
#include <utility>

namespace meander {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto interval = std::chrono::milliseconds(10);

thread_local std::function<void()> asked;
thread_local Clock::time_point last;

}  // namespace

void stop_point() {
  if (!asked) return;
  const Clock::time_point now = Clock::now();
  if (now - last < interval) return;
  last = now;
  asked();
}

ScopedStopPoint::ScopedStopPoint(std::function<void()> ask) : before_(std::exchange(asked, std::move(ask))) {
  last = Clock::now();
}

ScopedStopPoint::~ScopedStopPoint() {
  asked = std::move(before_);
}

}  // namespace meander
