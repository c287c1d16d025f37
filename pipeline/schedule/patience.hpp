// Waiting without burning a core that another rank may need: first yield, then sleep a little, then
// a little longer.
#pragma once

#include <mpi.h>

#include <chrono>
#include <thread>

namespace meander {

class Patience {
 public:
  explicit Patience(std::chrono::microseconds longest = std::chrono::microseconds(1000)) : longest_(longest) {}

  void pause() {
    if (yields_ < yields_at_first) {
      ++yields_;
      std::this_thread::yield();
      return;
    }
    std::this_thread::sleep_for(nap_);
    nap_ = nap_ * 3 / 2 < longest_ ? nap_ * 3 / 2 : longest_;
  }
  /// Something happened: the next one may follow soon.
  void reset() { *this = Patience(longest_); }

 private:
  static constexpr int yields_at_first = 64;

  std::chrono::microseconds longest_;
  std::chrono::microseconds nap_{20};
  int yields_ = 0;
};

/// Completes `request` as MPI_Wait does, but sleeps where it takes long.
inline void wait_patiently(MPI_Request& request) {
  Patience patience;
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) return;
    patience.pause();
  }
}

}  // namespace meander
