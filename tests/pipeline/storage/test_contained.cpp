// Work in a child: what it says is heard, and what becomes of it is known.
#include "pipeline/storage/contained.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <new>
#include <stdexcept>

namespace meander {
namespace {

using testing::ElementsAre;

TEST(Contained, ACrashAndAnExceptionAreSeen) {
  Contained child = in_child([](const Say& say) {
    say("one");
    say("");
    say("two\nwords");
  });
  EXPECT_THAT(child.lines, ElementsAre("one", "two words"));
  EXPECT_FALSE(child.crashed);
  child = in_child([](const Say& say) {
    say("before");
    ::raise(SIGSEGV);
  });
  EXPECT_THAT(child.lines, ElementsAre("before"));
  EXPECT_TRUE(child.crashed);
  EXPECT_TRUE(in_child([](const Say&) { throw std::runtime_error("x"); }).crashed);
}

TEST(Contained, WhoGoesRoundInCirclesIsEnded) {
  const auto circle = [](double seconds, const Say& say) {
    const std::clock_t begin = std::clock();
    while (static_cast<double>(std::clock() - begin) < seconds * CLOCKS_PER_SEC) continue;
    say("");
  };
  Contained child = in_child([&](const Say& say) { circle(100, say); }, {.seconds = 60, .processor_seconds = 1});
  EXPECT_TRUE(child.crashed);
  child = in_child([](const Say&) { ::sleep(100); }, {.seconds = 1, .processor_seconds = 60});
  EXPECT_TRUE(child.crashed);
  child = in_child(
      [&](const Say& say) {
        for (int i = 0; i < 4; ++i) circle(0.7, say);
      },
      {.seconds = 60, .processor_seconds = 1});
  EXPECT_FALSE(child.crashed) << "there was progress";
}

#ifndef __SANITIZE_ADDRESS__  // its allocator ends the process instead of throwing
TEST(Contained, MemoryIsBounded) {
  const Contained child = in_child([](const Say& say) {
    limit_memory(64.0 * (1 << 20));
    for (const std::size_t megabytes : {16, 256}) {
      try {
        const std::vector<char> some(megabytes << 20);
        say(some.empty() ? "none" : "enough");
      } catch (const std::bad_alloc&) {
        say("too much");
      }
    }
  });
  EXPECT_THAT(child.lines, ElementsAre("enough", "too much"));
}
#endif

}  // namespace
}  // namespace meander
