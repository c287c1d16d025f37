// Reads what archives and shards hold of an archive that is being written, a few units of its cells at a time.
#pragma once

#include <mpi.h>

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/cells/cell_map.hpp"
#include "pipeline/archive/format/cell_units.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/shards/shard_reader.hpp"

namespace meander {

/// The units of all families, one family after another, as the ranks take them: in each round every rank its next one.
class Rounds {
 public:
  Rounds(const Study& study, const Layout& layout, int ranks);

  std::size_t count() const { return (units_.back() + ranks_ - 1) / ranks_; }
  struct Unit {
    std::size_t family = 0;
    std::size_t number = 0;  // in its family
    CellRange cells;
  };
  /// A rank's unit; nothing where it has none left.
  std::optional<Unit> unit(std::size_t round, int rank) const;
  /// The cells of a family that a round is about: they lie beside each other.
  CellRange cells(std::size_t round, std::size_t family) const;
  /// The rank whose unit holds one of those cells.
  int owner(std::size_t round, std::size_t family, std::size_t cell) const;
  const CellUnits& units(std::size_t family) const { return families_[family]; }
  std::size_t families() const { return families_.size(); }

 private:
  std::size_t ranks_;
  std::vector<CellUnits> families_;
  std::vector<std::size_t> units_;  // of the families before each, and of all
};

/// This rank's part of reading: of the shards every size-th, and of each archive the cells of its units.
class SourceCells {
 public:
  /// Throws BadInput where a source is damaged, of another study, or holds what (study, layout) has no place for.
  SourceCells(MPI_Comm comm, const Study& study, const Layout& layout, std::vector<std::string> sources);

  /// The messages of its cells, and the cores that computed them; of all sources together once every rank was asked.
  const std::set<std::string>& messages() const { return messages_; }
  const std::set<std::string>& cores() const { return cores_; }

  /// A block of this rank's unit in that round, filled from all ranks' sources. Collective.
  std::unique_ptr<Block> read(MPI_Comm comm, const Rounds& rounds, std::size_t round);

 private:
  /// A shard whose rows are read when their turn comes.
  struct ShardSource {
    std::string path;
    std::string core;
    std::shared_ptr<const CellMap> map;
    std::vector<std::vector<std::uint32_t>> cells;  // per family of the shard and row: its cell in (study, layout)
    std::vector<std::size_t> families;              // those of (study, layout)
    std::size_t rows_at_a_time = 1;
    std::size_t rows_to_skip = 1;  // so many are read rather than begun anew behind them
  };
  struct ArchiveSource {
    std::unique_ptr<ArchiveReader> reader;
    std::shared_ptr<const CellMap> map;
    std::string core;
  };
  class ShardRows;

  void open_shard(const std::string& path);
  void open_archive(const std::string& path, int rank, int size);
  std::shared_ptr<const CellMap> map_of(const Header& header, const std::string& path);
  void read_archive(const ArchiveSource& source, const Rounds::Unit& unit, Block& block) const;

  const Study& study_;
  const Layout& layout_;
  std::vector<ShardSource> shards_;
  std::vector<ArchiveSource> archives_;
  std::string mapped_;  // the source that map_ is of: shards of one run share it
  std::shared_ptr<const CellMap> map_;
  std::set<std::string> messages_;
  std::set<std::string> cores_;
};

}  // namespace meander
