// The sampled-curve kernel against its plain twin, and what holds for every network.
#include "kernels/trajectories/sampled_curve.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "kernels/trajectories/sampled_curve_panels.hpp"
#include "tests/support/sampled_cases.hpp"

namespace meander {
namespace {

using namespace sampled_cases;

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
  // Where layers contract, lengths are found in double whatever the precision, with its weights: 24 MB, 6.3 MB, 4 MB.
  const double single = sampled_curve_bytes(784, widths, options_of(10000, Precision::single));
  EXPECT_GT(single, 3 * 8e6 + 6.2e6 + 3.8e6);
  EXPECT_LT(single, 0.97 * bytes);
  // With ever more samples only the patterns grow.
  SampledOptions lengths_only = options_of(1000000);
  lengths_only.transitions = false;
  EXPECT_LT(sampled_curve_bytes(784, widths, lengths_only), 40e6);
  // Weights that are too many to be kept: 800 MB drawn and packed, panels of 200 MB.
  EXPECT_LT(sampled_curve_bytes(10000, std::vector<int>(3, 10000), lengths_only), 2.7e9);
}

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
