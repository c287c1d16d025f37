// One run at a time on an archive.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "pipeline/storage/held_file.hpp"

namespace meander {

/// Holds the lock file in the archive's shard folder, which it creates where it is missing. The
/// system lets go of the lock when the process ends, however it ends. Whoever replaces an archive
/// holds its lock from before it reads what is there. Where the file system has no locks, a second
/// file that only one can make, `lock.held`, stands for it (HeldFile).
class ArchiveLock {
 public:
  /// Throws BadInput where another process holds the lock (its host, process and start are in the
  /// message), or where the folder cannot be made, is a link or another user's, or the lock is no
  /// file of one's own: no link is followed, and nothing that somebody has prepared is written to.
  explicit ArchiveLock(const std::string& archive);
  ~ArchiveLock();
  ArchiveLock(ArchiveLock&& other) noexcept
      : archive_(std::move(other.archive_)),
        path_(std::move(other.path_)),
        file_(std::exchange(other.file_, -1)),
        held_(std::move(other.held_)) {}
  ArchiveLock& operator=(ArchiveLock&&) = delete;

  /// Takes the lock again where its file, or the whole folder, was removed meanwhile. Throws BadInput
  /// where another process has taken it since.
  void renew();

  /// Removes the lock file while the lock is still held, and the folder where nothing else is in it.
  void remove();

 private:
  void take();
  void take_held_file(bool has_locks);

  std::string archive_;
  std::string path_;
  int file_ = -1;
  HeldFile held_;
};

/// Who holds the archive's lock at this moment, in words; nothing where no run is under way.
std::optional<std::string> lock_holder(const std::string& archive);

}  // namespace meander
