#include "pipeline/run/stop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace meander {
namespace {

TEST(StopSignals, AskForAStopInsteadOfKilling) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) {
    const StopSignals signals;
    EXPECT_FALSE(StopSignals::requested());
    std::raise(signal);
    EXPECT_TRUE(StopSignals::requested());
    EXPECT_FALSE(StopClock(std::nullopt).may_start(0.0));
  }
}

TEST(StopSignals, AreNotForgottenByOnesThatComeLater) {
  const StopSignals outer;
  std::raise(SIGUSR1);
  {
    const StopSignals inner;
    EXPECT_TRUE(StopSignals::requested());
  }
  std::raise(SIGUSR1);  // would kill if the inner one had put the default back
  EXPECT_TRUE(StopSignals::requested());
}

TEST(StopSignals, LeaveAnIgnoredHangUpIgnored) {
  std::signal(SIGHUP, SIG_IGN);  // as nohup does
  {
    const StopSignals signals;
    std::raise(SIGHUP);
    EXPECT_FALSE(StopSignals::requested());
  }
  std::raise(SIGHUP);  // still ignored
  std::signal(SIGHUP, SIG_DFL);
}

TEST(StopClock, CountsAnyLimit) {
  const StopSignals signals;
  for (const double seconds : {1e9, 1e20, 1e308}) EXPECT_TRUE(StopClock(seconds, 60.0).may_start(1e6));
  EXPECT_FALSE(StopClock(-1e308, 60.0).may_start(0.0));
}

TEST(StopClock, StartsNothingThatTheRemainingTimeCannotFinish) {
  const StopSignals signals;
  const StopClock clock(100.0);
  EXPECT_TRUE(clock.may_start(90.0));
  EXPECT_FALSE(clock.may_start(101.0));
  EXPECT_TRUE(StopClock(std::nullopt).may_start(1e9));
}

TEST(StopClock, CorrectsTheCostModelByWhatTasksTook) {
  const StopSignals signals;
  StopClock clock(100.0);
  clock.learn(1.0, 3.0);  // three times slower than expected
  EXPECT_FALSE(clock.may_start(40.0));
  EXPECT_TRUE(clock.may_start(30.0));
}

TEST(StopClock, StartsATaskThatKeepsWithTwoIntervalsLeft) {
  const StopSignals signals;
  const StopClock clock(100.0, 10.0);
  EXPECT_FALSE(clock.may_start(1e6));
  EXPECT_TRUE(clock.may_start(1e6, true));
  EXPECT_FALSE(clock.stopping(0.0));
  EXPECT_TRUE(clock.stopping(46.0));  // an interval and twice the time to write
  const StopClock none(std::nullopt, 10.0);
  EXPECT_TRUE(none.may_start(1e6, true));
  EXPECT_FALSE(none.stopping(1e6));
}

TEST(StopClock, StopsWhenAnIntervalIsLeft) {
  const StopSignals signals;
  // Of a second, 0.25 s are the interval: until 0.5 s a long task may start, until 0.75 s it may go on.
  const StopClock clock(1.0, 60.0);
  EXPECT_TRUE(clock.may_start(1e6, true));
  std::this_thread::sleep_for(std::chrono::milliseconds(550));
  EXPECT_FALSE(clock.may_start(1e6, true));
  EXPECT_TRUE(clock.may_start(1e-6, true)) << "it ends before it would have to stop";
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  EXPECT_TRUE(clock.stopping(0.0));
  EXPECT_FALSE(clock.may_start(1e-6, true));
}

TEST(StopClock, StopsAfterASignal) {
  const StopSignals signals;
  const StopClock clock(std::nullopt, 10.0);
  EXPECT_FALSE(clock.stopping(0.0));
  std::raise(SIGUSR1);
  EXPECT_TRUE(clock.stopping(0.0));
  EXPECT_FALSE(clock.may_start(1.0, true));
}

TEST(BatchSecondsLeft, AreReadFromSlurmsEnvironment) {
  unsetenv("SLURM_JOB_ID");
  unsetenv("SLURM_JOB_END_TIME");
  EXPECT_FALSE(batch_seconds_left().has_value());
  setenv("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + 500).c_str(), 1);
  EXPECT_NEAR(batch_seconds_left().value(), 500.0, 2.0);  // the clock may tick in between
  unsetenv("SLURM_JOB_END_TIME");
}

/// squeue as it may be found in a job: it prints `says`.
class FakeSqueue {
 public:
  explicit FakeSqueue(const std::string& says) : path_(std::getenv("PATH")) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "squeue") << "#!/bin/sh\n" << says << "\n";
    std::filesystem::permissions(folder_ / "squeue", std::filesystem::perms::owner_all);
    setenv("PATH", (folder_.string() + ":" + path_).c_str(), 1);
    setenv("SLURM_JOB_ID", "17", 1);
  }
  ~FakeSqueue() {
    setenv("PATH", path_.c_str(), 1);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_JOB_END_TIME");
    std::filesystem::remove_all(folder_);
  }

 private:
  std::string path_;
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("meander_squeue_" + std::to_string(getpid()));
};

/// A job that is over by what it was told may have got more time since, which Slurm knows; else it has none left.
TEST(BatchSecondsLeft, AnEndInThePastIsNotNoLimit) {
  const auto left = [](const std::string& says, const char* end) {
    const FakeSqueue squeue(says);
    setenv("SLURM_JOB_END_TIME", end, 1);
    return batch_seconds_left();
  };
  const std::string past = std::to_string(std::time(nullptr) - 500);
  EXPECT_EQ(left("exit 1", past.c_str()), 0.0);
  EXPECT_EQ(left("echo a[1]", past.c_str()), 0.0);
  EXPECT_EQ(left("echo INVALID", past.c_str()), 0.0);
  EXPECT_EQ(left("echo 0:30", past.c_str()), 30.0);
  EXPECT_EQ(left("echo UNLIMITED", past.c_str()), std::nullopt);
  EXPECT_EQ(left("echo 0:30", "tomorrow"), 30.0);
  EXPECT_EQ(left("exit 1", "tomorrow"), std::nullopt);
}

TEST(BatchSecondsLeft, NeverHandsAStrangeJobIdToTheShell) {
  setenv("SLURM_JOB_ID", "1; touch /tmp/meander-injected", 1);
  EXPECT_FALSE(batch_seconds_left().has_value());
  unsetenv("SLURM_JOB_ID");
  EXPECT_NE(std::system("test -e /tmp/meander-injected"), 0);
}

}  // namespace
}  // namespace meander
