#include "pipeline/machine/memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include "pipeline/machine/control_groups.hpp"

namespace meander {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

double soft_limit(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

double process_memory() {
  const double space = soft_limit(RLIMIT_AS), data = soft_limit(RLIMIT_DATA);
  if (std::isinf(space) && std::isinf(data)) return unlimited;
  // Pages: whole address space, resident, shared, text, 0, data and stack (proc(5)).
  double pages[6] = {};
  std::ifstream file("/proc/self/statm");
  for (double& count : pages) file >> count;
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return std::max(0.0, std::min(space - page * pages[0], data - page * pages[5]));
}

double machine_memory(const std::filesystem::path& root) {
  double bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  for (const std::filesystem::path& group : control_groups("memory", root)) {
    for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
      if (const auto limit = limit_numbers(group / name)) bytes = std::min(bytes, limit->front());
    }
  }
  return bytes;
}

double memory_for(int processes) {
  return std::min(machine_memory(), processes * process_memory());
}

int machine_cores(const std::filesystem::path& root) {
  double cores = std::max(1U, std::thread::hardware_concurrency());
  for (const std::filesystem::path& group : control_groups("cpu", root)) {
    auto share = limit_numbers(group / "cpu.max");  // microseconds of time in a period
    if (!share) {
      share = limit_numbers(group / "cpu.cfs_quota_us");  // -1: none
      const auto period = limit_numbers(group / "cpu.cfs_period_us");
      if (share && period) share->push_back(period->front());
    }
    if (share && share->size() == 2 && share->front() > 0.0 && share->back() > 0.0) {
      cores = std::min(cores, std::ceil(share->front() / share->back()));
    }
  }
  return static_cast<int>(cores);
}

}  // namespace meander
