#include "pipeline/archive/shards/shard_reader.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>

#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/shards/record_shape.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/storage/known_files.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr std::size_t rows_at_a_time = std::size_t{1} << 16;

[[noreturn]] void damaged(const std::string& problem) {
  throw hdf5::Error(problem);
}

/// The shape of one array in each row of a family.
struct ArrayColumn {
  std::vector<std::int64_t> counts;
  std::vector<std::int64_t> extents;  // rows of as many as the array has own dimensions
  std::vector<std::size_t> starts;    // of each row's values, and one more

  std::span<const std::int64_t> extents_of(std::size_t row, std::size_t rank) const {
    return std::span(extents).subspan(row * rank, rank);
  }
};

/// One family's columns.
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
        rows_(length(group_, "cell", 0, sizeof(std::int64_t))) {
    require_rows("key", sizeof(std::uint8_t), TaskKey{}.size());
    require_rows("status", sizeof(std::int8_t));
    require_rows("seconds", sizeof(double));
    require_rows("message", 1);
    for (const ArraySpec& spec : family_.arrays) read_shape(spec);
    check_shapes();
  }

  std::size_t rows() const { return rows_; }

  std::vector<std::size_t> cells(std::size_t begin, std::size_t end) const {
    std::vector<std::size_t> cells;
    cells.reserve(end - begin);
    for (const std::int64_t cell : hdf5::read_rows<std::int64_t>(group_.id(), "cell", begin, end)) {
      if (cell < 0 || static_cast<std::uint64_t>(cell) >= cells_.size())
        damaged(row(begin + cells.size()) + " is of a cell that its study does not have");
      cells.push_back(static_cast<std::size_t>(cell));
    }
    return cells;
  }

  std::vector<Status> statuses(std::size_t begin, std::size_t end) const {
    std::vector<Status> statuses;
    statuses.reserve(end - begin);
    for (const std::int8_t status : hdf5::read_rows<std::int8_t>(group_.id(), "status", begin, end)) {
      if (!is_status(status) || status == static_cast<std::int8_t>(Status::missing))
        damaged(row(begin + statuses.size()) + " has a status that no finished task has");
      statuses.push_back(static_cast<Status>(status));
    }
    return statuses;
  }

  std::vector<std::string> messages(std::size_t begin, std::size_t end) const {
    return hdf5::read_text_rows(group_.id(), "message", begin, end);
  }

  /// Everything that reading a few rows does not show.
  void check() const {
    std::vector<std::size_t> all;
    all.reserve(rows_);
    const TaskKeys keys(study_, family_, cells_);
    std::string other;  // the first row that is another task's: two rows of one cell say more
    for (std::size_t begin = 0; begin < rows_; begin += rows_at_a_time) {
      const std::size_t end = std::min(rows_, begin + rows_at_a_time);
      for (const Record& record : bookkeeping(begin, end)) {
        if (other.empty() && record.key != keys(record.cell)) other = row(all.size());
        all.push_back(record.cell);
      }
    }
    if (!std::is_sorted(all.begin(), all.end())) std::sort(all.begin(), all.end());
    if (std::adjacent_find(all.begin(), all.end()) != all.end())
      damaged("two rows of '" + family_.name + "' are of one cell");
    if (!other.empty()) damaged(other + " is of another task than its cell");
  }

  std::vector<Record> read(std::size_t begin, std::size_t end) const {
    std::vector<Record> records = bookkeeping(begin, end);
    const std::vector<std::string> texts = messages(begin, end);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].message = texts[i];
      records[i].arrays.resize(family_.arrays.size());
      records[i].extents.resize(family_.arrays.size());
    }
    for (std::size_t a = 0; a < columns_.size(); ++a) read_array(a, begin, records);
    return records;
  }

 private:
  /// Of a column of `width` numbers a row. A shard's columns stand in it as they are, so that none is larger than the
  /// file.
  std::size_t length(const hdf5::Handle& group, const std::string& name, std::size_t width, std::size_t item) const {
    const std::vector<hsize_t> shape = hdf5::extents(hdf5::open_dataset(group.id(), name).id());
    const bool flat = width == 0;
    if (shape.size() != (flat ? 1U : 2U) || (!flat && shape[1] != width))
      damaged("column '" + name + "' has another shape");
    if (shape[0] > bytes_ / (item * std::max<std::size_t>(width, 1)))
      damaged("column '" + name + "' is longer than the file");
    return shape[0];
  }

  void require_rows(const std::string& name, std::size_t item, std::size_t width = 0) const {
    if (length(group_, name, width, item) != rows_) damaged("column '" + name + "' has another length");
  }

  /// Key, cell, status and seconds.
  std::vector<Record> bookkeeping(std::size_t begin, std::size_t end) const {
    const auto keys = hdf5::read_rows<std::uint8_t>(group_.id(), "key", begin, end);
    const auto seconds = hdf5::read_rows<double>(group_.id(), "seconds", begin, end);
    const std::vector<std::size_t> cells = this->cells(begin, end);
    const std::vector<Status> statuses = this->statuses(begin, end);
    std::vector<Record> records(end - begin);
    for (std::size_t i = 0; i < records.size(); ++i) {
      Record& record = records[i];
      if (std::isnan(seconds[i])) damaged(row(begin + i) + " took a time that is no number");
      std::copy_n(keys.begin() + static_cast<std::ptrdiff_t>(i * record.key.size()), record.key.size(),
                  record.key.begin());
      record.family = index_;
      record.cell = cells[i];
      record.status = statuses[i];
      record.seconds = seconds[i];
    }
    return records;
  }

  void read_shape(const ArraySpec& spec) {
    ArrayColumn& column = columns_.emplace_back();
    const std::size_t rank = spec.dimensions.size();
    if (length(arrays_, spec.name + ".count", 0, sizeof(std::int64_t)) != rows_)
      damaged("column '" + spec.name + ".count' has another length");
    column.counts = hdf5::read_rows<std::int64_t>(arrays_.id(), spec.name + ".count", 0, rows_);
    if (rank == 0) return;
    if (length(arrays_, spec.name + ".extents", rank, sizeof(std::int64_t)) != rows_)
      damaged("column '" + spec.name + ".extents' has another length");
    column.extents = hdf5::read_rows<std::int64_t>(arrays_.id(), spec.name + ".extents", 0, rows_);
  }

  void check_shapes() {
    std::vector<std::size_t> stored;
    for (std::size_t a = 0; a < columns_.size(); ++a) {
      const ArraySpec& spec = family_.arrays[a];
      stored.push_back(length(arrays_, spec.name + ".values", 0, spec.type == ArrayType::int8 ? 1 : 8));
      columns_[a].starts.assign(1, 0);
    }
    RaggedLengths ragged;
    for (std::size_t i = 0; i < rows_; ++i) {
      ragged.clear();
      for (std::size_t a = 0; a < columns_.size(); ++a) {
        const std::int64_t count = columns_[a].counts[i];
        const std::size_t start = columns_[a].starts.back();
        if (count != not_given) check_shape(a, i, ragged, stored[a] - start);
        columns_[a].starts.push_back(start + static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
      }
    }
    for (std::size_t a = 0; a < columns_.size(); ++a) {
      if (columns_[a].starts.back() != stored[a])
        damaged("array '" + family_.arrays[a].name + "' has values that belong to no row");
    }
  }

  void check_shape(std::size_t array, std::size_t i, RaggedLengths& ragged, std::size_t left) const {
    const ArraySpec& spec = family_.arrays[array];
    const std::int64_t count = columns_[array].counts[i];
    const auto extents = columns_[array].extents_of(i, spec.dimensions.size());
    std::string problem = count < 0 ? "has a negative number of values" : "";
    if (problem.empty()) problem = misfit(spec, layout_, extents, static_cast<std::uint64_t>(count));
    if (problem.empty()) problem = ragged.misfit(spec, layout_, extents);
    if (problem.empty() && static_cast<std::uint64_t>(count) > left) problem = "has more values than are stored";
    if (!problem.empty()) damaged("array '" + spec.name + "' of " + row(i) + " " + problem);
  }

  void read_array(std::size_t array, std::size_t begin, std::vector<Record>& records) const {
    const ArraySpec& spec = family_.arrays[array];
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (columns_[array].counts[begin + i] == not_given) continue;
      const auto extents = columns_[array].extents_of(begin + i, spec.dimensions.size());
      records[i].extents[array].assign(extents.begin(), extents.end());
    }
    switch (spec.type) {
      case ArrayType::float64:
        return read_values<double>(array, begin, records);
      case ArrayType::int64:
        return read_values<std::int64_t>(array, begin, records);
      case ArrayType::int8:
        return read_values<std::int8_t>(array, begin, records);
    }
  }

  template <class T>
  void read_values(std::size_t array, std::size_t begin, std::vector<Record>& records) const {
    const std::vector<std::size_t>& starts = columns_[array].starts;
    const std::size_t first = starts[begin];
    const auto all =
        hdf5::read_rows<T>(arrays_.id(), family_.arrays[array].name + ".values", first, starts[begin + records.size()]);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].arrays[array] =
          std::vector<T>(all.begin() + static_cast<std::ptrdiff_t>(starts[begin + i] - first),
                         all.begin() + static_cast<std::ptrdiff_t>(starts[begin + i + 1] - first));
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
  std::vector<ArrayColumn> columns_;
};

void require_intact(const std::string& path) {
  Seal seal = Seal::missing;
  try {
    seal = verify_seal(path, false);
  } catch (const std::runtime_error& error) {
    throw BadInput(path + ": error: " + error.what());
  }
  if (seal == Seal::intact) return;
  throw BadInput(path +
                 ": error: damaged shard (its bytes are not those that were written) remove it; its tasks "
                 "are computed again");
}

}  // namespace

struct ShardReader::Impl {
  std::string path;
  std::size_t bytes = 0;
  hdf5::Handle file;
  Header header;
  std::vector<FamilyReader> families;

  /// What HDF5 or this file's checks say is damage to the shard.
  template <class Action>
  auto reading(const Action& action) const {
    const auto held = hdf5::lock();
    try {
      return action();
    } catch (const hdf5::Error& error) {
      throw BadInput(path + ": error: damaged shard (" + error.what() + ") remove it; its tasks are computed again");
    }
  }
};

ShardReader::ShardReader(const std::string& path) : impl_(std::make_unique<Impl>()) {
  static KnownFiles found_good;
  const FileStamp stamp = stamp_of(path);
  const bool known = found_good.know(path);
  if (!known) require_intact(path);
  impl_->path = path;
  impl_->bytes = std::filesystem::file_size(path);
  impl_->reading([&] {
    impl_->file = hdf5::open_file(path);
    impl_->header = read_file_header(impl_->file.id(), path);
    if (!impl_->header.is_shard) throw BadInput(path + ": error: not a shard");
    impl_->families.reserve(impl_->header.layout.families.size());
    for (std::size_t f = 0; f < impl_->header.layout.families.size(); ++f) {
      impl_->families.emplace_back(impl_->file.id(), impl_->header, f, impl_->bytes);
      if (!known) impl_->families.back().check();
    }
  });
  found_good.add(path, stamp);
}

ShardReader::~ShardReader() {
  const auto held = hdf5::lock();
  impl_.reset();
}

const Header& ShardReader::header() const {
  return impl_->header;
}

std::size_t ShardReader::bytes() const {
  return impl_->bytes;
}

std::size_t ShardReader::rows(std::size_t family) const {
  return impl_->families[family].rows();
}

std::vector<std::size_t> ShardReader::cells(std::size_t family) const {
  return impl_->reading([&] { return impl_->families[family].cells(0, rows(family)); });
}

std::vector<Status> ShardReader::statuses(std::size_t family) const {
  return impl_->reading([&] { return impl_->families[family].statuses(0, rows(family)); });
}

void ShardReader::collect_messages(std::size_t family, std::set<std::string>& messages) const {
  const std::vector<Status> all = statuses(family);
  for (std::size_t begin = 0; begin < all.size(); begin += rows_at_a_time) {
    const std::size_t end = std::min(all.size(), begin + rows_at_a_time);
    const auto done = [](Status status) { return status == Status::done; };
    if (std::all_of(all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(end),
                    done))
      continue;
    for (std::string& text : impl_->reading([&] { return impl_->families[family].messages(begin, end); })) {
      if (!text.empty()) messages.insert(std::move(text));
    }
  }
}

std::vector<Record> ShardReader::records(std::size_t family, std::size_t begin, std::size_t end) const {
  return impl_->reading([&] { return impl_->families[family].read(begin, end); });
}

Shard read_shard(const std::string& path, ShardPart part) {
  const ShardReader reader(path);
  Shard shard{reader.header(), {}};
  if (part == ShardPart::header) return shard;
  for (std::size_t f = 0; f < shard.header.layout.families.size(); ++f) {
    if (part == ShardPart::everything) {
      std::vector<Record> records = reader.records(f, 0, reader.rows(f));
      std::move(records.begin(), records.end(), std::back_inserter(shard.records));
      continue;
    }
    const std::vector<std::size_t> cells = reader.cells(f);
    const std::vector<Status> statuses = reader.statuses(f);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      Record& record = shard.records.emplace_back();
      record.family = f;
      record.cell = cells[i];
      record.status = statuses[i];
    }
  }
  return shard;
}

}  // namespace meander
