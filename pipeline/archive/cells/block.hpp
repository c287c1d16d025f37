// The cells of an archive that one rank writes, filled from records; here it is decided what
// happens where two sources hold the same cell.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/format/cell_units.hpp"
#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

inline constexpr std::int64_t missing_count = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int8_t missing_flag = -1;
/// What stands in an archive where there is no value.
template <class T>
constexpr T missing_value() {
  if constexpr (std::is_same_v<T, double>) return std::numeric_limits<double>::quiet_NaN();
  if constexpr (std::is_same_v<T, std::int64_t>) return missing_count;
  return static_cast<T>(missing_flag);
}

/// Of two records of one cell the one of higher merit stays: done, out of range, not converged,
/// failed, missing.
int merit(Status status);

/// A contiguous range of the cells of one family.
struct FamilyBlock {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<std::int8_t> status;
  std::vector<double> seconds;
  std::vector<std::int32_t> message;  // 0: none, else index + 1 into Block::messages
  std::vector<std::int32_t> core;     // index into Block::cores
  /// Per array of the family: padded with missing values to the layout's extents. Empty where ragged.
  std::vector<ArrayData> dense;
  /// Per array of the family and cell, where ragged.
  std::vector<std::vector<ArrayData>> ragged;
  /// Per ragged dimension of the family and cell: its length, missing_count where it has none.
  std::map<std::string, std::vector<std::int64_t>> counts;

  std::size_t cells() const { return end - begin; }
};

class Block {
 public:
  /// Of these cells of each family, in the layout's order.
  Block(const Study& study, const Layout& layout, const std::vector<CellRange>& cells);

  /// Takes a record of the study (its arrays in the layout's order) that was computed on `core`. Of
  /// two that hold one cell, the better status stays (done, out of range, not converged, failed);
  /// done ones must agree, see `conflict`; whatever else differs is chosen by content, so that the
  /// order of arrival does not matter.
  void insert(Record record, const std::string& core);

  /// The first cell (by family and index) where two done records disagreed, in words.
  const std::optional<std::string>& conflict() const { return conflict_; }

  const FamilyBlock& family(std::size_t index) const { return families_[index]; }
  const std::vector<std::string>& messages() const { return messages_; }
  /// The cores on which the cells held here were computed.
  std::vector<std::string> cores_used() const;

 private:
  struct Content;
  Content normalise(Record&& record, const std::string& core);
  Content content(std::size_t family, std::size_t index) const;
  void store(std::size_t family, std::size_t index, Content&& content);
  std::optional<std::string> disagreement(std::size_t family, const Content& a, const Content& b) const;
  void note_conflict(std::size_t family, std::size_t index, const std::string& what);
  std::int32_t intern(std::vector<std::string>& all, std::map<std::string, std::int32_t>& known,
                      const std::string& text);

  const Study* study_;
  const Layout* layout_;
  std::vector<FamilyBlock> families_;
  std::vector<std::vector<Field>> fields_;  // per family, one per array
  std::vector<std::string> messages_;
  std::vector<std::string> cores_;
  std::map<std::string, std::int32_t> known_messages_;
  std::map<std::string, std::int32_t> known_cores_;
  std::optional<std::string> conflict_;
  std::pair<std::size_t, std::size_t> conflict_at_{};
};

}  // namespace meander
