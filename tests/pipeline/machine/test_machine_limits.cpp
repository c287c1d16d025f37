// Limits of containers and batch jobs, from made-up files of the system; and those of a shell, really set.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "pipeline/machine/control_groups.hpp"
#include "pipeline/machine/memory.hpp"

namespace meander {
namespace {

namespace fs = std::filesystem;

class MachineLimits : public testing::Test {
 protected:
  MachineLimits() { fs::create_directories(root_); }
  ~MachineLimits() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const fs::path file = root_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double memory() const { return machine_memory(root_); }

  fs::path root_ = fs::temp_directory_path() / ("meander_limits_" + std::to_string(getpid()));
};

const std::string version_2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string version_1 =
    "30 25 0:25 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro,mode=755\n"
    "40 30 0:35 / /sys/fs/cgroup/memory rw shared:17 - cgroup cgroup rw,memory\n"
    "41 30 0:36 / /sys/fs/cgroup/cpu,cpuacct rw shared:18 - cgroup cgroup rw,cpu,cpuacct\n";

TEST_F(MachineLimits, NoneWhereNothingSaysSo) {
  const double physical = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(memory(), physical);
  EXPECT_GE(machine_cores(root_), 1);
  write("proc/self/cgroup", "0::/a\n");
  write("proc/self/mountinfo", version_2);
  write("sys/fs/cgroup/a/memory.max", "max\n");
  write("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(memory(), physical);
  EXPECT_EQ(machine_cores(root_), machine_cores(root_ / "nowhere"));
}

TEST_F(MachineLimits, Version2AtAnyLevel) {
  write("proc/self/cgroup", "0::/user.slice/job 1/step\n");
  write("proc/self/mountinfo", version_2);
  write("sys/fs/cgroup/user.slice/job 1/step/memory.max", "8000000\n");
  EXPECT_EQ(memory(), 8e6);
  write("sys/fs/cgroup/user.slice/memory.max", "3000000\n");
  EXPECT_EQ(memory(), 3e6);
  write("sys/fs/cgroup/user.slice/job 1/step/memory.max", "1000000\n");
  EXPECT_EQ(memory(), 1e6);
  write("sys/fs/cgroup/user.slice/job 1/cpu.max", "50000 100000\n");
  EXPECT_EQ(machine_cores(root_), 1);
}

TEST_F(MachineLimits, Version1WithEachControllersOwnPath) {
  write("proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n0::/\n");
  write("proc/self/mountinfo", version_1);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "2000000\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "30000\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(memory(), 2e6);
  EXPECT_EQ(machine_cores(root_), 1);
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(machine_cores(root_), machine_cores(root_ / "nowhere"));
}

/// A container sees its own group as the root of the mount, and its path as the host has it.
TEST_F(MachineLimits, InAContainerOfItsOwnMount) {
  write("proc/self/cgroup", "5:memory:/docker/abc\n");
  write("proc/self/mountinfo", "40 30 0:35 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "4000000\n");
  EXPECT_EQ(memory(), 4e6);
  write("proc/self/cgroup", "5:memory:/docker/abc/inner\n");
  write("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "1000000\n");
  EXPECT_EQ(memory(), 1e6);
  write("proc/self/cgroup", "5:memory:/../elsewhere\n");  // another name space's
  EXPECT_EQ(memory(), 4e6);
}

TEST_F(MachineLimits, DamagedFilesSayNothing) {
  write("proc/self/cgroup", "0::/a\n:\nnothing\n0:\n");
  write("proc/self/mountinfo", version_2 + "x\n- - -\n1 2 3 4 5 6 - cgroup2\n");
  for (const char* text : {"", "a lot", "12x", "1 2 x"}) {
    write("sys/fs/cgroup/a/memory.max", text);
    EXPECT_GT(memory(), 1e8) << text;
  }
  EXPECT_FALSE(limit_numbers(root_ / "nowhere"));
}

TEST(ProcessMemory, IsWhatTheShellsLimitLeaves) {
  EXPECT_TRUE(std::isinf(process_memory()));
  const pid_t child = fork();
  if (child == 0) {
    // Beside what it has: a sanitizer's process has terabytes of address space.
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limit{pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (rlim_t{8} << 30), RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    const double left = process_memory();
    const bool good = left > 1e9 && left < 8.1 * (1 << 30) && memory_for(1) <= left;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace meander
