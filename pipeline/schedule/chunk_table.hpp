// How a phase is cut into chunks. Every rank computes the same table from the same costs, so that
// the global counter needs to hold nothing but the number of the next chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/schedule/costs.hpp"

namespace meander {

/// Tasks begin .. end-1 of a phase; at most 2^31 tasks.
struct TaskRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::uint32_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
  friend bool operator==(const TaskRange&, const TaskRange&) = default;
};

/// Whoever works on a phase: `groups` of ranks, whose leaders sit on `nodes` nodes, at least
/// `fewest_on_node` on each.
struct Workforce {
  int nodes = 1;
  int groups = 1;
  int fewest_on_node = 1;
};

/// Guided self-scheduling by cost (Polychronopoulos & Kuck 1987, with costs in place of counts): the
/// smallest node is handed a third of its fair share of what is left, and a larger one takes several
/// chunks at a time. So a task that outweighs this goes out alone, and the last chunks are single
/// tasks. Where tasks are so short that the counter could not serve every node in time, chunks stay
/// as long as that takes, but never longer than a fair share.
class ChunkTable {
 public:
  /// `seconds` are finite and not negative. One node gets the whole phase as one chunk.
  ChunkTable(const Costs& seconds, const Workforce& workforce);

  std::size_t size() const { return ends_.size(); }
  TaskRange operator[](std::size_t chunk) const { return range(chunk, 1); }
  /// The tasks of `count` chunks from `first` on, as far as there are any.
  TaskRange range(std::size_t first, std::size_t count) const;

 private:
  std::vector<std::uint32_t> ends_;
};

/// How many chunks a node with `groups` groups takes at a time.
int chunks_at_a_time(int groups, const Workforce& workforce);

/// Whether a node with `left` tasks in hand, each costing about `seconds`, should fetch another chunk
/// now: whether its `groups` would come to ask for more before one that is sent for could arrive.
/// Long tasks never make it ask early, since what one node holds in advance another may be short of.
bool runs_low(std::uint32_t left, double seconds, int groups, const Workforce& workforce);

}  // namespace meander
