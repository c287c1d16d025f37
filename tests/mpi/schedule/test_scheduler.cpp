// Every task is handed out exactly once, to groups of any width, on one node and on many, whatever
// the ranks compute meanwhile.
#include <algorithm>
#include <limits>
#include <stdexcept>
#include <thread>

#include "tests/support/schedule_fixture.hpp"

namespace meander::test {
namespace {

class Scheduling : public OnEveryLayout {};
INSTANTIATE_TEST_SUITE_P(Layouts, Scheduling, testing::ValuesIn(layouts), layout_name);

TEST_P(Scheduling, runs_every_task_once) {
  for (const std::size_t tasks : {0, 1, 7, 1000, 100000}) {
    SCOPED_TRACE(tasks);
    std::vector<int> runs(tasks, 0);
    Scheduler scheduler(MPI_COMM_WORLD, {{1, spread(tasks, 1e-6, 1000.0)}}, GetParam().options());
    EXPECT_TRUE(scheduler.run([&](std::size_t phase, std::size_t task, MPI_Comm) {
      EXPECT_EQ(phase, 0u);
      ++runs.at(task);
    }));
    const std::vector<int> sums = sum_over_ranks(runs);
    EXPECT_EQ(std::ranges::count(sums, 1), static_cast<std::ptrdiff_t>(tasks));
    EXPECT_EQ(scheduler.progress().tasks_done, tasks);
  }
}

// Costs that mislead: all zero, all equal, and one task that outweighs all others.
TEST_P(Scheduling, runs_every_task_once_whatever_the_costs) {
  std::vector<double> one_giant(500, 1e-9);
  one_giant[0] = 1e6;
  for (const auto& seconds : {std::vector<double>(500, 0.0), std::vector<double>(500, 3.0), one_giant}) {
    std::vector<int> runs(seconds.size(), 0);
    Scheduler scheduler(MPI_COMM_WORLD, {{1, seconds}}, GetParam().options());
    EXPECT_TRUE(scheduler.run([&](std::size_t, std::size_t task, MPI_Comm) { ++runs.at(task); }));
    const std::vector<int> sums = sum_over_ranks(runs);
    EXPECT_EQ(std::ranges::count(sums, 1), 500);
  }
}

TEST_P(Scheduling, groups_share_their_tasks) {
  std::vector<Phase> phases = {{1, spread(301, 1e-4, 1000.0)}};
  for (int width = 2; width <= std::min(3, ranks()); ++width) {
    phases.push_back({width, spread(static_cast<std::size_t>(50 * width + 1), 1e-4, 1000.0)});
  }
  std::vector<std::vector<int>> runs;
  for (const Phase& phase : phases) runs.emplace_back(phase.seconds.size(), 0);
  int narrowest = std::numeric_limits<int>::max();

  Scheduler scheduler(MPI_COMM_WORLD, phases, GetParam().options());
  EXPECT_TRUE(scheduler.run([&](std::size_t phase, std::size_t task, MPI_Comm group) {
    int size = 0;
    MPI_Comm_size(group, &size);
    EXPECT_EQ(size, phases.at(phase).ranks_per_task);
    EXPECT_LE(size, narrowest) << "a wide phase after a narrow one";
    narrowest = size;
    // Every member was given the same task of the same phase.
    long mine[] = {static_cast<long>(phase), static_cast<long>(task)};
    long first[] = {mine[0], mine[1]};
    MPI_Bcast(first, 2, MPI_LONG, 0, group);
    EXPECT_TRUE(std::ranges::equal(first, mine));
    ++runs.at(phase).at(task);
  }));

  std::size_t tasks = 0;
  for (std::size_t phase = 0; phase < phases.size(); ++phase) {
    SCOPED_TRACE(phases[phase].ranks_per_task);
    const std::vector<int> sums = sum_over_ranks(runs[phase]);
    EXPECT_EQ(std::ranges::count(sums, phases[phase].ranks_per_task), std::ssize(sums));
    tasks += sums.size();
  }
  EXPECT_EQ(scheduler.progress().tasks_done, tasks);
}

// Long before rank 0 calls MPI again, the other ranks have run everything else. (Alone, it runs all.)
TEST_P(Scheduling, hands_out_while_rank_0_computes) {
  constexpr double long_task = 2.0;
  constexpr int tasks = 400;
  int elsewhere = 0;
  int all = 0;
  bool computed = false;
  double others_done = 0.0;
  MPI_Barrier(MPI_COMM_WORLD);
  const double start = now();
  // Rank 0 computes for 2 s in whichever task comes to it first, although it was expected to be short.
  Scheduler scheduler(MPI_COMM_WORLD, {{1, std::vector<double>(tasks, 1e-3)}}, GetParam().options());
  scheduler.run([&](std::size_t, std::size_t, MPI_Comm) {
    ++all;
    if (rank() == 0 && !computed) {
      computed = true;
      compute_for(long_task);
      return;
    }
    compute_for(1e-4);
    if (rank() != 0) {
      ++elsewhere;
      others_done = now() - start;
    }
  });
  EXPECT_EQ(sum_over_ranks(all), tasks);
  if (ranks() == 1) return;
  // Rank 0 may have a chunk of its own in hand, a third of its fair share at the most where it is a
  // node of its own; all else must have run elsewhere, and long before rank 0 was done.
  const int kept = GetParam().pretend_nodes ? tasks / (3 * ranks()) + 1 : 1;
  EXPECT_GE(sum_over_ranks(elsewhere), tasks - kept);
  EXPECT_LT(others_done, 0.75 * long_task) << "tasks waited until rank 0 was done";
}

TEST_P(Scheduling, the_expensive_tasks_start_first) {
  // On each rank, tasks come in the order of the phase, that is, of cost.
  std::size_t last = 0;
  bool sorted = true;
  Scheduler scheduler(MPI_COMM_WORLD, {{1, spread(2000, 1e-5, 1000.0)}}, GetParam().options());
  scheduler.run([&](std::size_t, std::size_t task, MPI_Comm) {
    sorted = sorted && task >= last;
    last = task;
  });
  EXPECT_TRUE(sorted);
}

TEST_P(Scheduling, progress_is_seen_from_another_thread_and_never_falls) {
  const std::vector<double> seconds(static_cast<std::size_t>(60 * ranks()), 5e-3);
  Scheduler scheduler(MPI_COMM_WORLD, {{1, seconds}}, GetParam().options());
  bool grows = true;
  bool halfway = false;
  std::jthread watcher([&](const std::stop_token& stop) {
    ScheduleProgress last;
    while (!stop.stop_requested()) {
      const ScheduleProgress progress = scheduler.progress();
      // The last sum adds in another order than those before it, which may cost a rounding.
      grows = grows && progress.tasks_done >= last.tasks_done && progress.seconds_done >= last.seconds_done - 1e-12;
      halfway = halfway || (progress.tasks_done > 0 && progress.tasks_done < seconds.size());
      last = progress;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  scheduler.run([](std::size_t, std::size_t, MPI_Comm) { compute_for(5e-3); });
  watcher.request_stop();
  watcher.join();
  EXPECT_TRUE(grows);
  EXPECT_TRUE(halfway);
  EXPECT_EQ(scheduler.progress().tasks_done, seconds.size());
  EXPECT_NEAR(scheduler.progress().seconds_done, 5e-3 * static_cast<double>(seconds.size()), 1e-9);
}

TEST_P(Scheduling, a_scheduler_runs_again) {
  Scheduler scheduler(MPI_COMM_WORLD, {{1, std::vector<double>(20, 1e-3)}}, GetParam().options());
  for (int round = 0; round < 2; ++round) {
    int runs = 0;
    EXPECT_TRUE(scheduler.run([&](std::size_t, std::size_t, MPI_Comm) { ++runs; }));
    EXPECT_EQ(sum_over_ranks(runs), 20);
  }
}

TEST(SchedulerArguments, impossible_phases_are_refused_on_every_rank) {
  const auto make = [](Phase phase) { Scheduler scheduler(MPI_COMM_WORLD, {std::move(phase)}, {}); };
  EXPECT_THROW(make({ranks() + 1, {1.0}}), std::invalid_argument);
  EXPECT_THROW(make({0, {1.0}}), std::invalid_argument);
  EXPECT_THROW(make({1, {1.0, -1.0}}), std::invalid_argument);
  EXPECT_THROW(make({1, {std::numeric_limits<double>::quiet_NaN()}}), std::invalid_argument);
}

}  // namespace
}  // namespace meander::test
