// The arrays that a measure gives for a study: names, dimensions, units.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/values/value.hpp"

namespace meander {

class Study;

enum class ArrayType { float64, int64, int8 };

/// A dimension of the measure's own (`layer`, `bin`, `event`).
struct OwnDimension {
  std::string name = {};
  /// Extent in the archive; a task's array may be shorter and is padded with missing values.
  std::size_t size = 0;
  std::string units = "1";
  std::string long_name = {};
  /// Coordinate values (numbers, or all strings); empty for a dimension without coordinates.
  std::vector<Value> coordinates = {};
  /// Ragged: every cell has its own length; the archive holds the cells' values one after another
  /// in task order, and their lengths as `<name>_count` over the cells.
  bool ragged = false;
};

struct ArraySpec {
  std::string name = {};
  std::string units = "1";
  std::string long_name = {};
  ArrayType type = ArrayType::float64;
  std::vector<std::string> dimensions = {};  // own dimensions, after the cell's
  bool run_dependent = false;
  /// Where any cell is non-zero, a run ends with this warning and the number of such cells.
  std::string warning = {};
  /// Where the quantity has no value by its meaning, to follow "missing where" ("the input's length is 0"). Empty: a
  /// NaN is a fault, and a cell that would be done with one, or without the array, fails instead.
  std::string undefined_where = {};
  /// Where it is infinite by its meaning, to follow "infinite where". Empty: infinity is a number that was too large,
  /// and a cell that would be done with one is out of range, with that number left out.
  std::string infinite_where = {};

  /// "missing where ...; infinite where ..."; empty where neither is.
  std::string exceptions() const;
};

/// Arrays that one task computes together, over the same cells. The first family is the
/// measurement itself: its status array is `status`; another family's is `status_<name>`.
struct Family {
  std::string name = {};
  /// Sweep keys its cells run over; nothing: all of them.
  std::optional<std::vector<std::string>> over = {};
  bool per_realization = true;
  std::vector<ArraySpec> arrays = {};
};

struct Layout {
  std::vector<OwnDimension> dimensions;
  std::vector<Family> families;

  const OwnDimension& dimension(std::string_view name) const;  // throws std::logic_error
  /// As text for an archive's or shard's `layout` attribute, and back.
  std::string toml() const;
  static Layout parse(const std::string& toml);
};

/// The cells of one family: row-major over its sweep dimensions, then realization.
class CellSpace {
 public:
  CellSpace(const Study& study, const Family& family);
  /// Names and extents, `realization` last where the family has it.
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<std::size_t>& extents() const { return extents_; }
  std::size_t size() const { return size_; }
  /// Indices (one per name) of cell `cell`, and back.
  std::vector<std::size_t> indices(std::size_t cell) const;
  std::size_t cell(const std::vector<std::size_t>& indices) const;
  /// Indices of the study's sweep dimensions for that cell (0 where the family does not run over one).
  std::vector<std::size_t> point_indices(std::size_t cell) const;
  std::uint64_t realization(std::size_t cell) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::size_t> extents_;
  std::vector<std::size_t> sweep_position_;  // position in Study::sweep of each of the family's keys
  std::size_t sweep_dimensions_ = 0;
  bool per_realization_ = true;
  std::size_t size_ = 1;
};

}  // namespace meander
