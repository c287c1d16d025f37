// Shards and archives as sources of records, and the one operation that joins them.
#pragma once

#include <mpi.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pipeline/layout.hpp"
#include "pipeline/record.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

using Attribute = std::variant<std::string, std::int64_t, double, std::vector<std::int64_t>>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// The folder of an archive's shards, and the shard files in it, sorted by name.
std::string shard_folder(const std::string& archive);
std::vector<std::string> shard_files(const std::string& archive);

/// Keeps one rank's finished records on disk: a thread replaces the shard file atomically (write
/// beside, fsync, rename) every interval in which something was added, whatever the rank computes
/// meanwhile. A file that has grown large is closed and a further one begun. A write that fails is
/// tried again at the next interval, with the file of the interval before untouched. While a writer
/// lives, only holders of hdf5::lock() may call HDF5.
class ShardWriter {
 public:
  ShardWriter(std::string folder, int rank, const Study& study, const Layout& layout,
              std::chrono::duration<double> interval);
  ~ShardWriter();  // never throws; call close() to learn of failure
  void add(Record record);
  /// Writes what is left. Throws std::runtime_error (disk full, folder gone) with nothing lost that
  /// was kept before.
  void close();
  /// Records that are on disk, for progress.
  std::size_t kept() const;
  /// Why the last attempt to write failed; empty where it did not.
  std::string problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a file says of itself, without its arrays.
struct Header {
  Study study;
  Layout layout;
  Attributes attributes;
  bool is_shard = false;
  /// One line for the user where another program wrote into the archive; else empty.
  std::string warning = {};
};
/// Throws BadInput where the file is missing, truncated, damaged, not HDF5, or not a meander study.
Header read_header(const std::string& path);

/// Status of each cell of each family of (study, layout), gathered from archives and shards of the
/// same identity; cells that none of them holds are missing.
using StatusMap = std::vector<std::vector<Status>>;
StatusMap read_statuses(const Study& study, const Layout& layout, const std::vector<std::string>& sources);

/// The layout that holds the arrays of both; throws BadInput where they contradict each other.
Layout unite(const Layout& a, const Layout& b);

/// Joins `sources` (archives and shards) into a new archive at `out`, replaced atomically.
/// Collective: each rank reads a share of the sources, rows go to the rank that writes their part,
/// and the arrays are written collectively. Identical cells pass; of a failed and a done cell the
/// done one is kept; conflicting ones are refused with BadInput that names cell and array, counts
/// compared exactly, floats exactly within one BLAS core and to 1e-12 across cores. The result does
/// not depend on the number of ranks, on the order of the sources or on how cells were shared
/// between them, run-dependent arrays and `attributes` apart.
void write_archive(MPI_Comm comm, const std::string& out, const Study& study, const Layout& layout,
                   const std::vector<std::string>& sources, const Attributes& attributes);

}  // namespace meander
