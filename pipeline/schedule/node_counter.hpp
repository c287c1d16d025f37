// The tasks that a node has in hand, in memory that its ranks share: taking one is a compare-and-swap
// and needs no MPI, so it works whatever the other ranks compute.
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "pipeline/schedule/chunk_table.hpp"
#include "pipeline/schedule/scheduler.hpp"

namespace meander {

/// For each phase a range of tasks, a spare one that was fetched in advance, and whether the phase
/// has any more. Every function but the collective ones may be called by all ranks at once.
class NodeCounter {
 public:
  /// Collective over `node`, which must share memory. A phase that this node has to itself starts
  /// with all its tasks in hand and nothing to fetch; one that it shares with others starts empty.
  NodeCounter(MPI_Comm node, std::span<const std::optional<TaskRange>> in_hand);
  NodeCounter(const NodeCounter&) = delete;
  NodeCounter& operator=(const NodeCounter&) = delete;
  /// Collective over the node; nothing else may be called afterwards.
  void close();

  struct Taken {
    std::uint32_t task = 0;
    std::uint32_t left = 0;  // tasks that the range still holds
  };
  /// The next task, or nothing where the range is empty (more may be on its way).
  std::optional<Taken> take(std::size_t phase);
  /// True where no task of the phase will ever be added.
  bool exhausted(std::size_t phase) const;
  bool has_spare(std::size_t phase) const;
  /// Puts the spare range in the place of an empty one, or else fills what is empty with what `fetch`
  /// gives (an empty range: the phase is exhausted). One rank does it; the others return at once,
  /// with false.
  bool refill(std::size_t phase, const std::function<TaskRange()>& fetch);

  /// Ends the run on this node after the tasks in flight.
  void stop();
  bool stopped() const;
  /// True for one rank of the node in each `interval`.
  bool is_due(std::chrono::nanoseconds interval);

  /// Notes that this rank finished a task.
  void count(double seconds);
  /// What this rank counted, and the sum over the node's ranks.
  ScheduleProgress own() const { return counted_by(rank_); }
  ScheduleProgress progress() const;

 private:
  struct Switches;
  struct PhaseSlot;
  struct RankSlot;

  ScheduleProgress counted_by(int rank) const;

  MPI_Win window_ = MPI_WIN_NULL;
  Switches* switches_ = nullptr;
  PhaseSlot* phases_ = nullptr;
  RankSlot* ranks_ = nullptr;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace meander
