// Runs of a toy measure in one process: failures, retries, and what is computed again.
#include "pipeline/run/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

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
  static inline bool silent = false;  // gives nothing where x is 3
  static inline std::string undefined_where, infinite_where;
};

class ToyMeasurement final : public Measurement {
 public:
  ToyMeasurement() {
    ArraySpec square{.name = "square",
                     .units = "1",
                     .long_name = "x squared",
                     .undefined_where = Toy::undefined_where,
                     .infinite_where = Toy::infinite_where};
    add({.layout = {"cells", std::nullopt, true, {square}},
         .cost =
             [](const Point& point) {
               return Cost{point.number("x"), 100.0, 1};
             },
         .run =
             [](const Task& task, Results& results) {
               ++Toy::calls;
               const double x = task.point.number("x");
               if (x != 3.0 || !Toy::silent) results.set("square", x * x);
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

/// A NaN, an infinity and nothing at all, each where the array says what it means and where it does not.
TEST_F(Run, NumbersThatAreNotFiniteStayWhereTheMeasureSaysWhatTheyMean) {
  const auto nan = [](Results& results) { results.set("square", std::nan("")); };
  const auto infinite = [](Results& results) { results.set("square", HUGE_VAL); };
  const auto nothing = [](Results&) {};
  const auto status_of = [&](const std::function<void(Results&)>& fault, bool silent, const char* undefined_where,
                             const char* infinite_where) {
    Toy::fault = fault;
    Toy::silent = silent;
    Toy::undefined_where = undefined_where;
    Toy::infinite_where = infinite_where;
    options_.fresh = true;
    run();
    Toy::undefined_where.clear();
    Toy::infinite_where.clear();
    Toy::silent = false;
    return statuses()[2];
  };
  EXPECT_EQ(status_of(nan, false, "x is 3", ""), Status::done);
  EXPECT_EQ(status_of(nan, false, "", "x is 3"), Status::failed);
  EXPECT_EQ(status_of(infinite, false, "", "x is 3"), Status::done);
  EXPECT_EQ(status_of(infinite, false, "x is 3", ""), Status::out_of_range);
  EXPECT_THAT(summarise(options_.archive).messages.at(0).first, testing::HasSubstr("'square' is infinite"));
  EXPECT_EQ(status_of(nothing, true, "x is 3", ""), Status::done);
  EXPECT_EQ(status_of(nothing, true, "", "x is 3"), Status::failed);
  EXPECT_THAT(summarise(options_.archive).messages.at(0).first, testing::HasSubstr("'square' was not given"));
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
  TaskList tasks;
  const std::vector<std::pair<double, int>> costs{{1, 1}, {5, 2}, {9, 1}, {7, 2}, {1, 1}};
  for (std::size_t cell = 0; cell < costs.size(); ++cell)
    tasks.append(0, cell, cell + 1, {costs[cell].first, 0.0, costs[cell].second});
  EXPECT_THAT(largest_first(tasks), testing::ElementsAre(2, 3, 1, 0, 4));
  const Work work = choose_work(tasks);
  ASSERT_EQ(work.phases().size(), 2u);
  const std::size_t wide = work.phases()[0].ranks_per_task == 2 ? 0 : 1;
  ASSERT_EQ(work.phases()[wide].seconds.size(), 2u);
  EXPECT_EQ(work.task(wide, 0).cell, 3u);
  EXPECT_EQ(work.task(wide, 1).cell, 1u);
  EXPECT_EQ(work.phases()[1 - wide].seconds.total(), 11.0);
  EXPECT_EQ(work.task(1 - wide, 2).cell, 4u);
  EXPECT_EQ(work.seconds(), 23.0);
}

/// A study's tasks: runs of random lengths and costs, in two families and for groups of one rank and of two.
TaskList some_tasks() {
  TaskList tasks;
  std::mt19937 random(3);
  for (std::uint32_t family = 0; family < 2; ++family) {
    for (std::size_t cell = 0; cell < 500;) {
      const std::size_t end = std::min<std::size_t>(500, cell + 1 + random() % 30);
      tasks.append(family, cell, end, {1.0 * (random() % 4), 8.0, random() % 5 == 0 ? 2 : 1});
      cell = end;
    }
  }
  return tasks;
}

using Cell = std::pair<std::uint32_t, std::size_t>;

/// Family and cell of every task, phase by phase.
std::vector<Cell> cells_of(const Work& work) {
  std::vector<Cell> cells;
  for (std::size_t p = 0; p < work.phases().size(); ++p) {
    for (std::size_t i = 0; i < work.phases()[p].seconds.size(); ++i) {
      const TaskRef task = work.task(p, i);
      EXPECT_EQ(task.cost.seconds, work.phases()[p].seconds[i]);
      EXPECT_EQ(task.cost.ranks_per_task, work.phases()[p].ranks_per_task);
      cells.emplace_back(task.family, task.cell);
    }
  }
  return cells;
}

TEST(Work, IsDealtLikeCardsAndWhatIsDoneIsLeftOut) {
  const TaskList tasks = some_tasks();
  // The same with every task written out.
  std::vector<Cell> all;
  for (const std::size_t index : largest_first(tasks)) {
    const TaskRun& run = tasks.runs()[index];
    for (std::size_t cell = run.begin; cell < run.end; ++cell) all.emplace_back(run.family, cell);
  }
  const auto wanted = [](std::size_t family, std::size_t cell) { return (cell * 7 + family) % 3 != 0; };
  for (const int parts : {1, 2, 7}) {
    std::size_t together = 0;
    for (int part = 1; part <= parts; ++part) {
      std::vector<Cell> share;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (static_cast<int>(i) % parts == part - 1) share.push_back(all[i]);
      }
      EXPECT_THAT(cells_of(choose_work(tasks, {part, parts})), testing::UnorderedElementsAreArray(share));
      std::erase_if(share, [&](const Cell& cell) { return !wanted(cell.first, cell.second); });
      const Work work = choose_work(tasks, {part, parts}, wanted);
      EXPECT_THAT(cells_of(work), testing::UnorderedElementsAreArray(share));
      EXPECT_EQ(work.count(), share.size());
      EXPECT_EQ(cells_of(Work::unpacked(work.packed())), cells_of(work));
      together += share.size();
    }
    const Work whole = choose_work(tasks, {}, wanted);
    EXPECT_EQ(together, whole.count());
    // The largest part of what is left: every n-th of each phase.
    const std::vector<Cell> in_order = cells_of(whole);
    std::vector<Cell> expected;
    std::size_t begin = 0;
    for (const Phase& phase : whole.phases()) {
      for (std::size_t i = 0; i < phase.seconds.size(); i += static_cast<std::size_t>(parts))
        expected.push_back(in_order[begin + i]);
      begin += phase.seconds.size();
    }
    EXPECT_EQ(cells_of(whole.dealt(parts)), expected);
  }
}

TEST(Work, OfManyMillionsOfTasksIsAFewRuns) {
  TaskList tasks;
  tasks.append(0, 0, 2000000000, {1e-6, 8.0, 1});
  tasks.append(1, 0, 10, {1e-3, 8.0, 1});
  EXPECT_EQ(choose_work(tasks).count(), 2000000010u);
  EXPECT_LT(choose_work(tasks).packed().size(), 100u);
  EXPECT_LT(choose_work(tasks, {3, 1000}).packed().size(), 100u);
}

}  // namespace
}  // namespace meander
