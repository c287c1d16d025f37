// Ends a job whose archive stands still while it is written.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace meander {

/// A collective write that failed on one rank may leave the others waiting for it inside MPI for ever.
/// A thread watches the file and calls `give_up` where neither its size nor its time nor the count of
/// steps changes for `patience`.
class WriteWatchdog {
 public:
  WriteWatchdog(std::string path, std::chrono::duration<double> patience, std::function<void()> give_up);
  ~WriteWatchdog();
  WriteWatchdog(const WriteWatchdog&) = delete;
  WriteWatchdog& operator=(const WriteWatchdog&) = delete;
  /// There was progress that the file may not show.
  void step() { ++steps_; }

 private:
  void watch();

  std::string path_;
  std::chrono::duration<double> patience_;
  std::function<void()> give_up_;
  std::atomic<std::size_t> steps_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

/// Five minutes, or the environment's MEANDER_WRITE_PATIENCE in seconds; and for each rank's share of
/// `bytes` the time that packing it may take before any of it is written.
std::chrono::duration<double> write_patience(std::size_t bytes, int ranks);

}  // namespace meander
