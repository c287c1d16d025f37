// Costs held as runs are those of a plain list, and so are what is made of them.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "pipeline/schedule/costs.hpp"
#include "pipeline/schedule/simulate.hpp"

namespace meander {
namespace {

std::vector<double> some_costs(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> costs;
  while (costs.size() < count) costs.insert(costs.end(), 1 + random() % 40, 1e-3 * static_cast<double>(random() % 7));
  costs.resize(count);
  std::sort(costs.rbegin(), costs.rend());
  return costs;
}

TEST(costs, are_those_of_the_list) {
  const std::vector<double> list = some_costs(1000, 1);
  const Costs costs = list;
  ASSERT_EQ(costs.size(), list.size());
  EXPECT_LE(costs.runs().size(), 7u);
  for (std::size_t task = 0; task < list.size(); ++task) ASSERT_EQ(costs[task], list[task]);
  EXPECT_NEAR(costs.total(), std::accumulate(list.begin(), list.end(), 0.0), 1e-12);
  EXPECT_EQ(Costs().size(), 0u);
  EXPECT_EQ(Costs().total(), 0.0);
}

TEST(costs, are_the_same_work_when_coarsened) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const Costs costs = some_costs(20000, seed);
    double coarsest = -1.0;
    const Costs coarse = coarsened(costs, 1000, coarsest);
    EXPECT_NEAR(coarse.total(), costs.total(), 1e-9);
    EXPECT_LE(coarse.size(), 1000 + 2 * costs.runs().size());
    EXPECT_GT(coarsest, 0.0);
    double longest = 0.0;
    for (const Costs::Run& run : coarse.runs()) longest = std::max(longest, run.seconds);
    EXPECT_EQ(longest, coarsest);
    for (std::size_t task = 1; task <= 500; ++task) ASSERT_EQ(coarse[coarse.size() - task], costs[costs.size() - task]);
  }
  double coarsest = -1.0;
  EXPECT_EQ(coarsened(some_costs(1000, 3), 1000, coarsest).size(), 1000u);
  EXPECT_EQ(coarsest, 0.0);
}

// More tasks than are played one by one: the makespan is that of all of them, to a piece.
TEST(costs, of_many_tasks_take_as_long_as_they_do) {
  Costs costs;
  costs.append(3e-2, 400000);
  costs.append(1e-3, 800000);
  const std::vector<Phase> phases{{1, costs}};
  for (const int ranks : {1, 7, 64, 1000}) {
    const SimulatedRun run = simulate_schedule(phases, {.ranks = ranks, .ranks_per_node = std::min(ranks, 64)});
    const double ideal = costs.total() / ranks;
    EXPECT_GT(run.coarsest, 0.0);
    EXPECT_GE(run.makespan, ideal);
    EXPECT_LE(run.makespan, 1.01 * ideal + run.coarsest) << ranks;
  }
}

}  // namespace
}  // namespace meander
