// The tasks of a study: one per cell of each family, with its identity and its cost.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/measure.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/values/sha256.hpp"

namespace meander {

struct TaskRef {
  std::uint32_t family = 0;
  std::size_t cell = 0;  // in the family's CellSpace
  Cost cost;
};

/// Every task of the study, families in order, cells in row-major order. Throws BadInput where there
/// are more than 2^31 - 1 cells.
std::vector<TaskRef> list_tasks(const Study& study, const Measurement& measurement);

/// The task's identity (see Record). `cells` belongs to `family` and `study`.
TaskKey task_key(const Study& study, const Family& family, const CellSpace& cells, std::size_t cell);

/// The same for many cells of one family: what they share is hashed once. Keeps references.
class TaskKeys {
 public:
  TaskKeys(const Study& study, const Family& family, const CellSpace& cells);
  TaskKey operator()(std::size_t cell) const;

 private:
  const Study* study_;
  const CellSpace* cells_;
  Digest common_;
  bool per_realization_;
  std::vector<std::size_t> dimensions_;  // of the study's sweep, those that the family runs over
};

/// Salt of the random stream: zero, or with `coupling = "independent"` a hash of the point.
std::uint64_t point_salt(const Point& point);

}  // namespace meander
