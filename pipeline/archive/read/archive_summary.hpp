// What an archive holds and how far its run is, for `meander show` and `meander status`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// One dimension: its extent and coordinates, empty where it has none.
struct DimensionSummary {
  std::string name;
  std::size_t size = 0;
  std::vector<Value> coordinates;
  /// All of them where they are few, else the first, an ellipsis and the last.
  std::string text() const;
};

struct ArraySummary {
  std::string name;
  std::string type;  // float64, int64, int8
  std::vector<std::string> dimensions;
  std::string units;
  std::string long_name;
  bool run_dependent = false;
};

/// Cells of one family by status.
struct FamilySummary {
  std::string name;
  std::size_t cells = 0;
  std::array<std::size_t, 5> by_status{};  // indexed by Status
  std::size_t count(Status status) const { return by_status[static_cast<std::size_t>(status)]; }
};

/// Cells of one point of the sweep that are not done, for one reason.
struct FailedPoint {
  std::string family;
  std::string point;  // "width = 100, sigma_w = 3.0", sweep keys with one value left out
  std::string message;
  std::size_t cells = 0;
};

/// A task that is under way or was stopped, with a kept state.
struct BegunTask {
  double fraction = 0.0;      // of it that is done
  std::uint32_t resumed = 0;  // how often it was gone on with
  double seconds = 0.0;       // that it has taken up to that state
};

/// Points that a summary lists at most; further ones are counted in `messages` alone.
inline constexpr std::size_t most_failed_points = 1000;

struct Summary {
  Study study;
  Layout layout;
  Attributes attributes;  // of the archive; of a shard where there is none yet
  bool has_archive = false;
  std::size_t shards = 0;  // readable ones
  std::vector<DimensionSummary> dimensions;
  std::vector<ArraySummary> arrays;
  std::vector<FamilySummary> families;
  /// Messages of cells that are not done, and their cells, most frequent first.
  std::vector<std::pair<std::string, std::size_t>> messages;
  /// Where they are, in the order of the cells.
  std::vector<FailedPoint> failed_points;
  /// Tasks with a kept state, by descending fraction.
  std::vector<BegunTask> begun;
  /// Shards that could not be read, and why; an archive that another program changed.
  std::vector<std::string> warnings;

  std::size_t count(Status status) const;
  std::size_t cells() const;
};

/// The archive at `path` together with the shards of a run that is under way (there may be shards
/// and no archive yet). Throws BadInput where there is neither, or where they cannot be read.
Summary summarise(const std::string& path);

}  // namespace meander
