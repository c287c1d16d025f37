#include "pipeline/archive/read/trial_read.hpp"

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
#include <cstring>
#include <functional>
#include <stdexcept>

#include "pipeline/archive/format/archive_shape.hpp"
#include "pipeline/archive/format/file_header.hpp"
#include "pipeline/archive/read/archive_reader.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

// A damaged file may send HDF5 round in circles; no piece of an array takes this long to read.
constexpr int child_patience_seconds = 60;

// Of numbers to their bytes in the file; gzip reaches half of this on zeros.
constexpr double largest_ratio = 2000.0;

// Called after each piece, so that somebody who listens knows that there is progress.
using Beat = std::function<void()>;

// Reads a dataset in pieces along its first dimension, whatever its type.
void read_through(hid_t file, const std::string& name, const Beat& beat) {
  // Another program may have added a group.
  const hdf5::Handle member(H5Oopen(file, name.c_str(), H5P_DEFAULT), H5Oclose, "member '" + name + "'");
  if (H5Iget_type(member.id()) != H5I_DATASET) return;
  const hdf5::Handle dataset = hdf5::open_dataset(file, name);
  const hdf5::Handle type(H5Dget_type(dataset.id()), H5Tclose, "its type");
  if (H5Tis_variable_str(type.id()) > 0) {
    static_cast<void>(hdf5::read_text_dataset(file, name));
    return;
  }
  const std::vector<hsize_t> shape = hdf5::extents(dataset.id());
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return;
  // A damaged shape may claim more than could be read in years.
  double claimed = static_cast<double>(H5Tget_size(type.id()));
  for (const hsize_t extent : shape) claimed *= static_cast<double>(extent);
  if (claimed > largest_ratio * static_cast<double>(H5Dget_storage_size(dataset.id())) + 1e8) {
    throw hdf5::Error("its shape is far larger than what is stored");
  }
  const hdf5::Handle space = hdf5::dataset_space(dataset.id());
  std::size_t row = H5Tget_size(type.id());
  for (std::size_t d = 1; d < shape.size(); ++d) row *= shape[d];
  const hsize_t rows = shape.empty() ? 1 : shape[0];
  const hsize_t step = std::clamp<hsize_t>((std::size_t{16} << 20) / std::max<std::size_t>(row, 1), 1, rows);
  std::vector<std::byte> buffer(step * row);
  for (hsize_t begin = 0; begin < rows; begin += step) {
    std::vector<hsize_t> count = shape;
    std::vector<hsize_t> start(shape.size(), 0);
    if (!shape.empty()) {
      start[0] = begin;
      count[0] = std::min(step, rows - begin);
      hdf5::check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), name);
    }
    const hdf5::Handle memory = hdf5::simple_space(count);
    hdf5::check(H5Dread(dataset.id(), type.id(), memory.id(), space.id(), H5P_DEFAULT, buffer.data()), name);
    beat();
  }
}

void check_field(hid_t file, const Field& field, std::vector<std::string>& problems) {
  if (!hdf5::exists(file, field.name)) {
    problems.push_back("array '" + field.name + "' is missing");
    return;
  }
  const hdf5::Handle dataset = hdf5::open_dataset(file, field.name);
  const std::vector<hsize_t> shape = hdf5::extents(dataset.id());
  std::vector<hsize_t> expected;
  for (const std::string& name : field.dimensions) {
    if (!hdf5::exists(file, name)) {
      problems.push_back("dimension '" + name + "' is missing");
      return;
    }
    expected.push_back(hdf5::extents(hdf5::open_dataset(file, name).id()).at(0));
  }
  if (shape != expected) problems.push_back("array '" + field.name + "' has another shape than its dimensions");
}

// The dimensions by the study, the fields by the layout.
void check_structure(hid_t file, const Header& header, std::vector<std::string>& problems) {
  for (const SweepDimension& dimension : header.study.sweep) {
    const bool right =
        hdf5::exists(file, dimension.name) &&
        hdf5::extents(hdf5::open_dataset(file, dimension.name).id()) == std::vector<hsize_t>{dimension.values.size()};
    if (!right) problems.push_back("dimension '" + dimension.name + "' does not have the study's values");
  }
  for (std::size_t f = 0; f < header.layout.families.size(); ++f) {
    for (const Field& field : family_fields(header.study, header.layout, f)) check_field(file, field, problems);
  }
}

void inspect(const std::string& path, TrialReport& report, const Beat& beat) {
  try {
    const hdf5::Handle file = hdf5::open_file(path);
    const Header header = read_file_header(file.id(), path);
    if (header.is_shard) throw BadInput(path + ": error: a shard, not an archive; give the archive's path");
    for (const std::string& name : hdf5::members(file.id())) {
      try {
        read_through(file.id(), name, beat);
        ++report.arrays;
      } catch (const hdf5::Error& error) {
        report.problems.push_back("array '" + name + "' cannot be read: " + error.what());
      }
    }
    check_structure(file.id(), header, report.problems);
    if (report.problems.empty()) ArchiveReader(path).check_bookkeeping();
  } catch (const std::exception& error) {
    report.problems.emplace_back(error.what());
  }
}

// A crash is expected here, so it is silent: no report of MPI's, no core file.
void crash_quietly() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL}) ::signal(signal, SIG_DFL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
}

// The parent holds the lock on HDF5, so that nobody else is inside it at the fork.
[[noreturn]] void child(const std::string& path, int pipe) {
  crash_quietly();
  hdf5::become_only_thread();
  TrialReport report;
  try {
    inspect(path, report, [&] {
      if (::write(pipe, "\n", 1) < 0) ::_exit(1);
    });
  } catch (...) {
    report.problems.emplace_back("the arrays cannot be read");
  }
  for (std::string& problem : report.problems) {
    std::replace(problem.begin(), problem.end(), '\n', ' ');
    problem += '\n';
    if (::write(pipe, problem.data(), problem.size()) < 0) break;
  }
  // Neither MPI nor HDF5 may run its exit handlers in a copy of the process.
  ::_exit(0);
}

// What the child says, until it ends or has been silent for too long.
std::string listen(int pipe, pid_t pid) {
  std::string text;
  auto heard = std::chrono::steady_clock::now();
  while (true) {
    const auto silent =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - heard).count();
    const auto left = child_patience_seconds * 1000L - silent;
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

}  // namespace

TrialReport trial_read(const std::string& path) {
  const auto held = hdf5::lock();
  TrialReport report;
  inspect(path, report, [] {});
  return report;
}

TrialReport trial_read_in_child(const std::string& path) {
  const auto held = hdf5::lock();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(path + ": error: no pipe (" + std::strerror(errno) + ")");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    child(path, ends[1]);
  }
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return {{"which arrays are damaged could not be found out (no process can be started)"}, 0, false};
  }
  std::string text = listen(ends[0], pid);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  TrialReport report;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    if (end > 0) report.problems.push_back(text.substr(0, end));
    text.erase(0, end + 1);
  }
  report.crashed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  if (report.crashed) {
    report.problems.emplace_back("HDF5 crashes or hangs on the damaged file, so that not every array could be tried");
  }
  return report;
}

}  // namespace meander
