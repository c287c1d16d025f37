// What a measure tells the machine that runs it. Adding a measure is one file in studies/ and one
// line in its catalogue.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"
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
};

/// A measure bound to one study on one rank: input files decoded, nothing shared with other ranks.
class Measurement {
 public:
  virtual ~Measurement() = default;
  virtual Layout layout() const = 0;
  virtual Cost cost(std::size_t family, const Point& point) const = 0;
  /// Computes one task. An exception makes it a failed cell; the run goes on.
  virtual void run(const Task& task, Results& results) const = 0;
  /// What makes this point's tasks need less memory, to follow "take": for a run that does not fit.
  virtual std::string smaller(std::size_t family, const Point& point) const;
  /// Writes the cell's network and curve (`meander export`); throws BadInput where the measure has
  /// none.
  virtual void export_cell(const Task& task, const std::string& path) const;
};

class Measure {
 public:
  virtual ~Measure() = default;
  virtual std::string name() const = 0;
  /// Raised when the measure's numbers change meaning.
  virtual int version() const = 0;
  virtual std::string description() const = 0;
  /// Every key a study of this measure may hold, besides the common ones at its top.
  virtual std::vector<Key> keys() const = 0;
  /// The arrays for `meander list`, with dimensions; conditional ones included.
  virtual std::vector<ArraySpec> arrays() const = 0;
  /// Impossible combinations, found before anything runs. Values and types are already right, and
  /// study.files hold the content of named files.
  virtual void check(const Study& study, Diagnostics& diagnostics) const = 0;
  virtual std::unique_ptr<Measurement> bind(const Study& study) const = 0;
};

class Catalogue {
 public:
  void add(std::unique_ptr<Measure> measure);
  /// Null where there is no measure of that name.
  const Measure* find(std::string_view name) const;
  std::vector<const Measure*> measures() const;

 private:
  std::vector<std::unique_ptr<Measure>> measures_;
};

}  // namespace meander
