#include "pipeline/archive_writer.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <numeric>
#include <set>

#include "pipeline/archive_shape.hpp"
#include "pipeline/collective.hpp"
#include "pipeline/exchange.hpp"
#include "pipeline/file_header.hpp"
#include "pipeline/sealed_file.hpp"

namespace meander {
namespace {

constexpr unsigned gzip_level = 4;
// More messages than this are found through the table alone.
constexpr std::size_t most_flags = 256;

// Ragged dimensions of the whole archive: their length, and where this rank's part begins.
struct Ragged {
  std::size_t total = 0;
  std::size_t begin = 0;
  std::size_t size = 0;
};
using RaggedParts = std::map<std::string, Ragged>;

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

class Skeleton {
 public:
  Skeleton(hid_t file, const Study& study, const Layout& layout, const RaggedParts& ragged)
      : file_(file), study_(study), layout_(layout) {
    for (const OwnDimension& dimension : layout.dimensions) {
      if (dimension.ragged) ragged_sizes_.push_back(ragged.at(dimension.name).total);
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
      for (const Field& field : family_fields(study_, layout_, f)) write_field(field, messages);
    }
  }

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
      for (const Value& value : values) all.push_back(value.text());
      return hdf5::write_text_dataset(file_, name, all);
    }
    return hdf5::open_dataset(file_, name);
  }

  void write_axis(const Axis& axis) {
    const bool bare = axis.values.empty();
    hdf5::Handle dataset;
    if (bare) {
      // netCDF's convention for a dimension that has no coordinates.
      const hsize_t size = axis.size;
      const hdf5::Handle space = hdf5::simple_space(std::span(&size, 1));
      dataset = create(axis.name, H5T_IEEE_F32BE, space, nullptr, {}, 0);
    } else {
      dataset = write_values(axis.name, axis.values);
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
                      const std::vector<hsize_t>& shape, std::size_t item) {
    const hdf5::Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset properties");
    hdf5::check(H5Pset_obj_track_times(properties.id(), false), name);
    if (fill != nullptr) hdf5::check(H5Pset_fill_value(properties.id(), type, fill), name);
    if (!shape.empty()) {
      const std::vector<hsize_t> chunk = chunk_shape(shape, item);
      hdf5::check(H5Pset_chunk(properties.id(), static_cast<int>(chunk.size()), chunk.data()), name);
      hdf5::check(H5Pset_shuffle(properties.id()), name);
      hdf5::check(H5Pset_deflate(properties.id(), gzip_level), name);
      hdf5::check(H5Pset_fletcher32(properties.id()), name);
    }
    return {H5Dcreate2(file_, name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT), H5Dclose,
            "dataset '" + name + "'"};
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

  void write_field(const Field& field, const std::vector<std::string>& messages) {
    std::vector<hsize_t> shape;
    for (const std::string& name : field.dimensions) shape.push_back(sizes_.at(name));
    const hdf5::Handle space = hdf5::simple_space(shape);
    const double no_float = std::numeric_limits<double>::quiet_NaN();
    const bool fillable = field.kind != FieldKind::status && field.kind != FieldKind::error_code;
    const void* fill = &no_float;
    if (field.type == ArrayType::int64) fill = &missing_count;
    if (field.type == ArrayType::int8) fill = &missing_flag;
    const std::size_t item = field.type == ArrayType::int8 ? 1 : 8;
    hdf5::Handle dataset = create(field.name, file_type(field.type), space, fillable ? fill : nullptr, shape, item);
    if (fillable) write_fill(dataset.id(), field.type, no_float);
    describe(dataset, field.units, field.long_name, field.dimensions);
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
};

// All ranks' lines, sorted, each once, on every rank.
std::vector<std::string> united_lines(MPI_Comm comm, const std::vector<std::string>& own) {
  // A message may hold newlines, so each is sent with its length.
  std::string text;
  for (const std::string& line : own) text += std::to_string(line.size()) + ":" + line;
  std::string all;
  for (const std::string& part : gather(comm, text)) all += part;
  broadcast(comm, all);
  std::set<std::string> lines;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t colon = all.find(':', at);
    const std::size_t size = std::stoul(all.substr(at, colon - at));
    lines.insert(all.substr(colon + 1, size));
    at = colon + 1 + size;
  }
  return {lines.begin(), lines.end()};
}

RaggedParts ragged_parts(MPI_Comm comm, const Layout& layout, const Block& block) {
  RaggedParts parts;
  for (const OwnDimension& dimension : layout.dimensions) {
    if (!dimension.ragged) continue;
    std::uint64_t size = 0;
    for (std::size_t f = 0; f < layout.families.size(); ++f) {
      const auto found = block.family(f).counts.find(dimension.name);
      if (found == block.family(f).counts.end()) continue;
      for (const std::int64_t count : found->second)
        size += static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
    }
    std::uint64_t begin = 0;
    std::uint64_t total = 0;
    MPI_Exscan(&size, &begin, 1, MPI_UINT64_T, MPI_SUM, comm);
    if (rank_of(comm) == 0) begin = 0;
    MPI_Allreduce(&size, &total, 1, MPI_UINT64_T, MPI_SUM, comm);
    parts[dimension.name] = {total, begin, size};
  }
  return parts;
}

hdf5::Handle open_collectively(MPI_Comm comm, const std::string& path) {
  const hdf5::Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access properties");
  hdf5::check(H5Pset_fapl_mpio(access.id(), comm, MPI_INFO_NULL), "file access properties");
  return {H5Fopen(path.c_str(), H5F_ACC_RDWR, access.id()), H5Fclose, "file '" + path + "'"};
}

// This rank's part of each array, written together with all others'.
class ArrayWriter {
 public:
  ArrayWriter(MPI_Comm comm, hid_t file, const Block& block, const RaggedParts& ragged,
              const std::vector<std::string>& messages)
      : comm_(comm),
        file_(file),
        block_(block),
        ragged_(ragged),
        transfer_(H5Pcreate(H5P_DATASET_XFER), H5Pclose, "transfer properties") {
    hdf5::check(H5Pset_dxpl_mpio(transfer_.id(), H5FD_MPIO_COLLECTIVE), "transfer properties");
    for (const std::string& message : block.messages()) {
      const auto found = std::lower_bound(messages.begin() + 1, messages.end(), message);
      codes_.push_back(found - messages.begin());
    }
  }

  void write(const Field& field, const CellSpace& cells) {
    const FamilyBlock& own = block_.family(field.family);
    switch (field.kind) {
      case FieldKind::status:
        return write_cells(field, cells, own.status);
      case FieldKind::seconds:
        return write_cells(field, cells, own.seconds);
      case FieldKind::error_code:
        return write_cells(field, cells, error_codes(own));
      case FieldKind::count:
        return write_cells(field, cells, own.counts.at(field.ragged));
      case FieldKind::array:
        break;
    }
    if (field.is_ragged_array()) return write_ragged(field, own);
    std::visit([&](const auto& values) { write_cells(field, cells, values); }, own.dense[field.array]);
  }

 private:
  std::vector<std::int64_t> error_codes(const FamilyBlock& own) const {
    std::vector<std::int64_t> codes;
    for (const std::int32_t message : own.message) {
      codes.push_back(message == 0 ? 0 : codes_[static_cast<std::size_t>(message) - 1]);
    }
    return codes;
  }

  template <class T>
  void write_cells(const Field& field, const CellSpace& cells, const std::vector<T>& values) {
    const FamilyBlock& own = block_.family(field.family);
    write_part(field, cells.extents(), own.begin, own.end, values);
  }

  void write_ragged(const Field& field, const FamilyBlock& own) {
    const Ragged& part = ragged_.at(field.ragged);
    const auto write_as = [&]<class T>(T) {
      std::vector<T> values;
      for (const ArrayData& cell : own.ragged[field.array]) {
        const auto& more = std::get<std::vector<T>>(cell);
        values.insert(values.end(), more.begin(), more.end());
      }
      write_part(field, {part.total}, part.begin, part.begin + part.size, values);
    };
    if (field.type == ArrayType::float64) return write_as(double{});
    if (field.type == ArrayType::int64) return write_as(std::int64_t{});
    write_as(std::int8_t{});
  }

  template <class T>
  void write_part(const Field& field, const std::vector<std::size_t>& extents, std::size_t begin, std::size_t end,
                  const std::vector<T>& values) {
    const hdf5::Handle dataset = hdf5::open_dataset(file_, field.name);
    const std::vector<hsize_t> shape = hdf5::extents(dataset.id());
    if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return;
    const hdf5::Handle space = hdf5::dataset_space(dataset.id());
    select_cells(space, extents, field.own_extents, begin, end);
    const hsize_t size = values.size();
    const hdf5::Handle memory = hdf5::simple_space(std::span(&size, 1));
    // A rank without cells still takes part; HDF5 wants a valid pointer all the same.
    const T nothing{};
    const void* from = values.empty() ? &nothing : values.data();
    together(comm_, [&] {
      hdf5::check(H5Dwrite(dataset.id(), hdf5::memory_type<T>(), memory.id(), space.id(), transfer_.id(), from),
                  "array '" + field.name + "'");
    });
  }

  MPI_Comm comm_;
  hid_t file_;
  const Block& block_;
  const RaggedParts& ragged_;
  hdf5::Handle transfer_;
  std::vector<std::int64_t> codes_;  // of the block's messages
};

void write_arrays(const Study& study, const Layout& layout, ArrayWriter& writer) {
  for (const bool statuses : {false, true}) {  // last, so that a cell is never called done too early
    for (std::size_t f = 0; f < layout.families.size(); ++f) {
      const CellSpace cells(study, layout.families[f]);
      for (const Field& field : family_fields(study, layout, f)) {
        if ((field.kind == FieldKind::status) == statuses) writer.write(field, cells);
      }
    }
  }
}

// The cores that computed the cells; where there are no cells, this one.
std::string core_text(MPI_Comm comm, const Block& block) {
  std::vector<std::string> single;
  for (std::string text : block.cores_used()) {
    for (std::size_t comma = text.find(", "); comma != std::string::npos; comma = text.find(", ")) {
      single.push_back(text.substr(0, comma));
      text.erase(0, comma + 2);
    }
    single.push_back(text);
  }
  std::string joined;
  for (const std::string& core : united_lines(comm, single)) joined += (joined.empty() ? "" : ", ") + core;
  return joined.empty() ? blas_core() : joined;
}

}  // namespace

void write_archive_file(MPI_Comm comm, const std::string& path, const Study& study, const Layout& layout,
                        const Block& block, const Attributes& attributes) {
  const auto held = hdf5::lock();
  std::vector<std::string> messages = united_lines(comm, block.messages());
  messages.insert(messages.begin(), "");
  const RaggedParts ragged = ragged_parts(comm, layout, block);
  Attributes root = attributes;
  std::erase_if(root, [](const auto& attribute) { return attribute.first == "blas_core"; });
  root.emplace_back("blas_core", core_text(comm, block));
  together(comm, [&] {
    if (rank_of(comm) != 0) return;
    hdf5::Handle file = hdf5::create_in_memory();
    write_file_header(file.id(), archive_filetype, study, layout, root);
    Skeleton(file.id(), study, layout, ragged).write(messages);
    write_file(path, hdf5::file_image(file));
    file.close();
  });
  hdf5::Handle file;
  together(comm, [&] { file = open_collectively(comm, path); });
  ArrayWriter writer(comm, file.id(), block, ragged, messages);
  write_arrays(study, layout, writer);
  together(comm, [&] { file.close(); });
}

}  // namespace meander
