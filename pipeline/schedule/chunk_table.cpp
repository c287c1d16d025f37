#include "pipeline/schedule/chunk_table.hpp"

#include <algorithm>
#include <cmath>

namespace meander {
namespace {

// What a request to the global counter costs, rounded up from measurements over TCP: time of the
// counter itself, and the way there and back. Taking a task from the node's own counter costs
// hand_out, which also keeps estimates of zero from counting as no work at all.
constexpr double service = 2e-5;
constexpr double round_trip = 1e-3;
constexpr double hand_out = 5e-7;

constexpr double share_of_fair_share = 1.0 / 3.0;
constexpr double rounding = 1e-12;  // of a share that is filled exactly

double weight(double seconds) {
  return seconds + hand_out;
}

}  // namespace

ChunkTable::ChunkTable(const Costs& seconds, const Workforce& workforce) {
  const std::size_t tasks = seconds.size();
  if (workforce.nodes <= 1) {
    if (tasks > 0) ends_.push_back(static_cast<std::uint32_t>(tasks));
    return;
  }
  double remaining = seconds.total() + hand_out * static_cast<double>(tasks);
  const double part_of_world = static_cast<double>(workforce.fewest_on_node) / workforce.groups;
  const double shortest_chunk = workforce.nodes * service * workforce.fewest_on_node;

  auto run = seconds.runs().begin();  // that of task `end`
  for (std::size_t end = 0; end < tasks;) {
    const std::size_t begin = end;
    const double share = share_of_fair_share * remaining * part_of_world;
    const double fair = std::ceil(static_cast<double>(tasks - begin) * part_of_world);
    const auto fewest = static_cast<std::size_t>(std::min(fair, std::ceil(shortest_chunk / weight(run->seconds))));
    double taken = 0.0;
    while (end < tasks) {
      // As many of the run's equal tasks at once as there is room for.
      const double each = weight(run->seconds);
      const double room = std::floor(std::max(0.0, share - taken) / each * (1.0 + rounding));
      const std::size_t owed = fewest - std::min(fewest, end - begin);
      const std::size_t left = run->end - end;
      const std::size_t more = std::min(left, std::max(owed, static_cast<std::size_t>(std::min(room, 4e9))));
      taken += each * static_cast<double>(more);
      end += more;
      if (more < left) break;
      ++run;
    }
    remaining -= taken;
    ends_.push_back(static_cast<std::uint32_t>(end));
  }
}

TaskRange ChunkTable::range(std::size_t first, std::size_t count) const {
  if (first >= ends_.size()) return {};
  const std::size_t last = std::min(first + count, ends_.size()) - 1;
  return {first == 0 ? 0 : ends_[first - 1], ends_[last]};
}

int chunks_at_a_time(int groups, const Workforce& workforce) {
  return std::max(1, static_cast<int>(std::lround(static_cast<double>(groups) / workforce.fewest_on_node)));
}

bool runs_low(std::uint32_t left, double seconds, int groups, const Workforce& workforce) {
  return (left + 1.0) * weight(seconds) < groups * (round_trip + workforce.nodes * service);
}

}  // namespace meander
