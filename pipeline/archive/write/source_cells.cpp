#include "pipeline/archive/write/source_cells.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/write/exchange.hpp"
#include "pipeline/ranks/collective.hpp"

namespace meander {
namespace {

// What is read of a source at a time.
constexpr std::size_t piece_bytes = std::size_t{4} << 20;
// Reading on costs less than beginning anew behind a gap of this size.
constexpr std::size_t gap_bytes = std::size_t{64} << 10;
constexpr std::size_t least_row_bytes = 512;  // of a record in memory, however small its arrays are
constexpr std::size_t codes_at_a_time = std::size_t{1} << 20;

constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();  // cells are fewer

/// Several cores stand in one text where an archive was joined across them.
void add_cores(std::set<std::string>& cores, std::string text) {
  for (std::size_t comma = text.find(", "); comma != std::string::npos; comma = text.find(", ")) {
    cores.insert(text.substr(0, comma));
    text.erase(0, comma + 2);
  }
  if (!text.empty()) cores.insert(text);
}

}  // namespace

Rounds::Rounds(const Study& study, const Layout& layout, int ranks) : ranks_(static_cast<std::size_t>(ranks)) {
  units_.push_back(0);
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    families_.push_back(family_units(study, layout, f));
    units_.push_back(units_.back() + families_.back().count());
  }
}

std::optional<Rounds::Unit> Rounds::unit(std::size_t round, int rank) const {
  const std::size_t index = round * ranks_ + static_cast<std::size_t>(rank);
  if (index >= units_.back()) return std::nullopt;
  const auto next = std::upper_bound(units_.begin(), units_.end(), index);
  const auto family = static_cast<std::size_t>(next - units_.begin()) - 1;
  const std::size_t number = index - units_[family];
  return Unit{family, number, families_[family][number]};
}

CellRange Rounds::cells(std::size_t round, std::size_t family) const {
  const std::size_t begin = std::max(units_[family], round * ranks_);
  const std::size_t end = std::min(units_[family + 1], (round + 1) * ranks_);
  if (begin >= end) return {};
  return {families_[family][begin - units_[family]].begin, families_[family][end - 1 - units_[family]].end};
}

int Rounds::owner(std::size_t round, std::size_t family, std::size_t cell) const {
  return static_cast<int>(units_[family] + families_[family].of(cell) - round * ranks_);
}

SourceCells::SourceCells(MPI_Comm comm, const Study& study, const Layout& layout, std::vector<std::string> sources)
    : study_(study), layout_(layout) {
  // By name, so that the same work is shared in the same way whatever the order they were given in.
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  const int rank = rank_of(comm);
  const int size = size_of(comm);
  int shard = 0;
  for (const std::string& source : sources) {
    if (!is_shard_path(source)) {
      open_archive(source, rank, size);
    } else if (shard++ % size == rank) {
      open_shard(source);
    }
  }
}

std::shared_ptr<const CellMap> SourceCells::map_of(const Header& header, const std::string& path) {
  require_identity(header, study_, path);
  std::string source = header.study.text() + header.layout.toml();
  if (!map_ || source != mapped_) {
    auto map = std::make_shared<CellMap>(header.study, header.layout, study_, layout_);
    map->require_all(path);
    map_ = std::move(map);
    mapped_ = std::move(source);
  }
  return map_;
}

void SourceCells::open_shard(const std::string& path) {
  const ShardReader reader(path);
  ShardSource source{
      path, text_attribute(reader.header().attributes, "blas_core"), map_of(reader.header(), path), {}, {}};
  add_cores(cores_, source.core);
  std::size_t rows = 0;
  for (std::size_t f = 0; f < reader.header().layout.families.size(); ++f) {
    source.families.push_back(source.map->family(f).value_or(layout_.families.size()));
    std::vector<std::uint32_t>& cells = source.cells.emplace_back();
    for (const std::size_t cell : reader.cells(f)) {
      const auto target = source.map->cell(f, cell);
      cells.push_back(target ? static_cast<std::uint32_t>(*target) : nowhere);
    }
    reader.collect_messages(f, messages_);
    rows += cells.size();
  }
  const std::size_t row_bytes = std::max(least_row_bytes, reader.bytes() / std::max<std::size_t>(rows, 1));
  source.rows_at_a_time = std::max<std::size_t>(1, piece_bytes / row_bytes);
  source.rows_to_skip = std::max<std::size_t>(1, gap_bytes / row_bytes);
  shards_.push_back(std::move(source));
}

void SourceCells::open_archive(const std::string& path, int rank, int size) {
  ArchiveSource source{std::make_unique<ArchiveReader>(path), {}, {}};
  const ArchiveReader& reader = *source.reader;
  source.map = map_of(reader.header(), path);
  source.core = text_attribute(reader.header().attributes, "blas_core");
  add_cores(cores_, source.core);
  for (std::size_t f = 0; reader.messages().size() > 1 && f < reader.header().layout.families.size(); ++f) {
    const std::size_t cells = reader.cells(f);
    const std::size_t end = cells * (static_cast<std::size_t>(rank) + 1) / static_cast<std::size_t>(size);
    for (std::size_t at = cells * static_cast<std::size_t>(rank) / static_cast<std::size_t>(size); at < end;) {
      const std::size_t next = std::min(end, at + codes_at_a_time);
      for (const std::int64_t code : reader.error_codes(f, at, next)) {
        if (code > 0) messages_.insert(reader.messages()[static_cast<std::size_t>(code)]);
      }
      at = next;
    }
  }
  archives_.push_back(std::move(source));
}

/// The rows of this rank's shards that a round is about, one after another, on their way to the ranks that own them.
class SourceCells::ShardRows {
 public:
  ShardRows(const std::vector<ShardSource>& shards, const Rounds& rounds, std::size_t round)
      : shards_(shards), rounds_(rounds), round_(round) {}

  std::optional<Parcel> next() {
    while (ready_.empty()) {
      if (!read_piece() && !next_family()) return std::nullopt;
    }
    Parcel parcel = std::move(ready_.front());
    ready_.pop_front();
    return parcel;
  }

 private:
  /// Of the family at hand: the next rows that lie close to each other.
  bool read_piece() {
    if (at_ == wanted_.size()) return false;
    const ShardSource& shard = shards_[shard_];
    std::size_t end = at_ + 1;
    while (end < wanted_.size() && wanted_[end] - wanted_[end - 1] <= shard.rows_to_skip &&
           wanted_[end] - wanted_[at_] < shard.rows_at_a_time)
      ++end;
    if (!reader_) reader_.emplace(shard.path);
    for (Record& record : reader_->records(family_, wanted_[at_], wanted_[end - 1] + 1)) {
      auto translated = shard.map->translate(std::move(record));
      if (!translated || !cells_.contains(translated->cell)) continue;
      const int owner = rounds_.owner(round_, translated->family, translated->cell);
      ready_.push_back({std::move(*translated), shard.core, owner});
    }
    at_ = end;
    return true;
  }

  /// Goes on to a family that has rows of the round, in this shard or a later one.
  bool next_family() {
    for (; shard_ < shards_.size(); ++shard_, next_ = 0, reader_.reset()) {
      const ShardSource& shard = shards_[shard_];
      while (next_ < shard.families.size()) {
        family_ = next_++;
        if (shard.families[family_] >= rounds_.families()) continue;
        cells_ = rounds_.cells(round_, shard.families[family_]);
        wanted_.clear();
        at_ = 0;
        const std::vector<std::uint32_t>& cells = shard.cells[family_];
        for (std::size_t row = 0; row < cells.size(); ++row) {
          if (cells_.contains(cells[row])) wanted_.push_back(row);
        }
        if (!wanted_.empty()) return true;
      }
    }
    return false;
  }

  const std::vector<ShardSource>& shards_;
  const Rounds& rounds_;
  std::size_t round_;
  std::size_t shard_ = 0;
  std::optional<ShardReader> reader_;  // of that shard, once it is needed
  std::size_t next_ = 0;               // family of the shard
  std::size_t family_ = 0;
  CellRange cells_;
  std::vector<std::size_t> wanted_;  // rows
  std::size_t at_ = 0;               // the first of them that is not read yet
  std::deque<Parcel> ready_;
};

void SourceCells::read_archive(const ArchiveSource& source, const Rounds::Unit& unit, Block& block) const {
  const ArchiveReader& reader = *source.reader;
  for (std::size_t f = 0; f < reader.header().layout.families.size(); ++f) {
    if (source.map->family(f) != unit.family) continue;
    const CellRange range = source.map->source_cells(f, unit.cells);
    const std::size_t fitting = std::max<std::size_t>(1, piece_bytes / reader.bytes_per_cell(f));
    const std::size_t most = reader.is_ragged(f) ? std::min(fitting, most_ragged_cells) : fitting;
    for (std::size_t at = range.begin; at < range.end; at += most) {
      for (Record& record : reader.records(f, at, std::min(range.end, at + most))) {
        auto translated = source.map->translate(std::move(record));
        if (translated && unit.cells.contains(translated->cell)) block.insert(std::move(*translated), source.core);
      }
    }
  }
}

std::unique_ptr<Block> SourceCells::read(MPI_Comm comm, const Rounds& rounds, std::size_t round) {
  std::unique_ptr<Block> block;
  std::optional<ShardRows> rows;
  together(comm, [&] {
    const std::optional<Rounds::Unit> unit = rounds.unit(round, rank_of(comm));
    std::vector<CellRange> cells(layout_.families.size());
    if (unit) cells[unit->family] = unit->cells;
    block = std::make_unique<Block>(study_, layout_, cells);
    for (const ArchiveSource& archive : archives_) {
      if (unit) read_archive(archive, *unit, *block);
    }
    rows.emplace(shards_, rounds, round);
  });
  exchange(
      comm, [&] { return rows->next(); }, [&](Parcel parcel) { block->insert(std::move(parcel.record), parcel.core); });
  return block;
}

}  // namespace meander
