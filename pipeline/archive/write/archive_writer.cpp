#include "pipeline/archive/write/archive_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/write/archive_skeleton.hpp"
#include "pipeline/archive/write/exchange.hpp"
#include "pipeline/archive/write/write_watchdog.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/storage/sealed_file.hpp"
#include "pipeline/storage/short_path.hpp"
#include "pipeline/values/terminal.hpp"

namespace meander {
namespace {

// Ragged dimensions of the whole archive: their length, and where this rank's part begins.
struct Ragged {
  std::size_t total = 0;
  std::size_t begin = 0;
  std::size_t size = 0;
};
using RaggedParts = std::map<std::string, Ragged>;

// All ranks' lines, sorted, each once, on every rank.
std::vector<std::string> united_lines(MPI_Comm comm, const std::vector<std::string>& own) {
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
  std::set<std::string> lines;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t colon = all.find(':', at);
    const std::size_t size = std::stoul(all.substr(at, colon - at));
    lines.insert(all.substr(colon + 1, size));
    at = colon + 1 + size;
  }
  return {lines.begin(), lines.end()};
}

RaggedParts ragged_parts(MPI_Comm comm, const Layout& layout, const Block& block) {
  RaggedParts parts;
  for (const OwnDimension& dimension : layout.dimensions) {
    if (!dimension.ragged) continue;
    std::uint64_t size = 0;
    for (std::size_t f = 0; f < layout.families.size(); ++f) {
      const auto found = block.family(f).counts.find(dimension.name);
      if (found == block.family(f).counts.end()) continue;
      for (const std::int64_t count : found->second)
        size += static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
    }
    std::uint64_t begin = 0;
    std::uint64_t total = 0;
    MPI_Exscan(&size, &begin, 1, MPI_UINT64_T, MPI_SUM, comm);
    if (rank_of(comm) == 0) begin = 0;
    MPI_Allreduce(&size, &total, 1, MPI_UINT64_T, MPI_SUM, comm);
    parts[dimension.name] = {total, begin, size};
  }
  return parts;
}

hdf5::Handle open_collectively(MPI_Comm comm, const ShortPath& path) {
  const hdf5::Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access properties");
  hdf5::check(H5Pset_fapl_mpio(access.id(), comm, MPI_INFO_NULL), "file access properties");
  return {H5Fopen(path.c_str(), H5F_ACC_RDWR, access.id()), H5Fclose, std::string("file '") + path.c_str() + "'"};
}

// A collective write that failed on one rank leaves the others waiting inside HDF5, and the file can
// no longer be closed: what is left is to say so and to end. Shards and the old archive are safe.
void must(MPI_Comm comm, const std::string& path, const std::string& what, const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    print_error_text(path + ": error: " + what + " could not be written (" + error.what() +
                     ") results are safe; run again once there is room\n");
    std::remove(path.c_str());
    MPI_Abort(comm, 1);
  }
}

// Ends the job from rank 0 where the writing stands still.
void give_up(MPI_Comm comm, const std::string& path, std::chrono::duration<double> patience) {
  print_error_text(path + ": error: the archive could not be written (nothing was written for " +
                   std::to_string(std::lround(patience.count())) +
                   " s: a rank's write failed, or the file system hangs) results are safe; run again once it works\n");
  std::remove(path.c_str());
  MPI_Abort(comm, 1);
}

// This rank's part of each array, written together with all others'.
class ArrayWriter {
 public:
  ArrayWriter(hid_t file, const Block& block, const RaggedParts& ragged, const std::vector<std::string>& messages,
              WriteWatchdog* watchdog)
      : file_(file),
        block_(block),
        ragged_(ragged),
        watchdog_(watchdog),
        transfer_(H5Pcreate(H5P_DATASET_XFER), H5Pclose, "transfer properties") {
    hdf5::check(H5Pset_dxpl_mpio(transfer_.id(), H5FD_MPIO_COLLECTIVE), "transfer properties");
    for (const std::string& message : block.messages()) {
      const auto found = std::lower_bound(messages.begin() + 1, messages.end(), message);
      codes_.push_back(found - messages.begin());
    }
  }

  void write(const Field& field, const CellSpace& cells) {
    const FamilyBlock& own = block_.family(field.family);
    switch (field.kind) {
      case FieldKind::status:
        return write_cells(field, cells, own.status);
      case FieldKind::seconds:
        return write_cells(field, cells, own.seconds);
      case FieldKind::error_code:
        return write_cells(field, cells, error_codes(own));
      case FieldKind::count:
        return write_cells(field, cells, own.counts.at(field.ragged));
      case FieldKind::array:
        break;
    }
    if (field.is_ragged_array()) return write_ragged(field, own);
    std::visit([&](const auto& values) { write_cells(field, cells, values); }, own.dense[field.array]);
  }

 private:
  std::vector<std::int64_t> error_codes(const FamilyBlock& own) const {
    std::vector<std::int64_t> codes;
    for (const std::int32_t message : own.message) {
      codes.push_back(message == 0 ? 0 : codes_[static_cast<std::size_t>(message) - 1]);
    }
    return codes;
  }

  template <class T>
  void write_cells(const Field& field, const CellSpace& cells, const std::vector<T>& values) {
    const FamilyBlock& own = block_.family(field.family);
    write_part(field, cells.extents(), own.begin, own.end, values);
  }

  void write_ragged(const Field& field, const FamilyBlock& own) {
    const Ragged& part = ragged_.at(field.ragged);
    const auto write_as = [&]<class T>(T) {
      std::vector<T> values;
      for (const ArrayData& cell : own.ragged[field.array]) {
        const auto& more = std::get<std::vector<T>>(cell);
        values.insert(values.end(), more.begin(), more.end());
      }
      write_part(field, {part.total}, part.begin, part.begin + part.size, values);
    };
    if (field.type == ArrayType::float64) return write_as(double{});
    if (field.type == ArrayType::int64) return write_as(std::int64_t{});
    write_as(std::int8_t{});
  }

  template <class T>
  void write_part(const Field& field, const std::vector<std::size_t>& extents, std::size_t begin, std::size_t end,
                  const std::vector<T>& values) {
    const hdf5::Handle dataset = hdf5::open_dataset(file_, field.name);
    const std::vector<hsize_t> shape = hdf5::extents(dataset.id());
    if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return;
    const hdf5::Handle space = hdf5::dataset_space(dataset.id());
    select_cells(space, extents, field.own_extents, begin, end);
    const hsize_t size = values.size();
    const hdf5::Handle memory = hdf5::simple_space(std::span(&size, 1));
    // A rank without cells still takes part; HDF5 wants a valid pointer all the same.
    const T nothing{};
    const void* from = values.empty() ? &nothing : values.data();
    hdf5::check(H5Dwrite(dataset.id(), hdf5::memory_type<T>(), memory.id(), space.id(), transfer_.id(), from),
                "array '" + field.name + "'");
    if (watchdog_ != nullptr) watchdog_->step();
  }

  hid_t file_;
  const Block& block_;
  const RaggedParts& ragged_;
  WriteWatchdog* watchdog_;  // on one rank
  hdf5::Handle transfer_;
  std::vector<std::int64_t> codes_;  // of the block's messages
};

void write_arrays(MPI_Comm comm, const std::string& path, const Study& study, const Layout& layout,
                  ArrayWriter& writer) {
  for (const bool statuses : {false, true}) {  // last, so that a cell is never called done too early
    for (std::size_t f = 0; f < layout.families.size(); ++f) {
      const CellSpace cells(study, layout.families[f]);
      for (const Field& field : family_fields(study, layout, f)) {
        if ((field.kind != FieldKind::status) == statuses) continue;
        must(comm, path, "array '" + field.name + "'", [&] { writer.write(field, cells); });
      }
    }
  }
}

// The cores that computed the cells; where there are no cells, this one.
std::string core_text(MPI_Comm comm, const Block& block) {
  std::vector<std::string> single;
  for (std::string text : block.cores_used()) {
    for (std::size_t comma = text.find(", "); comma != std::string::npos; comma = text.find(", ")) {
      single.push_back(text.substr(0, comma));
      text.erase(0, comma + 2);
    }
    single.push_back(text);
  }
  std::string joined;
  for (const std::string& core : united_lines(comm, single)) joined += (joined.empty() ? "" : ", ") + core;
  return joined.empty() ? blas_core() : joined;
}

}  // namespace

void write_archive_file(MPI_Comm comm, const std::string& path, const Study& study, const Layout& layout,
                        const Block& block, const Attributes& attributes) {
  const auto held = hdf5::lock();
  std::vector<std::string> messages = united_lines(comm, block.messages());
  messages.insert(messages.begin(), "");
  const RaggedParts ragged = ragged_parts(comm, layout, block);
  Attributes root = attributes;
  std::erase_if(root, [](const auto& attribute) { return attribute.first == "blas_core"; });
  root.emplace_back("blas_core", core_text(comm, block));
  std::size_t largest_size = 0;
  on_root(comm, [&] {
    std::map<std::string, std::size_t> totals;
    for (const auto& [name, part] : ragged) totals[name] = part.total;
    const Skeleton skeleton = archive_skeleton(study, layout, totals, messages, root);
    write_file(path, skeleton.image);
    reserve(path, skeleton.largest_size);
    largest_size = skeleton.largest_size;
  });
  std::optional<WriteWatchdog> watchdog;
  on_root(comm, [&] {
    const auto patience = write_patience(largest_size, size_of(comm));
    watchdog.emplace(path, patience, [comm, path, patience] { give_up(comm, path, patience); });
  });
  const ShortPath short_path(path);
  hdf5::Handle file;
  together(comm, [&] { file = open_collectively(comm, short_path); });
  std::optional<ArrayWriter> writer;
  together(comm, [&] { writer.emplace(file.id(), block, ragged, messages, watchdog ? &*watchdog : nullptr); });
  write_arrays(comm, path, study, layout, *writer);
  must(comm, path, "the archive", [&] { file.close(); });
  watchdog.reset();
  writer.reset();
  on_root(comm, [&] { release(path); });
}

}  // namespace meander
