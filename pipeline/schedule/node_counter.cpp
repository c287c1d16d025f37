#include "pipeline/schedule/node_counter.hpp"

#include <atomic>
#include <memory>
#include <new>

namespace meander {
namespace {

// Slots that different ranks write stand on cache lines of their own.
constexpr std::size_t cache_line = 64;

using Packed = std::uint64_t;
Packed pack(TaskRange range) {
  return static_cast<Packed>(range.end) << 32 | range.begin;
}
TaskRange unpack(Packed packed) {
  return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
}

// Atomics without a lock work between processes, too.
static_assert(std::atomic<Packed>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free &&
              std::atomic<double>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

}  // namespace

struct alignas(cache_line) NodeCounter::Switches {
  std::atomic<bool> stopped = false;
  std::atomic<std::int64_t> due = 0;  // nanoseconds of the steady clock, which a node's ranks share
};

// A range never comes back once it was used up, so a compare-and-swap cannot mistake a new one for
// an old one; only the holder of `refilling` replaces a range, and only an empty one.
struct alignas(cache_line) NodeCounter::PhaseSlot {
  std::atomic<Packed> range = 0;
  alignas(cache_line) std::atomic<Packed> spare = 0;
  std::atomic<bool> refilling = false;
  std::atomic<bool> exhausted = false;
};

struct alignas(cache_line) NodeCounter::RankSlot {
  std::atomic<std::int64_t> tasks = 0;
  std::atomic<double> seconds = 0.0;
};

NodeCounter::NodeCounter(MPI_Comm node, std::span<const std::optional<TaskRange>> in_hand) {
  MPI_Comm_rank(node, &rank_);
  MPI_Comm_size(node, &size_);
  const auto ranks = static_cast<std::size_t>(size_);
  const std::size_t phases = in_hand.size();
  const std::size_t used = sizeof(Switches) + phases * sizeof(PhaseSlot) + ranks * sizeof(RankSlot);
  const std::size_t bytes = used + cache_line;  // MPI promises no alignment to cache lines
  void* base = nullptr;
  MPI_Win_allocate_shared(static_cast<MPI_Aint>(rank_ == 0 ? bytes : 0), 1, MPI_INFO_NULL, node, &base, &window_);
  MPI_Aint size = 0;
  int unit = 1;
  MPI_Win_shared_query(window_, 0, &size, &unit, &base);

  // The memory may lie at another address on each rank, so the first one decides where slots begin.
  void* aligned = base;
  std::size_t space = bytes;
  std::align(cache_line, used, aligned, space);
  std::uint64_t offset = bytes - space;
  MPI_Bcast(&offset, 1, MPI_UINT64_T, 0, node);

  auto* first = static_cast<std::byte*>(base) + offset;
  switches_ = reinterpret_cast<Switches*>(first);
  phases_ = reinterpret_cast<PhaseSlot*>(first + sizeof(Switches));
  ranks_ = reinterpret_cast<RankSlot*>(first + sizeof(Switches) + phases * sizeof(PhaseSlot));
  if (rank_ == 0) {
    new (switches_) Switches;
    for (std::size_t rank = 0; rank < ranks; ++rank) new (ranks_ + rank) RankSlot;
    for (std::size_t phase = 0; phase < phases; ++phase) {
      auto* slot = new (phases_ + phase) PhaseSlot;
      slot->range = pack(in_hand[phase].value_or(TaskRange{}));
      slot->exhausted = in_hand[phase].has_value();
    }
  }
  MPI_Barrier(node);
}

void NodeCounter::close() {
  MPI_Win_free(&window_);
}

std::optional<NodeCounter::Taken> NodeCounter::take(std::size_t phase) {
  std::atomic<Packed>& slot = phases_[phase].range;
  Packed seen = slot.load(std::memory_order_acquire);
  for (;;) {
    const TaskRange range = unpack(seen);
    if (range.empty()) return std::nullopt;
    const TaskRange rest{range.begin + 1, range.end};
    if (slot.compare_exchange_weak(seen, pack(rest), std::memory_order_acq_rel, std::memory_order_acquire)) {
      return Taken{range.begin, rest.size()};
    }
  }
}

bool NodeCounter::exhausted(std::size_t phase) const {
  return phases_[phase].exhausted.load(std::memory_order_acquire);
}

bool NodeCounter::has_spare(std::size_t phase) const {
  return !unpack(phases_[phase].spare.load(std::memory_order_acquire)).empty();
}

bool NodeCounter::refill(std::size_t phase, const std::function<TaskRange()>& fetch) {
  PhaseSlot& slot = phases_[phase];
  if (slot.refilling.exchange(true, std::memory_order_acquire)) return false;

  TaskRange spare = unpack(slot.spare.load(std::memory_order_relaxed));
  if (spare.empty() && !slot.exhausted.load(std::memory_order_relaxed)) {
    spare = fetch();
    if (spare.empty()) slot.exhausted.store(true, std::memory_order_release);
  }
  if (!spare.empty() && unpack(slot.range.load(std::memory_order_acquire)).empty()) {
    slot.range.store(pack(spare), std::memory_order_release);
    spare = {};
  }
  slot.spare.store(pack(spare), std::memory_order_release);
  slot.refilling.store(false, std::memory_order_release);
  return true;
}

void NodeCounter::stop() {
  switches_->stopped.store(true, std::memory_order_release);
}

bool NodeCounter::stopped() const {
  return switches_->stopped.load(std::memory_order_acquire);
}

bool NodeCounter::is_due(std::chrono::nanoseconds interval) {
  const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  std::int64_t due = switches_->due.load(std::memory_order_relaxed);
  return now >= due && switches_->due.compare_exchange_strong(due, now + interval.count());
}

void NodeCounter::count(double seconds) {
  RankSlot& slot = ranks_[rank_];  // written by this rank alone
  slot.seconds.store(slot.seconds.load(std::memory_order_relaxed) + seconds, std::memory_order_relaxed);
  slot.tasks.store(slot.tasks.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

ScheduleProgress NodeCounter::counted_by(int rank) const {
  const RankSlot& slot = ranks_[rank];
  return {static_cast<std::size_t>(slot.tasks.load(std::memory_order_relaxed)),
          slot.seconds.load(std::memory_order_relaxed)};
}

ScheduleProgress NodeCounter::progress() const {
  ScheduleProgress sum;
  for (int rank = 0; rank < size_; ++rank) {
    const ScheduleProgress counted = counted_by(rank);
    sum.tasks_done += counted.tasks_done;
    sum.seconds_done += counted.seconds_done;
  }
  return sum;
}

}  // namespace meander
