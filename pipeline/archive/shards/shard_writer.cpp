#include "pipeline/archive/shards/shard_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <thread>

#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/storage/hdf5.hpp"
#include "pipeline/storage/own_folder.hpp"
#include "pipeline/storage/sealed_file.hpp"

namespace meander {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// A renewed file is written whole, so a file is closed once it is this large.
constexpr std::size_t segment_bytes = most_pending_bytes / 2;

// Between attempts at the last write: 0.2 + 0.4 + ... + 3.2 s in all.
constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::milliseconds last_pause{3200};

constexpr std::chrono::duration<double> longest = std::chrono::hours(24 * 365);  // a clock can hold

// Never the same for two writers, so that a resumed run leaves the shards of earlier ones alone;
// sorts by time.
std::string unique_stem(int rank) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &parts);
  return std::string(stamp) + "." + std::to_string(1000000000 + now.tv_nsec).substr(1) + "-" + short_host() + "-" +
         std::to_string(getpid()) + "-r" + std::to_string(rank);
}

}  // namespace

struct ShardWriter::Impl {
  Impl(std::string to, int rank, const Study& s, const Layout& l, std::chrono::duration<double> every)
      : folder(std::move(to)), stem(unique_stem(rank)), study(s), layout(l), interval(std::min(every, longest)) {
    // The library's start-up calls MPI, so it must not happen on the writer's thread.
    static_cast<void>(hdf5::lock());
    thread = std::thread([this] { work(); });
  }

  void add(Record record, std::string superfluous) {
    validate(record, layout);
    const std::size_t bytes = size_of(record);
    bool first_or_much =
        false;  // all that the writer waits for: waking it for every small task costs more than the task
    {
      std::unique_lock guard(mutex);
      room.wait(guard, [&] { return pending_bytes <= most_pending_bytes || !problem.empty() || closing; });
      if (!superfluous.empty()) obsolete.push_back(std::move(superfluous));
      records.push_back(std::make_shared<const Record>(std::move(record)));
      const std::size_t before = pending_bytes;
      pending_bytes += bytes;
      total_bytes += bytes;
      first_or_much = before == 0 || (before <= segment_bytes && pending_bytes > segment_bytes);
    }
    if (first_or_much) wake.notify_one();
  }

  void announce() {
    {
      const std::lock_guard guard(mutex);
      if (announced || total_bytes > 0 || closed > 0) return;
      announced = true;
      at_once = true;
      ++pending_bytes;  // enough to be written, and nothing to a full disk
    }
    wake.notify_one();
  }

  std::string close() {
    {
      const std::lock_guard guard(mutex);
      closing = true;
    }
    wake.notify_one();
    if (thread.joinable()) thread.join();
    const std::lock_guard guard(mutex);
    return problem;
  }

  // Waits for work, then until the interval is over, or much has come, or the end.
  void work() {
    std::unique_lock guard(mutex);
    Clock::time_point last = Clock::now();
    while (true) {
      wake.wait(guard, [&] { return closing || pending_bytes > 0; });
      const auto due = last + std::chrono::duration_cast<Clock::duration>(interval);
      // After a failure a large backlog must not turn the wait into a busy loop.
      wake.wait_until(guard, due,
                      [&] { return closing || (problem.empty() && (at_once || pending_bytes > segment_bytes)); });
      at_once = false;
      // Asked before the write: what is added while it goes on needs a further one.
      const bool last_one = closing;
      // What somebody has removed is still here.
      std::error_code ignored;
      if (last_one && pending_bytes == 0 && !records.empty() && !fs::exists(path(), ignored)) pending_bytes = 1;
      if (pending_bytes > 0) write(guard);
      last = Clock::now();
      if (!last_one) continue;
      // Room may come back while others clear up; not for ever, since the job's time is running.
      for (auto pause = first_pause; pending_bytes > 0 && pause <= last_pause; pause *= 2) {
        wake.wait_for(guard, pause, [] { return false; });
        write(guard);
      }
      return;
    }
  }

  std::string path() const {
    return (fs::path(folder) / (stem + "-" + std::to_string(segment) + shard_extension)).string();
  }

  // Called with the lock held; writes without it, so that `add` never waits for the disk.
  void write(std::unique_lock<std::mutex>& guard) {
    const std::vector<std::shared_ptr<const Record>> snapshot = records;
    const std::size_t written_bytes = total_bytes;
    const std::size_t taken = pending_bytes;
    const std::vector<std::string> done = obsolete;
    guard.unlock();
    std::string trouble;
    try {
      require_own_folder(folder);
      replace_sealed(path(), shard_image(study, layout, snapshot));
      std::error_code ignored;  // what stays is removed when the archive is there
      for (const std::string& path : done) fs::remove(path, ignored);
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    guard.lock();
    problem = trouble;
    room.notify_all();
    if (!trouble.empty()) return;
    pending_bytes -= taken;
    obsolete.erase(obsolete.begin(), obsolete.begin() + static_cast<std::ptrdiff_t>(done.size()));
    kept = closed + snapshot.size();
    if (written_bytes < segment_bytes) return;
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(snapshot.size()));
    total_bytes -= written_bytes;
    closed += snapshot.size();
    ++segment;
  }

  const std::string folder;
  const std::string stem;
  const Study study;
  const Layout layout;
  const std::chrono::duration<double> interval;

  mutable std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable room;                        // for results, or no longer waiting for it
  std::vector<std::shared_ptr<const Record>> records;  // of the file that is open now
  std::size_t total_bytes = 0;
  std::size_t pending_bytes = 0;      // not on disk yet
  std::vector<std::string> obsolete;  // files to remove with the next write
  bool announced = false;
  bool at_once = false;    // the announcement waits for no interval
  std::size_t closed = 0;  // records in files that are closed
  std::string problem;
  bool closing = false;
  std::atomic<std::size_t> kept = 0;
  std::size_t segment = 0;  // the thread's own
  std::thread thread;
};

ShardWriter::ShardWriter(std::string folder, int rank, const Study& study, const Layout& layout,
                         std::chrono::duration<double> interval)
    : impl_(std::make_unique<Impl>(std::move(folder), rank, study, layout, interval)) {}

ShardWriter::~ShardWriter() {
  try {
    static_cast<void>(impl_->close());
  } catch (...) {  // a destructor that throws would end the program
  }
}

void ShardWriter::add(Record record, std::string obsolete) {
  impl_->add(std::move(record), std::move(obsolete));
}

void ShardWriter::announce() {
  impl_->announce();
}

void ShardWriter::close() {
  if (const std::string problem = impl_->close(); !problem.empty()) throw std::runtime_error(problem);
}

std::size_t ShardWriter::kept() const {
  return impl_->kept;
}

std::string ShardWriter::problem() const {
  const std::lock_guard guard(impl_->mutex);
  return impl_->problem;
}

}  // namespace meander
