#include "pipeline/run/stop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <string>

namespace meander {
namespace {

TEST(StopSignals, AskForAStopInsteadOfKilling) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
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

TEST(BatchSecondsLeft, AreReadFromSlurmsEnvironment) {
  unsetenv("SLURM_JOB_ID");
  unsetenv("SLURM_JOB_END_TIME");
  EXPECT_FALSE(batch_seconds_left().has_value());
  setenv("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + 500).c_str(), 1);
  EXPECT_NEAR(batch_seconds_left().value(), 500.0, 2.0);  // the clock may tick in between
  unsetenv("SLURM_JOB_END_TIME");
}

TEST(BatchSecondsLeft, NeverHandsAStrangeJobIdToTheShell) {
  setenv("SLURM_JOB_ID", "1; touch /tmp/meander-injected", 1);
  EXPECT_FALSE(batch_seconds_left().has_value());
  unsetenv("SLURM_JOB_ID");
  EXPECT_NE(std::system("test -e /tmp/meander-injected"), 0);
}

}  // namespace
}  // namespace meander
