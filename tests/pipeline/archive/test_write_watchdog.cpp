// Writing that stands still is given up; writing that goes on, however slowly, is not.
#include <gtest/gtest.h>

#include <cstdlib>

#include "pipeline/archive/write/write_watchdog.hpp"
#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using namespace archive_testing;
using namespace std::chrono_literals;

TEST(write_watchdog, gives_up_where_nothing_happens) {
  const Folder folder;
  overwrite(folder / "a", "x");
  std::atomic<bool> given_up = false;
  const WriteWatchdog watchdog(folder / "a", 200ms, [&] { given_up = true; });
  std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(given_up);
  for (int i = 0; i < 100 && !given_up; ++i) std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(given_up);
}

TEST(write_watchdog, waits_while_the_file_grows_or_steps_are_taken) {
  const Folder folder;
  overwrite(folder / "a", "x");
  std::atomic<bool> given_up = false;
  WriteWatchdog watchdog(folder / "a", 2s, [&] { given_up = true; });
  for (int i = 0; i < 15; ++i) {
    std::this_thread::sleep_for(200ms);
    i % 2 == 0 ? watchdog.step() : overwrite(folder / "a", std::string(static_cast<std::size_t>(i), 'x'));
  }
  EXPECT_FALSE(given_up);
}

TEST(write_watchdog, patience_grows_with_what_each_rank_has_to_pack) {
  ::unsetenv("MEANDER_WRITE_PATIENCE");
  EXPECT_DOUBLE_EQ(write_patience(0, 1).count(), 300.0);
  EXPECT_GT(write_patience(std::size_t{1} << 34, 4).count(), 1000.0);
  EXPECT_GT(write_patience(std::size_t{1} << 34, 4), write_patience(std::size_t{1} << 34, 64));
  ::setenv("MEANDER_WRITE_PATIENCE", "2.5", 1);
  EXPECT_DOUBLE_EQ(write_patience(0, 8).count(), 2.5);
  ::unsetenv("MEANDER_WRITE_PATIENCE");
}

}  // namespace
}  // namespace meander
