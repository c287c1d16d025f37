#include "pipeline/run/memory.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "pipeline/study/diagnostics.hpp"

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

double machine_memory() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

std::optional<std::string> memory_problem(const Study& study, const Layout& layout, const std::vector<TaskRef>& tasks,
                                          int ranks, double machine_bytes) {
  std::vector<TaskRef> largest(std::min(tasks.size(), static_cast<std::size_t>(ranks)));
  std::partial_sort_copy(tasks.begin(), tasks.end(), largest.begin(), largest.end(),
                         [](const TaskRef& a, const TaskRef& b) { return a.cost.bytes > b.cost.bytes; });
  double together = 0.0;
  std::size_t fit = 0;
  for (const TaskRef& task : largest) {
    together += task.cost.bytes;
    fit += together <= machine_bytes;
  }
  if (fit == largest.size()) return std::nullopt;
  const TaskRef& task = largest.front();
  const CellSpace cells(study, layout.families[task.family]);
  const std::string point = Point(study, cells.point_indices(task.cell)).text();
  Diagnostics diagnostics;
  if (fit == 0) {
    diagnostics.error(place_of_size(study),
                      fmt::format("a task needs {:.1f} GB of memory ({}; this machine has {:.1f} GB) take narrower "
                                  "layers or fewer samples, or a machine with more memory",
                                  task.cost.bytes / 1e9, point, machine_bytes / 1e9));
  } else {
    diagnostics.error(place_of_size(study),
                      fmt::format("{} ranks need {:.1f} GB of memory together (up to {:.1f} GB each: {}; this machine "
                                  "has {:.1f} GB) start no more than {} on it",
                                  ranks, together / 1e9, task.cost.bytes / 1e9, point, machine_bytes / 1e9, fit));
  }
  return diagnostics.text();
}

}  // namespace meander
