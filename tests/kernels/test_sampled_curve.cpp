// The sampled-curve kernel against its plain twin, against closed forms, and at the edge of the
// floating-point range.
#include "kernels/sampled_curve.hpp"

#include "kernels/sampled_curve_panels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace meander {
namespace {

using Layer = StoredNetwork::Layer;

/// Three breakpoints, one of them at zero, and a falling piece.
Activation zigzag() {
  return Activation::piecewise_linear({-0.7, 0.0, 0.4}, {0.2, 1.0, -0.5, 1.3}, 0.0, 0.1);
}

struct Case {
  std::string name;
  int inputs = 7;
  std::vector<int> widths;
  Activation activation = Activation::named("relu");
  CurveKind kind = CurveKind::circle;
  long samples = 1000;
  double sigma_w = 1.5;
  double sigma_b = 0.3;
  bool readout = true;
};

/// How test reports name one.
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

RandomNetwork network_of(const Case& c, std::uint64_t seed = 4) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = c.inputs;
  parameters.widths = c.widths;
  parameters.activation = c.activation;
  parameters.sigma_w = c.sigma_w;
  parameters.sigma_b = c.sigma_b;
  if (c.readout) parameters.readout_sigma = 1.0;
  return RandomNetwork(parameters, stream_key(seed, 0));
}

/// Neither orthogonal nor of equal norms, so that no symmetry hides a mistake.
Curve curve_of(CurveKind kind, int dimension, std::uint64_t seed = 4) {
  const StreamKey key = stream_key(seed, 0);
  Curve curve = curve_between(kind, gaussian_point(key, 0, dimension), gaussian_point(key, 1, dimension));
  if (kind == CurveKind::arc) {
    curve.begin = 0.4;
    curve.end = 5.1;
  }
  if (kind != CurveKind::line) curve.center = gaussian_point(key, 2, dimension);
  return curve;
}

SampledOptions options_of(long samples, Precision precision = Precision::double_) {
  return {.samples = samples, .precision = precision, .transitions = true};
}

void expect_same_counts(const SampledCounts& a, const SampledCounts& b) {
  EXPECT_EQ(a.finite_layers, b.finite_layers);
  EXPECT_EQ(a.transitions, b.transitions);
  EXPECT_EQ(a.transitions_half, b.transitions_half);
  EXPECT_EQ(a.sign_changes, b.sign_changes);
  EXPECT_EQ(a.sign_changes_half, b.sign_changes_half);
  EXPECT_EQ(a.pieces, b.pieces);
  EXPECT_EQ(a.patterns, b.patterns);
  EXPECT_EQ(a.readout_sign_changes, b.readout_sign_changes);
}

void expect_close_lengths(const SampledCounts& a, const SampledCounts& b, double tolerance) {
  EXPECT_NEAR(a.input_length / b.input_length, 1.0, tolerance);
  EXPECT_NEAR(a.input_length_half / b.input_length_half, 1.0, tolerance);
  ASSERT_EQ(a.length.size(), b.length.size());
  ASSERT_EQ(a.length_half.size(), b.length_half.size());
  for (std::size_t l = 0; l < a.length.size(); ++l) {
    // A dead layer has no length, in either.
    EXPECT_NEAR(a.length[l], b.length[l], tolerance * b.length[l]) << "layer " << l + 1;
    EXPECT_NEAR(a.length_half[l], b.length_half[l], tolerance * b.length_half[l]) << "layer " << l + 1;
  }
}

// ---- against the plain twin

class AgainstPlain : public testing::TestWithParam<Case> {};

// A rounding error of 1e-16 in h moves a switch between two samples with probability 1e-13 each, and
// lengths by less than 1e-12 as long as the layers do not stretch it by more than 1e3.
TEST_P(AgainstPlain, CountsAreEqualAndLengthsCloseTo1e12) {
  const Case& c = GetParam();
  const RandomNetwork network = network_of(c);
  const Curve curve = curve_of(c.kind, c.inputs);
  const SampledCounts plain = sample_curve_plain(network, curve, options_of(c.samples));
  ASSERT_EQ(plain.finite_layers, network.depth());
  const SampledCounts fused = sample_curve(network, curve, options_of(c.samples));
  expect_same_counts(fused, plain);
  expect_close_lengths(fused, plain, 1e-12);
  // Several panels of several blocks, whose last ones are not full.
  const PanelPlan small{.stride = row_stride(network.max_width()), .panel = 64, .block = 24, .keep_weights = false};
  const SampledCounts panels = sample_curve(network, curve, options_of(c.samples), small);
  expect_same_counts(panels, plain);
  expect_close_lengths(panels, plain, 1e-12);
}

TEST_P(AgainstPlain, SinglePrecisionIsClose) {
  const Case& c = GetParam();
  const RandomNetwork network = network_of(c);
  const Curve curve = curve_of(c.kind, c.inputs);
  const SampledCounts plain = sample_curve_plain(network, curve, options_of(c.samples));
  const SampledCounts single = sample_curve(network, curve, options_of(c.samples, Precision::single));
  EXPECT_EQ(single.finite_layers, network.depth());
  // Differences of neighbouring samples keep about 6e-8 sqrt(depth) / (spacing ~ 6e-3) of relative
  // error each, which averages out to much less than this over a curve.
  expect_close_lengths(single, plain, 1e-4);
  for (std::size_t l = 0; l < plain.sign_changes.size(); ++l) {
    // A switch moves by one sample in about 1e-4 of the cases: a handful in thousands.
    const double allowed = 4.0 + 0.002 * static_cast<double>(plain.sign_changes[l]);
    EXPECT_NEAR(static_cast<double>(single.sign_changes[l]), static_cast<double>(plain.sign_changes[l]), allowed);
    if (!plain.transitions.empty()) {
      EXPECT_NEAR(static_cast<double>(single.transitions[l]), static_cast<double>(plain.transitions[l]),
                  4.0 + 0.002 * static_cast<double>(plain.transitions[l]));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Networks, AgainstPlain,
    testing::Values(
        Case{.name = "one_neuron", .inputs = 1, .widths = {1}, .samples = 17, .readout = false},
        Case{.name = "smallest_circle", .inputs = 3, .widths = {5, 4}, .samples = 3},
        Case{.name = "smallest_line", .inputs = 3, .widths = {5, 4}, .kind = CurveKind::line, .samples = 2},
        Case{.name = "three_on_a_line", .inputs = 3, .widths = {9}, .kind = CurveKind::line, .samples = 3},
        Case{.name = "odd_circle", .widths = {65, 63, 64}, .samples = 17},
        Case{.name = "relu_circle", .widths = {130, 1, 64, 7}, .samples = 1000, .sigma_w = 2.0},
        Case{.name = "relu_arc", .widths = {20, 33, 20, 8, 8}, .kind = CurveKind::arc, .samples = 1001, .sigma_b = 0.0},
        Case{.name = "hard_tanh_circle",
             .inputs = 30,
             .widths = std::vector<int>(10, 24),
             .activation = Activation::named("hard_tanh"),
             .samples = 1001,
             .sigma_w = 2.0,
             .sigma_b = 0.0},
        Case{.name = "hard_tanh_line",
             .widths = {97, 128, 65},
             .activation = Activation::named("hard_tanh"),
             .kind = CurveKind::line,
             .samples = 1000,
             .sigma_w = 3.0,
             .readout = false},
        Case{.name = "zigzag_circle", .widths = {31, 66, 17, 90}, .activation = zigzag(), .samples = 1000},
        Case{.name = "zigzag_arc", .widths = {12, 12}, .activation = zigzag(), .kind = CurveKind::arc, .samples = 17},
        Case{.name = "linear_line",
             .widths = {40, 3, 40},
             .activation = Activation::named("linear"),
             .kind = CurveKind::line,
             .samples = 1001},
        Case{.name = "tanh_circle",
             .widths = std::vector<int>(6, 50),
             .activation = Activation::named("tanh"),
             .samples = 1000,
             .sigma_w = 1.3},
        Case{.name = "gelu_arc",
             .widths = {50, 70, 9},
             .activation = Activation::named("gelu"),
             .kind = CurveKind::arc,
             .samples = 1000}),
    [](const auto& test) { return test.param.name; });

TEST(SampledCurve, PanelsBelongToTheShapesAlone) {
  const PanelPlan few = plan_panels(std::vector<int>{100, 100}, 101, Precision::double_);
  EXPECT_EQ(few.panel, 102);
  EXPECT_EQ(few.block % 2, 0);
  for (const int width : {1, 8, 64, 1000, 1024, 10000}) {
    const PanelPlan plan = plan_panels(std::vector<int>(8, width), 1000000, Precision::double_);
    EXPECT_GE(plan.stride, width);
    EXPECT_GE(plan.panel, plan.block);
    EXPECT_EQ(plan.panel % 2, 0);
    EXPECT_LE(static_cast<double>(plan.panel + plan.block) * static_cast<double>(plan.stride) * 8, 256e6);
  }
}

TEST(SampledCurve, BytesCoverActivationsAndWeights) {
  const std::vector<int> widths = {1000, 1000, 1000};
  const double bytes = sampled_curve_bytes(784, widths, options_of(10000));
  // Two matrices of 8 MB that are kept and one that is drawn, 6.3 MB of the first layer, two panels of 2 MB,
  // hashes of 1.3 MB and change.
  EXPECT_GT(bytes, 3 * 8e6 + 6.2e6 + 2 * 1.9e6);
  EXPECT_LT(bytes, 40e6);
  EXPECT_LT(sampled_curve_bytes(784, widths, options_of(10000, Precision::single)), 0.7 * bytes);
  // With ever more samples only the patterns grow.
  SampledOptions lengths_only = options_of(1000000);
  lengths_only.transitions = false;
  EXPECT_LT(sampled_curve_bytes(784, widths, lengths_only), 40e6);
  // Weights that are too many to be kept: 800 MB drawn and packed, panels of 200 MB.
  EXPECT_LT(sampled_curve_bytes(10000, std::vector<int>(3, 10000), lengths_only), 2.7e9);
}

// ---- closed forms

StoredNetwork one_layer(std::vector<double> weight, std::vector<double> bias, int inputs,
                        const Activation& activation) {
  const int outputs = static_cast<int>(bias.size());
  return StoredNetwork(inputs, {Layer{outputs, std::move(weight), std::move(bias)}}, activation);
}

Curve unit_circle() {
  Curve curve;
  curve.kind = CurveKind::circle;
  curve.center = {0.0, 0.0};
  curve.u = {1.0, 0.0};
  curve.v = {0.0, 1.0};
  return curve;
}

Curve interval(double from, double to) {
  Curve curve;
  curve.kind = CurveKind::line;
  curve.center = {from};
  curve.u = {to - from};
  return curve;
}

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

TEST(SampledCurve, SinglePrecisionOverflowsEarlier) {
  std::vector<Layer> layers(3, Layer{1, {1e15}, {0}});
  const StoredNetwork network(1, layers, Activation::named("relu"));
  EXPECT_EQ(sample_curve(network, interval(-1, 1), options_of(9)).finite_layers, 3);
  EXPECT_EQ(sample_curve(network, interval(-1, 1), options_of(9, Precision::single)).finite_layers, 2);
}

// ---- what holds for every network

TEST(SampledCurve, ClosedCurvesSwitchAnEvenNumberOfTimes) {
  // At so few samples most intervals hold several switches; each neuron must still come back.
  for (const Precision precision : {Precision::double_, Precision::single}) {
    for (const long samples : {3L, 10L, 101L}) {
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const RandomNetwork network({.input_dimension = 7,
                                     .widths = {1, 33, 1, 1},
                                     .activation = zigzag(),
                                     .sigma_w = 4.0,
                                     .sigma_b = 0.5,
                                     .law = {},
                                     .readout_sigma = 1.0},
                                    stream_key(seed, 0));
        const SampledCounts counts =
            sample_curve(network, curve_of(CurveKind::circle, 7, seed), options_of(samples, precision));
        for (std::size_t l = 0; l < 4; ++l) {
          EXPECT_EQ(counts.transitions[l] % 2, 0);
          EXPECT_EQ(counts.transitions_half[l] % 2, 0);
          EXPECT_EQ(counts.sign_changes[l] % 2, 0);
          EXPECT_EQ(counts.sign_changes_half[l] % 2, 0);
        }
        EXPECT_EQ(*counts.readout_sign_changes % 2, 0);
      }
    }
  }
}

TEST(SampledCurve, TransitionsOnlyWhereAskedForAndDefined) {
  const Case relu{.name = {}, .widths = {10, 10}};
  SampledOptions options = options_of(100);
  options.transitions = false;
  for (const bool fused : {true, false}) {
    const auto sample =
        fused ? [](const Network& n, const Curve& c, const SampledOptions& o) { return sample_curve(n, c, o); }
              : &sample_curve_plain;
    const SampledCounts without = sample(network_of(relu), curve_of(CurveKind::circle, 7), options);
    const SampledCounts with = sample(network_of(relu), curve_of(CurveKind::circle, 7), options_of(100));
    EXPECT_TRUE(without.transitions.empty() && without.transitions_half.empty());
    EXPECT_TRUE(without.pieces.empty() && without.patterns.empty());
    EXPECT_EQ(without.sign_changes, with.sign_changes);
    EXPECT_EQ(with.transitions, with.sign_changes);
    Case smooth = relu;
    smooth.activation = Activation::named("tanh");
    const SampledCounts tanh = sample(network_of(smooth), curve_of(CurveKind::circle, 7), options_of(100));
    EXPECT_TRUE(tanh.transitions.empty() && tanh.pieces.empty() && tanh.patterns.empty());
    EXPECT_EQ(tanh.sign_changes.size(), 2U);
  }
}

TEST(SampledCurve, RefusesWhatDoesNotFit) {
  const StoredNetwork network = one_layer({1, 0, 0, 1}, {0, 0}, 2, Activation::named("relu"));
  EXPECT_THROW(sample_curve(network, unit_circle(), options_of(2)), std::invalid_argument);
  EXPECT_THROW(sample_curve_plain(network, unit_circle(), options_of(2)), std::invalid_argument);
  EXPECT_THROW(sample_curve(network, interval(0, 1), options_of(2)), std::invalid_argument);
  Curve flat = unit_circle();
  flat.v.clear();
  EXPECT_THROW(sample_curve(network, flat, options_of(10)), std::invalid_argument);
}

}  // namespace
}  // namespace meander
