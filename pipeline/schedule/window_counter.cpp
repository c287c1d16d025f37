// The global counter as words in rank 0's memory that the others change by one-sided atomic
// operations: at its best where the fabric does these in hardware.
#include <atomic>
#include <bit>
#include <limits>
#include <stdexcept>
#include <string>

#include "pipeline/schedule/global_counter.hpp"

namespace meander {
namespace {

// A counter that was pushed past the end; far above any number of chunks, far below an overflow.
constexpr std::int64_t past_the_end = std::int64_t{1} << 48;

/// Words on rank 0: one counter a phase, one that only ends the run, and two a node for its report.
class WindowCounter final : public GlobalCounter {
 public:
  WindowCounter(MPI_Comm world, int node, int nodes, std::size_t phases) : node_(node), nodes_(nodes), phases_(phases) {
    MPI_Comm_rank(world, &rank_);
    const std::size_t words = rank_ == 0 ? phases + 1 + 2 * static_cast<std::size_t>(nodes) : 0;
    MPI_Errhandler fatal = MPI_ERRHANDLER_NULL;
    MPI_Comm_get_errhandler(world, &fatal);
    MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    const int error = MPI_Win_allocate(static_cast<MPI_Aint>(words * sizeof(std::int64_t)), sizeof(std::int64_t),
                                       MPI_INFO_NULL, world, &words_, &window_);
    MPI_Comm_set_errhandler(world, fatal);
    if (fatal != MPI_ERRHANDLER_NULL) MPI_Errhandler_free(&fatal);
    if (error != MPI_SUCCESS) refuse(error);
    for (std::size_t word = 0; word < words; ++word) words_[word] = 0;
    MPI_Barrier(world);
    MPI_Win_lock(MPI_LOCK_SHARED, 0, MPI_MODE_NOCHECK, window_);
  }

  std::optional<std::int64_t> next(std::size_t phase, int count, const ScheduleProgress& report) override {
    send(report);
    const std::int64_t number = fetch(static_cast<MPI_Aint>(phase), count, MPI_SUM);
    if (number >= past_the_end) return std::nullopt;
    return number;
  }

  bool stopped(const ScheduleProgress& report) override {
    send(report);
    return fetch(stop_word(), 0, MPI_NO_OP) >= past_the_end;
  }

  void stop() override {
    for (MPI_Aint word = 0; word <= stop_word(); ++word) fetch(word, past_the_end, MPI_REPLACE);
  }

  ScheduleProgress others() const override {
    ScheduleProgress sum;
    if (rank_ != 0) return sum;
    for (int node = 1; node < nodes_; ++node) {
      sum.tasks_done += static_cast<std::size_t>(local(report_word(node)));
      sum.seconds_done += std::bit_cast<double>(local(report_word(node) + 1));
    }
    return sum;
  }

  void close() override {
    MPI_Win_unlock(0, window_);
    MPI_Win_free(&window_);
  }

 private:
  [[noreturn]] static void refuse(int error) {
    std::string text(MPI_MAX_ERROR_STRING, '\0');
    int length = 0;
    MPI_Error_string(error, text.data(), &length);
    text.resize(static_cast<std::size_t>(length));
    throw std::runtime_error("MPI gives no memory for atomic operations across nodes (" + text +
                             "): initialise MPI with MPI_THREAD_MULTIPLE, or choose an MPI with one-sided "
                             "communication for this network");
  }

  MPI_Aint stop_word() const { return static_cast<MPI_Aint>(phases_); }
  MPI_Aint report_word(int node) const { return static_cast<MPI_Aint>(phases_) + 1 + MPI_Aint{2} * node; }
  std::int64_t local(MPI_Aint word) const {
    return std::atomic_ref<std::int64_t>(words_[word]).load(std::memory_order_relaxed);
  }

  std::int64_t fetch(MPI_Aint word, std::int64_t operand, MPI_Op operation) {
    std::int64_t before = 0;
    MPI_Fetch_and_op(&operand, &before, MPI_INT64_T, 0, word, operation, window_);
    MPI_Win_flush(0, window_);
    return before;
  }

  void send(const ScheduleProgress& report) {
    if (node_ == 0) return;  // rank 0 sees its own node's counts directly
    fetch(report_word(node_), static_cast<std::int64_t>(report.tasks_done), MPI_REPLACE);
    fetch(report_word(node_) + 1, std::bit_cast<std::int64_t>(report.seconds_done), MPI_REPLACE);
  }

  int rank_ = 0;
  int node_;
  int nodes_;
  std::size_t phases_;
  MPI_Win window_ = MPI_WIN_NULL;
  std::int64_t* words_ = nullptr;
};

}  // namespace

std::unique_ptr<GlobalCounter> make_window_counter(MPI_Comm world, int node, int nodes, std::size_t phases) {
  return std::make_unique<WindowCounter>(world, node, nodes, phases);
}

}  // namespace meander
