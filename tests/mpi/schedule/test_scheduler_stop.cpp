// A run ends early on every rank: when it is told to stop, and when a task throws.
#include <algorithm>
#include <random>
#include <stdexcept>

#include "tests/support/schedule_fixture.hpp"

namespace meander::test {
namespace {

class Stopping : public OnEveryLayout {};
INSTANTIATE_TEST_SUITE_P(Layouts, Stopping, testing::ValuesIn(layouts), layout_name);

// One rank is told to stop; nothing runs twice, nothing runs on it afterwards, the others follow
// soon, and every rank learns of it.
TEST_P(Stopping, one_rank_stops_all) {
  std::mt19937 random(1);  // the same on every rank
  for (int round = 0; round < 5; ++round) {
    const int stopper = static_cast<int>(random() % static_cast<unsigned>(ranks()));
    const int after = static_cast<int>(random() % 40);
    const std::vector<double> seconds(100000, 1e-3);
    std::vector<int> runs(seconds.size(), 0);
    int mine = 0;
    bool told = false;
    ScheduleOptions options = GetParam().options();
    options.may_start = [&](std::size_t phase, std::size_t task) {
      EXPECT_EQ(phase, 0u);
      EXPECT_LT(task, seconds.size());
      EXPECT_FALSE(told) << "asked again";
      told = rank() == stopper && mine == after;
      return !told;
    };
    Scheduler scheduler(MPI_COMM_WORLD, {{1, seconds}}, options);
    EXPECT_FALSE(scheduler.run([&](std::size_t, std::size_t task, MPI_Comm) {
      compute_for(1e-3);
      ++runs[task];
      ++mine;
    }));
    if (rank() == stopper) {
      EXPECT_EQ(mine, after);
    }
    const std::vector<int> sums = sum_over_ranks(runs);
    EXPECT_LE(*std::ranges::max_element(sums), 1);
    const auto done = static_cast<std::size_t>(std::ranges::count(sums, 1));
    EXPECT_EQ(scheduler.progress().tasks_done, done);
    // 100 s of work for one rank; a node hears of it within a quarter of a second.
    EXPECT_LT(done, 10000u);
  }
}

TEST_P(Stopping, a_stop_before_the_first_task_runs_nothing) {
  ScheduleOptions options = GetParam().options();
  options.may_start = [](std::size_t, std::size_t) { return false; };
  int runs = 0;
  Scheduler scheduler(MPI_COMM_WORLD, {{ranks(), {1.0, 1.0}}, {1, std::vector<double>(100, 1.0)}}, options);
  EXPECT_FALSE(scheduler.run([&](std::size_t, std::size_t, MPI_Comm) { ++runs; }));
  EXPECT_EQ(sum_over_ranks(runs), 0);
}

TEST_P(Stopping, a_stop_in_one_group_ends_all_phases) {
  const int width = std::min(2, ranks());
  ScheduleOptions options = GetParam().options();
  int asked = 0;
  options.may_start = [&](std::size_t, std::size_t) { return rank() != 0 || ++asked <= 5; };
  int wide = 0;
  int narrow = 0;
  Scheduler scheduler(MPI_COMM_WORLD,
                      {{width, std::vector<double>(20000, 1e-3)}, {1, std::vector<double>(20000, 1e-3)}}, options);
  EXPECT_FALSE(scheduler.run([&](std::size_t phase, std::size_t, MPI_Comm) {
    compute_for(1e-3);
    ++(phase == 0 ? wide : narrow);
  }));
  EXPECT_EQ(sum_over_ranks(wide) % width, 0) << "a task ran on part of its group";
  EXPECT_LT(sum_over_ranks(wide + narrow), 10000);
}

// A task that would go on for a minute sees that another rank stopped the run, and ends.
TEST_P(Stopping, a_task_under_way_can_see_it) {
  ScheduleOptions options = GetParam().options();
  const int stopper = ranks() - 1;
  int asked = 0;
  options.may_start = [&](std::size_t, std::size_t) { return rank() != stopper || ++asked <= 1; };
  Scheduler scheduler(MPI_COMM_WORLD, {{1, std::vector<double>(100, 1.0)}}, options);
  EXPECT_FALSE(scheduler.stopped()) << "nothing runs";
  bool seen = false;
  const double start = MPI_Wtime();
  EXPECT_FALSE(scheduler.run([&](std::size_t, std::size_t, MPI_Comm) {
    if (rank() == stopper) return;
    while (!seen && MPI_Wtime() - start < 60.0) {
      compute_for(1e-3);
      seen = scheduler.stopped();
    }
  }));
  EXPECT_LT(MPI_Wtime() - start, 30.0);
}

TEST_P(Stopping, an_exception_leaves_run_where_it_was_thrown_and_nobody_hangs) {
  const int thrower = ranks() - 1;
  int runs = 0;
  const auto execute = [&](std::size_t, std::size_t, MPI_Comm) {
    compute_for(1e-3);
    if (rank() == thrower && ++runs == 3) throw std::runtime_error("task failed");
  };
  Scheduler scheduler(MPI_COMM_WORLD, {{1, std::vector<double>(20000, 1e-3)}}, GetParam().options());
  if (rank() == thrower) {
    EXPECT_THROW(scheduler.run(execute), std::runtime_error);
  } else {
    EXPECT_FALSE(scheduler.run(execute));
  }
}

// The thrower is not the leader of its group, and belongs to another group in the next phase.
TEST_P(Stopping, an_exception_of_one_member_ends_its_groups) {
  const int thrower = ranks() - 1;
  int runs = 0;
  const auto execute = [&](std::size_t phase, std::size_t, MPI_Comm) {
    compute_for(1e-3);
    if (rank() == thrower && phase != 0 && ++runs == 3) throw std::runtime_error("task failed");
  };
  std::vector<Phase> phases = {{1, std::vector<double>(300, 1e-3)}};
  for (int width = 2; width <= ranks(); ++width) phases.push_back({width, std::vector<double>(2000, 1e-3)});
  if (ranks() == 1) phases.push_back(phases.front());
  Scheduler scheduler(MPI_COMM_WORLD, phases, GetParam().options());
  bool threw = false;
  try {
    EXPECT_FALSE(scheduler.run(execute));
  } catch (const std::runtime_error&) {
    threw = true;
  }
  EXPECT_EQ(threw, rank() == thrower);
}

}  // namespace
}  // namespace meander::test
