// Narrow, steep networks, whose switches lie closer together than doubles can tell: every count against one in rational
// arithmetic.
//
// The right values come from a program that shares nothing with this one: the network and line that `meander export`
// gives, as fractions (Python's fractions.Fraction: weights, biases and points are doubles, which are fractions), piece
// by piece of every layer, states in the middle of each; lengths with 60 digits. Those of the circle come from mpmath
// with 130 digits.
#include <gmock/gmock.h>

#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::ElementsAreArray;

testing_support::Ran counts_of(int seed, const std::string& sweep, int dimension, const std::string& kind) {
  const testing_support::Folder folder;
  return testing_support::run(folder.write(
      "study.toml", "measure = \"transitions\"\nseed = " + std::to_string(seed) + "\n[sweep]\n" + sweep +
                        "[input]\ndimension = " + std::to_string(dimension) + "\n[curve]\nkind = \"" + kind + "\"\n"));
}

TEST(ExactCounts, OfASteepNetworkOfTwoNeuronsALayer) {
  const auto ran = counts_of(743, "width = 2\ndepth = 10\nsigma_w = 50.0\nactivation = \"hard_tanh\"\n", 3, "line");
  EXPECT_THAT(ran.values("transitions"), ElementsAre(2, 2, 2, 1, 2, 2, 3, 2, 4, 4));
  EXPECT_THAT(ran.values("sign_changes"), ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 2, 2));
  EXPECT_THAT(ran.values("pieces"), ElementsAre(3, 5, 7, 8, 10, 12, 15, 17, 21, 25));
  EXPECT_THAT(ran.values("patterns"), ElementsAre(3, 5, 7, 8, 10, 12, 15, 17, 21, 25));
  EXPECT_THAT(ran.values("unresolved_events"), ElementsAre(0));
  EXPECT_THAT(ran.values("length")[9], DoubleNear(4.0, 1e-9));
  EXPECT_THAT(ran.values("smallest_gap"), ElementsAre(DoubleNear(1.7897435666238973e-15, 1e-27)));
}

TEST(ExactCounts, OfItsCircle) {
  const auto ran = counts_of(743, "width = 2\ndepth = 10\nsigma_w = 50.0\nactivation = \"hard_tanh\"\n", 2, "circle");
  EXPECT_THAT(ran.values("transitions"), ElementsAre(8, 8, 8, 8, 8, 8, 8, 8, 8, 8));
  EXPECT_THAT(ran.values("pieces"), ElementsAre(8, 16, 24, 32, 40, 48, 56, 64, 72, 80));
  EXPECT_THAT(ran.values("patterns"), ElementsAre(8, 16, 24, 32, 40, 48, 56, 64, 72, 80));
  EXPECT_THAT(ran.values("unresolved_events"), ElementsAre(0));
  EXPECT_THAT(ran.values("length")[9], DoubleNear(8.0, 1e-9));
}

TEST(ExactCounts, OfNetworksThatStretchByMoreThanDoublesHold) {
  const auto wider = counts_of(
      481434, "width = 3\ndepth = 11\nsigma_w = 50.0\nsigma_b = 1.0\nactivation = \"hard_tanh\"\n", 10, "line");
  EXPECT_THAT(wider.values("transitions"), ElementsAre(4, 6, 6, 5, 8, 8, 16, 16, 20, 32, 16));
  EXPECT_THAT(wider.values("sign_changes"), ElementsAre(2, 3, 3, 3, 4, 4, 8, 8, 10, 16, 8));
  EXPECT_THAT(wider.values("pieces"), ElementsAre(5, 11, 17, 22, 30, 38, 54, 70, 90, 122, 138));
  EXPECT_THAT(wider.values("unresolved_events"), ElementsAre(0));
  EXPECT_THAT(wider.values("length")[10], DoubleNear(16.0, 1e-8));
  const auto deeper =
      counts_of(943528, "width = 2\ndepth = 12\nsigma_w = 30.0\nactivation = \"hard_tanh\"\n", 1, "line");
  EXPECT_THAT(deeper.values("transitions"), ElementsAre(4, 4, 4, 6, 16, 20, 20, 20, 20, 20, 18, 20));
  EXPECT_THAT(deeper.values("pieces"), ElementsAre(5, 9, 13, 19, 35, 55, 75, 95, 115, 135, 153, 173));
  EXPECT_THAT(deeper.values("unresolved_events"), ElementsAre(0));
  EXPECT_THAT(deeper.values("length")[11], DoubleNear(19.594413984732512, 1e-8));
}

/// Rademacher weights: what is one place in real arithmetic is none for weights that are doubles, and much is.
TEST(ExactCounts, OfNetworksFullOfTies) {
  const auto ran =
      counts_of(1606,
                "width = 9\ndepth = 3\nsigma_w = 1.0\nweights = \"rademacher\"\nactivation = { breakpoints "
                "= [-0.5, 0.0, 0.5], slopes = [2.0, -2.0, 2.0, -2.0], value = [0.0, 0.0] }\n",
                1, "line");
  EXPECT_THAT(ran.values("transitions"), ElementsAre(27, 24, 56));
  EXPECT_THAT(ran.values("pieces"), ElementsAre(4, 12, 52));
}

/// Polygons thinner than doubles can tell: cut in fractions, corner by corner.
TEST(ExactCounts, OfRegionsOfASteepNetwork) {
  const testing_support::Folder folder;
  const auto ran = testing_support::run(
      folder.write("study.toml",
                   "measure = \"regions_2d\"\nseed = 45599\n[sweep]\nwidth = 2\ndepth = 7\nsigma_w = 100.0\nsigma_b = "
                   "1.0\nactivation = { breakpoints = [-1.0, 0.5, 2.0], slopes = [0.25, 1.0, -0.5, 0.0], value = [0.0, "
                   "0.125] }\n[input]\ndimension = 3\n"));
  EXPECT_THAT(ran.values("cells"), ElementsAre(4, 13, 35, 83, 275, 659, 1171));
  EXPECT_THAT(ran.values("unresolved"), ElementsAre(0));
  EXPECT_LT(ran.values("area_error")[0], 1e-15);
}

}  // namespace
}  // namespace meander
