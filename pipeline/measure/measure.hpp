// What a measure tells the machine that runs it. Adding a measure is one file in studies/ and one
// line in its catalogue.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/measure/task_control.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"

namespace meander {

struct RankGroup;

/// What a task is expected to take on one core of a current machine.
struct Cost {
  double seconds = 0.0;
  double bytes = 0.0;  // peak, per rank
  int ranks_per_task = 1;
  bool keeps = false;  // the task can stop and be gone on with (task_control.hpp), so it may be longer than a job
};

/// The task at hand.
struct Task {
  const Study& study;
  Point point;
  std::size_t family = 0;
  std::uint64_t realization = 0;
  std::uint64_t seed = 0;
  /// Zero, or for `coupling = "independent"` a hash of the point's parameters.
  std::uint64_t salt = 0;
  /// The ranks that share this task (pipeline/ranks/rank_group.hpp), null for one alone. Results count on the group's
  /// first rank.
  const RankGroup* group = nullptr;
  TaskControl* control = &no_control();

  /// Questions and requests to the run, explained in task_control.hpp.
  bool stopping() const { return control->stopping(); }
  bool due() const { return control->due(); }
  void keep(std::span<const std::byte> state, double fraction) const { control->keep(state, fraction); }
  const std::vector<std::byte>& kept() const { return control->kept(); }
};

/// Tasks of one kind: the arrays that each gives, what it costs, and what it does.
struct TaskFamily {
  /// Name, arrays, and the sweep keys and realizations that its cells run over.
  Family layout;
  std::function<Cost(const Point&)> cost;
  /// Computes one task. An exception makes it a failed cell; the run goes on.
  std::function<void(const Task&, Results&)> run;
  /// What makes a point's tasks need less memory, to follow "take": for a run that does not fit.
  std::function<std::string(const Point&)> smaller = {};
};

/// A measure bound to one study on one rank: everything that the study says is decoded, nothing is shared with other
/// ranks, and nothing refers to the study.
class Measurement {
 public:
  virtual ~Measurement() = default;
  Measurement(const Measurement&) = delete;
  Measurement& operator=(const Measurement&) = delete;

  /// Dimensions and families, in the order in which they were added.
  Layout layout() const;
  Cost cost(std::size_t family, const Point& point) const { return families_[family].cost(point); }
  void run(const Task& task, Results& results) const { families_[task.family].run(task, results); }
  std::string smaller(std::size_t family, const Point& point) const;
  /// Writes the cell's network and curve (`meander export`); throws BadInput where the measure has
  /// none.
  virtual void export_cell(const Task& task, const std::string& path) const;

 protected:
  Measurement() = default;
  void add(OwnDimension dimension) { dimensions_.push_back(std::move(dimension)); }
  /// The first family is the measurement itself.
  void add(TaskFamily family) { families_.push_back(std::move(family)); }

 private:
  std::vector<OwnDimension> dimensions_;
  std::vector<TaskFamily> families_;
};

class Measure {
 public:
  virtual ~Measure() = default;
  virtual std::string name() const = 0;
  /// Raised when the measure's numbers change meaning.
  virtual int version() const = 0;
  virtual std::string description() const = 0;
  /// Whether a study may say precision = "single"; where not, it is refused before the measure is bound.
  virtual bool offers_single_precision() const { return false; }
  /// Every key a study of this measure may hold, besides the common ones at its top.
  virtual std::vector<Key> keys() const = 0;
  /// The arrays for `meander list`, with dimensions; conditional ones included.
  virtual std::vector<ArraySpec> arrays() const = 0;
  /// Decodes the study, once. Values and types are already right, and study.files hold the content of named files;
  /// impossible combinations go to `diagnostics`, all that can be found, and then nothing is returned.
  virtual std::unique_ptr<Measurement> bind(const Study& study, Diagnostics& diagnostics) const = 0;
};

/// A study and its measure, bound to it.
struct BoundStudy {
  Study study;
  std::unique_ptr<Measurement> measurement;
};

class Catalogue {
 public:
  void add(std::unique_ptr<Measure> measure);
  /// Null where there is no measure of that name.
  const Measure* find(std::string_view name) const;
  std::vector<const Measure*> measures() const;
  /// Binds a study that was found good before, on another rank or in another run. Throws BadInput where it is not.
  BoundStudy bind(Study study) const;

 private:
  std::vector<std::unique_ptr<Measure>> measures_;
};

}  // namespace meander
