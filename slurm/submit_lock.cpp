#include "slurm/submit_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

[[noreturn]] void refuse(const std::string& folder, const std::string& more) {
  throw BadInput(
      fmt::format("{}: error: this archive is being submitted at this moment{} wait for that, and look with "
                  "`meander status`",
                  folder, more));
}

/// Whether `file` is still what the path names: another submit that failed may have removed its folder meanwhile.
bool is_at(int file, const std::string& path) {
  struct stat held {
  }, named{};
  return fstat(file, &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

}  // namespace

SubmitLock::SubmitLock(const std::string& folder) {
  const std::string file = folder + "/submit.lock";
  for (int tries = 0; tries < 100; ++tries) {
    made_folder_ = std::filesystem::create_directories(folder) || made_folder_;
    file_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (file_ < 0 && errno == ENOENT) continue;
    if (file_ < 0)
      throw std::runtime_error(fmt::format("{}: error: cannot be opened ({})", file, std::strerror(errno)));
    if (!try_to_lock(file)) refuse(folder, "");
    if (held_.taken() || is_at(file_, file)) return;
    close(file_);
  }
  refuse(folder, "");
}

/// With the file system's locks; where it has none, by a second file that only one can make.
bool SubmitLock::try_to_lock(const std::string& file) {
  if (flock(file_, LOCK_EX | LOCK_NB) == 0) return true;
  const bool held = errno == EWOULDBLOCK;
  close(file_);
  file_ = -1;
  if (held) return false;
  const std::string busy = file + "ed";
  if (const auto other = held_.take(busy))
    refuse(file.substr(0, file.rfind('/')), fmt::format(" by {} (if not, remove {})", *other, busy));
  return true;
}

SubmitLock::~SubmitLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace meander
