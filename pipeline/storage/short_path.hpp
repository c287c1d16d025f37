// A path for libraries that keep it in a buffer of their own: Open MPI 4 ends the program over one of 256 bytes.
#pragma once

#include <string>

namespace meander {

/// A long path as one of the folder, which is held open: /proc/self/fd/N/NAME. It is valid in this process, while the
/// object lives. Short paths, and those where that does not work, stay as they are.
class ShortPath {
 public:
  explicit ShortPath(const std::string& path);
  ~ShortPath();
  ShortPath(const ShortPath&) = delete;
  ShortPath& operator=(const ShortPath&) = delete;

  const char* c_str() const { return path_.c_str(); }

 private:
  std::string path_;
  int folder_ = -1;
};

}  // namespace meander
