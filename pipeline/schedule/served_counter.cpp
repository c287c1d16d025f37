// The global counter as messages to a thread on rank 0. Across nodes without hardware atomics this
// is the one way that hands out chunks while rank 0 computes.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/schedule/global_counter.hpp"
#include "pipeline/schedule/patience.hpp"

namespace meander {
namespace {

constexpr int request_tag = 1;
constexpr int reply_tag = 2;

enum class Wish : std::int64_t { next_chunk, is_stopped, stop };

struct Request {
  Wish wish = Wish::next_chunk;
  std::int64_t phase = 0;
  std::int64_t count = 0;
  std::int64_t node = 0;
  std::int64_t tasks_done = 0;
  double seconds_done = 0.0;
};

constexpr std::int64_t stopped_reply = -1;

/// Rank 0's side.
class Server {
 public:
  Server(MPI_Comm world, int nodes, std::size_t phases)
      : world_(world),
        next_(phases, 0),
        reports_(static_cast<std::size_t>(nodes)),
        thread_([this](const std::stop_token& token) { serve(token); }) {}

  /// Waits for the thread; every request must have been answered.
  void finish() {
    thread_.request_stop();
    thread_.join();
  }

  ScheduleProgress others() const {
    const std::lock_guard lock(mutex_);
    return others_;
  }

 private:
  void serve(const std::stop_token& token) {
    Patience patience;
    while (!token.stop_requested()) {
      int waiting = 0;
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, request_tag, world_, &waiting, &status);
      if (!waiting) {
        patience.pause();
        continue;
      }
      Request request;
      MPI_Recv(&request, sizeof request, MPI_BYTE, status.MPI_SOURCE, request_tag, world_, MPI_STATUS_IGNORE);
      const std::int64_t reply = answer(request);
      MPI_Send(&reply, 1, MPI_INT64_T, status.MPI_SOURCE, reply_tag, world_);
      patience.reset();
    }
  }

  std::int64_t answer(const Request& request) {
    note(request);
    if (request.wish == Wish::stop) stopped_ = true;
    if (stopped_) return stopped_reply;
    if (request.wish != Wish::next_chunk) return 0;
    std::int64_t& next = next_[static_cast<std::size_t>(request.phase)];
    return std::exchange(next, next + request.count);
  }

  void note(const Request& request) {
    if (request.node == 0) return;  // rank 0 sees its own node's counts directly
    const std::lock_guard lock(mutex_);
    ScheduleProgress& known = reports_[static_cast<std::size_t>(request.node)];
    // Two ranks of one node may overtake each other; counts only grow.
    const auto tasks = std::max(known.tasks_done, static_cast<std::size_t>(request.tasks_done));
    const double seconds = std::max(known.seconds_done, request.seconds_done);
    others_.tasks_done += tasks - known.tasks_done;
    others_.seconds_done += seconds - known.seconds_done;
    known = {tasks, seconds};
  }

  MPI_Comm world_;
  bool stopped_ = false;
  std::vector<std::int64_t> next_;
  mutable std::mutex mutex_;
  std::vector<ScheduleProgress> reports_;
  ScheduleProgress others_;
  std::jthread thread_;  // last: it uses all of the above
};

class ServedCounter final : public GlobalCounter {
 public:
  ServedCounter(MPI_Comm world, int node, int nodes, std::size_t phases) : world_(world), node_(node) {
    int rank = 0;
    MPI_Comm_rank(world, &rank);
    if (rank == 0) server_ = std::make_unique<Server>(world, nodes, phases);
  }

  std::optional<std::int64_t> next(std::size_t phase, int count, const ScheduleProgress& report) override {
    const std::int64_t reply = ask(Wish::next_chunk, static_cast<std::int64_t>(phase), count, report);
    if (reply == stopped_reply) return std::nullopt;
    return reply;
  }

  bool stopped(const ScheduleProgress& report) override { return ask(Wish::is_stopped, 0, 0, report) == stopped_reply; }

  void stop() override { ask(Wish::stop, 0, 0, {}); }

  ScheduleProgress others() const override { return server_ ? server_->others() : ScheduleProgress{}; }

  void close() override {
    MPI_Barrier(world_);
    if (server_) server_->finish();
  }

 private:
  std::int64_t ask(Wish wish, std::int64_t phase, std::int64_t count, const ScheduleProgress& report) {
    const Request request{wish, phase, count, node_, static_cast<std::int64_t>(report.tasks_done), report.seconds_done};
    std::int64_t reply = 0;
    MPI_Request receive = MPI_REQUEST_NULL;
    MPI_Irecv(&reply, 1, MPI_INT64_T, 0, reply_tag, world_, &receive);
    MPI_Send(&request, sizeof request, MPI_BYTE, 0, request_tag, world_);
    wait_patiently(receive);
    return reply;
  }

  MPI_Comm world_;
  std::int64_t node_;
  std::unique_ptr<Server> server_;
};

}  // namespace

std::unique_ptr<GlobalCounter> make_served_counter(MPI_Comm world, int node, int nodes, std::size_t phases) {
  return std::make_unique<ServedCounter>(world, node, nodes, phases);
}

}  // namespace meander
