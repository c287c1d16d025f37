// Files that this process has looked through and found good: as long as they stay as they are, once is enough.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "pipeline/storage/sealed_file.hpp"

namespace meander {

class KnownFiles {
 public:
  /// Whether the file at `path` is one that was found good, unchanged by inode, size and time.
  bool know(const std::string& path) {
    const std::lock_guard guard(mutex_);
    const auto found = stamps_.find(path);
    return found != stamps_.end() && found->second.there && found->second == stamp_of(path);
  }
  /// `before` is the file's stamp from before it was looked through.
  void add(const std::string& path, const FileStamp& before) {
    const std::lock_guard guard(mutex_);
    stamps_[path] = before;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, FileStamp> stamps_;
};

}  // namespace meander
