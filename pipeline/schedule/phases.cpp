#include "pipeline/schedule/phases.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

constexpr std::size_t most_tasks = std::size_t{1} << 31;

}  // namespace

void check_phase(const Phase& phase, int ranks) {
  if (phase.ranks_per_task < 1 || phase.ranks_per_task > ranks) {
    throw std::invalid_argument("a task wants " + std::to_string(phase.ranks_per_task) + " ranks (the run has " +
                                std::to_string(ranks) + "): start more ranks or ask for fewer a task");
  }
  if (phase.seconds.size() > most_tasks) {
    throw std::invalid_argument(std::to_string(phase.seconds.size()) +
                                " tasks (a phase holds at most 2^31): split the study");
  }
  std::uint64_t task = 0;  // the first of its run
  for (const Costs::Run& run : phase.seconds.runs()) {
    if (!std::isfinite(run.seconds) || run.seconds < 0.0) {
      throw std::invalid_argument("the expected cost of task " + std::to_string(task) + " is " +
                                  std::to_string(run.seconds) + " s (a cost is finite and not negative)");
    }
    task = run.end;
  }
}

std::vector<std::size_t> widest_first(std::span<const Phase> phases) {
  std::vector<std::size_t> order(phases.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t phase) { return phases[phase].ranks_per_task; });
  return order;
}

}  // namespace meander
