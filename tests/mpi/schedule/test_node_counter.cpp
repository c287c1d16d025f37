// The range of tasks in a node's shared memory.
#include "pipeline/schedule/node_counter.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace meander::test {
namespace {

constexpr std::uint32_t two_to_31 = std::uint32_t{1} << 31;

std::vector<std::uint32_t> take_all(NodeCounter& counter, std::size_t phase) {
  std::vector<std::uint32_t> tasks;
  while (const auto taken = counter.take(phase)) tasks.push_back(taken->task);
  return tasks;
}

TEST(NodeCounterRange, holds_the_last_of_two_to_the_31_tasks) {
  const std::vector<std::optional<TaskRange>> in_hand = {TaskRange{two_to_31 - 2, two_to_31}};
  NodeCounter counter(MPI_COMM_SELF, in_hand);
  const auto first = counter.take(0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->task, two_to_31 - 2);
  EXPECT_EQ(first->left, 1u);
  EXPECT_EQ(take_all(counter, 0), std::vector{two_to_31 - 1});
  EXPECT_TRUE(counter.exhausted(0));
  counter.close();
}

TEST(NodeCounterRange, a_chunk_fetched_early_waits_until_the_range_is_empty) {
  const std::vector<std::optional<TaskRange>> in_hand = {std::nullopt};
  NodeCounter counter(MPI_COMM_SELF, in_hand);
  int fetched = 0;
  const std::vector<TaskRange> chunks = {{0, 2}, {5, 7}, {}};
  const auto fetch = [&] { return chunks.at(static_cast<std::size_t>(fetched++)); };

  EXPECT_FALSE(counter.take(0));
  EXPECT_FALSE(counter.exhausted(0));
  EXPECT_TRUE(counter.refill(0, fetch));
  EXPECT_TRUE(counter.refill(0, fetch));  // the range still holds 0 and 1
  EXPECT_TRUE(counter.has_spare(0));
  EXPECT_TRUE(counter.refill(0, fetch));  // nowhere to put more
  EXPECT_EQ(fetched, 2);
  EXPECT_EQ(take_all(counter, 0), (std::vector<std::uint32_t>{0, 1}));

  EXPECT_TRUE(counter.refill(0, fetch));
  EXPECT_EQ(fetched, 2);
  EXPECT_FALSE(counter.has_spare(0));
  EXPECT_EQ(take_all(counter, 0), (std::vector<std::uint32_t>{5, 6}));
  EXPECT_FALSE(counter.exhausted(0));

  EXPECT_TRUE(counter.refill(0, fetch));
  EXPECT_TRUE(counter.refill(0, fetch));
  EXPECT_EQ(fetched, 3) << "asked again after the end";
  EXPECT_TRUE(counter.exhausted(0));
  EXPECT_FALSE(counter.take(0));
  counter.close();
}

TEST(NodeCounterRange, one_caller_refills_and_the_others_return) {
  const std::vector<std::optional<TaskRange>> in_hand = {std::nullopt};
  NodeCounter counter(MPI_COMM_SELF, in_hand);
  bool second = true;
  EXPECT_TRUE(counter.refill(0, [&] {
    second = counter.refill(0, [] { return TaskRange{0, 1}; });
    return TaskRange{0, 1};
  }));
  EXPECT_FALSE(second);
  counter.close();
}

}  // namespace
}  // namespace meander::test
