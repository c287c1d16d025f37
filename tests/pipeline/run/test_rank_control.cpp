// What a task may ask of a run: when to keep, when to stop, and the state that it gets back.
#include "pipeline/run/rank_control.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/support/archive_fixture.hpp"

namespace meander {
namespace {

using archive_testing::Folder;
using testing::IsEmpty;

class Control : public testing::Test {
 protected:
  static void wait(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

  Folder folder_;
  bool stop_ = false;
  int told_ = 0;
  KeepingRules rules_{.archive = folder_ / "a.h5",
                      .measure_version = 1,
                      .interval = 0.2,
                      .stopping = [this](double) { return stop_; },
                      .kept = [this] { ++told_; }};
  const TaskKey key_{1, 2, 3};
  const std::vector<std::byte> state_{std::byte{7}, std::byte{0}, std::byte{9}};
};

TEST_F(Control, ATaskBeginsWithNothingAndIsDueAfterAnInterval) {
  RankControl control(rules_, key_, MPI_COMM_SELF);
  EXPECT_THAT(control.kept(), IsEmpty());
  EXPECT_FALSE(control.resumed());
  EXPECT_FALSE(control.due());
  wait(220);
  EXPECT_TRUE(control.due());
  control.keep(state_, 0.5);
  EXPECT_EQ(told_, 1);
  EXPECT_FALSE(control.due());
}

TEST_F(Control, AStateIsHandedBackWithItsTimeAndCountsHowOften) {
  {
    RankControl control(rules_, key_, MPI_COMM_SELF);
    wait(50);
    control.keep(state_, 0.5);
  }
  RankControl again(rules_, key_, MPI_COMM_SELF);
  EXPECT_EQ(again.kept(), state_);
  EXPECT_TRUE(again.resumed());
  EXPECT_GE(again.earlier_seconds(), 0.05);
  wait(50);
  again.keep(state_, 2.0);  // a fraction beyond 1 is a measure's mistake that nobody need see
  EXPECT_THAT(again.kept(), IsEmpty()) << "it may be large";
  EXPECT_TRUE(again.resumed());
  const TaskStateHead head = state_heads(rules_.archive).at(0);
  EXPECT_EQ(head.resumed, 1u);
  EXPECT_EQ(head.fraction, 1.0);
  EXPECT_GE(head.seconds, 0.1);
  EXPECT_EQ(RankControl(rules_, TaskKey{4}, MPI_COMM_SELF).resumed(), false) << "another task's";
}

TEST_F(Control, WhatCannotBeKeptIsNoErrorOfTheTask) {
  std::filesystem::create_directory(state_folder(rules_.archive).substr(0, rules_.archive.size() + 7));
  archive_testing::overwrite(state_folder(rules_.archive), "in the way");
  RankControl control(rules_, key_, MPI_COMM_SELF);
  testing::internal::CaptureStderr();
  control.keep(state_, 0.5);
  control.keep(state_, 0.6);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(told_, 0);
  EXPECT_NE(said.find("warning: the state of a task cannot be kept"), said.npos) << said;
  EXPECT_EQ(said.find("warning"), said.rfind("warning")) << "said once";
}

TEST_F(Control, AStopIsRememberedAndReplacesNothing) {
  RankControl control(rules_, key_, MPI_COMM_SELF);
  EXPECT_FALSE(control.stopping());
  EXPECT_FALSE(control.told_to_stop());
  stop_ = true;
  EXPECT_TRUE(control.stopping());
  stop_ = false;
  EXPECT_TRUE(control.stopping()) << "a task that was told once is told again";
  EXPECT_TRUE(control.told_to_stop());
}

}  // namespace
}  // namespace meander
