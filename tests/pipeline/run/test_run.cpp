// Runs of a toy measure in one process: failures, retries, and what is computed again.
#include "pipeline/run/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <new>
#include <stdexcept>

#include "pipeline/archive/format/header.hpp"
#include "pipeline/archive/read/archive_summary.hpp"
#include "pipeline/archive/read/read_sources.hpp"
#include "pipeline/archive/shards/archive_lock.hpp"
#include "pipeline/archive/shards/shard_file.hpp"
#include "pipeline/archive/shards/task_state.hpp"
#include "pipeline/run/work.hpp"

namespace meander {
namespace {

/// Squares x; does `fault` where x is 3; counts how often it was called.
struct Toy {
  static inline std::function<void(Results&)> fault;
  static inline int calls = 0;
  static inline bool nonfinite = false;
};

class ToyMeasurement final : public Measurement {
 public:
  ToyMeasurement() {
    ArraySpec square{.name = "square", .units = "1", .long_name = "x squared", .nonfinite = Toy::nonfinite};
    add({.layout = {"cells", std::nullopt, true, {square}},
         .cost =
             [](const Point& point) {
               return Cost{point.number("x"), 100.0, 1};
             },
         .run =
             [](const Task& task, Results& results) {
               ++Toy::calls;
               const double x = task.point.number("x");
               results.set("square", x * x);
               if (Toy::fault && x == 3.0) Toy::fault(results);
             }});
  }
};

class ToyMeasure final : public Measure {
 public:
  std::string name() const override { return "toy"; }
  int version() const override { return 1; }
  std::string description() const override { return "Squares."; }
  std::vector<Key> keys() const override {
    Key x;
    x.section = "sweep";
    x.name = "x";
    x.sweepable = true;
    return {x};
  }
  std::vector<ArraySpec> arrays() const override { return ToyMeasurement().layout().families.front().arrays; }
  std::unique_ptr<Measurement> bind(const Study&, Diagnostics&) const override {
    return std::make_unique<ToyMeasurement>();
  }
};

class Run : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("meander_run_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "toy.toml") << "measure = \"toy\"\n[sweep]\nx = [1.0, 2.0, 3.0, 4.0]\n";
    catalogue_.add(std::make_unique<ToyMeasure>());
    options_.study = folder_ / "toy.toml";
    options_.archive = folder_ / "toy.h5";
    options_.quiet = true;
    Toy::fault = nullptr;
    Toy::calls = 0;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  int run() { return run_study(options_, catalogue_, MPI_COMM_SELF); }
  std::vector<Status> statuses() const {
    const Header header = read_header(options_.archive);
    return read_statuses(header.study, header.layout, {options_.archive}).front();
  }

  std::filesystem::path folder_;
  Catalogue catalogue_;
  RunOptions options_;
};

TEST_F(Run, ComputesEveryCellOnceAndASecondRunNone) {
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(Toy::calls, 4);
  EXPECT_THAT(statuses(), testing::Each(Status::done));
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(Toy::calls, 4);
}

TEST_F(Run, AFailedTaskIsAFailedCellAndRetriedOnlyWhenAsked) {
  Toy::fault = [](Results&) { throw std::runtime_error("three is broken"); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(statuses(), testing::ElementsAre(Status::done, Status::done, Status::failed, Status::done));
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(Toy::calls, 4);
  Toy::fault = nullptr;
  options_.retry_failed = true;
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(Toy::calls, 5);
  EXPECT_THAT(statuses(), testing::Each(Status::done));
}

TEST_F(Run, WhateverATaskDoesWrongIsAFailedCellWithItsReason) {
  const std::pair<std::function<void(Results&)>, std::string> faults[] = {
      {[](Results&) { throw std::bad_alloc(); }, "out of memory"},
#ifndef __SANITIZE_ADDRESS__  // its allocator ends the process instead of throwing
      // More than any machine has; the size is not known to the compiler.
      {[](Results&) { std::vector<double>(std::size_t{1} << (46 + Toy::calls % 2)).at(0) = 1.0; }, "out of memory"},
#endif
      {[](Results&) { std::vector<double>().resize(std::numeric_limits<std::size_t>::max() / 2); }, "out of memory"},
      {[](Results&) { throw 42; }, "unknown kind"},
      {[](Results& results) { results.set("square", std::nan("")); }, "'square' is not a number"},
      {[](Results& results) { results.set("square", HUGE_VAL); }, "'square' is infinite"},
  };
  for (const auto& [fault, reason] : faults) {
    Toy::fault = fault;
    options_.fresh = true;
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(statuses(), testing::ElementsAre(Status::done, Status::done, Status::failed, Status::done));
    EXPECT_THAT(summarise(options_.archive).messages.at(0).first, testing::HasSubstr(reason));
    Toy::fault = nullptr;
    options_.fresh = false;
    options_.retry_failed = true;
    EXPECT_EQ(run(), 0);
    EXPECT_THAT(statuses(), testing::Each(Status::done));
  }
}

TEST_F(Run, NumbersThatAreNotFiniteStayWhereTheMeasureSaysWhatTheyMean) {
  Toy::nonfinite = true;
  Toy::fault = [](Results& results) { results.set("square", HUGE_VAL); };
  EXPECT_EQ(run(), 0);
  Toy::nonfinite = false;
  EXPECT_THAT(statuses(), testing::Each(Status::done));
}

TEST_F(Run, ACrashSaysInWhichTask) {
  Toy::fault = [](Results&) { std::raise(SIGSEGV); };
  EXPECT_DEATH(run(), "rank 0: error: crashed \\(.*SIGSEGV\\) in the task cells, x = 3(.0)?, realization = 0; .*again");
}

TEST_F(Run, FreshStartsOver) {
  EXPECT_EQ(run(), 0);
  options_.fresh = true;
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(Toy::calls, 8);
}

TEST_F(Run, FreshKeepsWhatWasThereBesideTheNewOne) {
  EXPECT_EQ(run(), 0);
  const auto bytes = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string first = bytes(options_.archive);
  const std::string folder = shard_folder(options_.archive);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/torn.shard") << "a shard";
  write_state(options_.archive, {.key = {5}, .measure_version = 1}, std::vector<std::byte>(4));
  options_.fresh = true;
  EXPECT_EQ(run(), 0);
  const std::string aside = options_.archive + ".before-1";
  EXPECT_EQ(bytes(aside), first);
  EXPECT_EQ(bytes(shard_folder(aside) + "/torn.shard"), "a shard");
  EXPECT_EQ(state_files(aside).size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder));
  const std::string second = bytes(options_.archive);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(bytes(aside), first);
  EXPECT_EQ(bytes(options_.archive + ".before-2"), second);
  EXPECT_FALSE(std::filesystem::exists(options_.archive + ".before-3"));
}

TEST_F(Run, FreshTouchesNothingWhileAnotherRunHoldsTheLock) {
  EXPECT_EQ(run(), 0);
  options_.fresh = true;
  const ArchiveLock lock(options_.archive);
  EXPECT_THROW(run(), BadInput);
  EXPECT_TRUE(std::filesystem::exists(options_.archive));
  EXPECT_FALSE(std::filesystem::exists(options_.archive + ".before-1"));
}

TEST_F(Run, AnInterruptedTaskThatNobodyStoppedHasFailed) {
  Toy::fault = [](Results&) { throw Interrupted(); };
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(statuses(), testing::ElementsAre(Status::done, Status::done, Status::failed, Status::done));
  EXPECT_THAT(summarise(options_.archive).messages.at(0).first, testing::HasSubstr("nobody told it to stop"));
}

TEST_F(Run, PartsShareTheTasks) {
  options_.parts = 3;
  std::vector<int> calls;
  for (options_.part = 1; options_.part <= 3; ++options_.part) {
    EXPECT_EQ(run(), 0);
    calls.push_back(std::exchange(Toy::calls, 0));
  }
  EXPECT_THAT(calls, testing::ElementsAre(2, 1, 1));
  EXPECT_THAT(statuses(), testing::Each(Status::done));
}

TEST_F(Run, ATimeLimitThatIsOverStartsNothing) {
  options_.time_limit_seconds = 0.0;
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(Toy::calls, 0);
  EXPECT_THAT(statuses(), testing::Each(Status::missing));
  options_.time_limit_seconds.reset();
  EXPECT_EQ(run(), 0);
}

TEST_F(Run, AnExtendedSweepComputesOnlyWhatIsNew) {
  EXPECT_EQ(run(), 0);
  options_.overrides = {{"sweep.x", "[2.0, 5.0]"}};
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(Toy::calls, 5);
  EXPECT_EQ(statuses().size(), 5u);  // 1 3 4 are kept though the study names them no more
  EXPECT_THAT(statuses(), testing::Each(Status::done));
}

TEST(Work, LargestFirstAndWidestGroupFirst) {
  const auto task = [](double seconds, int ranks) { return TaskRef{0, 0, {seconds, 0.0, ranks}}; };
  const std::vector<TaskRef> tasks{task(1, 1), task(5, 2), task(9, 1), task(7, 2), task(1, 1)};
  const std::vector<std::size_t> order = largest_first(tasks);
  EXPECT_THAT(order, testing::ElementsAre(2, 3, 1, 0, 4));
  const Work work = make_work(tasks, order);
  ASSERT_EQ(work.phases.size(), 2u);
  EXPECT_EQ(work.phases[0].ranks_per_task, 2);
  EXPECT_THAT(work.task[0], testing::ElementsAre(3, 1));
  EXPECT_THAT(work.phases[1].seconds, testing::ElementsAre(9, 1, 1));
  EXPECT_EQ(work.seconds, 23.0);
}

}  // namespace
}  // namespace meander
