#include "pipeline/run/work.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace meander {

std::vector<std::size_t> largest_first(const std::vector<TaskRef>& tasks) {
  std::vector<std::size_t> order(tasks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return tasks[a].cost.seconds > tasks[b].cost.seconds; });
  return order;
}

Work make_work(const std::vector<TaskRef>& tasks, const std::vector<std::size_t>& chosen) {
  std::vector<int> widths;
  for (const std::size_t i : chosen) widths.push_back(tasks[i].cost.ranks_per_task);
  std::sort(widths.rbegin(), widths.rend());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  Work work;
  work.count = chosen.size();
  for (const int width : widths) {
    Phase phase{width, {}};
    std::vector<std::size_t> members;
    for (const std::size_t i : chosen) {
      if (tasks[i].cost.ranks_per_task != width) continue;
      phase.seconds.push_back(tasks[i].cost.seconds);
      members.push_back(i);
      work.seconds += tasks[i].cost.seconds;
    }
    work.phases.push_back(std::move(phase));
    work.task.push_back(std::move(members));
  }
  return work;
}

int jobs_in_a_row(double makespan, double usable, bool cut, double interval) {
  if (cut && usable < 2.0 * interval) return 0;
  constexpr double most_jobs = 1e9;
  const double each = cut ? usable - std::min(interval, usable / 4.0) : usable;
  return static_cast<int>(std::clamp(std::ceil(makespan / each), 1.0, most_jobs));
}

}  // namespace meander
