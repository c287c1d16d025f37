#include "pipeline/storage/held_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <thread>

namespace meander {
namespace {

constexpr int most_tries = 200;
constexpr std::chrono::milliseconds pause{10};

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// What is in the file at `path`, and which file that is.
struct Found {
  std::string words;
  struct stat status {};
};

std::optional<Found> look(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  Found found;
  if (file < 0) {
    // What is there and cannot be read is in the way all the same.
    if (lstat(path.c_str(), &found.status) != 0) return std::nullopt;
    return found;
  }
  std::array<char, 512> text{};
  const ssize_t size = fstat(file, &found.status) == 0 ? read(file, text.data(), text.size()) : 0;
  close(file);
  if (size > 0) found.words.assign(text.data(), static_cast<std::size_t>(size));
  // Whoever may write into the folder chooses these bytes: no terminal is to obey them.
  std::replace_if(
      found.words.begin(), found.words.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
  return found;
}

/// Whether the words are of a process of this host that is no more, or of this batch job before it was put back into
/// the queue: a job runs once at a time.
bool is_over(const std::string& words) {
  int pid = 0;
  std::array<char, 256> host{};
  if (std::sscanf(words.c_str(), "process %d on %255s since", &pid, host.data()) != 2 || pid <= 0) return false;
  if (host.data() == host_name()) return kill(pid, 0) != 0 && errno == ESRCH;
  const char* const job = std::getenv("SLURM_JOB_ID");
  const char* const restarts = std::getenv("SLURM_RESTART_COUNT");
  return job != nullptr && restarts != nullptr && words.ends_with(std::string(", job ") + job);
}

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/// Takes away what was found to be over. Of several processes that found it one does so at a time, and looks again:
/// another's new file is not taken for the old one.
void take_away(const std::string& path, const Found& found) {
  const std::string claim = path + ".over";
  const int file = open(claim.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (file < 0) {
    std::this_thread::sleep_for(pause);
    return;
  }
  close(file);
  const std::optional<Found> now = look(path);
  if (now && is_same(now->status, found.status) && now->words == found.words) unlink(path.c_str());
  unlink(claim.c_str());
}

[[noreturn]] void fail(const std::string& path, int error) {
  throw std::runtime_error("cannot write '" + path + "' (" + std::strerror(error) + ")");
}

}  // namespace

std::string this_process() {
  const std::time_t now = std::time(nullptr);
  struct tm utc {};
  gmtime_r(&now, &utc);
  std::array<char, 64> since{};
  std::strftime(since.data(), since.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  const char* const job = std::getenv("SLURM_JOB_ID");
  return "process " + std::to_string(getpid()) + " on " + host_name() + " since " + since.data() +
         (job != nullptr ? std::string(", job ") + job : "");
}

std::optional<std::string> HeldFile::take(const std::string& path) {
  if (taken() && is_there()) return std::nullopt;
  path_.clear();
  for (int tries = 0; tries < most_tries; ++tries) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0 && errno != EEXIST) fail(path, errno);
    if (file < 0) {
      const std::optional<Found> found = look(path);
      if (!found) continue;
      if (!is_over(found->words)) return found->words.empty() ? "an unknown process" : found->words;
      take_away(path, *found);
      continue;
    }
    const std::string words = this_process();
    struct stat status {};
    const bool written =
        write(file, words.data(), words.size()) == static_cast<ssize_t>(words.size()) && fstat(file, &status) == 0;
    const int error = errno;
    close(file);
    if (!written) {
      unlink(path.c_str());
      fail(path, error);
    }
    path_ = path;
    device_ = status.st_dev;
    inode_ = status.st_ino;
    return std::nullopt;
  }
  return "several processes at once, or one that was killed as it began: then remove " + path + ".over, too";
}

bool HeldFile::is_there() const {
  struct stat status {};
  return taken() && lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

void HeldFile::release() noexcept {
  if (is_there()) unlink(path_.c_str());
  path_.clear();
}

std::optional<std::string> held_by(const std::string& path, bool tidy) {
  const std::optional<Found> found = look(path);
  if (!found) return std::nullopt;
  if (!is_over(found->words)) return found->words.empty() ? "an unknown process" : found->words;
  if (tidy) take_away(path, *found);
  return std::nullopt;
}

}  // namespace meander
