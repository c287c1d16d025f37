// A run is refused before it starts where its largest tasks do not fit beside each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/run/fit.hpp"
#include "tests/support/fake_measure.hpp"

namespace meander {
namespace {

using ::testing::HasSubstr;

/// Tasks of 10 bytes at width 10 and of 20 GB at width 20, two of each.
struct Subject {
  Study study = testing::read_text(
      "measure = 'fake'\nrealizations = 2\n[sweep]\nwidth = [10, 20]\nsigma_w = 1\n"
      "activation = 'relu'\n");
  Layout layout{{}, {Family{"", std::nullopt, true, {}}}};
  Work work;

  explicit Subject(int ranks_per_task = 1) {
    const CellSpace cells(study, layout.families[0]);
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      const bool wide = Point(study, cells.point_indices(cell)).integer("width") == 20;
      work.append(0, cell, 1, {1.0, wide ? 20e9 : 10.0, ranks_per_task});
    }
  }
  std::optional<std::string> problem(int ranks, double machine, double other = 0.0) const {
    return memory_problem(study, layout, work, other, ranks, machine,
                          [](std::size_t, const Point&) { return "narrower layers"; });
  }
};

TEST(Memory, WhatFitsIsAccepted) {
  const Subject subject;
  EXPECT_EQ(subject.problem(1, 20e9), std::nullopt);
  EXPECT_EQ(subject.problem(2, 40e9), std::nullopt);
  EXPECT_EQ(subject.problem(64, 40.1e9), std::nullopt) << "there are only two large tasks";
}

TEST(Memory, OneTaskIsTooLarge) {
  const auto problem = Subject().problem(4, 16e9);
  ASSERT_TRUE(problem);
  EXPECT_THAT(*problem, HasSubstr(":4:9: error: a task needs 20.0 GB of memory (width = 20"));
  EXPECT_THAT(*problem, HasSubstr("this machine has 16.0 GB) take narrower layers"));
}

TEST(Memory, TooManyRanksAtOnce) {
  const auto problem = Subject().problem(2, 39e9);
  ASSERT_TRUE(problem);
  EXPECT_THAT(*problem, HasSubstr("2 ranks need 40.0 GB of memory together (up to 20.0 GB each: width = 20"));
  EXPECT_THAT(*problem, HasSubstr("start no more than 1 on it"));
}

TEST(Memory, WhatARankTakesBesidesCounts) {
  EXPECT_EQ(Subject().problem(2, 42e9, 1e9), std::nullopt);
  const auto two = Subject().problem(2, 41e9, 1e9);
  ASSERT_TRUE(two);
  EXPECT_THAT(*two, HasSubstr("2 ranks need 42.0 GB of memory together (up to 21.0 GB each"));
  const auto one = Subject().problem(1, 20.5e9, 1e9);
  ASSERT_TRUE(one);
  EXPECT_THAT(*one, HasSubstr("a task needs 20.0 GB of memory and 1.0 GB for its results and the archive"));
}

TEST(Memory, RanksThatShareATaskCountEach) {
  const Subject subject(2);
  EXPECT_EQ(subject.problem(2, 40e9), std::nullopt);
  EXPECT_EQ(subject.problem(3, 60e9), std::nullopt) << "here a machine holds half of the second task";
  const auto two = subject.problem(4, 79e9);
  ASSERT_TRUE(two);
  EXPECT_THAT(*two, HasSubstr("4 ranks need 80.0 GB of memory together"));
  EXPECT_THAT(*two, HasSubstr("start no more than 2 on it, or take narrower layers"));
  const auto one = subject.problem(4, 39e9);
  ASSERT_TRUE(one);
  EXPECT_THAT(*one, HasSubstr("a task needs 20.0 GB of memory on each of its 2 ranks"));
}

TEST(Groups, RanksAreDividedWithoutRemainder) {
  Subject subject;
  EXPECT_EQ(group_problem(subject.study, subject.work, 3), std::nullopt);
  subject.work.append(0, 0, 1, {1.0, 10.0, 4});
  EXPECT_EQ(group_problem(subject.study, subject.work, 8), std::nullopt);
  const auto six = group_problem(subject.study, subject.work, 6);
  ASSERT_TRUE(six);
  EXPECT_THAT(*six, HasSubstr("error: 4 ranks share a task (a run of 6 cannot be divided so) start 4 or 8"));
  const auto two = group_problem(subject.study, subject.work, 2);
  ASSERT_TRUE(two);
  EXPECT_THAT(*two, HasSubstr("start 4, or take another ranks_per_task"));
}

TEST(Memory, NothingLeftToDoFits) {
  Subject subject;
  subject.work = Work();
  EXPECT_EQ(subject.problem(4, 1.0), std::nullopt);
}

}  // namespace
}  // namespace meander
