// How a phase is cut into chunks. Every rank computes the same table from the same costs, so that
// the global counter needs to hold nothing but the number of the next chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meander {

/// Tasks begin .. end-1 of a phase; at most 2^31 tasks.
struct TaskRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::uint32_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
  friend bool operator==(const TaskRange&, const TaskRange&) = default;
};

/// Whoever works on a phase: `groups` of ranks, whose leaders sit on `nodes` nodes.
struct Workforce {
  int nodes = 1;
  int groups = 1;

  double groups_per_node() const { return static_cast<double>(groups) / nodes; }
};

/// Guided self-scheduling by cost (Polychronopoulos & Kuck 1987, with costs in place of counts): a
/// node is handed a third of its fair share of what is left, so a task that outweighs this goes out
/// alone and the last chunks are single tasks. Where tasks are so short that the counter could not
/// serve every node in time, chunks stay as long as that takes, but never longer than a fair share.
class ChunkTable {
 public:
  /// `seconds` are finite and not negative. One node gets the whole phase as one chunk.
  ChunkTable(std::span<const double> seconds, const Workforce& workforce);

  std::size_t size() const { return ends_.size(); }
  TaskRange operator[](std::size_t chunk) const { return {chunk == 0 ? 0 : ends_[chunk - 1], ends_[chunk]}; }

 private:
  std::vector<std::uint32_t> ends_;
};

/// Whether a node with `left` tasks in hand, the next of them costing `seconds`, should fetch another
/// chunk now, so that it arrives before its own `groups` run dry. Long tasks never ask early: what
/// one node holds in advance another may be short of.
bool runs_low(std::uint32_t left, double seconds, double groups, int nodes);

}  // namespace meander
