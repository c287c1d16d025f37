// One run at a time on an archive.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace meander {

/// Holds the lock file in the archive's shard folder, which it creates where it is missing. The
/// system lets go of the lock when the process ends, however it ends.
class ArchiveLock {
 public:
  /// Throws BadInput where another process holds the lock (its host, process and start are in the
  /// message) or where the folder cannot be made.
  explicit ArchiveLock(const std::string& archive);
  ~ArchiveLock();
  ArchiveLock(ArchiveLock&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
  ArchiveLock& operator=(ArchiveLock&&) = delete;

  /// Removes the lock file while the lock is still held; the folder can go then.
  void remove_file();

 private:
  std::string path_;
  int file_ = -1;
};

/// Who holds the archive's lock at this moment, in words; nothing where no run is under way.
std::optional<std::string> lock_holder(const std::string& archive);

}  // namespace meander
