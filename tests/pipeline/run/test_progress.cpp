#include "pipeline/run/progress.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "pipeline/run/work.hpp"

namespace meander {
namespace {

TEST(Progress, ShareAndTimeLeftFollowCostNotTasks) {
  // One of a hundred tasks is done, but it was half of the cost: half of the time is over.
  EXPECT_EQ(progress_text({1, 500.0}, 100, 1000.0, 60.0), " 50 %  1/100 tasks  1 min 0 s left");
  // Ninety-nine small ones are done, and nearly everything is still to come.
  EXPECT_EQ(progress_text({99, 1.0}, 100, 1000.0, 3.0), "  0 %  99/100 tasks  49 min 57 s left");
}

TEST(Progress, SaysNothingOfTheTimeLeftBeforeTheFirstTaskOrAfterTheLast) {
  EXPECT_EQ(progress_text({0, 0.0}, 7, 10.0, 5.0), "  0 %  0/7 tasks");
  EXPECT_EQ(progress_text({7, 10.0}, 7, 10.0, 5.0), "100 %  7/7 tasks");
}

TEST(Progress, Durations) {
  EXPECT_EQ(duration_text(0.04), "0.0 s");
  EXPECT_EQ(duration_text(9.94), "9.9 s");
  EXPECT_EQ(duration_text(59.0), "59 s");
  EXPECT_EQ(duration_text(200.0), "3 min 20 s");
  EXPECT_EQ(duration_text(3600.0 * 5 + 600), "5 h 10 min");
  EXPECT_EQ(duration_text(86400.0 * 3 + 3600 * 4), "3 d 4 h");
  EXPECT_EQ(duration_text(36524.0 * 86400), "36524 d 0 h");
  for (const double long_ : {3.2e9, 1e20, 1e308, std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_EQ(duration_text(long_), "> 100 years");
  }
}

TEST(Progress, JobsInARowDoNotOverflow) {
  EXPECT_EQ(jobs_in_a_row(3600.0, 60.0, false, 10.0), 60);
  for (const double makespan : {1e20, 1e308}) EXPECT_EQ(jobs_in_a_row(makespan, 60.0, false, 10.0), 1'000'000'000);
}

TEST(Progress, EnvironmentOverridesTheTerminalAndQuietOverridesBoth) {
  setenv("MEANDER_PROGRESS", "bar", 1);
  EXPECT_EQ(progress_style(false), ProgressStyle::bar);
  EXPECT_EQ(progress_style(true), ProgressStyle::none);
  setenv("MEANDER_PROGRESS", "log", 1);
  EXPECT_EQ(progress_style(false), ProgressStyle::log);
  unsetenv("MEANDER_PROGRESS");
}

}  // namespace
}  // namespace meander
