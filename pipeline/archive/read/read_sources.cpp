#include "pipeline/archive/read/read_sources.hpp"

#include <optional>
#include <utility>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/cells/cell_map.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/storage/hdf5.hpp"

namespace meander {

Header read_header(const std::string& path) {
  const auto held = hdf5::lock();
  require_hdf5_file(path);
  if (path.ends_with(shard_extension)) return read_shard(path, ShardPart::header).header;
  std::string warning = require_readable(path);
  Header header = ArchiveReader(path).header();
  header.warning = std::move(warning);
  return header;
}

StatusMap read_statuses(const Study& study, const Layout& layout, const std::vector<std::string>& sources) {
  StatusMap statuses;
  for (const Family& family : layout.families) {
    statuses.emplace_back(CellSpace(study, family).size(), Status::missing);
  }
  const auto note = [&](const CellMap& map, std::size_t family, std::size_t cell, Status status) {
    const auto target = map.cell(family, cell);
    if (!target || status == Status::missing) return;
    Status& held = statuses[*map.family(family)][*target];
    if (merit(status) > merit(held)) held = status;
  };
  for (const std::string& path : sources) {
    if (is_shard_path(path)) {
      const Shard shard = read_shard(path, ShardPart::statuses);
      require_identity(shard.header, study, path);
      const CellMap map(shard.header.study, shard.header.layout, study, layout);
      for (const Record& record : shard.records) note(map, record.family, record.cell, record.status);
      continue;
    }
    const ArchiveReader archive(path);
    require_identity(archive.header(), study, path);
    archive.check_bookkeeping();  // what cannot be joined is found before anything is computed
    const CellMap map(archive.header().study, archive.header().layout, study, layout);
    for (std::size_t f = 0; f < archive.header().layout.families.size(); ++f) {
      const std::vector<Status> own = archive.statuses(f);
      for (std::size_t cell = 0; cell < own.size(); ++cell) note(map, f, cell, own[cell]);
    }
  }
  return statuses;
}

}  // namespace meander
