#include "pipeline/storage/contained.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "pipeline/storage/hdf5.hpp"

namespace meander {
namespace {

// A damaged file may send HDF5 round in circles; no piece of an array takes this long to read.
constexpr int patience_seconds = 60;

// A crash is expected here, so it is silent: no report of MPI's, no core file.
void crash_quietly() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL}) ::signal(signal, SIG_DFL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
}

void say(int pipe, std::string line) {
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t wrote = ::write(pipe, line.data() + done, line.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) ::_exit(1);
    done += static_cast<std::size_t>(wrote);
  }
}

// The parent holds the lock on HDF5, so that nobody else is inside it at the fork.
[[noreturn]] void child(const std::function<void(const Say&)>& work, int pipe) {
  crash_quietly();
  hdf5::become_only_thread();
  int code = 0;
  try {
    work([pipe](const std::string& line) { say(pipe, line); });
  } catch (...) {
    code = 1;
  }
  // Neither MPI nor HDF5 may run its exit handlers in a copy of the process.
  ::_exit(code);
}

// What the child says, until it ends or has been silent for too long.
std::string listen(int pipe, pid_t pid) {
  std::string text;
  auto heard = std::chrono::steady_clock::now();
  while (true) {
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - heard).count();
    const auto left = patience_seconds * 1000L - silent;
    pollfd wait{pipe, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    std::array<char, 4096> piece{};
    const ssize_t got = ready > 0 ? ::read(pipe, piece.data(), piece.size()) : -1;
    if (got < 0 && ready > 0 && errno == EINTR) continue;
    if (got <= 0) break;
    heard = std::chrono::steady_clock::now();
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  ::kill(pid, SIGKILL);  // only one that hangs is still there
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    if (end > begin) lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

Contained in_child(const std::function<void(const Say&)>& work) {
  const auto held = hdf5::lock();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("no pipe (") + std::strerror(errno) + ")");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    child(work, ends[1]);
  }
  ::close(ends[1]);
  Contained result;
  if (pid < 0) {
    ::close(ends[0]);
    result.started = false;
    return result;
  }
  result.lines = lines_of(listen(ends[0], pid));
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.crashed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  return result;
}

void limit_memory(double more) {
  long pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return;
  const bool known = std::fscanf(file, "%ld", &pages) == 1;
  std::fclose(file);
  if (!known) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0) return;
  const double bytes = static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) + more;
  limit.rlim_cur = bytes < static_cast<double>(limit.rlim_max) ? static_cast<rlim_t>(bytes) : limit.rlim_max;
  ::setrlimit(RLIMIT_AS, &limit);
}

}  // namespace meander
