// A barrier of their own, which no step of the task can be taken for.
#include "pipeline/ranks/group_end.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "pipeline/ranks/collective.hpp"
#include "pipeline/values/terminal.hpp"

namespace meander {
namespace {

std::chrono::duration<double> group_patience() {
  double seconds = 60.0;
  if (const char* set = std::getenv("MEANDER_GROUP_PATIENCE")) {
    if (const double wanted = std::atof(set); wanted > 0.0) seconds = wanted;
  }
  return std::chrono::duration<double>(seconds);
}

}  // namespace

GroupEnd::GroupEnd(MPI_Comm group) {
  if (size_of(group) > 1) MPI_Comm_dup(group, &comm_);
}

GroupEnd::~GroupEnd() {
  if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

void GroupEnd::note(const char* alone) {
  std::snprintf(alone_.data(), alone_.size(), "%s", alone);
}

void GroupEnd::wait() {
  if (comm_ == MPI_COMM_NULL) return;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(comm_, &request);
  // The others may compute for hours yet: a core that waits is left to them.
  std::chrono::microseconds pause{10};
  for (;;) {
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    if (alone_[0] != '\0' && Clock::now() - begin > group_patience()) {
      print_error_text("meander: error: a task failed on one rank alone (" + std::string(alone_.data()) +
                       ") while the others of its group wait for it; what was kept is safe: run the same command again "
                       "to go on\n");
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::microseconds(20000));
  }
}

}  // namespace meander
