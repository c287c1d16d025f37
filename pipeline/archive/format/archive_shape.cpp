#include "pipeline/archive/format/archive_shape.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace meander {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// The first family is the measurement itself; another one's bookkeeping bears its name.
std::string suffix(const Layout& layout, std::size_t family) {
  return family == 0 ? "" : "_" + layout.families[family].name;
}

Field bookkeeping(FieldKind kind, const std::string& name, const Layout& layout, std::size_t family,
                  const CellSpace& cells) {
  Field field;
  field.kind = kind;
  field.name = name + suffix(layout, family);
  field.family = family;
  field.dimensions = cells.names();
  return field;
}

std::vector<std::string> ragged_dimensions(const Layout& layout, const Family& family) {
  std::vector<std::string> names;
  for (const ArraySpec& spec : family.arrays) {
    for (std::size_t d = 0; d < spec.dimensions.size(); ++d) {
      if (!layout.dimension(spec.dimensions[d]).ragged) continue;
      if (d > 0) throw std::logic_error("array '" + spec.name + "': a ragged dimension must come first");
      if (std::find(names.begin(), names.end(), spec.dimensions[d]) == names.end()) names.push_back(spec.dimensions[d]);
    }
  }
  return names;
}

Field array_field(const Layout& layout, std::size_t family, std::size_t array, const CellSpace& cells) {
  const ArraySpec& spec = layout.families[family].arrays[array];
  Field field;
  field.name = spec.name;
  field.family = family;
  field.array = array;
  field.type = spec.type;
  field.units = spec.units;
  field.long_name = spec.long_name.empty() ? spaced(spec.name) : spec.long_name;
  field.undefined_where = spec.undefined_where;
  field.infinite_where = spec.infinite_where;
  field.run_dependent = spec.run_dependent;
  for (const std::string& name : spec.dimensions) {
    const OwnDimension& dimension = layout.dimension(name);
    if (dimension.ragged) {
      field.ragged = name;
    } else {
      field.own_extents.push_back(dimension.size);
    }
  }
  if (field.ragged.empty()) field.dimensions = cells.names();
  field.dimensions.insert(field.dimensions.end(), spec.dimensions.begin(), spec.dimensions.end());
  return field;
}

// Boxes of a row-major range: `emit(first, count)` gets one extent per cell dimension.
class Boxes {
 public:
  using Emit = std::function<void(const std::vector<hsize_t>&, const std::vector<hsize_t>&)>;
  Boxes(const std::vector<std::size_t>& extents, Emit emit) : extents_(extents), emit_(std::move(emit)) {}

  void range(const std::vector<hsize_t>& prefix, std::size_t begin, std::size_t end) const {
    if (begin >= end) return;
    const std::size_t d = prefix.size();
    if (d == extents_.size()) return box(prefix, 0, 0);
    const std::size_t stride = std::accumulate(extents_.begin() + static_cast<std::ptrdiff_t>(d) + 1, extents_.end(),
                                               std::size_t{1}, std::multiplies<>());
    const std::size_t first_whole = (begin + stride - 1) / stride;
    const std::size_t last_whole = end / stride;
    if (first_whole > last_whole) return row(prefix, last_whole, begin, end, stride);
    if (first_whole * stride > begin) row(prefix, first_whole - 1, begin, first_whole * stride, stride);
    if (last_whole > first_whole) box(prefix, first_whole, last_whole - first_whole);
    if (last_whole * stride < end) row(prefix, last_whole, last_whole * stride, end, stride);
  }

 private:
  void row(std::vector<hsize_t> prefix, std::size_t index, std::size_t begin, std::size_t end,
           std::size_t stride) const {
    prefix.push_back(index);
    range(prefix, begin - index * stride, end - index * stride);
  }

  void box(const std::vector<hsize_t>& prefix, std::size_t first, std::size_t count) const {
    std::vector<hsize_t> start(prefix);
    std::vector<hsize_t> size(prefix.size(), 1);
    if (start.size() < extents_.size()) {
      start.push_back(first);
      size.push_back(count);
    }
    while (start.size() < extents_.size()) {
      size.push_back(extents_[start.size()]);
      start.push_back(0);
    }
    emit_(start, size);
  }

  const std::vector<std::size_t>& extents_;
  Emit emit_;
};

}  // namespace

std::size_t Field::own_size() const {
  return std::accumulate(own_extents.begin(), own_extents.end(), std::size_t{1}, std::multiplies<>());
}

std::vector<Axis> archive_axes(const Study& study, const Layout& layout, const std::vector<std::size_t>& ragged_sizes) {
  std::vector<Axis> axes;
  for (const SweepDimension& dimension : study.sweep) {
    Axis axis{dimension.name, dimension.values.size(), dimension.values, "1", spaced(dimension.name)};
    if (dimension.name == "point") {
      axis.values.clear();
      axis.counted = true;
    }
    axes.push_back(std::move(axis));
  }
  const auto size = static_cast<std::size_t>(study.realizations);
  if (std::any_of(layout.families.begin(), layout.families.end(), [](const Family& f) { return f.per_realization; })) {
    axes.push_back({"realization", size, {}, "1", "independent draw", true});
  }
  std::size_t ragged = 0;
  for (const OwnDimension& own : layout.dimensions) {
    axes.push_back({own.name, own.ragged ? ragged_sizes.at(ragged++) : own.size, own.coordinates, own.units,
                    own.long_name.empty() ? spaced(own.name) : own.long_name});
  }
  return axes;
}

std::vector<AuxiliaryCoordinate> point_coordinates(const Study& study) {
  std::vector<AuxiliaryCoordinate> coordinates;
  const SweepDimension* points = study.dimension("point");
  if (points == nullptr) return coordinates;
  for (const Value& point : points->values) {
    for (const auto& [name, value] : point.get_if<Table>()->entries()) {
      const auto known = [&name = name](const AuxiliaryCoordinate& c) { return c.name == name; };
      if (std::none_of(coordinates.begin(), coordinates.end(), known)) coordinates.push_back({name, {}});
    }
  }
  for (AuxiliaryCoordinate& coordinate : coordinates) {
    for (const Value& point : points->values) {
      const Value* value = point.get_if<Table>()->find(coordinate.name);
      coordinate.values.push_back(value == nullptr ? Value("") : *value);
    }
  }
  return coordinates;
}

std::vector<Field> family_fields(const Study& study, const Layout& layout, std::size_t family) {
  const Family& own = layout.families[family];
  const CellSpace cells(study, own);
  std::vector<Field> fields;
  fields.push_back(bookkeeping(FieldKind::status, "status", layout, family, cells));
  fields.back().type = ArrayType::int8;
  fields.back().long_name = "what became of the cell";
  fields.push_back(bookkeeping(FieldKind::seconds, "seconds", layout, family, cells));
  // Not "seconds", which xarray would turn into a time difference.
  fields.back().units = "s";
  fields.back().long_name = "time the cell took";
  fields.back().run_dependent = true;
  fields.push_back(bookkeeping(FieldKind::error_code, "error_code", layout, family, cells));
  fields.back().type = ArrayType::int64;
  fields.back().long_name = "index into error_message, 0 for none";
  for (const std::string& name : ragged_dimensions(layout, own)) {
    Field count = bookkeeping(FieldKind::count, name, layout, family, cells);
    count.name = name + "_count";
    count.type = ArrayType::int64;
    count.ragged = name;
    count.long_name = "number of the cell's entries along " + name;
    fields.push_back(std::move(count));
  }
  for (std::size_t a = 0; a < own.arrays.size(); ++a) fields.push_back(array_field(layout, family, a, cells));
  return fields;
}

CellUnits family_units(const Study& study, const Layout& layout, std::size_t family) {
  double cell_bytes = 0.0;
  bool ragged = false;
  for (const Field& field : family_fields(study, layout, family)) {
    ragged = ragged || field.is_ragged_array();
    if (!field.is_ragged_array()) {
      cell_bytes += static_cast<double>(field.own_size()) * static_cast<double>(item_bytes(field.type));
    }
  }
  const auto most = static_cast<std::size_t>(unit_bytes / cell_bytes);
  return {CellSpace(study, layout.families[family]).extents(), ragged ? std::min(most, most_ragged_cells) : most};
}

std::vector<hsize_t> field_chunk(const Field& field, const CellUnits& units) {
  std::vector<hsize_t> chunk = units.box();
  std::vector<hsize_t> own(field.own_extents.begin(), field.own_extents.end());
  if (field.own_size() * item_bytes(field.type) > unit_bytes) own = chunk_shape(own, item_bytes(field.type));
  for (const hsize_t extent : own) chunk.push_back(std::max<hsize_t>(extent, 1));
  return chunk;
}

std::vector<hsize_t> chunk_shape(const std::vector<hsize_t>& shape, std::size_t item_bytes) {
  std::vector<hsize_t> chunk;
  for (const hsize_t extent : shape) chunk.push_back(std::max<hsize_t>(extent, 1));
  std::size_t bytes = std::accumulate(chunk.begin(), chunk.end(), item_bytes, std::multiplies<>());
  for (hsize_t& extent : chunk) {
    if (bytes <= chunk_bytes) break;
    const std::size_t rest = bytes / extent;
    const hsize_t fitting = std::max<hsize_t>(1, chunk_bytes / rest);
    // Even pieces, so that the last one is not a sliver padded to a whole chunk.
    const hsize_t pieces = (extent + fitting - 1) / fitting;
    extent = (extent + pieces - 1) / pieces;
    bytes = rest * extent;
  }
  return chunk;
}

void select_cells(const hdf5::Handle& space, const std::vector<std::size_t>& cell_extents,
                  const std::vector<std::size_t>& own_extents, std::size_t begin, std::size_t end) {
  hdf5::check(H5Sselect_none(space.id()), "selection");
  const bool empty_cell = std::find(own_extents.begin(), own_extents.end(), 0U) != own_extents.end();
  if (begin >= end || empty_cell) return;
  if (cell_extents.empty() && own_extents.empty()) {
    hdf5::check(H5Sselect_all(space.id()), "selection");
    return;
  }
  const Boxes boxes(cell_extents, [&](std::vector<hsize_t> start, std::vector<hsize_t> count) {
    for (const std::size_t extent : own_extents) {
      start.push_back(0);
      count.push_back(extent);
    }
    hdf5::check(H5Sselect_hyperslab(space.id(), H5S_SELECT_OR, start.data(), nullptr, count.data(), nullptr),
                "selection");
  });
  boxes.range({}, begin, end);
}

}  // namespace meander
