// Singular values of Jacobians against quadruple precision, determinants, inverses and exact cases.
#include "kernels/jacobian/jacobian_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kernels/base/blas.hpp"
#include "kernels/curves/curve.hpp"
#include "kernels/spectra/graded_product.hpp"
#include "tests/support/quadruple_spectrum.hpp"

namespace meander {
namespace {

RandomNetwork network(const std::string& phi, WeightLaw::Kind law, double sigma_w, int n, int depth,
                      double sigma_b = 0.0) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = n;
  parameters.widths.assign(static_cast<std::size_t>(depth), n);
  parameters.activation = Activation::named(phi);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = sigma_b;
  parameters.law.kind = law;
  return {parameters, stream_key(7, 0)};
}

std::vector<double> point(int n) {
  std::vector<double> x = gaussian_point(stream_key(7, 0), 0, n);
  rescale(x, 1.0);
  return x;
}

std::vector<PlainLayer> layers_of(const Network& net, std::vector<double> x) {
  std::vector<PlainLayer> layers;
  const int n = net.input_dimension();
  for (int l = 1; l <= net.depth(); ++l) {
    PlainLayer layer{std::vector<double>(static_cast<std::size_t>(n) * static_cast<std::size_t>(n)), {}};
    std::vector<double> h(x.size());
    net.weight(l, std::span<double>(layer.weight));
    net.bias(l, h);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, n, n, 1.0, layer.weight.data(), n, x.data(), 1, 1.0, h.data(), 1);
    for (const double value : h) layer.slope.push_back(net.activation().derivative(value));
    net.activation().apply(std::span<double>(h));
    x = h;
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// ln |det| by elimination with row pivots.
double log_determinant(std::vector<double> a, std::size_t n) {
  double sum = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) pivot = std::abs(a[i * n + k]) > std::abs(a[pivot * n + k]) ? i : pivot;
    for (std::size_t c = 0; c < n; ++c) std::swap(a[k * n + c], a[pivot * n + c]);
    sum += std::log(std::abs(a[k * n + k]));
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / a[k * n + k];
      for (std::size_t c = k; c < n; ++c) a[i * n + c] -= factor * a[k * n + c];
    }
  }
  return sum;
}

struct Case {
  const char* phi;
  WeightLaw::Kind law;
  double sigma_w;
  int n;
  int depth;
};

constexpr auto gaussian = WeightLaw::Kind::gaussian;
constexpr auto orthogonal = WeightLaw::Kind::orthogonal;

TEST(JacobianProduct, SmallSingularValuesAgreeWithQuadruplePrecision) {
  for (const Case& c :
       std::vector<Case>{{"linear", gaussian, 1.0, 64, 10},  // spans 1e13: a formed product loses the end
                         {"linear", gaussian, 1.0, 32, 2},
                         {"relu", gaussian, 1.4, 40, 8},
                         {"relu", orthogonal, 1.4, 40, 8},
                         {"hard_tanh", orthogonal, 1.1, 40, 12},
                         {"tanh", orthogonal, 1.05, 40, 20}}) {
    const RandomNetwork net = network(c.phi, c.law, c.sigma_w, c.n, c.depth, 0.1);
    const auto found = jacobian_spectrum(net, point(c.n));
    const auto plain = quadruple_logs(layers_of(net, point(c.n)));
    ASSERT_TRUE(found.converged);
    for (std::int64_t i = 0; i < found.rank; ++i) {
      const auto k = static_cast<std::size_t>(i);
      // Width times epsilon times the condition of a factor (about the width for Gaussian weights) and of the graded
      // factor; of the product's condition, 1e13 in the first case, nothing.
      EXPECT_NEAR(found.log[k], plain[k], 1e-11) << c.phi << " " << i;
      EXPECT_NEAR(found.values[k], std::exp(plain[k]), 1e-11 * found.values[k]);
    }
    for (auto k = static_cast<std::size_t>(found.rank); k < found.values.size(); ++k) EXPECT_EQ(found.values[k], 0.0);
  }
}

/// Far beyond what quadruple precision could hold: sum_i ln s_i = sum_l ln |det D^l W^l|.
TEST(JacobianProduct, DeterminantsHoldOverAnyRange) {
  for (const Case& c : std::vector<Case>{{"linear", gaussian, 1.0, 24, 400},
                                         {"linear", gaussian, 0.01, 16, 300},
                                         {"tanh", gaussian, 4.0, 48, 10},
                                         {"tanh", orthogonal, 30.0, 32, 6},
                                         {"tanh", orthogonal, 1.0, 32, 1000}}) {
    const RandomNetwork net = network(c.phi, c.law, c.sigma_w, c.n, c.depth);
    const auto found = jacobian_spectrum(net, point(c.n));
    double expected = 0.0;
    for (const PlainLayer& layer : layers_of(net, point(c.n))) {
      for (const double slope : layer.slope) expected += std::log(slope);
      expected += log_determinant(layer.weight, layer.slope.size());
    }
    EXPECT_EQ(found.rank, c.n);
    const double sum = std::accumulate(found.log.begin(), found.log.end(), 0.0);
    // Rounding of elimination and of the product: N epsilon times a factor's condition, which reaches 1e4 in 400 draws,
    // a layer; and of logarithms, relative to their sum.
    EXPECT_NEAR(sum, expected, 5e-11 * c.depth + 1e-13 * std::abs(expected)) << c.phi << " " << c.depth;
    EXPECT_TRUE(std::is_sorted(found.log.rbegin(), found.log.rend()));
  }
}

TEST(JacobianProduct, SmallestIsOneOverTheInversesLargest) {
  // diag of a known product between orthogonal factors: A_2 A_1 = U (D_2 D_1) V with 300 powers of ten between its
  // ends.
  const int n = 12;
  const RandomNetwork net = network("linear", orthogonal, 1.0, n, 3);
  std::vector<std::vector<double>> q(3, std::vector<double>(static_cast<std::size_t>(n * n)));
  for (int l = 1; l <= 3; ++l) net.weight(l, std::span<double>(q[static_cast<std::size_t>(l - 1)]));
  std::vector<double> scale(static_cast<std::size_t>(n)), ones(scale.size(), 1.0);
  for (int i = 0; i < n; ++i) scale[static_cast<std::size_t>(i)] = std::pow(10.0, -13.0 * i);
  GradedProduct product(n);
  product.multiply(scale, q[0]);
  std::vector<double> identity(static_cast<std::size_t>(n * n), 0.0);
  for (int i = 0; i < n; ++i) identity[static_cast<std::size_t>(i * n + i)] = 1.0;
  product.multiply(scale, identity);
  product.multiply(ones, q[1]);
  const auto spectrum = product.singular_values();
  ASSERT_EQ(spectrum.log.size(), static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    EXPECT_NEAR(spectrum.log[static_cast<std::size_t>(i)], -26.0 * i * std::log(10.0), 1e-12);
  }
}

TEST(JacobianProduct, OrthogonalLinearIsAllOnes) {
  const auto found = jacobian_spectrum(network("linear", orthogonal, 1.0, 50, 200), point(50));
  // Rounding of 200 orthogonal factors.
  for (const double value : found.values) EXPECT_NEAR(value, 1.0, 200 * 50 * 1e-16);
}

TEST(JacobianProduct, RankIsTheFewestOpenGates) {
  const auto found = jacobian_spectrum(network("relu", gaussian, 1.4, 30, 12), point(30));
  double fewest = 1.0;
  for (const double open : found.slope_square) fewest = std::min(fewest, open);
  EXPECT_EQ(found.rank, std::lround(30 * fewest));
  EXPECT_LT(found.rank, 30);
  const auto dead = jacobian_spectrum(network("hard_tanh", gaussian, 1e6, 10, 3), point(10));
  EXPECT_EQ(dead.rank, 0);
  for (const double value : dead.values) EXPECT_EQ(value, 0.0);
}

TEST(JacobianProduct, OverflowIsReported) {
  const auto found = jacobian_spectrum(network("linear", gaussian, 1e40, 8, 20), point(8));
  EXPECT_LT(found.finite_layers, 20);
  EXPECT_GE(found.finite_layers, 7);
}

// ---- Weights that may be singular. Ranks by Bareiss' elimination over the rationals and logarithms by mpmath with 400
// digits, of the networks as `meander export` gives them.

RandomNetwork singular_network(WeightLaw law, const std::string& phi, int n, int depth, double sigma_w = 1.5) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = n;
  parameters.widths.assign(static_cast<std::size_t>(depth), n);
  parameters.activation = Activation::named(phi);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = 0.1;
  parameters.law = law;
  return {parameters, stream_key(7, 0)};
}

TEST(JacobianProduct, SparseAndSignWeightsHaveTheirExactRank) {
  struct Singular {
    WeightLaw law;
    const char* phi;
    int n, depth;
    std::int64_t rank;
    double first, second, last;  // logarithms
  };
  const WeightLaw sparse{WeightLaw::Kind::sparse, 0.1}, signs{WeightLaw::Kind::rademacher, 0.0};
  for (const Singular& c : std::vector<Singular>{
           {sparse, "linear", 30, 3, 26, 2.1856958156789387, 1.7336892759252205, -9.1649052588824993},
           {sparse, "linear", 30, 10, 25, 4.8521433230930201, 3.8695484411741763, -22.430191195429872},
           {sparse, "relu", 30, 3, 8, 1.3499360476652605, 1.1137664469458041, -3.3076952126381428},
           {sparse, "relu", 30, 10, 6, 1.1651861376062116, -0.13459890775805686, -11.248392093810495},
           {signs, "linear", 4, 3, 2, 2.2262101675049435, 0.83296196539172678, 0.83296196539172678},
           {signs, "hard_tanh", 8, 3, 2, 0.76246367306009337, -0.14749049420866962, -0.14749049420866962},
           {signs, "tanh", 6, 4, 4, -0.46787500763810016, -0.97635441797222284, -8.2383731134997056}}) {
    const auto found = jacobian_spectrum(singular_network(c.law, c.phi, c.n, c.depth), point(c.n));
    EXPECT_EQ(found.rank, c.rank) << c.phi << " " << c.depth;
    EXPECT_EQ(found.resolved, c.rank) << c.phi << " " << c.depth;
    EXPECT_TRUE(found.converged);
    const auto rank = static_cast<std::size_t>(c.rank);
    EXPECT_NEAR(found.log[0], c.first, 1e-11) << c.phi << " " << c.depth;
    EXPECT_NEAR(found.log[1], c.second, 1e-11) << c.phi << " " << c.depth;
    EXPECT_NEAR(found.log[rank - 1], c.last, 1e-11) << c.phi << " " << c.depth;
    for (std::size_t k = rank; k < found.log.size(); ++k) {
      EXPECT_EQ(found.log[k], -std::numeric_limits<double>::infinity());
      EXPECT_EQ(found.values[k], 0.0);
    }
  }
}

TEST(JacobianProduct, FullRankOfSignWeightsChangesNoBit) {
  const RandomNetwork net = singular_network({WeightLaw::Kind::rademacher, 0.0}, "tanh", 40, 6);
  const auto exact = jacobian_spectrum(net, point(40), WeightRank::exact);
  EXPECT_EQ(exact.rank, 40);
  EXPECT_EQ(exact.log, jacobian_spectrum(net, point(40), WeightRank::full).log);
}

TEST(JacobianProduct, WhatRoundingHidesIsFoundInExtendedPrecision) {
  // Slopes between 1 and 1e-20 and rows of two weights: what is left of the larger ones is rounding, even in place of
  // the largest singular value.
  const auto found =
      jacobian_spectrum(singular_network({WeightLaw::Kind::sparse, 0.15}, "tanh", 14, 5, 10.0), point(14));
  EXPECT_EQ(found.rank, 8);
  ASSERT_EQ(found.resolved, 8);
  EXPECT_NEAR(found.log[0], -5.1753110692250229, 1e-11);
  EXPECT_NEAR(found.log[1], -17.597940549753705, 1e-11);
  EXPECT_NEAR(found.log[7], -49.792616359979579, 1e-11);
}

TEST(JacobianProduct, WhatNobodyKnowsIsNotGiven) {
  // gelu at a gain that takes h to -1e6 and slopes to e^-1e12.
  const auto found =
      jacobian_spectrum(singular_network({WeightLaw::Kind::sparse, 0.2}, "gelu", 16, 6, 30.0), point(16));
  EXPECT_GT(found.rank, 4);
  ASSERT_LT(found.resolved, found.rank);
  for (auto k = found.resolved; k < found.rank; ++k) EXPECT_TRUE(std::isnan(found.log[static_cast<std::size_t>(k)]));
}

TEST(JacobianProduct, SlopesBelowTheRangeOfDoublesAreNotZeros) {
  // By mpmath with 6000 digits, of the exported networks.
  const std::vector<double> of_erf{-90.374833786954409, -312.55427293500942, -370.59340286537622, -906.54968534478389,
                                   -2686.8740136826678};
  const std::vector<double> of_gelu{4.9267642686342876, -29.268708952328498, -170.02873879573608, -5951.7998658936549};
  for (const auto& [phi, exact] : {std::pair{"erf", of_erf}, std::pair{"gelu", of_gelu}}) {
    const int n = static_cast<int>(exact.size());
    const auto found = jacobian_spectrum(network(phi, gaussian, 20.0, n, 2, 0.3), point(n), WeightRank::full);
    EXPECT_EQ(found.rank, n);
    EXPECT_EQ(found.resolved, n);
    for (std::size_t k = 0; k < exact.size(); ++k) {
      // Rounding of h makes h^2 epsilon of a slope.
      EXPECT_NEAR(found.log[k], exact[k], 1e-15 * std::abs(exact[k]) + 1e-11) << phi << " " << k;
    }
  }
}

TEST(JacobianProduct, ManyStepsOfScalesAddUp) {
  // sum_i ln s_i = sum ln |slope| + ln |det W|, over e^69877.
  const RandomNetwork net = network("erf", gaussian, 60.0, 12, 1, 0.3);
  const auto found = jacobian_spectrum(net, point(12), WeightRank::full);
  std::vector<double> w(144), h(12);
  net.weight(1, std::span<double>(w));
  net.bias(1, h);
  const std::vector<double> x = point(12);
  double expected = log_determinant(w, 12);
  for (std::size_t i = 0; i < 12; ++i) {
    h[i] += cblas_ddot(12, w.data() + 12 * i, 1, x.data(), 1);
    expected += std::log(2.0 / std::sqrt(std::numbers::pi)) - h[i] * h[i];
  }
  EXPECT_LT(expected, -3e4);
  EXPECT_NEAR(std::accumulate(found.log.begin(), found.log.end(), 0.0), expected, 1e-13 * std::abs(expected));
  EXPECT_EQ(found.rank, 12);
}

}  // namespace
}  // namespace meander
