#include "pipeline/archive/shards/shard_file.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr std::int64_t not_given = -1;

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

void require(bool condition, const char* what) {
  if (!condition) throw hdf5::Error(std::string("columns disagree (") + what + ")");
}

template <class T>
void read_values(hid_t group, const std::string& name, const std::vector<std::int64_t>& counts, std::size_t array,
                 std::span<Record> records) {
  const std::vector<T> all = hdf5::read_dataset<T>(group, name + ".values");
  std::size_t next = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(counts[i], 0));
    require(size <= all.size() - next, "values");
    records[i].arrays[array] = std::vector<T>(all.begin() + static_cast<std::ptrdiff_t>(next),
                                              all.begin() + static_cast<std::ptrdiff_t>(next + size));
    next += size;
  }
}

void read_array(hid_t group, const ArraySpec& spec, std::size_t array, std::span<Record> records) {
  const std::vector<std::int64_t> counts = hdf5::read_dataset<std::int64_t>(group, spec.name + ".count");
  const std::size_t rank = spec.dimensions.size();
  std::vector<std::int64_t> extents;
  if (rank > 0) extents = hdf5::read_dataset<std::int64_t>(group, spec.name + ".extents");
  require(counts.size() == records.size() && extents.size() == records.size() * rank, "extents");
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (counts[i] == not_given) continue;
    const auto begin = extents.begin() + static_cast<std::ptrdiff_t>(i * rank);
    records[i].extents[array].assign(begin, begin + static_cast<std::ptrdiff_t>(rank));
  }
  switch (spec.type) {
    case ArrayType::float64:
      return read_values<double>(group, spec.name, counts, array, records);
    case ArrayType::int64:
      return read_values<std::int64_t>(group, spec.name, counts, array, records);
    case ArrayType::int8:
      return read_values<std::int8_t>(group, spec.name, counts, array, records);
  }
}

std::vector<Record> read_family(hid_t file, const Family& family, std::size_t index, std::size_t cells_in_study,
                                ShardPart part) {
  const hdf5::Handle group = hdf5::open_group(file, "family_" + std::to_string(index));
  const auto keys = hdf5::read_dataset<std::uint8_t>(group.id(), "key");
  const auto cells = hdf5::read_dataset<std::int64_t>(group.id(), "cell");
  const auto statuses = hdf5::read_dataset<std::int8_t>(group.id(), "status");
  const auto seconds = hdf5::read_dataset<double>(group.id(), "seconds");
  const auto messages = hdf5::read_text_dataset(group.id(), "message");
  std::vector<Record> records(cells.size());
  require(statuses.size() == cells.size() && seconds.size() == cells.size() && messages.size() == cells.size() &&
              keys.size() == cells.size() * TaskKey{}.size(),
          "rows");
  for (std::size_t i = 0; i < records.size(); ++i) {
    Record& record = records[i];
    require(cells[i] >= 0 && static_cast<std::size_t>(cells[i]) < cells_in_study, "cells");
    std::copy_n(keys.begin() + static_cast<std::ptrdiff_t>(i * record.key.size()), record.key.size(),
                record.key.begin());
    record.family = index;
    record.cell = static_cast<std::size_t>(cells[i]);
    record.status = static_cast<Status>(statuses[i]);
    record.seconds = seconds[i];
    record.message = messages[i];
    record.arrays.resize(family.arrays.size());
    record.extents.resize(family.arrays.size());
  }
  if (part == ShardPart::everything) {
    const hdf5::Handle arrays = hdf5::open_group(group.id(), "arrays");
    for (std::size_t a = 0; a < family.arrays.size(); ++a) read_array(arrays.id(), family.arrays[a], a, records);
  }
  return records;
}

}  // namespace

std::string shard_folder(const std::string& archive) {
  return archive + ".shards";
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

void validate(const Record& record, const Layout& layout) {
  const Family& family = layout.families.at(record.family);
  if (record.arrays.size() != family.arrays.size() || record.extents.size() != family.arrays.size()) {
    throw std::logic_error("a record of '" + family.name + "' has another number of arrays than its family");
  }
  for (std::size_t a = 0; a < family.arrays.size(); ++a) {
    if (!given(record, a)) continue;
    const ArraySpec& spec = family.arrays[a];
    std::size_t size = 1;
    bool fits = record.extents[a].size() == spec.dimensions.size();
    for (std::size_t d = 0; fits && d < spec.dimensions.size(); ++d) {
      const OwnDimension& dimension = layout.dimension(spec.dimensions[d]);
      fits = dimension.ragged || record.extents[a][d] <= dimension.size;
      size *= record.extents[a][d];
    }
    if (!fits || size != values_in(record.arrays[a]) ||
        record.arrays[a].index() != static_cast<std::size_t>(spec.type)) {
      throw std::logic_error("array '" + spec.name + "' of a task has another type or shape than was declared");
    }
  }
}

std::size_t size_of(const Record& record) {
  std::size_t bytes = sizeof(Record) + record.message.size();
  for (const ArrayData& data : record.arrays) {
    bytes += std::visit([](const auto& values) { return values.size() * sizeof(values[0]); }, data) + sizeof data;
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

Shard read_shard(const std::string& path, ShardPart part) {
  SealedContent content;
  try {
    content = read_sealed(path);
  } catch (const std::runtime_error& error) {
    throw BadInput(path + ": error: " + error.what());
  }
  if (content.seal != Seal::intact) {
    throw BadInput(path +
                   ": error: damaged shard (its bytes are not those that were written) remove it; its tasks "
                   "are computed again");
  }
  const auto held = hdf5::lock();
  try {
    const hdf5::Handle file = hdf5::open_image(content.bytes, path);
    Shard shard;
    shard.header = read_file_header(file.id(), path);
    if (!shard.header.is_shard) throw BadInput(path + ": error: not a shard");
    if (part == ShardPart::header) return shard;
    for (std::size_t f = 0; f < shard.header.layout.families.size(); ++f) {
      const Family& family = shard.header.layout.families[f];
      std::vector<Record> records =
          read_family(file.id(), family, f, CellSpace(shard.header.study, family).size(), part);
      std::move(records.begin(), records.end(), std::back_inserter(shard.records));
    }
    return shard;
  } catch (const hdf5::Error& error) {
    throw BadInput(path + ": error: damaged shard: " + error.what());
  }
}

}  // namespace meander
