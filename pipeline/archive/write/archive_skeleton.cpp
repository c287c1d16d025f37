#include "pipeline/archive/write/archive_skeleton.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <limits>
#include <numeric>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/write/chunk_packer.hpp"
#include "pipeline/storage/hdf5.hpp"

namespace meander {
namespace {

// More messages than this are found through the table alone.
constexpr std::size_t most_flags = 256;
// A longer list of numbers is packed.
constexpr std::size_t most_plain_values = std::size_t{1} << 17;

hid_t file_type(ArrayType type) {
  switch (type) {
    case ArrayType::float64:
      return hdf5::file_type<double>();
    case ArrayType::int64:
      return hdf5::file_type<std::int64_t>();
    case ArrayType::int8:
      break;
  }
  return hdf5::file_type<std::int8_t>();
}

// A word for a message, as flag_meanings wants it.
std::string flag_word(const std::string& message) {
  std::string word;
  for (const char c : message.substr(0, 80)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '+';
    if (plain || (!word.empty() && word.back() != '_')) word += plain ? c : '_';
  }
  return word.empty() ? "unknown" : word;
}

class SkeletonWriter {
 public:
  SkeletonWriter(hid_t file, const Study& study, const Layout& layout, const std::map<std::string, std::size_t>& ragged)
      : file_(file), study_(study), layout_(layout) {
    for (const OwnDimension& dimension : layout.dimensions) {
      if (dimension.ragged) ragged_sizes_.push_back(ragged.at(dimension.name));
    }
  }

  void write(const std::vector<std::string>& messages) {
    for (const Axis& axis : archive_axes(study_, layout_, ragged_sizes_)) write_axis(axis);
    write_axis({"error", messages.size(), {}, "1", "error code"});
    hdf5::Handle table = hdf5::write_text_dataset(file_, "error_message", messages);
    describe(table, "1", "what error_code means", {"error"});
    table.close();
    for (const AuxiliaryCoordinate& coordinate : point_coordinates(study_)) {
      hdf5::Handle dataset = write_values(coordinate.name, coordinate.values);
      describe(dataset, "1", coordinate.name, {"point"});
      auxiliary_ += (auxiliary_.empty() ? "" : " ") + coordinate.name;
    }
    for (std::size_t f = 0; f < layout_.families.size(); ++f) {
      const CellUnits units = family_units(study_, layout_, f);
      for (const Field& field : family_fields(study_, layout_, f)) write_field(field, units, messages);
    }
  }

  /// What the arrays may take at most once they are filled.
  std::size_t largest_size() const { return largest_size_; }

 private:
  // Numbers as numbers, everything else as text; a missing number is an empty text.
  hdf5::Handle write_values(const std::string& name, const std::vector<Value>& values) {
    const hsize_t size = values.size();
    const auto is_missing = [](const Value& v) { return v == Value(""); };
    const bool numbers =
        std::any_of(values.begin(), values.end(), [](const Value& v) { return v.is_number(); }) &&
        std::all_of(values.begin(), values.end(), [&](const Value& v) { return v.is_number() || is_missing(v); });
    const bool integers =
        std::all_of(values.begin(), values.end(), [](const Value& v) { return v.get_if<std::int64_t>() != nullptr; });
    if (integers && !values.empty()) {
      std::vector<std::int64_t> all;
      for (const Value& value : values) all.push_back(*value.get_if<std::int64_t>());
      hdf5::write_dataset<std::int64_t>(file_, name, all, std::span(&size, 1));
    } else if (numbers) {
      std::vector<double> all;
      for (const Value& v : values)
        all.push_back(is_missing(v) ? std::numeric_limits<double>::quiet_NaN() : v.number());
      hdf5::write_dataset<double>(file_, name, all, std::span(&size, 1));
    } else {
      std::vector<std::string> all;
      for (const Value& value : values) all.push_back(value.label());
      return hdf5::write_text_dataset(file_, name, all);
    }
    return hdf5::open_dataset(file_, name);
  }

  // 0, 1, 2, ...; many of them packed, since they are nothing but their length.
  hdf5::Handle write_count(const Axis& axis) {
    const hsize_t size = axis.size;
    const hdf5::Handle space = hdf5::simple_space(std::span(&size, 1));
    const std::vector<hsize_t> whole{size};
    const std::vector<hsize_t> chunk = size > most_plain_values ? chunk_shape(whole, 8) : std::vector<hsize_t>{};
    hdf5::Handle dataset = create(axis.name, hdf5::file_type<std::int64_t>(), space, nullptr, whole, chunk, 8);
    const hsize_t most = chunk.empty() ? size : chunk.front();
    for (hsize_t start = 0; start < size; start += most) {
      const hsize_t count = std::min(most, size - start);
      std::vector<std::int64_t> values(count);
      std::iota(values.begin(), values.end(), static_cast<std::int64_t>(start));
      const hdf5::Handle memory = hdf5::simple_space(std::span(&count, 1));
      hdf5::check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, &start, nullptr, &count, nullptr), axis.name);
      hdf5::check(H5Dwrite(dataset.id(), hdf5::memory_type<std::int64_t>(), memory.id(), space.id(), H5P_DEFAULT,
                           values.data()),
                  axis.name);
    }
    return dataset;
  }

  void write_axis(const Axis& axis) {
    const bool bare = axis.values.empty() && !axis.counted;
    hdf5::Handle dataset;
    if (bare) {
      // netCDF's convention for a dimension that has no coordinates.
      const hsize_t size = axis.size;
      const hdf5::Handle space = hdf5::simple_space(std::span(&size, 1));
      dataset = create(axis.name, H5T_IEEE_F32BE, space, nullptr, {}, {}, 0);
    } else {
      dataset = axis.counted ? write_count(axis) : write_values(axis.name, axis.values);
    }
    char label[96];
    std::snprintf(label, sizeof label, "This is a netCDF dimension but not a netCDF variable.%10zu", axis.size);
    hdf5::check(H5DSset_scale(dataset.id(), bare ? label : axis.name.c_str()), "dimension '" + axis.name + "'");
    if (!bare) {
      hdf5::write_text_attribute(dataset.id(), "units", axis.units);
      hdf5::write_text_attribute(dataset.id(), "long_name", axis.long_name);
    }
    dataset.close();
    sizes_[axis.name] = axis.size;
  }

  hdf5::Handle create(const std::string& name, hid_t type, const hdf5::Handle& space, const void* fill,
                      const std::vector<hsize_t>& shape, const std::vector<hsize_t>& chunk, std::size_t item) {
    const hdf5::Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset properties");
    hdf5::check(H5Pset_obj_track_times(properties.id(), false), name);
    if (fill != nullptr) hdf5::check(H5Pset_fill_value(properties.id(), type, fill), name);
    if (!chunk.empty()) {
      hdf5::check(H5Pset_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data()), name);
      set_filters(properties.id());
      count_chunks(shape, chunk, item);
    }
    return {H5Dcreate2(file_, name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT), H5Dclose,
            "dataset '" + name + "'"};
  }

  // A chunk that gzip cannot shrink is stored as it is; the rest is checksums and the index.
  void count_chunks(const std::vector<hsize_t>& shape, const std::vector<hsize_t>& chunk, std::size_t item) {
    std::size_t chunks = 1;
    std::size_t bytes = item;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      chunks *= (shape[d] + chunk[d] - 1) / chunk[d];
      bytes *= chunk[d];
    }
    largest_size_ += chunks * (bytes + 256) + (std::size_t{16} << 10);
  }

  void describe(const hdf5::Handle& dataset, const std::string& units, const std::string& long_name,
                const std::vector<std::string>& dimensions) {
    hdf5::write_text_attribute(dataset.id(), "units", units);
    hdf5::write_text_attribute(dataset.id(), "long_name", long_name);
    for (unsigned d = 0; d < dimensions.size(); ++d) {
      const hdf5::Handle scale = hdf5::open_dataset(file_, dimensions[d]);
      hdf5::check(H5DSattach_scale(dataset.id(), scale.id(), d), "dimension '" + dimensions[d] + "'");
    }
  }

  void write_field(const Field& field, const CellUnits& units, const std::vector<std::string>& messages) {
    std::vector<hsize_t> shape;
    for (const std::string& name : field.dimensions) shape.push_back(sizes_.at(name));
    const hdf5::Handle space = hdf5::simple_space(shape);
    const double no_float = std::numeric_limits<double>::quiet_NaN();
    const bool fillable = field.kind != FieldKind::status && field.kind != FieldKind::error_code;
    const void* fill = &no_float;
    if (field.type == ArrayType::int64) fill = &missing_count;
    if (field.type == ArrayType::int8) fill = &missing_flag;
    const std::size_t item = item_bytes(field.type);
    const std::vector<hsize_t> chunk = field.is_ragged_array() ? chunk_shape(shape, item) : field_chunk(field, units);
    hdf5::Handle dataset =
        create(field.name, file_type(field.type), space, fillable ? fill : nullptr, shape, chunk, item);
    if (fillable) write_fill(dataset.id(), field.type, no_float);
    describe(dataset, field.units, field.long_name, field.dimensions);
    for (const auto& [name, where] :
         {std::pair{"undefined_where", &field.undefined_where}, std::pair{"infinite_where", &field.infinite_where}}) {
      if (!where->empty()) hdf5::write_text_attribute(dataset.id(), name, *where);
    }
    if (field.run_dependent) hdf5::write_attribute(dataset.id(), "run_dependent", std::int64_t{1});
    if (field.kind == FieldKind::status) write_status_flags(dataset.id());
    if (field.kind == FieldKind::error_code) write_error_flags(dataset.id(), messages);
    const auto over_points = std::find(field.dimensions.begin(), field.dimensions.end(), "point");
    if (!auxiliary_.empty() && over_points != field.dimensions.end()) {
      hdf5::write_text_attribute(dataset.id(), "coordinates", auxiliary_);
    }
    dataset.close();
  }

  static void write_fill(hid_t dataset, ArrayType type, double no_float) {
    switch (type) {
      case ArrayType::float64:
        return hdf5::write_attribute<double>(dataset, "_FillValue", std::span(&no_float, 1));
      case ArrayType::int64:
        return hdf5::write_attribute<std::int64_t>(dataset, "_FillValue", std::span(&missing_count, 1));
      case ArrayType::int8:
        return hdf5::write_attribute<std::int8_t>(dataset, "_FillValue", std::span(&missing_flag, 1));
    }
  }

  static void write_status_flags(hid_t dataset) {
    const std::int8_t values[] = {0, 1, 2, 3, 4};
    hdf5::write_attribute<std::int8_t>(dataset, "flag_values", values);
    hdf5::write_text_attribute(dataset, "flag_meanings", "missing done failed not_converged out_of_range");
  }

  static void write_error_flags(hid_t dataset, const std::vector<std::string>& messages) {
    std::vector<std::int64_t> values;
    std::string meanings;
    for (std::size_t i = 0; i < std::min(messages.size(), most_flags); ++i) {
      values.push_back(static_cast<std::int64_t>(i));
      meanings += i == 0 ? "none" : " " + flag_word(messages[i]);
    }
    hdf5::write_attribute<std::int64_t>(dataset, "flag_values", values);
    hdf5::write_text_attribute(dataset, "flag_meanings", meanings);
  }

  hid_t file_;
  const Study& study_;
  const Layout& layout_;
  std::vector<std::size_t> ragged_sizes_;
  std::map<std::string, std::size_t> sizes_;
  std::string auxiliary_;
  std::size_t largest_size_ = 0;
};

}  // namespace

Skeleton archive_skeleton(const Study& study, const Layout& layout,
                          const std::map<std::string, std::size_t>& ragged_totals,
                          const std::vector<std::string>& messages, const Attributes& attributes) {
  const auto held = hdf5::lock();
  hdf5::Handle file = hdf5::create_in_memory();
  write_file_header(file.id(), archive_filetype, study, layout, attributes);
  SkeletonWriter writer(file.id(), study, layout, ragged_totals);
  writer.write(messages);
  Skeleton skeleton;
  skeleton.image = hdf5::file_image(file);
  file.close();
  skeleton.largest_size = skeleton.image.size() + writer.largest_size();
  return skeleton;
}

}  // namespace meander
