// Keeps one rank's finished records on disk while the rank goes on computing.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "pipeline/measure/layout.hpp"
#include "pipeline/measure/record.hpp"
#include "pipeline/study/study.hpp"

namespace meander {

/// Results that are not on disk yet, bytes. Tasks that end faster than the disk takes what they give wait for it, so
/// that memory stays bounded; where writing fails they go on, since nobody knows when there will be room again.
inline constexpr std::size_t most_pending_bytes = std::size_t{32} << 20;

/// A thread replaces the shard file atomically (write beside, fsync, rename) every interval in which something was
/// added, whatever the rank computes meanwhile. A file that has grown large is closed and a further one begun. A write
/// that fails is tried again at the next interval, with the file of the interval before untouched. While a writer
/// lives, only holders of hdf5::lock() may call HDF5.
class ShardWriter {
 public:
  ShardWriter(std::string folder, int rank, const Study& study, const Layout& layout,
              std::chrono::duration<double> interval);
  ~ShardWriter();  // never throws; call close() to learn of failure
  /// `obsolete` is a file that the record makes superfluous: it is removed once the record is on disk.
  void add(Record record, std::string obsolete = "");
  /// Writes a shard at once even if nothing has been added, so that others see that the study has begun.
  void announce();
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

}  // namespace meander
