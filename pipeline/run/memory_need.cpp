#include "pipeline/run/memory_need.hpp"

#include <algorithm>

#include "pipeline/archive/write/write_memory.hpp"

namespace meander {
namespace {

// Fitted to peaks of resident memory (docs/performance.md).
constexpr double program_bytes = 6e7;
constexpr double bytes_per_coordinate = 600.0;  // a value in the copies of a layout, in its text, and as that is read
constexpr double bytes_per_cell = 4.0;          // statuses before and after, each also as it is read
constexpr double bytes_per_run = 64.0;          // of equal tasks: in the list, in its order, and in the work

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
  need.study = bytes_per_coordinate * coordinates(study, layout) + bytes_per_cell * cells + bytes_per_run * runs;
  need.results = write.results;
  need.writing = write.writing;
  return need;
}

}  // namespace meander
