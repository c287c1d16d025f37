// The walk on the cube against brute force, closed forms and reference values; Sauer-Shelah's numbers.
#include "kernels/linear_regions/cube_walk.hpp"

#include <gmock/gmock.h>

#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

namespace meander {
namespace {

double expected(int s, std::int64_t steps) {
  return expected_corners(s, std::array{steps})[0];
}

/// Every walk of `left` more steps, each with its probability, carrying the set of corners seen so far.
double brute_force(int s, int corner, std::uint32_t seen, int left) {
  if (left == 0) return std::popcount(seen);
  double sum = 0.0;
  for (int i = 0; i < s; ++i) {
    const int next = corner ^ (1 << i);
    sum += brute_force(s, next, seen | 1U << next, left - 1) / s;
  }
  return sum;
}

TEST(CubeWalk, EveryWalkOneByOne) {
  for (const int s : {1, 2, 3, 4}) {
    for (int steps = 0; steps <= 8; ++steps) {
      EXPECT_NEAR(expected(s, steps), brute_force(s, 0, 1, steps), 1e-13) << s << " " << steps;
    }
  }
}

TEST(CubeWalk, ReferenceValues) {
  // From return probabilities, an independent computation: 1e-12 relative.
  const std::vector<std::pair<std::int64_t, double>> cube15{{10, 10.325904189896255},
                                                            {100, 93.04175211686763},
                                                            {1000, 908.7554916712787},
                                                            {3000, 2649.2854661982524},
                                                            {10000, 8025.715880220762}};
  for (const auto& [steps, value] : cube15) EXPECT_NEAR(expected(15, steps) / value, 1.0, 1e-12) << steps;
  EXPECT_NEAR(expected(6, 300), 62.73101126408423, 1e-11);
  EXPECT_NEAR(expected(8, 1000), 246.68679202118904, 1e-10);
}

TEST(CubeWalk, NeverMoreThanAllCorners) {
  EXPECT_NEAR(expected(3, 10'000), 8.0, 1e-14);
  EXPECT_NEAR(expected(8, 200'000), 256.0, 1e-11);
  EXPECT_LE(expected(15, 1'000'000), 32768.0 + 1e-7);
  // On 64 dimensions a thousand steps hardly ever close a loop other than by stepping back.
  EXPECT_LT(expected(64, 1000), 1001.0);
  EXPECT_GT(expected(64, 1000), 980.0);
}

TEST(CubeWalk, ManyLengthsAtOnceInAnyOrder) {
  const std::array<std::int64_t, 5> steps{100, 0, 2000, 100, 3};
  const auto all = expected_corners(9, steps);
  for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(all[i], expected(9, steps[i]));
}

TEST(CubeWalk, Refuses) {
  EXPECT_THROW(expected(0, 1), std::invalid_argument);
  EXPECT_THROW(expected(3, -1), std::invalid_argument);
}

TEST(SauerShelah, SumsOfBinomials) {
  EXPECT_EQ(sauer_shelah_bound(5, 0), 1);
  EXPECT_EQ(sauer_shelah_bound(5, 2), 1 + 5 + 10);
  EXPECT_EQ(sauer_shelah_bound(15, 15), 32768);
  EXPECT_EQ(sauer_shelah_bound(15, 99), 32768);
  EXPECT_DOUBLE_EQ(sauer_shelah_bound(64, 64), std::ldexp(1.0, 64));
}

TEST(SauerShelah, DimensionFromFlips) {
  EXPECT_EQ(vc_dimension_bound(5, 0), 0);
  EXPECT_EQ(vc_dimension_bound(5, 2), 2) << "4 labelings need 4 flips, and two points have 4";
  EXPECT_EQ(vc_dimension_bound(15, 4), 4) << "16 of four points, 32 > 20 of five";
  EXPECT_EQ(vc_dimension_bound(3, 1000), 3) << "no more than the points";
}

}  // namespace
}  // namespace meander
