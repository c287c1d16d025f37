#include "pipeline/archive/read/archive_reader.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/read/trial_read.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/files/regular_file.hpp"
#include "pipeline/storage/known_files.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr std::size_t cells_at_a_time = std::size_t{1} << 20;

hdf5::Handle open_checked(const std::string& path) {
  require_hdf5_file(path);
  try {
    return hdf5::open_file(path);
  } catch (const hdf5::Error& error) {
    throw BadInput(path + ": error: damaged or cut short: " + error.what() +
                   " restore it from a copy, or move it away and run the study again");
  }
}

template <class T>
std::vector<T> read_selection(const hdf5::Handle& dataset, const std::string& name,
                              const std::vector<std::size_t>& extents, const std::vector<std::size_t>& own,
                              std::size_t begin, std::size_t end) {
  const hdf5::Handle space = hdf5::dataset_space(dataset.id());
  std::vector<hsize_t> expected(extents.begin(), extents.end());
  expected.insert(expected.end(), own.begin(), own.end());
  if (hdf5::extents(dataset.id()) != expected) throw hdf5::Error("its shape is not that of its study");
  select_cells(space, extents, own, begin, end);
  const hsize_t size = static_cast<hsize_t>(hdf5::check(H5Sget_select_npoints(space.id()), "selection"));
  std::vector<T> values(size);
  if (size == 0) return values;
  const hdf5::Handle memory = hdf5::simple_space(std::span(&size, 1));
  hdf5::check(H5Dread(dataset.id(), hdf5::memory_type<T>(), memory.id(), space.id(), H5P_DEFAULT, values.data()), name);
  return values;
}

template <class T>
void deal(const std::vector<T>& values, std::size_t size, const Field& field, std::vector<Record>& records) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(i * size);
    records[i].arrays[field.array] = std::vector<T>(first, first + static_cast<std::ptrdiff_t>(size));
    records[i].extents[field.array] = field.own_extents;
  }
}

template <class T>
void deal_ragged(const std::vector<T>& values, const std::vector<std::size_t>& offsets,
                 const std::vector<std::int64_t>& counts, std::size_t begin, const Field& field,
                 std::vector<Record>& records) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (counts[i] < 0) continue;
    const std::size_t from = (offsets[begin + i] - offsets[begin]) * field.own_size();
    const std::size_t to = (offsets[begin + i + 1] - offsets[begin]) * field.own_size();
    records[i].arrays[field.array] = std::vector<T>(values.begin() + static_cast<std::ptrdiff_t>(from),
                                                    values.begin() + static_cast<std::ptrdiff_t>(to));
    records[i].extents[field.array] = field.own_extents;
    records[i].extents[field.array].insert(records[i].extents[field.array].begin(),
                                           static_cast<std::size_t>(counts[i]));
  }
}

[[noreturn]] void refuse_damaged(const std::string& path, const std::string& why) {
  throw BadInput(path + ": error: " + why +
                 " restore it from a copy, or move it away and run the study again (`meander check` says more)");
}

}  // namespace

void require_hdf5_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) throw BadInput(path + ": error: no such file; check the path");
  if (fs::is_directory(status)) throw BadInput(path + ": error: a directory, not an archive; give the file's path");
  if (const auto problem = regular_file_problem(path)) {
    throw BadInput(path + ": error: not an archive (" + *problem + ") give the archive that `meander run` wrote");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw BadInput(path + ": error: cannot be opened (no permission?) check its access rights");
  std::array<char, 8> signature{};
  file.read(signature.data(), signature.size());
  if (file.gcount() == 0) throw BadInput(path + ": error: an empty file, not an archive");
  if (std::string_view(signature.data(), signature.size()) != "\x89HDF\r\n\x1a\n") {
    throw BadInput(path + ": error: not HDF5 (its first bytes are others) give the archive that `meander run` wrote");
  }
}

std::string require_readable(const std::string& path, std::size_t largest) {
  require_hdf5_file(path);
  if (has_seal(path)) {
    static KnownFiles found_intact;
    const FileStamp stamp = stamp_of(path);
    if (found_intact.know(path) || static_cast<std::uint64_t>(stamp.size) > largest) return "";
    if (verify_seal(path) != Seal::intact) {
      refuse_damaged(path, "damaged (its bytes are not those that were written)");
    }
    found_intact.add(path, stamp);
    return "";
  }
  const TrialReport trial = trial_read_in_child(path);
  if (trial.problems.empty()) {
    return path + ": warning: changed by another program since it was written: its seal is gone";
  }
  const std::string& problem = trial.problems.front();
  // What is said of the file as a whole is said already: another program's file, or a newer format.
  if (problem.starts_with(path + ": error: ")) throw BadInput(problem);
  refuse_damaged(path, "cut short, or damaged by another program (it does not end in its seal; " + problem + ")");
}

ArchiveReader::ArchiveReader(const std::string& path) : path_(path) {
  const auto held = hdf5::lock();
  file_ = open_checked(path);
  header_ = read_file_header(file_.id(), path);
  if (header_.is_shard) throw BadInput(path + ": error: a shard, not an archive; give the archive's path");
  try {
    for (std::size_t f = 0; f < header_.layout.families.size(); ++f) {
      const CellSpace cells(header_.study, header_.layout.families[f]);
      families_.push_back({cells.size(), cells.extents(), family_fields(header_.study, header_.layout, f), {}});
    }
    messages_ = hdf5::read_text_dataset(file_.id(), "error_message");
  } catch (const hdf5::Error& error) {
    throw BadInput(path + ": error: damaged: " + error.what());
  }
}

const Field& ArchiveReader::bookkeeping(std::size_t family, FieldKind kind) const {
  const std::vector<Field>& fields = families_[family].fields;
  return *std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.kind == kind; });
}

template <class T>
std::vector<T> ArchiveReader::read(const Field& field, std::size_t begin, std::size_t end) const {
  const auto held = hdf5::lock();
  try {
    return read_selection<T>(dataset(field.name), field.name, families_[field.family].extents, field.own_extents, begin,
                             end);
  } catch (const hdf5::Error& error) {
    throw BadInput(path_ + ": error: array '" + field.name + "' is damaged: " + error.what() +
                   " restore the archive from a copy");
  }
}

const hdf5::Handle& ArchiveReader::dataset(const std::string& name) const {
  const auto [known, is_new] = datasets_.try_emplace(name);
  if (!is_new) return known->second;
  hdf5::Handle plain = hdf5::open_dataset(file_.id(), name);
  const std::size_t chunk = hdf5::chunk_bytes(plain.id());
  if (chunk == 0) return known->second = std::move(plain);
  const hdf5::Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, "dataset access");
  hdf5::check(H5Pset_chunk_cache(access.id(), 101, chunk + chunk / 2, 1.0), "chunk cache");
  plain.close();
  return known->second = {H5Dopen2(file_.id(), name.c_str(), access.id()), H5Dclose, "dataset '" + name + "'"};
}

std::size_t ArchiveReader::bytes_per_cell(std::size_t family) const {
  std::size_t bytes = sizeof(Record);
  for (const Field& field : families_[family].fields) bytes += field.own_size() * sizeof(double) + sizeof(ArrayData);
  return bytes;
}

bool ArchiveReader::is_ragged(std::size_t family) const {
  const std::vector<Field>& fields = families_[family].fields;
  return std::any_of(fields.begin(), fields.end(), [](const Field& field) { return field.is_ragged_array(); });
}

void ArchiveReader::refuse(const Field& field, const std::string& why) const {
  throw BadInput(path_ + ": error: array '" + field.name + "' is damaged (" + why +
                 ") restore the archive from a copy, or move it away and run the study again");
}

std::vector<std::int8_t> ArchiveReader::raw_statuses(std::size_t family, std::size_t begin, std::size_t end) const {
  const Field& field = bookkeeping(family, FieldKind::status);
  auto raw = read<std::int8_t>(field, begin, end);
  if (!std::all_of(raw.begin(), raw.end(), is_status)) refuse(field, "a status that there is not");
  return raw;
}

std::vector<std::int64_t> ArchiveReader::codes(std::size_t family, std::size_t begin, std::size_t end) const {
  const Field& field = bookkeeping(family, FieldKind::error_code);
  auto codes = read<std::int64_t>(field, begin, end);
  // A negative one is a very large unsigned one.
  const std::uint64_t messages = messages_.size();
  if (!std::all_of(codes.begin(), codes.end(),
                   [&](std::int64_t c) { return static_cast<std::uint64_t>(c) < messages; }))
    refuse(field, "a code has no message");
  return codes;
}

void ArchiveReader::check_bookkeeping() const {
  for (std::size_t f = 0; f < families_.size(); ++f) {
    for (std::size_t begin = 0; begin < cells(f); begin += cells_at_a_time) {
      const std::size_t end = std::min(cells(f), begin + cells_at_a_time);
      static_cast<void>(raw_statuses(f, begin, end));
      static_cast<void>(codes(f, begin, end));
    }
    for (const Field& field : families_[f].fields) {
      if (field.is_ragged_array()) static_cast<void>(offsets(field));
    }
  }
}

std::vector<bool> ArchiveReader::positive(std::size_t family, std::size_t array, std::size_t begin,
                                          std::size_t end) const {
  const std::vector<Field>& fields = families_[family].fields;
  const Field& field = *std::find_if(fields.begin(), fields.end(), [&](const Field& candidate) {
    return candidate.kind == FieldKind::array && candidate.array == array;
  });
  if (field.is_ragged_array()) throw std::logic_error("array '" + field.name + "' has no place for each cell");
  std::vector<bool> marks(end - begin, false);
  const auto look = [&]<class T>(T) {
    const std::vector<T> values = read<T>(field, begin, end);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] > T{0}) marks[i / field.own_size()] = true;
    }
  };
  switch (field.type) {
    case ArrayType::float64:
      look(double{});
      break;
    case ArrayType::int64:
      look(std::int64_t{});
      break;
    case ArrayType::int8:
      look(std::int8_t{});
      break;
  }
  return marks;
}

std::vector<Status> ArchiveReader::statuses(std::size_t family, std::size_t begin, std::size_t end) const {
  const std::vector<std::int8_t> raw = raw_statuses(family, begin, end);
  std::vector<Status> statuses;
  statuses.reserve(raw.size());
  for (const std::int8_t value : raw) statuses.push_back(static_cast<Status>(value));
  return statuses;
}

std::vector<std::int64_t> ArchiveReader::error_codes(std::size_t family, std::size_t begin, std::size_t end) const {
  return codes(family, begin, end);
}

std::size_t ArchiveReader::stored_length(const Field& ragged) const {
  const auto held = hdf5::lock();
  try {
    const std::vector<hsize_t> shape = hdf5::extents(hdf5::open_dataset(file_.id(), ragged.name).id());
    if (!shape.empty()) return shape.front();
  } catch (const hdf5::Error& error) {
    refuse(ragged, error.what());
  }
  refuse(ragged, "its shape is not that of its study");
}

const std::vector<std::size_t>& ArchiveReader::offsets(const Field& field) const {
  const FamilyCells& family = families_[field.family];
  std::vector<std::size_t>& offsets = family.offsets[field.ragged];
  if (!offsets.empty()) return offsets;
  const Field& count = *std::find_if(family.fields.begin(), family.fields.end(), [&](const Field& other) {
    return other.kind == FieldKind::count && other.ragged == field.ragged;
  });
  const auto counts = read<std::int64_t>(count, 0, family.cells);
  const std::size_t stored = stored_length(field);
  std::vector<std::size_t> starts;
  starts.reserve(counts.size() + 1);
  starts.push_back(0);
  for (const std::int64_t size : counts) {
    if (size < 0 && size != missing_count) refuse(count, "a negative length");
    const std::size_t own = size == missing_count ? 0 : static_cast<std::size_t>(size);
    if (own > stored - starts.back()) refuse(count, "its lengths are more than the array '" + field.name + "' has");
    starts.push_back(starts.back() + own);
  }
  if (starts.back() != stored) refuse(count, "its lengths are less than the array '" + field.name + "' has");
  offsets = std::move(starts);
  return offsets;
}

void ArchiveReader::read_array(const Field& field, std::size_t begin, std::size_t end,
                               std::vector<Record>& records) const {
  switch (field.type) {
    case ArrayType::float64:
      return deal(read<double>(field, begin, end), field.own_size(), field, records);
    case ArrayType::int64:
      return deal(read<std::int64_t>(field, begin, end), field.own_size(), field, records);
    case ArrayType::int8:
      return deal(read<std::int8_t>(field, begin, end), field.own_size(), field, records);
  }
}

void ArchiveReader::read_ragged(const Field& field, std::size_t begin, std::size_t end,
                                std::vector<Record>& records) const {
  const std::vector<std::size_t>& starts = offsets(field);
  const FamilyCells& family = families_[field.family];
  const Field& count = *std::find_if(family.fields.begin(), family.fields.end(), [&](const Field& other) {
    return other.kind == FieldKind::count && other.ragged == field.ragged;
  });
  const auto counts = read<std::int64_t>(count, begin, end);
  const auto values = [&]<class T>(T) {
    const auto held = hdf5::lock();
    try {
      return read_selection<T>(dataset(field.name), field.name, {starts.back()}, field.own_extents, starts[begin],
                               starts[end]);
    } catch (const hdf5::Error& error) {
      throw BadInput(path_ + ": error: array '" + field.name + "' is damaged: " + error.what());
    }
  };
  switch (field.type) {
    case ArrayType::float64:
      return deal_ragged(values(double{}), starts, counts, begin, field, records);
    case ArrayType::int64:
      return deal_ragged(values(std::int64_t{}), starts, counts, begin, field, records);
    case ArrayType::int8:
      return deal_ragged(values(std::int8_t{}), starts, counts, begin, field, records);
  }
}

std::vector<Record> ArchiveReader::records(std::size_t family, std::size_t begin, std::size_t end) const {
  const auto statuses = raw_statuses(family, begin, end);
  const auto seconds = read<double>(bookkeeping(family, FieldKind::seconds), begin, end);
  const auto error_codes = codes(family, begin, end);
  const std::size_t arrays = header_.layout.families[family].arrays.size();
  std::vector<Record> records(end - begin);
  for (std::size_t i = 0; i < records.size(); ++i) {
    Record& record = records[i];
    record.family = family;
    record.cell = begin + i;
    record.status = static_cast<Status>(statuses[i]);
    record.seconds = seconds[i];
    record.message = messages_[static_cast<std::size_t>(error_codes[i])];
    record.arrays.resize(arrays);
    record.extents.resize(arrays);
  }
  for (const Field& field : families_[family].fields) {
    if (field.kind != FieldKind::array) continue;
    field.is_ragged_array() ? read_ragged(field, begin, end, records) : read_array(field, begin, end, records);
  }
  std::erase_if(records, [](const Record& record) { return record.status == Status::missing; });
  return records;
}

}  // namespace meander
