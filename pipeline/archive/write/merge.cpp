// Sources are read by all ranks, dealt to the ranks that own the cells, and written together.
#include "pipeline/archive/write/merge.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/cells/cell_map.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/archive/shards/archive_target.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/write/archive_writer.hpp"
#include "pipeline/archive/write/exchange.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

// What a rank reads of an archive at a time.
constexpr std::size_t piece_bytes = std::size_t{16} << 20;

// This rank's share of the sources, one record after another: of the shards every size-th, of each
// archive an equal range of each family's cells.
class SourceReader {
 public:
  SourceReader(MPI_Comm comm, const Study& study, const Layout& layout, std::vector<std::string> sources)
      : rank_(rank_of(comm)), size_(size_of(comm)), study_(study), layout_(layout) {
    // By name, so that the same work is shared in the same way whatever the order they were given in.
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    int shard = 0;
    for (std::string& source : sources) {
      if (!is_shard_path(source) || shard++ % size_ == rank_) todo_.push_back(std::move(source));
    }
  }

  struct Item {
    Record record;
    std::string core;
  };

  std::optional<Item> next() {
    while (ready_.empty()) {
      if (!refill()) return std::nullopt;
    }
    Item item{std::move(ready_.front()), core_};
    ready_.pop_front();
    return item;
  }

 private:
  bool refill() {
    if (archive_ && read_piece()) return true;
    archive_.reset();
    if (todo_.empty()) return false;
    const std::string path = std::move(todo_.front());
    todo_.pop_front();
    is_shard_path(path) ? read_whole(path) : open_archive(path);
    return true;
  }

  void accept(const Header& header, const std::string& path) {
    require_identity(header, study_, path);
    map_ = std::make_unique<CellMap>(header.study, header.layout, study_, layout_);
    map_->require_all(path);
    core_ = text_attribute(header.attributes, "blas_core");
  }

  void take(std::vector<Record>&& records) {
    for (Record& record : records) {
      if (auto translated = map_->translate(std::move(record))) ready_.push_back(std::move(*translated));
    }
  }

  void read_whole(const std::string& path) {
    Shard shard = read_shard(path, ShardPart::everything);
    accept(shard.header, path);
    take(std::move(shard.records));
  }

  void open_archive(const std::string& path) {
    archive_ = std::make_unique<ArchiveReader>(path);
    accept(archive_->header(), path);
    family_ = 0;
    start_family();
  }

  void start_family() {
    if (family_ >= archive_->header().layout.families.size()) return;
    const std::size_t cells = archive_->cells(family_);
    cell_ = cells * static_cast<std::size_t>(rank_) / static_cast<std::size_t>(size_);
    end_ = cells * (static_cast<std::size_t>(rank_) + 1) / static_cast<std::size_t>(size_);
  }

  bool read_piece() {
    if (family_ >= archive_->header().layout.families.size()) return false;
    const std::size_t most = std::max<std::size_t>(1, piece_bytes / archive_->bytes_per_cell(family_));
    const std::size_t end = std::min(end_, cell_ + most);
    if (cell_ < end) take(archive_->records(family_, cell_, end));
    cell_ = end;
    if (cell_ == end_) {
      ++family_;
      start_family();
    }
    return true;
  }

  int rank_;
  int size_;
  const Study& study_;
  const Layout& layout_;
  std::deque<std::string> todo_;
  std::deque<Record> ready_;
  std::string core_;
  std::unique_ptr<CellMap> map_;
  std::unique_ptr<ArchiveReader> archive_;
  std::size_t family_ = 0;
  std::size_t cell_ = 0;
  std::size_t end_ = 0;
};

void fill_block(MPI_Comm comm, const Study& study, const Layout& layout, const std::vector<std::string>& sources,
                Block& block) {
  std::optional<SourceReader> reader;
  together(comm, [&] { reader.emplace(comm, study, layout, sources); });
  exchange(
      comm,
      [&]() -> std::optional<Parcel> {
        auto item = reader->next();
        if (!item) return std::nullopt;
        const int owner = block.owner(item->record.family, item->record.cell);
        return Parcel{std::move(item->record), std::move(item->core), owner};
      },
      [&](Parcel parcel) { block.insert(std::move(parcel.record), parcel.core); });
}

// Leftovers of processes that were killed while they wrote a shard; whoever writes the archive is
// the only one at work on it.
void tidy(const std::string& out) {
  remove_stale_temporaries(out);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(shard_folder(out), ignored)) {
    if (is_temporary(entry.path().filename().string())) std::filesystem::remove(entry.path(), ignored);
  }
}

bool is_among(const std::vector<std::string>& sources, const std::string& file) {
  std::error_code ignored;
  return std::any_of(sources.begin(), sources.end(), [&](const std::string& source) {
    return source == file || std::filesystem::equivalent(source, file, ignored);
  });
}

// Throws where what stands at `out` may not be replaced: it is none of the sources, or another file than when they
// began to be read, so that what it holds would be lost; or it was write-protected meanwhile.
void require_unchanged(const std::string& out, const FileStamp& before, const std::vector<std::string>& sources) {
  if (stamp_of(out) != before || (before.there && !is_among(sources, out))) {
    throw std::runtime_error("what stands there was replaced while this one was made: another run or merge wrote it");
  }
  struct stat there {};
  if (::stat(out.c_str(), &there) == 0 && (there.st_mode & S_IWUSR) == 0) {
    throw std::runtime_error("it was write-protected meanwhile");
  }
}

}  // namespace

void write_archive(MPI_Comm comm, const std::string& name, const Study& study, const Layout& layout,
                   const std::vector<std::string>& sources, const Attributes& attributes) {
  std::string out;
  FileStamp before;
  on_root(comm, [&] {
    out = archive_target(name);
    before = stamp_of(out);
  });
  broadcast(comm, out);
  std::optional<Block> block;
  together(comm, [&] { block.emplace(study, layout, rank_of(comm), size_of(comm)); });
  fill_block(comm, study, layout, sources, *block);
  std::string temporary;
  together(comm, [&] {
    if (block->conflict()) throw BadInput(out + ": error: " + *block->conflict());
    temporary = temporary_name(out);
  });
  broadcast(comm, temporary);
  try {
    write_archive_file(comm, temporary, study, layout, *block, attributes);
    on_root(comm, [&] {
      require_unchanged(out, before, sources);
      seal_and_rename(temporary, out);
    });
  } catch (const std::exception& error) {
    if (rank_of(comm) == 0) std::remove(temporary.c_str());
    // Every rank is here, of the same failure.
    throw Agreed<std::runtime_error>(
        out + ": error: the archive could not be written (" + error.what() +
        ") nothing that was there is changed; make room or choose another place, and run again");
  }
  on_root(comm, [&] { tidy(out); });
}

}  // namespace meander
