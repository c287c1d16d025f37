#include "pipeline/run/memory_need.hpp"

#include <algorithm>

#include "pipeline/archive/write/write_memory.hpp"

namespace meander {
namespace {

// Fitted to peaks of resident memory (docs/performance.md).
constexpr double program_bytes = 6e7;
constexpr double bytes_per_coordinate = 600.0;  // a value in the copies of a layout, in its text, and as that is read
// Statuses before and after, each also as it is read; where a shard's rows stand; and in ragged layouts the lengths of
// an archive's cells and where each begins.
constexpr double bytes_per_cell = 8.0;
constexpr double bytes_per_ragged_cell = 24.0;
constexpr double bytes_per_run = 64.0;  // of equal tasks: in the list, in its order, and in the work

double coordinates(const Study& study, const Layout& layout) {
  double values = 0.0;  // realizations are counted, not listed
  for (const SweepDimension& dimension : study.sweep) values += static_cast<double>(dimension.values.size());
  for (const OwnDimension& dimension : layout.dimensions) values += static_cast<double>(dimension.coordinates.size());
  return values;
}

}  // namespace

double MemoryNeed::total() const {
  return program + study + std::max(task + results, writing);
}

MemoryNeed memory_need(const Study& study, const Layout& layout, const Work& tasks) {
  MemoryNeed need;
  double runs = 0.0;
  tasks.each_run([&](const TaskRef& task, std::size_t) {
    need.task = std::max(need.task, task.cost.bytes);
    ++runs;
  });
  const double cells = static_cast<double>(tasks.count());
  const WriteMemory write = write_memory(study, layout, cells, need.task);
  need.program = program_bytes;
  const bool ragged = std::any_of(layout.dimensions.begin(), layout.dimensions.end(),
                                  [](const OwnDimension& dimension) { return dimension.ragged; });
  need.study = bytes_per_coordinate * coordinates(study, layout) + bytes_per_run * runs +
               (bytes_per_cell + (ragged ? bytes_per_ragged_cell : 0.0)) * cells;
  need.results = write.results;
  need.writing = write.writing;
  return need;
}

}  // namespace meander
