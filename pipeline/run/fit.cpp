#include "pipeline/run/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

/// Where a study says how large its networks are.
Place place_of_size(const Study& study) {
  for (const char* name : {"point", "widths", "width"}) {
    if (study.dimension(name) != nullptr) return study.place(std::string("sweep.") + name);
  }
  return study.place("sweep");
}

}  // namespace

std::optional<std::string> memory_problem(const Study& study, const Layout& layout, const Work& work, double other,
                                          int ranks, double machine_bytes,
                                          const std::function<std::string(std::size_t, const Point&)>& smaller) {
  std::vector<std::pair<TaskRef, std::size_t>> largest;  // a task of each run, and how many there are
  work.each_run([&](const TaskRef& first, std::size_t count) { largest.emplace_back(first, count); });
  std::stable_sort(largest.begin(), largest.end(),
                   [](const auto& a, const auto& b) { return a.first.cost.bytes > b.first.cost.bytes; });
  double together = 0.0;
  int busy = 0, fit = 0;
  for (const auto& [task, count] : largest) {
    for (std::size_t i = 0; i < count && busy < ranks; ++i) {
      const int parts = std::min(task.cost.ranks_per_task, ranks - busy);
      together += parts * (task.cost.bytes + other);
      busy += parts;
      if (together <= machine_bytes) fit = busy;
    }
  }
  if (fit == busy) return std::nullopt;
  const TaskRef& task = largest.front().first;
  const CellSpace cells(study, layout.families[task.family]);
  const Point point(study, cells.point_indices(task.cell));
  const std::string each =
      task.cost.ranks_per_task > 1 ? fmt::format(" on each of its {} ranks", task.cost.ranks_per_task) : "";
  const std::string where = point.text();  // empty where a study has one point
  const std::string besides =
      other > 0.01 * task.cost.bytes ? fmt::format(" and {:.1f} GB for its results and the archive", other / 1e9) : "";
  Diagnostics diagnostics;
  if (fit == 0) {
    diagnostics.error(place_of_size(study),
                      fmt::format("a task needs {:.1f} GB of memory{}{} ({}this machine has {:.1f} GB) take {}, or a "
                                  "machine with more memory",
                                  task.cost.bytes / 1e9, each, besides, where.empty() ? "" : where + "; ",
                                  machine_bytes / 1e9, smaller(task.family, point)));
  } else {
    diagnostics.error(
        place_of_size(study),
        fmt::format("{} ranks need {:.1f} GB of memory together (up to {:.1f} GB each{}; this machine "
                    "has {:.1f} GB) start no more than {} on it, or take {}",
                    ranks, together / 1e9, (task.cost.bytes + other) / 1e9, where.empty() ? "" : ": " + where,
                    machine_bytes / 1e9, fit, smaller(task.family, point)));
  }
  return diagnostics.text();
}

std::optional<std::string> group_problem(const Study& study, const Work& work, int ranks) {
  for (const Phase& phase : work.phases()) {
    const int group = phase.ranks_per_task;
    if (ranks % group == 0) continue;
    const int below = ranks - ranks % group;
    Diagnostics diagnostics;
    diagnostics.error(
        study.place(study.measure + ".ranks_per_task"),
        fmt::format("{} ranks share a task (a run of {} cannot be divided so) start {}{}, or take another "
                    "ranks_per_task",
                    group, ranks, below > 0 ? fmt::format("{} or ", below) : "", below + group));
    return diagnostics.text();
  }
  return std::nullopt;
}

}  // namespace meander
