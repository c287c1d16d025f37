// The tasks of a study: one per cell of each family, with its identity and its cost.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <tuple>
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

/// Consecutive cells of a family whose tasks cost the same.
struct TaskRun {
  std::uint32_t family = 0;
  std::uint32_t cost = 0;   // index into the list's costs
  std::uint32_t begin = 0;  // cells begin .. end-1
  std::uint32_t end = 0;

  std::size_t size() const { return end - begin; }
};

/// Every task of a study, as runs: families in order, cells in row-major order. A point's draws cost the same, and so
/// do most points, so that a study of many millions of cells has few runs.
class TaskList {
 public:
  TaskList() = default;
  /// Throws BadInput where there are more than 2^31 - 1 cells.
  TaskList(const Study& study, const Measurement& measurement);

  void append(std::uint32_t family, std::size_t begin, std::size_t end, const Cost& cost);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const TaskRun> runs() const { return runs_; }
  const Cost& cost(const TaskRun& run) const { return costs_[run.cost]; }
  /// Each one once, in the order in which tasks first have it.
  const std::vector<Cost>& costs() const { return costs_; }

 private:
  std::uint32_t index_of(const Cost& cost);

  std::vector<TaskRun> runs_;
  std::vector<Cost> costs_;
  std::map<std::tuple<double, double, int, bool>, std::uint32_t> known_;
  std::size_t size_ = 0;
};

/// An estimate of the tasks of a study of many points.
struct SampledTasks {
  TaskList tasks;
  std::size_t points = 0;           // of all families
  std::size_t drawn = 0;            // points whose cost was asked for
  double core_seconds_error = 0.0;  // standard error of the sum of the tasks' core-seconds
};

/// Each family's points are cut into at most `strata` equal stretches, and one point of each, drawn at random by the
/// number of points alone, stands for all of it. The error comes from neighbouring stretches (collapsed strata:
/// Cochran, Sampling Techniques, 1977, 5A.12).
SampledTasks sample_tasks(const Study& study, const Measurement& measurement, std::size_t strata);

/// Cells of all families together. Throws BadInput where there are more than 2^31 - 1.
std::size_t count_tasks(const Study& study, const Layout& layout);

/// The task's identity (see Record). `cells` belongs to `family` and `study`.
TaskKey task_key(const Study& study, const Family& family, const CellSpace& cells, std::size_t cell);

/// The same for many cells of one family: what they share is hashed once. Keeps references.
class TaskKeys {
 public:
  TaskKeys(const Study& study, const Family& family, const CellSpace& cells);
  /// Not by two threads at once: what the draws of one point share is kept from one call to the next.
  TaskKey operator()(std::size_t cell) const;

 private:
  std::string point_text(std::size_t cell) const;

  const Study* study_;
  const CellSpace* cells_;
  Digest common_;
  bool per_realization_;
  std::vector<std::size_t> dimensions_;  // of the study's sweep, those that the family runs over
  mutable std::size_t point_ = std::numeric_limits<std::size_t>::max();
  mutable std::string text_;  // that point's
};

/// Salt of the random stream: zero, or with `coupling = "independent"` a hash of the point.
std::uint64_t point_salt(const Point& point);

}  // namespace meander
