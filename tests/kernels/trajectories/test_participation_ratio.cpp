// Participation ratios against singular values written out, closed forms, and layers that are not dense.
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <vector>

#include "kernels/networks/forward.hpp"
#include "kernels/trajectories/layer_similarity.hpp"
#include "kernels/trajectories/participation_ratio.hpp"

namespace meander {
namespace {

Curve circle(int dimension, double radius = 1.0) {
  std::vector<double> x0(static_cast<std::size_t>(dimension), 0.0), x1 = x0;
  x0[0] = x1[1] = radius;
  return curve_between(CurveKind::circle, x0, x1);
}

RandomNetwork network(const char* activation, std::vector<int> widths, int inputs, double sigma_w,
                      std::uint64_t realization) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = 0.3;
  return {parameters, stream_key(21, realization)};
}

/// The definition: from the singular values of a decomposition, one sample after another through the plain twin.
std::vector<double> plain(const Network& network, const Curve& curve, long samples) {
  std::vector<std::vector<PlainImage>> images;
  for (long i = 0; i < samples; ++i) {
    std::vector<double> point(static_cast<std::size_t>(curve.dimension()));
    curve.point(curve.parameter(i, samples), point);
    images.push_back(forward_plain(network, point));
  }
  std::vector<double> ratios;
  for (std::size_t l = 0; l < images.front().size(); ++l) {
    std::vector<const double*> rows;
    for (const auto& image : images) rows.push_back(image[l].x.data());
    const auto width = static_cast<int>(images.front()[l].x.size());
    // Singular values over their sum: the ratio does not see the scale.
    double second = 0.0, fourth = 0.0;
    for (const double s : principal_components(rows, width, 1).singular_value_fraction) {
      second += s * s;
      fourth += s * s * s * s;
    }
    ratios.push_back(second * second / fourth);
  }
  return ratios;
}

TEST(ParticipationRatio, IsThatOfTheSingularValues) {
  for (const long samples : {7L, 40L}) {
    for (const char* activation : {"tanh", "relu", "gelu"}) {
      const RandomNetwork net = network(activation, {12, 31, 5, 20}, 9, 2.5, static_cast<std::uint64_t>(samples));
      const ParticipationRatio found = participation_ratio(net, circle(9, 3.0), samples);
      const auto expected = plain(net, circle(9, 3.0), samples);
      ASSERT_EQ(found.ratio.size(), expected.size());
      EXPECT_EQ(found.finite_layers, 4);
      for (std::size_t l = 0; l < expected.size(); ++l) EXPECT_NEAR(found.ratio[l], expected[l], 1e-12 * expected[l]);
    }
  }
}

TEST(ParticipationRatio, OfACircleThroughIsometriesIsTwo) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 8;
  parameters.widths = {8, 8};
  parameters.sigma_w = 1e-60;  // whatever the scale
  parameters.law = {WeightLaw::Kind::orthogonal, 0.0};
  for (const double ratio : participation_ratio(RandomNetwork(parameters, stream_key(1, 1)), circle(8), 64).ratio)
    EXPECT_NEAR(ratio, 2.0, 1e-13);
}

TEST(ParticipationRatio, OfAStraightLineIsOneAndOfAPointUndefined) {
  const std::vector<double> x0{1.0, 2.0, 0.0}, x1{0.0, -1.0, 2.0};
  const Curve line = curve_between(CurveKind::line, x0, x1);
  for (const double ratio : participation_ratio(network("linear", {7, 4}, 3, 1.5, 1), line, 20).ratio)
    EXPECT_NEAR(ratio, 1.0, 1e-14);
  const ParticipationRatio still = participation_ratio(network("hard_tanh", {6}, 3, 0.0, 1), line, 20);
  EXPECT_EQ(still.finite_layers, 1);
  EXPECT_TRUE(std::isnan(still.ratio.front()));
}

/// Deep in the ordered phase the curve shrinks upon the fixed point until rounding of that is all that spreads.
TEST(ParticipationRatio, RoundingHasNoDimension) {
  const RandomNetwork net = network("tanh", std::vector<int>(60, 20), 20, 0.5, 3);
  const auto ratio = participation_ratio(net, circle(20), 17).ratio;
  EXPECT_TRUE(std::isnan(ratio.back()));
  bool lost = false;
  for (const double r : ratio) {
    EXPECT_FALSE(lost && !std::isnan(r)) << "a dimension out of nothing";
    lost = lost || std::isnan(r);
    if (!lost) {
      EXPECT_LT(r, 2.1);
    }
  }
}

TEST(ParticipationRatio, OfNumbersNearTheLargest) {
  const StoredNetwork net(2, {{2, {1.7e308, 0.0, 0.0, 1.7e308}, {0.0, 0.0}}}, Activation::named("linear"));
  EXPECT_NEAR(participation_ratio(net, circle(2), 16).ratio.front(), 2.0, 1e-12);
}

/// A window over padding alone gives more numbers than any layer has neurons; the plan has to know.
TEST(ParticipationRatio, MemoryCountsWhatEveryEntryGives) {
  std::vector<StoredNetwork::Entry> entries(2);
  Convolution convolution;
  convolution.channels = 64;
  convolution.kernel = {3, 3};
  convolution.padding = {1, 1, 1, 1};
  entries[0].kind = convolution;
  entries[0].weight.assign(64 * 3 * 9, 0.1);
  entries[0].bias.assign(64, 0.0);
  entries[1].kind = AveragePool{{61, 61}, {1, 1}, {60, 60, 60, 60}};
  const StoredNetwork net(Shape{3, 32, 32}, entries);
  const double padded = 64.0 * 92 * 92;
  const double bytes = participation_ratio_bytes(net, 16);
  EXPECT_GT(bytes, 8.0 * 16 * padded * 2);
  // And not 32 * 32 * 64 weights for each of 32 * 32 * 3 inputs.
  EXPECT_LT(bytes, 8.0 * 16 * padded * 8);
}

/// Saturated neurons turn a circle into square waves of random phase, whose Fourier coefficients fall like 1/k over odd
/// k. Each harmonic has a sine and a cosine of equal variance, so that the ratio tends to (2 sum 1/k^2)^2 / (2 sum
/// 1/k^4) = 2 (pi^2/8)^2 / (pi^4/96) = 3.
TEST(ParticipationRatio, OfRandomSquareWavesTendsToThree) {
  const double limit = 3.0;
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 2;
  parameters.widths = {4000};
  parameters.activation = Activation::named("hard_tanh");
  parameters.sigma_w = 1e9;
  const auto found = participation_ratio(RandomNetwork(parameters, stream_key(5, 5)), circle(2), 500);
  // Phases are finitely many: a few times 1 / sqrt(4000).
  EXPECT_NEAR(found.ratio.front(), limit, 0.03 * limit);
}

TEST(ParticipationRatio, LayersBeforeAnOverflowAreKeptAndBadInputIsRefused) {
  const RandomNetwork net = network("relu", std::vector<int>(6, 20), 20, 1e75, 4);
  EXPECT_EQ(participation_ratio(net, circle(20), 16).finite_layers, 4);
  EXPECT_THROW(participation_ratio(net, circle(20), 1), std::invalid_argument);
  EXPECT_THROW(participation_ratio(net, circle(19), 16), std::invalid_argument);
}

}  // namespace
}  // namespace meander
