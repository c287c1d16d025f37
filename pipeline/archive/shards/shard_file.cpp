#include "pipeline/archive/shards/shard_file.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/archive/shards/record_shape.hpp"
#include "pipeline/storage/hdf5.hpp"

namespace meander {
namespace {

using Records = std::vector<const Record*>;

std::size_t values_in(const ArrayData& data) {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

bool given(const Record& record, std::size_t array) {
  return values_in(record.arrays[array]) > 0 || !record.extents[array].empty();
}

template <class T>
void write_column(hid_t group, const std::string& name, const std::vector<T>& values, std::size_t width = 0) {
  const std::vector<hsize_t> flat = {values.size()};
  if (width == 0) return hdf5::write_dataset<T>(group, name, values, flat);
  const std::vector<hsize_t> shape = {values.size() / width, width};
  hdf5::write_dataset<T>(group, name, values, shape);
}

template <class T>
void write_values(hid_t group, const std::string& name, const Records& records, std::size_t array) {
  std::vector<T> all;
  for (const Record* record : records) {
    if (!given(*record, array)) continue;
    const auto& values = std::get<std::vector<T>>(record->arrays[array]);
    all.insert(all.end(), values.begin(), values.end());
  }
  write_column(group, name + ".values", all);
}

void write_array(hid_t group, const ArraySpec& spec, const Records& records, std::size_t array) {
  std::vector<std::int64_t> counts;
  std::vector<std::int64_t> extents;
  const std::size_t rank = spec.dimensions.size();
  for (const Record* record : records) {
    const bool present = given(*record, array);
    counts.push_back(present ? static_cast<std::int64_t>(values_in(record->arrays[array])) : not_given);
    for (std::size_t d = 0; d < rank; ++d) {
      extents.push_back(present ? static_cast<std::int64_t>(record->extents[array][d]) : 0);
    }
  }
  write_column(group, spec.name + ".count", counts);
  if (rank > 0) write_column(group, spec.name + ".extents", extents, rank);
  switch (spec.type) {
    case ArrayType::float64:
      return write_values<double>(group, spec.name, records, array);
    case ArrayType::int64:
      return write_values<std::int64_t>(group, spec.name, records, array);
    case ArrayType::int8:
      return write_values<std::int8_t>(group, spec.name, records, array);
  }
}

void write_family(hid_t file, const Family& family, std::size_t index, const Records& records) {
  hdf5::Handle group = hdf5::create_group(file, "family_" + std::to_string(index));
  hdf5::write_text_attribute(group.id(), "name", family.name);
  std::vector<std::uint8_t> keys;
  std::vector<std::int64_t> cells;
  std::vector<std::int8_t> statuses;
  std::vector<double> seconds;
  std::vector<std::string> messages;
  for (const Record* record : records) {
    keys.insert(keys.end(), record->key.begin(), record->key.end());
    cells.push_back(static_cast<std::int64_t>(record->cell));
    statuses.push_back(static_cast<std::int8_t>(record->status));
    seconds.push_back(record->seconds);
    messages.push_back(record->message);
  }
  write_column(group.id(), "key", keys, TaskKey{}.size());
  write_column(group.id(), "cell", cells);
  write_column(group.id(), "status", statuses);
  write_column(group.id(), "seconds", seconds);
  hdf5::write_text_dataset(group.id(), "message", messages).close();
  hdf5::Handle arrays = hdf5::create_group(group.id(), "arrays");
  for (std::size_t a = 0; a < family.arrays.size(); ++a) write_array(arrays.id(), family.arrays[a], records, a);
  arrays.close();
  group.close();
}

}  // namespace

std::string shard_folder(const std::string& archive) {
  return archive_target(archive) + ".shards";
}

std::vector<std::string> shard_files(const std::string& archive) {
  std::vector<std::string> files;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(shard_folder(archive), missing)) {
    std::error_code ignored;  // a pipe of that name would be waited for
    if (entry.path().extension() == shard_extension && entry.is_regular_file(ignored))
      files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string misfit(const ArraySpec& spec, const Layout& layout, std::span<const std::int64_t> extents,
                   std::uint64_t values) {
  if (extents.size() != spec.dimensions.size()) return "has another number of dimensions";
  std::uint64_t size = 1;
  for (std::size_t d = 0; d < extents.size(); ++d) {
    const OwnDimension& dimension = layout.dimension(spec.dimensions[d]);
    if (extents[d] < 0) return "has a negative extent";
    const auto extent = static_cast<std::uint64_t>(extents[d]);
    if (!dimension.ragged && extent > dimension.size) return "is longer than '" + dimension.name + "' is declared";
    if (__builtin_mul_overflow(size, extent, &size)) return "has extents whose product no computer counts";
  }
  return size == values ? "" : "has another number of values than its extents say";
}

void validate(const Record& record, const Layout& layout) {
  const Family& family = layout.families.at(record.family);
  if (record.arrays.size() != family.arrays.size() || record.extents.size() != family.arrays.size()) {
    throw std::logic_error("a record of '" + family.name + "' has another number of arrays than its family");
  }
  RaggedLengths ragged;
  for (std::size_t a = 0; a < family.arrays.size(); ++a) {
    if (!given(record, a)) continue;
    const ArraySpec& spec = family.arrays[a];
    const std::vector<std::int64_t> extents(record.extents[a].begin(), record.extents[a].end());
    std::string problem = record.arrays[a].index() == static_cast<std::size_t>(spec.type) ? "" : "is of another type";
    if (problem.empty()) problem = misfit(spec, layout, extents, values_in(record.arrays[a]));
    if (problem.empty()) problem = ragged.misfit(spec, layout, extents);
    if (!problem.empty()) {
      throw std::logic_error("array '" + spec.name + "' of a task has another type or shape than was declared: it " +
                             problem);
    }
  }
}

std::string RaggedLengths::misfit(const ArraySpec& spec, const Layout& layout, std::span<const std::int64_t> extents) {
  if (extents.empty() || !layout.dimension(spec.dimensions.front()).ragged) return "";
  const auto [known, is_new] = lengths_.emplace(spec.dimensions.front(), extents.front());
  return is_new || known->second == extents.front()
             ? ""
             : "has another length than the other arrays over '" + known->first + "'";
}

std::size_t size_of(const Record& record) {
  constexpr std::size_t allocation = 16;  // what the heap adds to each
  std::size_t bytes = sizeof(Record) + 3 * allocation + record.message.size();
  for (std::size_t a = 0; a < record.arrays.size(); ++a) {
    bytes += sizeof(ArrayData) + sizeof(record.extents[a]) + 2 * allocation;
    bytes += std::visit([](const auto& values) { return values.size() * sizeof(values[0]); }, record.arrays[a]);
    bytes += record.extents[a].size() * sizeof(std::size_t);
  }
  return bytes;
}

std::vector<std::byte> shard_image(const Study& study, const Layout& layout,
                                   std::span<const std::shared_ptr<const Record>> records) {
  const auto held = hdf5::lock();
  hdf5::Handle file = hdf5::create_in_memory();
  write_file_header(file.id(), shard_filetype, study, layout, {{"blas_core", blas_core()}});
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    Records own;
    for (const auto& record : records) {
      if (record->family == f) own.push_back(record.get());
    }
    write_family(file.id(), layout.families[f], f, own);
  }
  std::vector<std::byte> image = hdf5::file_image(file);
  file.close();
  return image;
}

}  // namespace meander
