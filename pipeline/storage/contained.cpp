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

// A crash is expected here, so it is silent: no report of MPI's, no core file.
void crash_quietly() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL, SIGXCPU}) ::signal(signal, SIG_DFL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
}

// From now on; whoever goes round in circles is ended by the system.
void limit_processor_time(int seconds) {
  rusage used{};
  rlimit limit{};
  if (::getrusage(RUSAGE_SELF, &used) != 0 || ::getrlimit(RLIMIT_CPU, &limit) != 0) return;
  const auto now = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec +
                                       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000000);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, now + 1 + static_cast<rlim_t>(seconds));
  ::setrlimit(RLIMIT_CPU, &limit);
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
[[noreturn]] void child(const std::function<void(const Say&)>& work, int pipe, const Patience& patience) {
  crash_quietly();
  limit_processor_time(patience.processor_seconds);
  hdf5::become_only_thread();  // the lock is the parent's, and would be waited for
  int code = 0;
  try {
    work([pipe, &patience](const std::string& line) {
      say(pipe, line);
      limit_processor_time(patience.processor_seconds);
    });
  } catch (...) {
    code = 1;
  }
  // Neither MPI nor HDF5 may run its exit handlers in a copy of the process.
  ::_exit(code);
}

// What the child says, until it ends or has been silent for too long.
std::string listen(int pipe, pid_t pid, int seconds) {
  std::string text;
  auto heard = std::chrono::steady_clock::now();
  while (true) {
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - heard).count();
    const auto left = seconds * 1000L - silent;
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

Contained in_child(const std::function<void(const Say&)>& work, const Patience& patience) {
  const auto held = hdf5::lock();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("no pipe (") + std::strerror(errno) + ")");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    child(work, ends[1], patience);
  }
  ::close(ends[1]);
  Contained result;
  if (pid < 0) {
    ::close(ends[0]);
    result.started = false;
    return result;
  }
  result.lines = lines_of(listen(ends[0], pid, patience.seconds));
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
