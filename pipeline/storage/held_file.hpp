// The lock of file systems that have none (NFS without lockd, DVS, Lustre without flock): that a file is there.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

namespace meander {

/// A file that only one process can make, with words that say who did; gone when its maker lets go. A maker that was
/// killed on this host is seen to be over, and its file replaced; of other hosts nothing can be known, and somebody has
/// to remove the file.
class HeldFile {
 public:
  HeldFile() = default;
  ~HeldFile() { release(); }
  HeldFile(HeldFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
  HeldFile& operator=(HeldFile&&) = delete;

  /// Makes `path`, or gives the words of the process that holds it. Throws std::runtime_error where it cannot be made.
  std::optional<std::string> take(const std::string& path);

  /// Whether this holds a file, and whether that is still what its path names.
  bool taken() const { return !path_.empty(); }
  bool is_there() const;

  /// Removes the file, where it is still this one's.
  void release() noexcept;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// Who holds the file at `path`; nothing where it is not there, or its maker was on this host and is over: with `tidy`
/// that one's file is removed.
std::optional<std::string> held_by(const std::string& path, bool tidy = false);

/// "process 4711 on node5 since 2026-01-01 12:00:00 UTC, job 99": this process, as others are told of it.
std::string this_process();

}  // namespace meander
