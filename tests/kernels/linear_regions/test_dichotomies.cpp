// Dichotomies: the merge of flips, closed forms, the samplers against each other, and exact counts against
// fine sampling.
#include "kernels/linear_regions/dichotomies.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "kernels/linear_regions/exact_curve.hpp"

namespace meander {
namespace {

using Points = std::vector<std::vector<double>>;

RandomNetwork random_network(int inputs, std::vector<int> widths, const char* activation, double sigma_w,
                             double sigma_b, std::uint64_t seed) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = sigma_b;
  parameters.readout_sigma = 1.0;
  return RandomNetwork(parameters, stream_key(seed, 0));
}

WeightSweep sweep_of(const RandomNetwork& network, int layer) {
  WeightSweep sweep{layer, std::vector<double>(static_cast<std::size_t>(network.width(layer)) *
                                               static_cast<std::size_t>(network.fan_in(layer)))};
  network.second_weight(layer, sweep.weight);
  return sweep;
}

Points gaussian_points(int count, int dimension, std::uint64_t seed) {
  Points points;
  for (int p = 0; p < count; ++p) {
    points.push_back(gaussian_point(stream_key(seed, 0), static_cast<std::uint32_t>(p), dimension));
  }
  return points;
}

/// One linear neuron of one input, readout 1: the label of x is the sign of x (w cos t + w' sin t).
StoredNetwork one_neuron(double w) {
  return StoredNetwork(1, {{1, {w}, {0.0}}}, Activation::named("linear"), {1, {1.0}, {0.0}});
}

TEST(MergeFlips, WalksThroughTheLabelings) {
  // 00 -> 01 -> 11 -> 10 -> 00
  const Points flips{{1.0, 3.0}, {2.0, 4.0}};
  const DichotomyCounts counts = merge_flips(flips, 0);
  EXPECT_EQ(counts.dichotomies, 4);
  EXPECT_EQ(counts.label_flips, 4);
  EXPECT_EQ(counts.most_flips_of_a_point, 2);
  EXPECT_DOUBLE_EQ(counts.smallest_gap, 1.0);
}

TEST(MergeFlips, ReturnsToLabelingsSeenBefore) {
  const Points flips{{1.0, 2.0, 3.0, 4.0}, {}};
  EXPECT_EQ(merge_flips(flips, 2).dichotomies, 2);
  EXPECT_EQ(merge_flips(flips, 2).label_flips, 4);
  EXPECT_EQ(merge_flips(flips, 2).smallest_gap, std::numeric_limits<double>::infinity());
  EXPECT_EQ(merge_flips(Points{{}, {}}, 3).dichotomies, 1);
}

TEST(MergeFlips, FlipsAtOneParameterAreOneStep) {
  const Points flips{{1.0, 2.0}, {1.0, 2.0}};
  EXPECT_EQ(merge_flips(flips, 0).dichotomies, 2) << "00 and 11; never 01 or 10";
  EXPECT_EQ(merge_flips(flips, 0).label_flips, 4);
}

TEST(MergeFlips, SixtyFourPoints) {
  Points flips;
  for (int p = 0; p < 64; ++p) flips.push_back({0.01 * (p + 1), 3.0 + 0.01 * p});
  EXPECT_EQ(merge_flips(flips, 0).dichotomies, 128) << "ones fill up from below, then zeros";
}

TEST(Dichotomies, OneLinearNeuronHasTwoLabelings) {
  const WeightSweep sweep{1, {0.7}};
  const Points points{{1.0}, {2.0}, {-0.5}};
  for (const DichotomyCounts& counts :
       {exact_dichotomies(one_neuron(-1.3), sweep, points), sampled_dichotomies(one_neuron(-1.3), sweep, points, 101),
        plain_dichotomies(one_neuron(-1.3), sweep, points, 101)}) {
    EXPECT_EQ(counts.dichotomies, 2);
    EXPECT_EQ(counts.label_flips, 6);
    EXPECT_EQ(counts.most_flips_of_a_point, 2);
  }
}

TEST(Dichotomies, PointsOnACircleUnderALinearLayer) {
  // W = (1, 0), W' = (0, 1): the label of (cos a, sin a) is the sign of cos(a - t), so s points in general
  // position give 2 s labelings, one after another.
  const StoredNetwork network(2, {{1, {1.0, 0.0}, {0.0}}}, Activation::named("linear"), {1, {1.0}, {0.0}});
  Points points;
  for (int p = 0; p < 11; ++p) points.push_back({std::cos(0.1 + 0.25 * p), std::sin(0.1 + 0.25 * p)});
  const DichotomyCounts counts = exact_dichotomies(network, {1, {0.0, 1.0}}, points);
  EXPECT_EQ(counts.dichotomies, 22);
  EXPECT_EQ(counts.label_flips, 22);
  EXPECT_NEAR(counts.smallest_gap, 0.25, 1e-12);
}

TEST(Dichotomies, SampledAgreesWithItsPlainTwin) {
  std::uint64_t seed = 40;
  for (const char* activation : {"tanh", "relu", "gelu"}) {
    for (const std::vector<int>& widths : {std::vector<int>{5}, {7, 4, 9}}) {
      const RandomNetwork network = random_network(6, widths, activation, 2.5, 0.2, ++seed);
      const Points points = gaussian_points(7, 6, seed);
      for (int layer = 1; layer <= network.depth(); ++layer) {
        // 512 / 7 steps make a block: the last one is a remainder.
        const auto fast = sampled_dichotomies(network, sweep_of(network, layer), points, 1001);
        const auto plain = plain_dichotomies(network, sweep_of(network, layer), points, 1001);
        EXPECT_EQ(fast.dichotomies, plain.dichotomies);
        EXPECT_EQ(fast.label_flips, plain.label_flips);
        EXPECT_EQ(fast.label_flips_half, plain.label_flips_half);
        EXPECT_EQ(fast.most_flips_of_a_point, plain.most_flips_of_a_point);
      }
    }
  }
}

TEST(Dichotomies, ExactIsWhatFineSamplingFinds) {
  std::uint64_t seed = 60;
  for (const char* activation : {"hard_tanh", "relu"}) {
    for (const double sigma_b : {0.0, 0.4}) {
      const RandomNetwork network = random_network(5, {6, 7, 5}, activation, 2.5, sigma_b, ++seed);
      const Points points = gaussian_points(6, 5, seed);
      for (int layer = 1; layer <= 3; ++layer) {
        const WeightSweep sweep = sweep_of(network, layer);
        const auto exact = exact_dichotomies(network, sweep, points);
        const auto sampled = sampled_dichotomies(network, sweep, points, 40'000);
        // Sampling can only miss pairs of flips, and at 40 000 steps misses few in networks this small.
        EXPECT_GE(exact.label_flips, sampled.label_flips);
        EXPECT_LE(exact.label_flips, sampled.label_flips + 4);
        EXPECT_GE(exact.dichotomies, sampled.dichotomies);
        EXPECT_LE(exact.dichotomies, sampled.dichotomies + 2);
        EXPECT_EQ(exact.label_flips % 2, 0) << "the sweep is closed";
      }
    }
  }
}

TEST(Dichotomies, SecondWeightsAreALawsOwnAndAddressedLikeTheFirst) {
  const RandomNetwork network = random_network(5, {6, 7}, "relu", 2.0, 0.0, 9);
  std::vector<float> row(6);
  draw_row({}, stream_key(9, 0), Purpose::curve, 2, 3, row);
  const WeightSweep sweep = sweep_of(network, 2);
  std::vector<double> first(sweep.weight.size());
  network.weight(2, std::span<double>(first));
  EXPECT_NE(first, sweep.weight);
  for (std::size_t j = 0; j < 6; ++j) {
    EXPECT_DOUBLE_EQ(sweep.weight[3 * 6 + j], 2.0 / std::sqrt(6.0) * static_cast<double>(row[j]));
  }
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 4;
  parameters.widths = {4};
  parameters.law.kind = WeightLaw::Kind::orthogonal;
  const RandomNetwork orthogonal(parameters, stream_key(9, 0));
  const WeightSweep isometry = sweep_of(orthogonal, 1);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      double product = 0.0;
      for (std::size_t j = 0; j < 4; ++j) product += isometry.weight[4 * i + j] * isometry.weight[4 * k + j];
      EXPECT_NEAR(product, i == k ? 1.0 : 0.0, 1e-14);
    }
  }
}

TEST(Dichotomies, OverflowIsNoticed) {
  const RandomNetwork network = random_network(3, {4, 4, 4}, "relu", 1e120, 0.0, 1);
  EXPECT_FALSE(sampled_dichotomies(network, sweep_of(network, 1), gaussian_points(2, 3, 1), 50).finite);
  EXPECT_FALSE(exact_dichotomies(network, sweep_of(network, 1), gaussian_points(2, 3, 1)).finite);
}

TEST(Dichotomies, Refuses) {
  const RandomNetwork network = random_network(3, {4, 5}, "relu", 1.0, 0.0, 1);
  const Points points = gaussian_points(2, 3, 1);
  EXPECT_THROW(exact_dichotomies(network, {3, std::vector<double>(20)}, points), std::invalid_argument);
  EXPECT_THROW(exact_dichotomies(network, {0, std::vector<double>(12)}, points), std::invalid_argument);
  EXPECT_THROW(exact_dichotomies(network, {2, std::vector<double>(19)}, points), std::invalid_argument);
  EXPECT_THROW(exact_dichotomies(network, sweep_of(network, 1), Points{}), std::invalid_argument);
  EXPECT_THROW(exact_dichotomies(network, sweep_of(network, 1), gaussian_points(65, 3, 1)), std::invalid_argument);
  EXPECT_THROW(exact_dichotomies(network, sweep_of(network, 1), gaussian_points(2, 4, 1)), std::invalid_argument);
  const RandomNetwork smooth = random_network(3, {4}, "tanh", 1.0, 0.0, 1);
  EXPECT_THROW(exact_dichotomies(smooth, sweep_of(smooth, 1), points), std::invalid_argument);
  const StoredNetwork without_readout(1, {{1, {1.0}, {0.0}}}, Activation::named("relu"));
  EXPECT_THROW(sampled_dichotomies(without_readout, {1, {1.0}}, Points{{1.0}}, 10), std::invalid_argument);
}

}  // namespace
}  // namespace meander
