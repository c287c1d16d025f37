// How a family's cells are cut into the pieces in which an archive stores and is given them.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <vector>

namespace meander {

/// Cells begin .. end-1 of a family.
struct CellRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
  bool contains(std::size_t cell) const { return begin <= cell && cell < end; }
};

/// Units of consecutive cells: as many along one dimension of the cells as fit (a power of two), with all of the
/// dimensions after it, and one of those before it; where a row ends, a unit is smaller. So a unit is a box, a chunk of
/// a dataset over the cells, and no chunk holds cells of two units.
class CellUnits {
 public:
  /// Of at most `most` cells each, at least one. `extents` as in CellSpace.
  CellUnits(std::vector<std::size_t> extents, std::size_t most);

  std::size_t count() const { return rows_ * units_per_row_; }
  CellRange operator[](std::size_t unit) const;
  /// The unit that holds a cell.
  std::size_t of(std::size_t cell) const;
  /// Extents of a whole unit, one per dimension of the cells; and where a unit begins.
  std::vector<hsize_t> box() const;
  std::vector<hsize_t> corner(std::size_t unit) const;

 private:
  std::vector<std::size_t> extents_;
  std::size_t dimension_ = 0;  // along which a unit has several cells
  std::size_t along_ = 1;      // of them
  std::size_t inner_ = 1;      // cells of the dimensions after it
  std::size_t row_ = 1;        // extent of that dimension
  std::size_t rows_ = 1;
  std::size_t units_per_row_ = 1;
};

}  // namespace meander
