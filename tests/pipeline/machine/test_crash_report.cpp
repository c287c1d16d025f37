// The last line of a process that crashes.
#include "pipeline/machine/crash_report.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace meander {
namespace {

TEST(CrashReportDeathTest, ShowsNothingThatSteersATerminal) {
  const auto crash = [] {
    report_crashes(1);
    note_task("red\x1b[31m \u202e name");
    raise(SIGSEGV);
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV),
              "rank 1: .*SIGSEGV.* in the task red\\.\\[31m \\.\\.\\. name; what");
}

}  // namespace
}  // namespace meander
