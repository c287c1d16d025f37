// One `submit` of an archive at a time.
#pragma once

#include <string>

#include "pipeline/storage/held_file.hpp"

namespace meander {

/// Held from before a job's script is written until its number is recorded.
class SubmitLock {
 public:
  /// Makes `folder` where it is not there. Throws BadInput where another submit holds the lock, on this machine or,
  /// where the file system tells, on another; std::runtime_error where the folder cannot be written to.
  explicit SubmitLock(const std::string& folder);
  ~SubmitLock();
  SubmitLock(const SubmitLock&) = delete;
  SubmitLock& operator=(const SubmitLock&) = delete;

  /// Whether the folder was made by this.
  bool made_folder() const { return made_folder_; }

 private:
  bool try_to_lock(const std::string& file);

  bool made_folder_ = false;
  int file_ = -1;
  HeldFile held_;  // where the file system has no locks
};

}  // namespace meander
