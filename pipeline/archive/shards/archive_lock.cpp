#include "pipeline/archive/shards/archive_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/task_state.hpp"
#include "pipeline/storage/own_folder.hpp"
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
  if (size <= 0) return "an unknown process";
  std::string words(text.data(), static_cast<std::size_t>(size));
  // Whoever may write into the folder chooses these bytes: no terminal is to obey them.
  std::replace_if(
      words.begin(), words.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
  return words;
}

/// True where `file` is still what `path` names: another process may have removed it in between.
bool still_linked(int file, const std::string& path) {
  struct stat open_file {};
  struct stat on_disk {};
  return fstat(file, &open_file) == 0 && lstat(path.c_str(), &on_disk) == 0 && open_file.st_ino == on_disk.st_ino &&
         open_file.st_dev == on_disk.st_dev;
}

[[noreturn]] void refuse(const std::string& archive, const std::string& why) {
  throw BadInput(
      fmt::format("{}: error: cannot keep results beside the archive ({}) choose another output", archive, why));
}

[[noreturn]] void refuse_another(const std::string& archive, const std::string& who, const std::string& more) {
  throw BadInput(fmt::format("{}: error: another run writes this archive ({}{}) wait for it or choose another output",
                             archive, who, more));
}

/// What stands for the lock where the file system has none.
std::string held_file(const std::string& lock) {
  return lock + ".held";
}

/// The lock's file, open for writing: a file of this user's own under one name, in folders of this user's own. Negative
/// where a run that ended has just removed the folder.
int open_lock(const std::string& archive, const std::string& path) {
  int folder = -1;
  try {
    folder = open_own_folder(shard_folder(archive));
    if (struct stat there{}; fstatat(folder, "partial", &there, AT_SYMLINK_NOFOLLOW) == 0)
      require_own_folder(state_folder(archive));
  } catch (const std::runtime_error& error) {
    if (folder >= 0) close(folder);
    refuse(archive, error.what());
  }
  const int file = openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
  const int error = errno;
  close(folder);
  if (file < 0 && error == ENOENT) return -1;
  if (file < 0)
    refuse(archive, path + ": " + (error == ELOOP ? "a link, which is not followed" : std::strerror(error)));
  struct stat status {};
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() && status.st_nlink <= 1) {
    return file;
  }
  close(file);
  refuse(archive, path + ": not a file that a run has made; remove it");
}

}  // namespace

ArchiveLock::ArchiveLock(const std::string& archive) : archive_(archive), path_(shard_folder(archive) + "/lock") {
  try {
    take();
  } catch (...) {  // no destructor runs
    if (file_ >= 0) close(file_);
    throw;
  }
}

void ArchiveLock::take() {
  bool has_locks = true;
  do {
    if (file_ >= 0) close(std::exchange(file_, -1));
    file_ = open_lock(archive_, path_);
    if (file_ < 0) continue;
    struct flock lock = whole_file();
    has_locks = fcntl(file_, F_OFD_SETLK, &lock) == 0;
    if (!has_locks && (errno == EAGAIN || errno == EACCES)) refuse_another(archive_, holder(file_), "");
  } while (!still_linked(file_, path_));
  take_held_file(has_locks);
  const std::string text = this_process();
  if (ftruncate(file_, 0) != 0 || pwrite(file_, text.data(), text.size(), 0) < 0)
    refuse(archive_, path_ + ": " + std::strerror(errno));
}

/// Where locks are not to be had here, the file is made; else it may be there of a host without them.
void ArchiveLock::take_held_file(bool has_locks) {
  const std::string path = held_file(path_);
  std::optional<std::string> other;
  try {
    other = has_locks && !held_.taken() ? held_by(path, true) : held_.take(path);
  } catch (const std::runtime_error& error) {
    refuse(archive_, error.what());
  }
  if (other) refuse_another(archive_, *other, "; if that is over, remove " + path);
}

void ArchiveLock::renew() {
  if (!still_linked(file_, path_) || (held_.taken() && !held_.is_there())) take();
}

ArchiveLock::~ArchiveLock() {
  if (file_ >= 0) close(file_);
}

void ArchiveLock::remove() {
  unlink(path_.c_str());
  held_.release();
  std::error_code ignored;  // shards and states keep the folder
  std::filesystem::remove(shard_folder(archive_), ignored);
}

std::optional<std::string> lock_holder(const std::string& archive) {
  const std::string path = shard_folder(archive) + "/lock";
  const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct flock lock = whole_file();
  std::optional<std::string> who;
  if (fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) who = holder(file);
  close(file);
  return who ? who : held_by(held_file(path));
}

}  // namespace meander
