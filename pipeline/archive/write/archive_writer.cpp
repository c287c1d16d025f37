#include "pipeline/archive/write/archive_writer.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "pipeline/archive/cells/block.hpp"
#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/write/archive_skeleton.hpp"
#include "pipeline/archive/write/source_cells.hpp"
#include "pipeline/archive/write/unit_file.hpp"
#include "pipeline/archive/write/unit_packer.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/ranks/words.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

constexpr int unit_tag = 1;

/// All ranks' lines, sorted, each once, on every rank.
std::vector<std::string> united_lines(MPI_Comm comm, const std::set<std::string>& own) {
  // A message may hold newlines, so each is sent with its length.
  std::string text, all;
  together(comm, [&] {
    for (const std::string& line : own) text += std::to_string(line.size()) + ":" + line;
  });
  const std::vector<std::string> parts = gather(comm, text);
  on_root(comm, [&] {
    for (const std::string& part : parts) all += part;
  });
  broadcast(comm, all);
  std::vector<std::string> united;
  together(comm, [&] {
    std::set<std::string> lines;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t colon = all.find(':', at);
      const std::size_t size = std::stoul(all.substr(at, colon - at));
      lines.insert(all.substr(colon + 1, size));
      at = colon + 1 + size;
    }
    united.assign(lines.begin(), lines.end());
  });
  return united;
}

/// Adds the lengths of a block's ragged dimensions.
void add_lengths(const Layout& layout, const Block& block, std::map<std::string, std::uint64_t>& lengths) {
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    for (const auto& [name, counts] : block.family(f).counts) {
      for (const std::int64_t count : counts)
        lengths[name] += static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
    }
  }
}

bool is_ragged(const Layout& layout) {
  return std::any_of(layout.dimensions.begin(), layout.dimensions.end(),
                     [](const OwnDimension& dimension) { return dimension.ragged; });
}

/// The packed units of one round, from every rank to rank 0, which writes them in order. It has room for the largest
/// before anybody sends, and what it meets then is kept until all have sent, so that nobody waits for it.
class RoundWriter {
 public:
  RoundWriter(MPI_Comm comm, const Rounds& rounds, UnitFile* file) : comm_(comm), rounds_(rounds), file_(file) {}

  void write(std::size_t round, const std::vector<Word>& own) {
    make_room(own);
    if (rank_of(comm_) != 0) {
      if (rounds_.unit(round, rank_of(comm_))) {
        MPI_Send(own.data(), static_cast<int>(own.size()), MPI_UINT64_T, 0, unit_tag, comm_);
      }
    } else {
      for (int rank = 0; rank < size_of(comm_); ++rank) {
        const auto unit = rounds_.unit(round, rank);
        if (!unit) break;
        if (rank > 0) receive(rank);
        attempt([&] { file_->write(*unit, rank == 0 ? own : received_); });
      }
    }
    together(comm_, [&] {
      if (problem_) std::rethrow_exception(problem_);
    });
  }

 private:
  void make_room(const std::vector<Word>& own) {
    if (size_of(comm_) == 1) return;
    const std::uint64_t mine = rank_of(comm_) == 0 ? 0 : own.size();
    std::uint64_t most = 0;
    MPI_Reduce(&mine, &most, 1, MPI_UINT64_T, MPI_MAX, 0, comm_);
    on_root(comm_, [&] { received_.reserve(most); });
  }

  void receive(int rank) {
    MPI_Status status;
    int size = 0;
    MPI_Probe(rank, unit_tag, comm_, &status);
    MPI_Get_count(&status, MPI_UINT64_T, &size);
    received_.resize(static_cast<std::size_t>(size));  // there is room
    MPI_Recv(received_.data(), size, MPI_UINT64_T, rank, unit_tag, comm_, MPI_STATUS_IGNORE);
  }

  template <class Action>
  void attempt(const Action& action) {
    if (problem_) return;
    try {
      action();
    } catch (...) {
      problem_ = std::current_exception();
    }
  }

  MPI_Comm comm_;
  const Rounds& rounds_;
  UnitFile* file_;  // on rank 0
  std::vector<Word> received_;
  std::exception_ptr problem_;
};

void refuse_conflict(MPI_Comm comm, const Block& block) {
  together(comm, [&] {
    if (block.conflict()) throw BadInput(*block.conflict());
  });
}

}  // namespace

void write_archive_file(MPI_Comm comm, const std::string& path, const Study& study, const Layout& layout,
                        const std::vector<std::string>& sources, const Attributes& attributes) {
  const auto held = hdf5::lock();
  std::optional<SourceCells> cells;
  together(comm, [&] { cells.emplace(comm, study, layout, sources); });
  std::vector<std::string> messages = united_lines(comm, cells->messages());
  const std::vector<std::string> cores = united_lines(comm, cells->cores());
  std::optional<const Rounds> made;
  together(comm, [&] {
    messages.insert(messages.begin(), "");
    made.emplace(study, layout, size_of(comm));
  });
  const Rounds& rounds = *made;

  // The length of a ragged dimension has to be known before its arrays are made: it takes a first reading.
  std::map<std::string, std::uint64_t> lengths;
  std::unique_ptr<Block> block;
  for (std::size_t round = 0; is_ragged(layout) && round < rounds.count(); ++round) {
    block = cells->read(comm, rounds, round);
    refuse_conflict(comm, *block);
    together(comm, [&] { add_lengths(layout, *block, lengths); });
  }
  std::map<std::string, std::size_t> totals;
  together(comm, [&] {
    for (const OwnDimension& dimension : layout.dimensions) {
      if (dimension.ragged) totals[dimension.name] = lengths[dimension.name];
    }
  });
  for (auto& [name, total] : totals) {  // the same names on every rank, in one order
    std::uint64_t sum = total;
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, comm);
    total = sum;
  }

  std::optional<UnitFile> file;
  on_root(comm, [&] {
    Attributes root = attributes;
    std::erase_if(root, [](const auto& attribute) { return attribute.first == "blas_core"; });
    std::string joined;
    for (const std::string& core : cores) joined += (joined.empty() ? "" : ", ") + core;
    root.emplace_back("blas_core", joined.empty() ? blas_core() : joined);
    const Skeleton skeleton = archive_skeleton(study, layout, totals, messages, root);
    write_file(path, skeleton.image);
    reserve(path, skeleton.largest_size);
    file.emplace(path, study, layout, rounds);
  });
  std::optional<UnitPacker> packer;
  together(comm, [&] { packer.emplace(study, layout, rounds, messages); });
  RoundWriter writer(comm, rounds, file ? &*file : nullptr);
  for (std::size_t round = 0; round < rounds.count(); ++round) {
    if (!block || rounds.count() > 1) block = cells->read(comm, rounds, round);
    refuse_conflict(comm, *block);
    std::vector<Word> packed;
    together(comm, [&] {
      if (const auto unit = rounds.unit(round, rank_of(comm))) packed = packer->pack(*unit, *block);
      block.reset();
    });
    writer.write(round, packed);
  }
  on_root(comm, [&] {
    file->close();
    release(path);
  });
}

}  // namespace meander
