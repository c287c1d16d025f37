// Singular values of Jacobians against quadruple precision, determinants, inverses and exact cases.
#include "kernels/jacobian/jacobian_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
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

}  // namespace
}  // namespace meander
