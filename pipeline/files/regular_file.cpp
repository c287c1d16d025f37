// Looks first and opens then, without waiting: a name may lead elsewhere in between.
#include "pipeline/files/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>

namespace meander {
namespace {

std::optional<std::string> problem_of(const struct stat& status) {
  const char* kind = nullptr;
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      return std::nullopt;
    case S_IFDIR:
      return "it is a directory";
    case S_IFIFO:
      kind = "a pipe";
      break;
    case S_IFSOCK:
      kind = "a socket";
      break;
    case S_IFCHR:
    case S_IFBLK:
      kind = "a device";
      break;
    default:
      kind = "something else";
  }
  return std::string("it is ") + kind + ", no regular file";
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

/// The machine's memory in bytes.
std::uint64_t memory_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::optional<std::string> regular_file_problem(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::strerror(errno);
  return problem_of(status);
}

int open_regular_file(const std::string& path, std::string& problem) {
  // Opening alone may do something to a device, so that it is not tried.
  if (const auto other = regular_file_problem(path)) {
    problem = *other;
    return -1;
  }
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (number < 0 || ::fstat(number, &status) != 0) {
    problem = std::strerror(errno);
    if (number >= 0) ::close(number);
    return -1;
  }
  if (const auto other = problem_of(status)) {
    problem = *other;
    ::close(number);
    return -1;
  }
  return number;
}

std::optional<std::vector<std::byte>> read_regular_file(const std::string& path, std::string& problem) {
  const Descriptor file(open_regular_file(path, problem));
  if (file.number() < 0) return std::nullopt;
  struct stat status {};
  const std::uint64_t size = ::fstat(file.number(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  const std::string too_large = "it has " + std::to_string(size) + " bytes, more than fit in memory";
  if (size > memory_bytes()) {
    problem = too_large;
    return std::nullopt;
  }
  try {
    std::vector<std::byte> bytes(size + 1);  // one more, to see that it ends there
    std::size_t filled = 0;
    while (true) {
      if (filled == bytes.size()) bytes.resize(2 * filled);
      const ssize_t got = ::read(file.number(), bytes.data() + filled, bytes.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        problem = std::strerror(errno);
        return std::nullopt;
      }
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    bytes.resize(filled);
    return bytes;
  } catch (const std::exception&) {
    problem = too_large;
    return std::nullopt;
  }
}

}  // namespace meander
