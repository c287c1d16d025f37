// Where the cells and arrays of one file stand in a larger study of the same identity.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

class CellMap {
 public:
  CellMap(const Study& source, const Layout& source_layout, const Study& target, const Layout& target_layout);
  CellMap(const CellMap&) = delete;
  CellMap& operator=(const CellMap&) = delete;

  /// Throws BadInput, naming `path`, where the target lacks a swept value, a realization, a family
  /// or an array of the source: its cells would be lost.
  void require_all(const std::string& path) const;

  /// The target's family and cell, or nothing where it has none.
  std::optional<std::size_t> family(std::size_t source_family) const { return families_[source_family].target; }
  std::optional<std::size_t> cell(std::size_t source_family, std::size_t source_cell) const;

  /// The record as one of the target: family, cell, arrays in the target's order.
  std::optional<Record> translate(Record record) const;

 private:
  struct FamilyMap {
    std::optional<std::size_t> target;
    CellSpace source_cells;
    std::optional<CellSpace> target_cells;
    std::vector<const std::vector<std::optional<std::size_t>>*> indices;  // per dimension of the cells
    std::vector<std::optional<std::size_t>> arrays;
    std::size_t target_arrays = 0;
  };

  std::vector<std::string> lost_;  // what the target lacks
  std::vector<std::pair<std::string, std::vector<std::optional<std::size_t>>>> dimensions_;
  std::vector<FamilyMap> families_;
};

}  // namespace meander
