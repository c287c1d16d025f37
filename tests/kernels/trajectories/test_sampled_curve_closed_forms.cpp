// The sampled-curve kernel and its plain twin against closed forms, and at the edge of the floating-point range.
#include "kernels/trajectories/sampled_curve.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "kernels/trajectories/sampled_curve_panels.hpp"
#include "tests/support/sampled_cases.hpp"

namespace meander {
namespace {

using namespace sampled_cases;

class BothKernels : public testing::TestWithParam<bool> {
 protected:
  static SampledCounts sample(const Network& network, const Curve& curve, long samples) {
    return GetParam() ? sample_curve(network, curve, options_of(samples))
                      : sample_curve_plain(network, curve, options_of(samples));
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, BothKernels, testing::Values(true, false),
                         [](const auto& test) { return test.param ? "fused" : "plain"; });

TEST_P(BothKernels, IdentityKeepsThePolygonOfACircle) {
  const SampledCounts counts =
      sample(one_layer({1, 0, 0, 1}, {0, 0}, 2, Activation::named("linear")), unit_circle(), 100);
  const double pi = std::numbers::pi;
  // An n-gon in the unit circle has circumference 2 n sin(pi / n). Rounding only: 100 terms.
  EXPECT_NEAR(counts.length[0], 200.0 * std::sin(pi / 100.0), 1e-13);
  EXPECT_NEAR(counts.length_half[0], 100.0 * std::sin(pi / 50.0), 1e-13);
  EXPECT_NEAR(counts.input_length, counts.length[0], 1e-13);
  EXPECT_NEAR(counts.input_length_half, counts.length_half[0], 1e-13);
  EXPECT_EQ(counts.transitions[0], 0);
  EXPECT_EQ(counts.pieces[0], 1);
  EXPECT_EQ(counts.patterns[0], 1);
  // cos and sin each change sign twice.
  EXPECT_EQ(counts.sign_changes[0], 4);
  EXPECT_FALSE(counts.readout_sign_changes.has_value());
}

TEST_P(BothKernels, OneReluOnACircleSwitchesTwice) {
  const SampledCounts counts = sample(one_layer({0.6, -0.8}, {0.1}, 2, Activation::named("relu")), unit_circle(), 1000);
  EXPECT_EQ(counts.transitions[0], 2);
  EXPECT_EQ(counts.transitions_half[0], 2);
  EXPECT_EQ(counts.sign_changes[0], 2);
  EXPECT_EQ(counts.pieces[0], 2);
  EXPECT_EQ(counts.patterns[0], 2);
}

TEST_P(BothKernels, AJumpOverAPieceCountsBothThresholds) {
  const SampledCounts counts = sample(one_layer({1.0}, {0.0}, 1, Activation::named("hard_tanh")), interval(-3, 3), 2);
  EXPECT_EQ(counts.transitions[0], 2);
  EXPECT_EQ(counts.sign_changes[0], 1);
  EXPECT_EQ(counts.pieces[0], 2);
  EXPECT_EQ(counts.patterns[0], 2);
  EXPECT_DOUBLE_EQ(counts.length[0], 2.0);
  EXPECT_DOUBLE_EQ(counts.input_length, 6.0);
}

TEST_P(BothKernels, HalfSamplingOfALineReachesItsEnd) {
  // x = 0, 1, 2, 3 with h = x - 2.5: the switch lies in the last interval, from sample 2 to 3.
  const StoredNetwork network = one_layer({1.0}, {-2.5}, 1, Activation::named("relu"));
  const SampledCounts even = sample(network, interval(0, 3), 4);
  EXPECT_EQ(even.transitions_half[0], 1);
  EXPECT_EQ(even.transitions[0], 1);
  EXPECT_DOUBLE_EQ(even.length_half[0], 0.5);
  EXPECT_DOUBLE_EQ(even.input_length_half, 3.0);
  // x = 0, 1.5, 3.
  const SampledCounts odd = sample(network, interval(0, 3), 3);
  EXPECT_EQ(odd.transitions_half[0], 1);
  EXPECT_EQ(odd.transitions[0], 1);
  EXPECT_DOUBLE_EQ(odd.input_length_half, 3.0);
}

TEST_P(BothKernels, ASwitchInTheClosingIntervalIsCounted) {
  // x > cos(2 pi / 14) only at sample 0 of 7: it switches in the first and in the closing interval.
  const StoredNetwork network = one_layer({1.0, 0.0}, {-0.95}, 2, Activation::named("relu"));
  const SampledCounts counts = sample(network, unit_circle(), 7);
  EXPECT_EQ(counts.transitions[0], 2);
  EXPECT_EQ(counts.pieces[0], 2);
  EXPECT_EQ(counts.patterns[0], 2);
  EXPECT_EQ(counts.transitions_half[0], 2);
}

TEST_P(BothKernels, ThresholdsThemselvesLieBelow) {
  // h = -1, 0, 1 exactly: each is still in the piece that ends there, and 0 is not positive.
  const SampledCounts counts = sample(one_layer({1.0}, {0.0}, 1, Activation::named("hard_tanh")), interval(-1, 1), 3);
  EXPECT_EQ(counts.transitions[0], 1);
  EXPECT_EQ(counts.sign_changes[0], 1);
}

TEST_P(BothKernels, TwoNeuronsSwitchingTogetherMakeOnePieceMore) {
  const StoredNetwork network = one_layer({1.0, -1.0, 1.0}, {0.1, -0.1, -0.5}, 1, Activation::named("relu"));
  const SampledCounts counts = sample(network, interval(-1, 1), 10);
  EXPECT_EQ(counts.transitions[0], 3);
  EXPECT_EQ(counts.pieces[0], 3);
  EXPECT_EQ(counts.patterns[0], 3);
}

TEST_P(BothKernels, PatternsSeenAgainAreNotDistinct) {
  // |x| - 1/2 written with two neurons below one: layer 2 goes on, off, on.
  const StoredNetwork network(1, {Layer{2, {1, -1}, {0, 0}}, Layer{1, {1, 1}, {-0.5}}}, Activation::named("relu"),
                              Layer{1, {1.0}, {-0.25}});
  const SampledCounts line = sample(network, interval(-1.01, 1), 1000);
  EXPECT_EQ(line.transitions, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(line.pieces[1], 4);
  EXPECT_EQ(line.patterns[1], 4);
  EXPECT_EQ(line.readout_sign_changes, 2);
  // A circle that runs through the interval to and fro meets every pattern twice.
  Curve there_and_back;
  there_and_back.kind = CurveKind::circle;
  there_and_back.center = {0.001};
  there_and_back.u = {1.0};
  there_and_back.v = {0.0};
  const SampledCounts circle = sample(network, there_and_back, 1000);
  EXPECT_EQ(circle.transitions, (std::vector<std::int64_t>{4, 4}));
  EXPECT_EQ(circle.pieces[1], 6);
  EXPECT_EQ(circle.patterns[1], 4);
  EXPECT_EQ(circle.readout_sign_changes, 4);
}

TEST_P(BothKernels, APatternIsOfPiecesNotOfSigns) {
  // h_1 = sin(t) / 2 stays in the middle piece; h_2 = 2 cos(t) is top, middle, bottom, middle.
  const SampledCounts counts =
      sample(one_layer({0, 0.5, 2, 0}, {0, 0}, 2, Activation::named("hard_tanh")), unit_circle(), 1000);
  EXPECT_EQ(counts.transitions[0], 4);
  EXPECT_EQ(counts.sign_changes[0], 4);
  EXPECT_EQ(counts.pieces[0], 4);
  EXPECT_EQ(counts.patterns[0], 3);
}

TEST_P(BothKernels, ALayerOnACircleCrossesEachThresholdTwiceOrNever) {
  // a cos t + b sin t + c reaches c + hypot(a, b) and c - hypot(a, b) and every value between twice.
  const int width = 67;
  const RandomNetwork network = network_of(
      {.name = {}, .inputs = 2, .widths = {width}, .activation = Activation::named("hard_tanh"), .readout = false});
  std::vector<double> weight(2 * width);
  std::vector<double> bias(width);
  network.weight(1, std::span<double>(weight));
  network.bias(1, bias);
  std::int64_t transitions = 0;
  std::int64_t sign_changes = 0;
  for (std::size_t j = 0; j < bias.size(); ++j) {
    const double amplitude = std::hypot(weight[2 * j], weight[2 * j + 1]);
    for (const double threshold : {-1.0, 1.0}) transitions += std::abs(threshold - bias[j]) < amplitude ? 2 : 0;
    sign_changes += std::abs(bias[j]) < amplitude ? 2 : 0;
  }
  ASSERT_GT(transitions, 100);
  const SampledCounts counts = sample(network, unit_circle(), 20000);
  EXPECT_EQ(counts.transitions[0], transitions);
  EXPECT_EQ(counts.sign_changes[0], sign_changes);
}

TEST_P(BothKernels, DeadLayersCountNothing) {
  const StoredNetwork network(2, {Layer{3, {1, 2, 3, 4, 5, 6}, {-9, -9, -9}}, Layer{2, {1, 1, 1, 2, 2, 2}, {0, 0}}},
                              Activation::named("relu"));
  const SampledCounts counts = sample(network, unit_circle(), 50);
  EXPECT_EQ(counts.finite_layers, 2);
  EXPECT_EQ(counts.length, (std::vector<double>{0.0, 0.0}));
  EXPECT_EQ(counts.transitions, (std::vector<std::int64_t>{0, 0}));
  EXPECT_EQ(counts.sign_changes, (std::vector<std::int64_t>{0, 0}));
  EXPECT_EQ(counts.pieces, (std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(counts.patterns, (std::vector<std::int64_t>{1, 1}));
}

TEST_P(BothKernels, SmallAndLargeLengthsDoNotLeaveTheRange) {
  // Squares of these would be 0 and infinite.
  for (const double scale : {1e-200, 1e200}) {
    const SampledCounts counts =
        sample(one_layer({scale, 0, 0, scale}, {0, 0}, 2, Activation::named("linear")), unit_circle(), 100);
    ASSERT_EQ(counts.finite_layers, 1);
    EXPECT_NEAR(counts.length[0] / scale, 200.0 * std::sin(std::numbers::pi / 100.0), 1e-13);
  }
}

TEST_P(BothKernels, OverflowEndsTheFiniteLayers) {
  std::vector<Layer> layers(4, Layer{2, {1e100, 0, 0, 1e100}, {0, 0}});
  const StoredNetwork network(2, layers, Activation::named("relu"), Layer{1, {1, 1}, {0}});
  const SampledCounts counts = sample(network, unit_circle(), 40);
  EXPECT_EQ(counts.finite_layers, 3);
  EXPECT_TRUE(std::isfinite(counts.length[2]));
  EXPECT_TRUE(std::isnan(counts.length[3]));
  EXPECT_EQ(counts.transitions[2], 4);
}

TEST_P(BothKernels, OverflowThatTheActivationHidesIsSeen) {
  // h reaches sqrt(2) 1.5e308, which is infinite, but hard_tanh of it is 1.
  const SampledCounts counts =
      sample(one_layer({1.5e308, 1.5e308}, {0}, 2, Activation::named("hard_tanh")), unit_circle(), 40);
  EXPECT_EQ(counts.finite_layers, 0);
}

TEST(SampledCurve, OverflowInALaterPanelIsSeen) {
  // Only the line's last sample overflows.
  Curve curve = interval(0.0, 1.0);
  curve.u = {std::numeric_limits<double>::max()};
  const StoredNetwork twice(1, {Layer{1, {1.0}, {0.0}}, Layer{1, {1.001}, {0.0}}, Layer{1, {1.0}, {0.0}}},
                            Activation::named("linear"));
  const PanelPlan plan{.stride = row_stride(1), .panel = 4, .block = 2};
  EXPECT_EQ(sample_curve(twice, curve, options_of(50), plan).finite_layers, 1);
  EXPECT_EQ(sample_curve_plain(twice, curve, options_of(50)).finite_layers, 1);
}

TEST(SampledCurve, SinglePrecisionKeepsSmallAndLargeLengths) {
  // Squares of these are 0 and infinite in single precision. A sample is wrong by 6e-8 at
  // most, which is 1e-6 of a side of the polygon.
  for (const double scale : {1e-25, 1e25}) {
    const SampledCounts counts = sample_curve(one_layer({scale, 0, 0, scale}, {0, 0}, 2, Activation::named("linear")),
                                              unit_circle(), options_of(100, Precision::single));
    ASSERT_EQ(counts.finite_layers, 1);
    EXPECT_NEAR(counts.length[0] / scale, 200.0 * std::sin(std::numbers::pi / 100.0), 1e-5);
    EXPECT_NEAR(counts.length_half[0] / scale, 100.0 * std::sin(std::numbers::pi / 50.0), 1e-5);
  }
}

TEST(SampledCurve, SinglePrecisionOverflowsEarlier) {
  std::vector<Layer> layers(3, Layer{1, {1e15}, {0}});
  const StoredNetwork network(1, layers, Activation::named("relu"));
  EXPECT_EQ(sample_curve(network, interval(-1, 1), options_of(9)).finite_layers, 3);
  EXPECT_EQ(sample_curve(network, interval(-1, 1), options_of(9, Precision::single)).finite_layers, 2);
}

}  // namespace
}  // namespace meander
