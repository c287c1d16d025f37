#include "pipeline/archive/shards/archive_lock.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

/// The whole file, for writing. Open file description locks go with the process, and can be asked
/// for without being taken.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string holder(int file) {
  std::array<char, 256> text{};
  const ssize_t size = pread(file, text.data(), text.size() - 1, 0);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "an unknown process";
}

/// True where `file` is still what `path` names: another process may have removed it in between.
bool still_linked(int file, const std::string& path) {
  struct stat open_file {};
  struct stat on_disk {};
  return fstat(file, &open_file) == 0 && stat(path.c_str(), &on_disk) == 0 && open_file.st_ino == on_disk.st_ino &&
         open_file.st_dev == on_disk.st_dev;
}

}  // namespace

ArchiveLock::ArchiveLock(const std::string& archive) : path_(shard_folder(archive) + "/lock") {
  const auto refuse = [&](const std::string& why) {
    throw BadInput(
        fmt::format("{}: error: cannot keep results beside the archive ({}) choose another -o", archive, why));
  };
  do {
    if (file_ >= 0) close(file_);
    std::error_code error;
    std::filesystem::create_directory(shard_folder(archive), error);
    if (error) refuse(shard_folder(archive) + ": " + error.message());
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0) refuse(path_ + ": " + std::strerror(errno));
    struct flock lock = whole_file();
    if (fcntl(file_, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) {
      const std::string who = holder(file_);
      close(file_);
      file_ = -1;
      throw BadInput(fmt::format("{}: error: another run writes this archive ({}) wait for it or choose another -o",
                                 archive, who));
    }
  } while (!still_linked(file_, path_));

  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const char* const job = std::getenv("SLURM_JOB_ID");
  const std::string text = fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S} UTC", getpid(), host.data(),
                                       fmt::gmtime(std::time(nullptr))) +
                           (job != nullptr ? std::string(", job ") + job : "");
  if (ftruncate(file_, 0) != 0 || pwrite(file_, text.data(), text.size(), 0) < 0)
    refuse(path_ + ": " + std::strerror(errno));
}

ArchiveLock::~ArchiveLock() {
  if (file_ >= 0) close(file_);
}

void ArchiveLock::remove_file() {
  unlink(path_.c_str());
}

std::optional<std::string> lock_holder(const std::string& archive) {
  const int file = open((shard_folder(archive) + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct flock lock = whole_file();
  std::optional<std::string> who;
  if (fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) who = holder(file);
  close(file);
  return who;
}

}  // namespace meander
