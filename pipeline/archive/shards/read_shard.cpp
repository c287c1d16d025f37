// Reads shards, and believes nothing in them that can be compared with the study: a right seal only says that the bytes
// are those that somebody has sealed.
#include <algorithm>
#include <cmath>

#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/shards/record_shape.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

using Counts = std::vector<std::int64_t>;

[[noreturn]] void damaged(const std::string& problem) {
  throw hdf5::Error(problem);
}

/// Length of a column of `width` numbers a row. A shard's columns stand in it as they are, so that none is larger than
/// the file.
std::size_t rows_of(hid_t group, const std::string& name, std::size_t width, std::size_t item, std::size_t file_bytes) {
  const std::vector<hsize_t> shape = hdf5::extents(hdf5::open_dataset(group, name).id());
  const bool flat = width == 0;
  if (shape.size() != (flat ? 1U : 2U) || (!flat && shape[1] != width))
    damaged("column '" + name + "' has another shape");
  if (shape[0] > file_bytes / (item * std::max<std::size_t>(width, 1)))
    damaged("column '" + name + "' is longer than the file");
  return shape[0];
}

template <class T>
std::vector<T> read_column(hid_t group, const std::string& name, std::size_t rows, std::size_t file_bytes,
                           std::size_t width = 0) {
  if (rows_of(group, name, width, sizeof(T), file_bytes) != rows) damaged("column '" + name + "' has another length");
  return hdf5::read_dataset<T>(group, name);
}

/// The shape of one array in each row of a family.
struct ArrayColumn {
  Counts counts;
  Counts extents;  // rows of as many as the array has own dimensions
  std::size_t values = 0;

  std::span<const std::int64_t> extents_of(std::size_t row, std::size_t rank) const {
    return std::span(extents).subspan(row * rank, rank);
  }
};

std::size_t item_bytes(ArrayType type) {
  return type == ArrayType::int8 ? 1 : 8;
}

class FamilyReader {
 public:
  FamilyReader(hid_t file, const Header& header, std::size_t index, std::size_t file_bytes)
      : study_(header.study),
        layout_(header.layout),
        family_(header.layout.families[index]),
        index_(index),
        bytes_(file_bytes),
        cells_(header.study, family_),
        group_(hdf5::open_group(file, "family_" + std::to_string(index))),
        arrays_(hdf5::open_group(group_.id(), "arrays")),
        rows_(rows_of(group_.id(), "cell", 0, sizeof(std::int64_t), file_bytes)) {}

  std::vector<Record> read(ShardPart part) {
    std::vector<Record> records = read_rows();
    check_cells(records);
    check_keys(records);
    const std::vector<ArrayColumn> columns = read_shapes();
    check_shapes(columns);
    if (part == ShardPart::header) return {};
    if (part == ShardPart::everything) {
      for (Record& record : records) {
        record.arrays.resize(family_.arrays.size());
        record.extents.resize(family_.arrays.size());
      }
      for (std::size_t a = 0; a < columns.size(); ++a) read_array(a, columns[a], records);
    }
    return records;
  }

 private:
  std::vector<Record> read_rows() const {
    const hid_t group = group_.id();
    const auto keys = read_column<std::uint8_t>(group, "key", rows_, bytes_, TaskKey{}.size());
    const auto cells = read_column<std::int64_t>(group, "cell", rows_, bytes_);
    const auto statuses = read_column<std::int8_t>(group, "status", rows_, bytes_);
    const auto seconds = read_column<double>(group, "seconds", rows_, bytes_);
    if (rows_of(group, "message", 0, 1, bytes_) != rows_) damaged("column 'message' has another length");
    std::vector<std::string> messages = hdf5::read_text_dataset(group, "message");
    std::vector<Record> records(rows_);
    for (std::size_t i = 0; i < rows_; ++i) {
      Record& record = records[i];
      if (cells[i] < 0 || static_cast<std::uint64_t>(cells[i]) >= cells_.size())
        damaged(row(i) + " is of a cell that its study does not have");
      if (!is_status(statuses[i]) || statuses[i] == static_cast<std::int8_t>(Status::missing))
        damaged(row(i) + " has a status that no finished task has");
      if (std::isnan(seconds[i])) damaged(row(i) + " took a time that is no number");
      std::copy_n(keys.begin() + static_cast<std::ptrdiff_t>(i * record.key.size()), record.key.size(),
                  record.key.begin());
      record.family = index_;
      record.cell = static_cast<std::size_t>(cells[i]);
      record.status = static_cast<Status>(statuses[i]);
      record.seconds = seconds[i];
      record.message = std::move(messages[i]);
    }
    return records;
  }

  void check_cells(const std::vector<Record>& records) const {
    std::vector<std::size_t> cells;
    cells.reserve(records.size());
    for (const Record& record : records) cells.push_back(record.cell);
    if (!std::is_sorted(cells.begin(), cells.end())) std::sort(cells.begin(), cells.end());
    const auto twice = std::adjacent_find(cells.begin(), cells.end());
    if (twice != cells.end()) damaged("two rows of '" + family_.name + "' are of one cell");
  }

  void check_keys(const std::vector<Record>& records) const {
    const TaskKeys keys(study_, family_, cells_);
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (records[i].key != keys(records[i].cell)) damaged(row(i) + " is of another task than its cell");
    }
  }

  std::vector<ArrayColumn> read_shapes() const {
    std::vector<ArrayColumn> columns;
    for (const ArraySpec& spec : family_.arrays) {
      ArrayColumn& column = columns.emplace_back();
      const std::size_t rank = spec.dimensions.size();
      column.counts = read_column<std::int64_t>(arrays_.id(), spec.name + ".count", rows_, bytes_);
      if (rank > 0) {
        column.extents = read_column<std::int64_t>(arrays_.id(), spec.name + ".extents", rows_, bytes_, rank);
      }
      column.values = rows_of(arrays_.id(), spec.name + ".values", 0, item_bytes(spec.type), bytes_);
    }
    return columns;
  }

  void check_shapes(const std::vector<ArrayColumn>& columns) const {
    std::vector<std::size_t> left;
    for (const ArrayColumn& column : columns) left.push_back(column.values);
    RaggedLengths ragged;
    for (std::size_t i = 0; i < rows_; ++i) {
      ragged.clear();
      for (std::size_t a = 0; a < columns.size(); ++a) {
        const std::int64_t count = columns[a].counts[i];
        if (count == not_given) continue;
        const ArraySpec& spec = family_.arrays[a];
        const auto extents = columns[a].extents_of(i, spec.dimensions.size());
        std::string problem = count < 0 ? "has a negative number of values" : "";
        if (problem.empty()) problem = misfit(spec, layout_, extents, static_cast<std::uint64_t>(count));
        if (problem.empty()) problem = ragged.misfit(spec, layout_, extents);
        if (problem.empty() && static_cast<std::uint64_t>(count) > left[a]) problem = "has more values than are stored";
        if (!problem.empty()) damaged("array '" + spec.name + "' of " + row(i) + " " + problem);
        left[a] -= static_cast<std::size_t>(count);
      }
    }
    for (std::size_t a = 0; a < columns.size(); ++a) {
      if (left[a] != 0) damaged("array '" + family_.arrays[a].name + "' has values that belong to no row");
    }
  }

  void read_array(std::size_t array, const ArrayColumn& column, std::vector<Record>& records) const {
    const ArraySpec& spec = family_.arrays[array];
    for (std::size_t i = 0; i < rows_; ++i) {
      if (column.counts[i] == not_given) continue;
      const auto extents = column.extents_of(i, spec.dimensions.size());
      records[i].extents[array].assign(extents.begin(), extents.end());
    }
    switch (spec.type) {
      case ArrayType::float64:
        return read_values<double>(array, column, records);
      case ArrayType::int64:
        return read_values<std::int64_t>(array, column, records);
      case ArrayType::int8:
        return read_values<std::int8_t>(array, column, records);
    }
  }

  template <class T>
  void read_values(std::size_t array, const ArrayColumn& column, std::vector<Record>& records) const {
    const auto all = read_column<T>(arrays_.id(), family_.arrays[array].name + ".values", column.values, bytes_);
    auto next = all.begin();
    for (std::size_t i = 0; i < rows_; ++i) {
      const auto end = next + std::max<std::int64_t>(column.counts[i], 0);
      records[i].arrays[array] = std::vector<T>(next, end);
      next = end;
    }
  }

  std::string row(std::size_t i) const { return "row " + std::to_string(i) + " of '" + family_.name + "'"; }

  const Study& study_;
  const Layout& layout_;
  const Family& family_;
  std::size_t index_;
  std::size_t bytes_;  // of the file
  CellSpace cells_;
  hdf5::Handle group_;
  hdf5::Handle arrays_;
  std::size_t rows_;
};

}  // namespace

Shard read_shard(const std::string& path, ShardPart part) {
  SealedContent content;
  try {
    content = read_sealed(path, false);
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
    for (std::size_t f = 0; f < shard.header.layout.families.size(); ++f) {
      FamilyReader family(file.id(), shard.header, f, content.bytes.size());
      std::vector<Record> records = family.read(part);
      std::move(records.begin(), records.end(), std::back_inserter(shard.records));
    }
    return shard;
  } catch (const hdf5::Error& error) {
    throw BadInput(path + ": error: damaged shard (" + error.what() + ") remove it; its tasks are computed again");
  }
}

}  // namespace meander
