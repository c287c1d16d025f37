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

double weight(double seconds) {
  return seconds + hand_out;
}

}  // namespace

ChunkTable::ChunkTable(std::span<const double> seconds, const Workforce& workforce) {
  const std::size_t tasks = seconds.size();
  if (workforce.nodes <= 1) {
    if (tasks > 0) ends_.push_back(static_cast<std::uint32_t>(tasks));
    return;
  }
  double remaining = 0.0;
  for (const double cost : seconds) remaining += weight(cost);
  const double shortest_chunk = workforce.nodes * service * workforce.groups_per_node();

  for (std::size_t end = 0; end < tasks;) {
    const std::size_t begin = end;
    const double share = share_of_fair_share * remaining / workforce.nodes;
    const double fair = std::ceil(static_cast<double>(tasks - begin) / workforce.nodes);
    const auto fewest = static_cast<std::size_t>(std::min(fair, std::ceil(shortest_chunk / weight(seconds[begin]))));
    double taken = 0.0;
    while (end < tasks && (end - begin < fewest || taken + weight(seconds[end]) <= share)) {
      taken += weight(seconds[end++]);
    }
    remaining -= taken;
    ends_.push_back(static_cast<std::uint32_t>(end));
  }
}

bool runs_low(std::uint32_t left, double seconds, double groups, int nodes) {
  return left * weight(seconds) < groups * (round_trip + nodes * service);
}

}  // namespace meander
