// The simulated schedule: cases that can be checked by hand, bounds that hold always, and scale.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "pipeline/schedule/simulate.hpp"

namespace meander::test {
namespace {

SimulatedMachine machine(int ranks, int ranks_per_node) {
  return {.ranks = ranks,
          .ranks_per_node = ranks_per_node,
          .counter_latency = 0.0,
          .counter_service = 0.0,
          .hand_out = 0.0};
}

SimulatedRun simulate(const std::vector<Phase>& phases, const SimulatedMachine& machine) {
  return simulate_schedule(phases, machine);
}

TEST(Simulation, one_rank_works_without_a_pause) {
  const SimulatedRun run = simulate({{1, {3.0, 2.0, 1.0}}}, machine(1, 1));
  EXPECT_DOUBLE_EQ(run.makespan, 6.0);
  EXPECT_DOUBLE_EQ(run.efficiency, 1.0);
  EXPECT_EQ(run.requests, 0u);
}

TEST(Simulation, two_ranks_of_a_node_share) {
  const SimulatedRun run = simulate({{1, {4.0, 2.0, 1.0}}}, machine(2, 2));
  EXPECT_DOUBLE_EQ(run.makespan, 4.0);
  EXPECT_DOUBLE_EQ(run.efficiency, 7.0 / 8.0);
}

TEST(Simulation, hand_outs_take_their_time) {
  SimulatedMachine slow = machine(1, 1);
  slow.hand_out = 0.5;
  EXPECT_DOUBLE_EQ(simulate({{1, {1.0, 1.0}}}, slow).makespan, 3.0);
}

// Ranks 0 and 1 run the task of 4 s; rank 2 fills no group and runs three single tasks meanwhile.
TEST(Simulation, left_over_ranks_go_on_to_the_next_phase) {
  const SimulatedRun run = simulate({{1, {1.0, 1.0, 1.0}}, {2, {4.0}}}, machine(3, 3));
  EXPECT_DOUBLE_EQ(run.makespan, 4.0);
  EXPECT_DOUBLE_EQ(run.efficiency, (2 * 4.0 + 3 * 1.0) / (3 * 4.0));
}

// A group of three starts when the last of its members has come from the phase before: 0-1 after 5 s,
// 2-3 after 1 s (groups of two); so 0-2 start at 5 s. Widest first: the order is 3, then 2, then 1.
TEST(Simulation, a_group_waits_for_its_members) {
  const SimulatedRun run = simulate({{2, {2.0, 2.0}}, {3, {5.0}}}, machine(4, 4));
  // 0-2 are busy until 5 s and rank 3 waits with rank 2: both pairs start at 5 s.
  EXPECT_DOUBLE_EQ(run.makespan, 7.0);
}

// Each node asks at 0 s; the second is served after the first. Then both run 10 s, ask again and
// learn that this was all.
TEST(Simulation, nodes_queue_at_the_global_counter) {
  SimulatedMachine two = machine(2, 1);
  two.counter_latency = 1.0;
  two.counter_service = 0.25;
  const SimulatedRun run = simulate({{1, {10.0, 10.0}}}, two);
  EXPECT_EQ(run.requests, 4u);
  EXPECT_DOUBLE_EQ(run.largest_wait, 1.5);
  EXPECT_DOUBLE_EQ(run.makespan, 1.5 + 10.0 + 1.25);
}

TEST(Simulation, a_thousand_nodes_wait_for_the_last_of_them) {
  SimulatedMachine wide = machine(1000, 1);
  wide.counter_service = 1e-3;
  const SimulatedRun run = simulate({{1, std::vector<double>(1000, 100.0)}}, wide);
  EXPECT_NEAR(run.largest_wait, 1.0, 1e-9);
  EXPECT_NEAR(run.makespan, 1.0 + 100.0 + 1e-3, 1e-9);
}

TEST(Simulation, nothing_to_do) {
  EXPECT_EQ(simulate({}, machine(4, 2)).makespan, 0.0);
  EXPECT_EQ(simulate({}, machine(4, 2)).efficiency, 1.0);
  EXPECT_EQ(simulate({{1, {}}}, machine(4, 2)).makespan, 0.0);
  EXPECT_EQ(simulate({{1, {0.0, 0.0}}}, machine(4, 4)).efficiency, 1.0);
}

// No schedule beats the mean load or the longest task, and a greedy one on a free counter is never
// behind by more than one task (Graham 1969).
TEST(Simulation, stays_within_the_bounds_of_a_greedy_schedule) {
  std::mt19937 random(7);
  std::lognormal_distribution<double> cost(0.0, 1.5);
  for (const auto& [ranks, per_node] : {std::pair{1, 1}, {3, 1}, {4, 2}, {7, 3}, {64, 16}, {100, 100}}) {
    SCOPED_TRACE(ranks);
    std::vector<double> seconds(1000);
    for (double& s : seconds) s = cost(random);
    std::ranges::sort(seconds, std::greater());
    const double mean = std::accumulate(seconds.begin(), seconds.end(), 0.0) / ranks;
    const SimulatedRun run = simulate({{1, seconds}}, machine(ranks, per_node));
    EXPECT_GE(run.makespan, std::max(mean, seconds[0]) * (1 - 1e-12));
    EXPECT_LE(run.makespan, mean + seconds[0]);
    EXPECT_NEAR(run.efficiency, mean / run.makespan, 1e-12);
  }
}

// The design's promise at scale: costs over three decades, ten tasks a rank.
TEST(Simulation, a_hundred_thousand_ranks) {
  std::vector<double> seconds(1000000);
  for (std::size_t task = 0; task < seconds.size(); ++task) {
    seconds[task] = 30.0 * std::pow(1000.0, -static_cast<double>(task) / 1e6);
  }
  SimulatedMachine large;
  large.ranks = 100000;
  large.ranks_per_node = 128;
  const SimulatedRun run = simulate({{1, seconds}}, large);
  EXPECT_GT(run.efficiency, 0.95);
  EXPECT_LE(run.efficiency, 1.0);
  EXPECT_LT(run.largest_wait, 0.1);
}

// A study with a hundred tasks a rank, of ten milliseconds and of a second, on the served counter.
TEST(Simulation, a_hundred_tasks_a_rank_keep_sixteen_thousand_busy) {
  for (const double largest : {0.03, 3.0}) {
    std::vector<double> seconds(1638400);
    for (std::size_t task = 0; task < seconds.size(); ++task) {
      seconds[task] = largest * std::pow(30.0, -static_cast<double>(task) / 1638400.0);
    }
    EXPECT_GT(simulate({{1, seconds}}, {.ranks = 16384, .ranks_per_node = 64}).efficiency, largest < 1.0 ? 0.9 : 0.99);
  }
}

TEST(Simulation, impossible_machines_are_refused) {
  EXPECT_THROW(simulate({}, machine(0, 1)), std::invalid_argument);
  EXPECT_THROW(simulate({}, machine(1, 0)), std::invalid_argument);
  EXPECT_THROW(simulate({{3, {1.0}}}, machine(2, 1)), std::invalid_argument);
}

}  // namespace
}  // namespace meander::test
