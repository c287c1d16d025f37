// Which datasets an archive of a study has: its dimensions with their coordinates, and the arrays
// over each family's cells. Writer, reader and checker all go by it.
#pragma once

#include <hdf5.h>

#include <string>
#include <vector>

#include "pipeline/archive/format/cell_units.hpp"
#include "pipeline/measure/layout.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// A named dimension. Values are coordinates; a dimension may have none.
struct Axis {
  std::string name;
  std::size_t size = 0;
  std::vector<Value> values;
  std::string units = "1";
  std::string long_name;
  bool counted = false;  // its values are 0, 1, 2, ...: not listed, since there may be many millions
};

/// A parameter of `point` as a coordinate along it.
struct AuxiliaryCoordinate {
  std::string name;
  std::vector<Value> values;  // an empty string where a point does not give it
};

enum class FieldKind { status, seconds, error_code, count, array };

/// One dataset over the cells of a family. A ragged one lies over its own dimension instead.
struct Field {
  FieldKind kind = FieldKind::array;
  std::string name;
  std::size_t family = 0;
  std::size_t array = 0;  // in the family, for FieldKind::array
  std::string ragged;     // the ragged dimension of an array or a count, else empty
  ArrayType type = ArrayType::float64;
  std::vector<std::string> dimensions;   // all of them, in order
  std::vector<std::size_t> own_extents;  // after the cell's; after the ragged dimension's
  std::string units = "1";
  std::string long_name;
  std::string undefined_where, infinite_where;  // as in ArraySpec
  bool run_dependent = false;

  bool is_ragged_array() const { return kind == FieldKind::array && !ragged.empty(); }
  std::size_t own_size() const;
};

/// Sweep dimensions, realization where a family has it, own dimensions. Ragged ones get their size
/// from `ragged_sizes`, in the layout's order.
std::vector<Axis> archive_axes(const Study& study, const Layout& layout, const std::vector<std::size_t>& ragged_sizes);
std::vector<AuxiliaryCoordinate> point_coordinates(const Study& study);

/// The bookkeeping of a family first, then its arrays.
std::vector<Field> family_fields(const Study& study, const Layout& layout, std::size_t family);

/// What the cells of a unit take at most, unless one cell takes more.
inline constexpr std::size_t unit_bytes = std::size_t{4} << 20;

/// Cells of a unit at most where the family has ragged arrays. Their values count in no shape, so that nothing else
/// bounds what a unit takes in memory.
inline constexpr std::size_t most_ragged_cells = 128;

/// The units of a family's cells: as many cells as take `unit_bytes` in all arrays together, by shapes alone; of a
/// family with ragged arrays, no more than `most_ragged_cells`.
CellUnits family_units(const Study& study, const Layout& layout, std::size_t family);

/// The chunk of an array over the cells: those of one unit, with all of their values; of a cell that takes more than a
/// unit may, pieces of about a mebibyte.
std::vector<hsize_t> field_chunk(const Field& field, const CellUnits& units);

/// The chunk of any other dataset: about a mebibyte, by the shape alone.
std::vector<hsize_t> chunk_shape(const std::vector<hsize_t>& shape, std::size_t item_bytes);

/// Bytes of one of a field's values.
inline std::size_t item_bytes(ArrayType type) {
  return type == ArrayType::int8 ? 1 : 8;
}

/// Selects, in the dataset's `space`, the cells begin <= cell < end (row-major over `cell_extents`)
/// with all of their own extents: a few boxes.
void select_cells(const hdf5::Handle& space, const std::vector<std::size_t>& cell_extents,
                  const std::vector<std::size_t>& own_extents, std::size_t begin, std::size_t end);

}  // namespace meander
