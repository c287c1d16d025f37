// Volumes against determinants of the Gram matrix of the whole Jacobian, against closed forms, and their mean against
// theory.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/mean_field/layer_exponent_theory.hpp"
#include "kernels/propagation/manifold_volume.hpp"

namespace meander {
namespace {

using Rows = std::vector<std::vector<long double>>;

RandomNetwork network(const char* activation, std::vector<int> widths, int inputs, double sigma_w,
                      std::uint64_t realization, WeightLaw law = {}) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = 0.2;
  parameters.law = law;
  return {parameters, stream_key(31, realization)};
}

/// Half the logarithm of det(T T'), by elimination.
long double log_volume(const Rows& tangents) {
  const std::size_t k = tangents.size();
  Rows gram(k, std::vector<long double>(k, 0.0L));
  for (std::size_t a = 0; a < k; ++a) {
    for (std::size_t b = 0; b < k; ++b) {
      for (std::size_t i = 0; i < tangents[a].size(); ++i) gram[a][b] += tangents[a][i] * tangents[b][i];
    }
  }
  long double log = 0.0L;
  for (std::size_t p = 0; p < k; ++p) {
    log += 0.5L * std::log(gram[p][p]);
    for (std::size_t a = p + 1; a < k; ++a) {
      const long double factor = gram[a][p] / gram[p][p];
      for (std::size_t b = p; b < k; ++b) gram[a][b] -= factor * gram[p][b];
    }
  }
  return log;
}

/// The definition: every tangent times the product of all layers' Jacobians, never made orthonormal in between.
std::vector<double> plain(const Network& network, const std::vector<double>& point,
                          const std::vector<double>& tangents) {
  const std::size_t inputs = point.size();
  std::vector<long double> x(point.begin(), point.end());
  Rows rows;
  for (std::size_t begin = 0; begin < tangents.size(); begin += inputs)
    rows.emplace_back(tangents.begin() + static_cast<std::ptrdiff_t>(begin),
                      tangents.begin() + static_cast<std::ptrdiff_t>(begin + inputs));
  const long double start = log_volume(rows);
  std::vector<double> result;
  for (int l = 1; l <= network.depth(); ++l) {
    const auto outputs = static_cast<std::size_t>(network.width(l));
    std::vector<double> w(outputs * x.size()), b(outputs);
    network.weight(l, std::span<double>(w));
    network.bias(l, b);
    const auto times_w = [&](const std::vector<long double>& from, std::size_t i) {
      long double sum = 0.0L;
      for (std::size_t j = 0; j < from.size(); ++j) sum += static_cast<long double>(w[i * from.size() + j]) * from[j];
      return sum;
    };
    std::vector<long double> next(outputs);
    Rows pushed(rows.size(), std::vector<long double>(outputs));
    for (std::size_t i = 0; i < outputs; ++i) {
      const double h = static_cast<double>(times_w(x, i) + static_cast<long double>(b[i]));
      next[i] = network.activation()(h);
      for (std::size_t a = 0; a < rows.size(); ++a)
        pushed[a][i] = static_cast<long double>(network.activation().derivative(h)) * times_w(rows[a], i);
    }
    x = next;
    rows = pushed;
    result.push_back(static_cast<double>(log_volume(rows) - start));
  }
  return result;
}

std::vector<double> point_of(int inputs, std::uint64_t realization) {
  std::vector<double> point = gaussian_point(stream_key(31, realization), 0, inputs);
  rescale(point, 1.0);
  return point;
}

TEST(ManifoldVolume, IsTheDeterminantOfTheWholeJacobiansGramMatrix) {
  for (const char* activation : {"tanh", "erf", "swish", "hard_tanh"}) {
    for (const int k : {1, 2, 5}) {
      const RandomNetwork net = network(activation, {23, 17, 30, 23}, 19, 1.7, static_cast<std::uint64_t>(k));
      const auto point = point_of(19, static_cast<std::uint64_t>(k));
      // Oblique tangents of different lengths: the ratio of volumes does not depend on the coordinates.
      auto tangents = perpendicular_tangents(stream_key(8, 9), point, k);
      for (std::size_t i = 0; i < tangents.size(); ++i) tangents[i] += 0.5 * tangents[i % 19];
      const auto found = manifold_volume(net, point, tangents).log_volume;
      const auto expected = plain(net, point, tangents);
      ASSERT_EQ(found.size(), expected.size());
      // Rounding of h in a kinked or saturated unit moves slopes by its own size; 1e-10 covers five directions.
      for (std::size_t l = 0; l < found.size(); ++l)
        EXPECT_NEAR(found[l], expected[l], 1e-10 * std::max(1.0, std::abs(expected[l])))
            << activation << " k " << k << " layer " << l + 1;
    }
  }
}

TEST(ManifoldVolume, OrthogonalLinearLayersScaleItByGainToTheK) {
  const RandomNetwork net = network("linear", {12, 12, 12}, 12, 1.3, 1, {WeightLaw::Kind::orthogonal, 0.0});
  const auto point = point_of(12, 1);
  const auto found = manifold_volume(net, point, perpendicular_tangents(stream_key(1, 1), point, 4)).log_volume;
  for (int l = 1; l <= 3; ++l) EXPECT_NEAR(found[static_cast<std::size_t>(l - 1)], 4 * l * std::log(1.3), 1e-12);
}

TEST(ManifoldVolume, IsZeroWhereADimensionIsLost) {
  const auto point = point_of(10, 2);
  const auto tangents = perpendicular_tangents(stream_key(2, 2), point, 4);
  const auto narrow = manifold_volume(network("tanh", {8, 3, 8}, 10, 1.5, 2), point, tangents).log_volume;
  EXPECT_TRUE(std::isfinite(narrow[0]));
  EXPECT_EQ(narrow[1], -std::numeric_limits<double>::infinity());
  EXPECT_EQ(narrow[2], -std::numeric_limits<double>::infinity());
  const auto dead = manifold_volume(network("hard_tanh", {10}, 10, 1e6, 2), point, tangents);
  EXPECT_EQ(dead.log_volume[0], -std::numeric_limits<double>::infinity()) << "every neuron is saturated";
}

/// Slopes of saturated units grade the columns over a hundred orders of magnitude: the tangents look dependent to
/// rounding, and their volume is known to rounding all the same.
TEST(ManifoldVolume, SaturatedNeuronsShrinkItAndLoseNoDigits) {
  for (const double sigma_w : {10.0, 20.0}) {
    for (std::uint64_t realization = 0; realization < 12; ++realization) {
      const RandomNetwork net = network("tanh", {6, 6}, 6, sigma_w, realization);
      const auto point = point_of(6, realization);
      const auto tangents = perpendicular_tangents(stream_key(5, realization), point, 5);
      const auto found = manifold_volume(net, point, tangents).log_volume;
      // Of the five smallest slopes products: by Cauchy and Binet, over every choice of five units of the first layer.
      std::vector<double> w(36), b(6);
      net.weight(1, std::span<double>(w));
      net.bias(1, b);
      std::vector<long double> slope(6);
      for (std::size_t i = 0; i < 6; ++i) {
        double h = b[i];
        for (std::size_t j = 0; j < 6; ++j) h += w[i * 6 + j] * point[j];
        slope[i] = static_cast<long double>(net.activation().derivative(h));
      }
      long double sum = 0.0L;
      for (std::size_t left_out = 0; left_out < 6; ++left_out) {
        Rows minor;
        long double factor = 1.0L;
        for (std::size_t i = 0; i < 6; ++i) {
          if (i == left_out) continue;
          factor *= slope[i];
          std::vector<long double> row(5, 0.0L);
          for (std::size_t a = 0; a < 5; ++a) {
            for (std::size_t j = 0; j < 6; ++j)
              row[a] += static_cast<long double>(w[i * 6 + j]) * static_cast<long double>(tangents[a * 6 + j]);
          }
          minor.push_back(row);
        }
        const long double term = factor * std::exp(log_volume(minor));
        sum += term * term;
      }
      const auto expected = static_cast<double>(0.5L * std::log(sum));
      ASSERT_TRUE(std::isfinite(found[1])) << sigma_w << " " << realization;
      // A slope of tanh at h has a relative error of some |h| roundings.
      EXPECT_NEAR(found[0], expected, 1e-10 * std::max(1.0, std::abs(expected))) << sigma_w << " " << realization;
    }
  }
}

TEST(ManifoldVolume, TangentsThatOverflowEndTheLayersAndAreNoZero) {
  const StoredNetwork net(1, {{1, {1e50}, {0.0}}, {1, {1e200}, {0.0}}},
                          Activation::piecewise_linear({}, {1e150}, 0.0, 0.0));
  const std::vector<double> point{1e-300}, tangent{1.0};
  const ManifoldVolume found = manifold_volume(net, point, tangent);
  EXPECT_EQ(found.finite_layers, 1);
}

TEST(ManifoldVolume, DeepNetworksNeitherOverflowNorLoseTheVolume) {
  const RandomNetwork net = network("tanh", std::vector<int>(400, 30), 30, 3.0, 3);
  const auto point = point_of(30, 3);
  const ManifoldVolume found = manifold_volume(net, point, perpendicular_tangents(stream_key(3, 3), point, 2));
  EXPECT_EQ(found.finite_layers, 400);
  EXPECT_TRUE(std::isfinite(found.log_volume.back()));
  EXPECT_GT(std::abs(found.log_volume.back()), 100.0);
}

TEST(ManifoldVolume, LayersBeforeAnOverflowAreKept) {
  const RandomNetwork net = network("relu", std::vector<int>(6, 20), 20, 1e75, 4);
  const auto point = point_of(20, 4);
  const ManifoldVolume found = manifold_volume(net, point, perpendicular_tangents(stream_key(4, 4), point, 1));
  EXPECT_EQ(found.finite_layers, 4);
  EXPECT_EQ(found.log_volume.size(), 4u);
}

TEST(ManifoldVolume, RefusesWhatIsNoManifold) {
  const RandomNetwork net = network("tanh", {5}, 4, 1.0, 5);
  const std::vector<double> point(4, 1.0), zero(4, 0.0), parallel{1, 0, 0, 0, 2, 0, 0, 0};
  EXPECT_THROW(manifold_volume(net, point, zero), std::invalid_argument);
  EXPECT_THROW(manifold_volume(net, point, parallel), std::invalid_argument);
  EXPECT_THROW(manifold_volume(net, point, std::vector<double>(5, 1.0)), std::invalid_argument);
  EXPECT_THROW(manifold_volume(net, std::vector<double>(3, 1.0), point), std::invalid_argument);
  EXPECT_THROW(perpendicular_tangents(stream_key(1, 1), point, 4), std::invalid_argument);
  EXPECT_THROW(perpendicular_tangents(stream_key(1, 1), zero, 1), std::invalid_argument);
}

/// In wide networks the metric of each pair of perpendicular tangents is multiplied by chi_1 a layer, and theirs vanish
/// against it: the volume of k of them by chi_1^(k/2).
TEST(ManifoldVolume, MeanMeetsTheory) {
  constexpr int width = 400, depth = 5, draws = 24, k = 3;
  const LayerExponentTheory theory = layer_exponent_theory(Activation::named("tanh"), 2.0, 0.2, 1.0, 0.0, depth);
  std::vector<double> sum(depth, 0.0), square(depth, 0.0);
  for (std::uint64_t r = 0; r < draws; ++r) {
    const RandomNetwork net = network("tanh", std::vector<int>(depth, width), width, 2.0, r);
    const auto point = point_of(width, r);
    const auto tangents = perpendicular_tangents(stream_key(31, r), point, k);
    const auto found = manifold_volume(net, point, tangents).log_volume;
    for (std::size_t l = 0; l < depth; ++l) {
      const double ratio = std::exp(found[l] - k * theory.log_growth[l]);
      sum[l] += ratio / draws;
      square[l] += ratio * ratio / draws;
    }
  }
  for (std::size_t l = 0; l < depth; ++l) {
    const double error = std::sqrt((square[l] - sum[l] * sum[l]) / (draws - 1));
    // Finite width lowers the mean volume by some k (k + 1) / (4 N) a layer and more through chi_1: 5 % covers both.
    EXPECT_NEAR(sum[l], 1.0, 4 * error + 0.05) << "layer " << l + 1;
    EXPECT_LT(error, 0.1);
  }
}

}  // namespace
}  // namespace meander
