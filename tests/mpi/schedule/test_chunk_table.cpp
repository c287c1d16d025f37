// The cutting of a phase into chunks.
#include "pipeline/schedule/chunk_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace meander::test {
namespace {

double cost(const std::vector<double>& seconds, TaskRange chunk) {
  return std::accumulate(seconds.begin() + chunk.begin, seconds.begin() + chunk.end, 0.0);
}

TEST(ChunkTable, one_node_gets_everything_at_once) {
  const ChunkTable table(std::vector<double>(10, 1.0), {.nodes = 1, .groups = 4, .fewest_on_node = 4});
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table[0], (TaskRange{0, 10}));
  EXPECT_EQ(ChunkTable({}, {.nodes = 1, .groups = 4, .fewest_on_node = 4}).size(), 0u);
}

// Shares of what is left: 18 / 6 = 3, 15 / 6 = 2 (2.5 rounded down to whole tasks), 13 / 6 = 2,
// 11 / 6 = 1, and single tasks from there on.
TEST(ChunkTable, a_node_gets_a_third_of_its_fair_share) {
  const std::vector<double> seconds(18, 1.0);
  const ChunkTable table(seconds, {.nodes = 2, .groups = 2, .fewest_on_node = 1});
  std::vector<std::uint32_t> sizes;
  for (std::size_t chunk = 0; chunk < table.size(); ++chunk) sizes.push_back(table[chunk].size());
  EXPECT_EQ(sizes, (std::vector<std::uint32_t>{3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
}

// Nodes of 1 and 3 ranks: chunks are a third of what the smaller one should have (40 / 12 = 3), and
// the larger one takes three of them.
TEST(ChunkTable, a_larger_node_takes_several) {
  const std::vector<double> seconds(40, 1.0);
  const Workforce workforce{.nodes = 2, .groups = 4, .fewest_on_node = 1};
  const ChunkTable table(seconds, workforce);
  EXPECT_EQ(chunks_at_a_time(1, workforce), 1);
  EXPECT_EQ(chunks_at_a_time(3, workforce), 3);
  EXPECT_EQ(table[0], (TaskRange{0, 3}));
  EXPECT_EQ(table.range(0, 3), (TaskRange{0, 8}));  // 40 / 12, 37 / 12, 34 / 12
  EXPECT_EQ(table.range(table.size() - 1, 3), (TaskRange{39, 40}));
  EXPECT_TRUE(table.range(table.size(), 3).empty());
}

TEST(ChunkTable, a_giant_goes_out_alone) {
  std::vector<double> seconds(101, 1.0);
  seconds[0] = 50.0;
  const ChunkTable table(seconds, {.nodes = 2, .groups = 8, .fewest_on_node = 4});
  EXPECT_EQ(table[0].size(), 1u);
  EXPECT_EQ(table[1].size(), 16u);  // 100 / 6
}

// 100 nodes x 20 us x 10 groups = 20 ms: a node's chunk of 10 us tasks lasts until its turn comes
// round again, 2000 tasks (of 10.5 us with hand-out), or a fair share where that is less.
TEST(ChunkTable, tiny_tasks_do_not_drown_the_counter) {
  const std::vector<double> seconds(1000000, 1e-5);
  const ChunkTable table(seconds, {.nodes = 100, .groups = 1000, .fewest_on_node = 10});
  const auto fewest = static_cast<std::uint32_t>(std::ceil(100 * 2e-5 * 10 / 1.05e-5));
  EXPECT_EQ(table[0].size(), 1000000u / 300);
  std::uint32_t begin = 0;
  for (std::size_t chunk = 0; chunk < table.size(); ++chunk) {
    EXPECT_EQ(table[chunk].begin, begin);
    const auto fair = (1000000 - begin + 99) / 100;
    EXPECT_GE(table[chunk].size(), std::min(fewest, fair));
    begin = table[chunk].end;
  }
  EXPECT_EQ(begin, 1000000u);
}

TEST(ChunkTable, chunks_cover_every_task_and_none_outweighs_a_third_of_a_share) {
  std::vector<double> seconds(5000);
  for (std::size_t task = 0; task < seconds.size(); ++task) {
    seconds[task] = 10.0 * std::pow(1000.0, -static_cast<double>(task) / 5000.0);
  }
  const ChunkTable table(seconds, {.nodes = 7, .groups = 20, .fewest_on_node = 2});
  double left = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  std::uint32_t begin = 0;
  for (std::size_t chunk = 0; chunk < table.size(); ++chunk) {
    ASSERT_EQ(table[chunk].begin, begin);
    ASSERT_GT(table[chunk].end, begin);
    if (table[chunk].size() > 1) {
      // 1e-5: hand-outs, 0.5 us a task, count with the costs.
      EXPECT_LE(cost(seconds, table[chunk]), left / 30 * (1.0 + 1e-4));
    }
    left -= cost(seconds, table[chunk]);
    begin = table[chunk].end;
  }
  EXPECT_EQ(begin, 5000u);
  EXPECT_LT(table.size(), 600u);
}

TEST(ChunkTable, only_short_tasks_are_fetched_early) {
  const Workforce workforce{.nodes = 2, .groups = 8, .fewest_on_node = 4};
  EXPECT_TRUE(runs_low(10, 1e-6, 4, workforce));
  EXPECT_FALSE(runs_low(100000, 1e-6, 4, workforce));
  EXPECT_FALSE(runs_low(0, 1.0, 4, workforce)) << "the last task in hand, and a long one";
  EXPECT_TRUE(runs_low(0, 1e-3, 4, workforce));
}

}  // namespace
}  // namespace meander::test
