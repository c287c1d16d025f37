// Where the cells and arrays of one file stand in a larger study of the same identity.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/archive/format/cell_units.hpp"
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

  /// The shortest range of a source family's cells that holds all of those that are in `cells` of the target's family.
  CellRange source_cells(std::size_t source_family, CellRange cells) const;

  /// The record as one of the target: family, cell, arrays in the target's order.
  std::optional<Record> translate(Record record) const;

 private:
  /// Where each index of a dimension stands on the other side. Those of most dimensions, realizations above all, stand
  /// where they stood, which takes no memory.
  class Places {
   public:
    explicit Places(std::vector<std::optional<std::size_t>> places);
    /// The first `shared` of `size` indices stand where they stood, and the others nowhere.
    Places(std::size_t size, std::size_t shared) : size_(size), shared_(shared) {}
    std::size_t size() const { return size_; }
    std::optional<std::size_t> operator[](std::size_t index) const {
      if (!places_.empty()) return places_[index];
      return index < shared_ ? std::optional(index) : std::nullopt;
    }
    bool all_stay() const { return places_.empty() && shared_ == size_; }
    /// Of the other side, which has `size` indices, on this one.
    Places inverse(std::size_t size) const;

   private:
    std::size_t size_ = 0;
    std::size_t shared_ = 0;
    std::vector<std::optional<std::size_t>> places_;  // empty where shared_ says all
  };

  struct FamilyMap {
    std::optional<std::size_t> target;
    CellSpace source_cells;
    std::optional<CellSpace> target_cells;
    std::vector<const Places*> there;  // per dimension of the cells
    std::vector<Places> back;          // the same from the target's indices
    bool same = false;                 // every cell has the same number on both sides
    std::vector<std::optional<std::size_t>> arrays;
    std::size_t target_arrays = 0;
  };

  std::vector<std::string> lost_;  // what the target lacks
  std::vector<std::pair<std::string, Places>> dimensions_;
  std::vector<FamilyMap> families_;
};

}  // namespace meander
