// Decision boundaries: exact derivatives, closed forms of quadrics, the search, and mean-field theory.
#include "kernels/decision_boundary/boundary_curvature.hpp"
#include "kernels/decision_boundary/boundary_search.hpp"
#include "kernels/mean_field/boundary_theory.hpp"
#include "kernels/spectra/symmetric_extremes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace meander {
namespace {

using Vector = std::vector<double>;

RandomNetwork random_network(int inputs, std::vector<int> widths, double sigma_w, std::uint64_t seed,
                             const Activation& activation = Activation::named("tanh")) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = activation;
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = 0.3;
  parameters.readout_sigma = 1.0;
  return {parameters, stream_key(seed, 0)};
}

Vector unit_readout(const Network& network) {
  Vector beta(static_cast<std::size_t>(network.width(network.depth())));
  network.readout_weight(beta);
  double square = 0.0;
  for (const double b : beta) square += b * b;
  for (double& b : beta) b /= std::sqrt(square);
  return beta;
}

// ---- A twin in extended precision: G and its derivatives along straight lines, by Taylor arithmetic.

/// Value, first and second derivative along s in f(x + s v).
struct Jet {
  long double value = 0, first = 0, second = 0;
};
using JetFunction = std::function<Jet(Jet)>;

/// tanh of a jet: phi' = 1 - phi^2, phi'' = -2 phi phi'.
Jet tanh_jet(Jet h) {
  const long double y = std::tanh(h.value), slope = 1 - y * y, bend = -2 * y * slope;
  return {y, slope * h.first, bend * h.first * h.first + slope * h.second};
}
Jet sigmoid_jet(Jet h) {
  const long double y = 1 / (1 + std::exp(-h.value)), slope = y * (1 - y), bend = slope * (1 - 2 * y);
  return {y, slope * h.first, bend * h.first * h.first + slope * h.second};
}
Jet gelu_jet(Jet h) {
  const long double x = h.value;
  const long double cumulative = std::erfc(-x / std::sqrt(2.0L)) / 2;
  const long double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<long double>);
  const long double slope = cumulative + x * density, bend = (2 - x * x) * density;
  return {x * cumulative, slope * h.first, bend * h.first * h.first + slope * h.second};
}

/// G(s + t v) for s = h^layer (or the input).
Jet along(const Network& network, const Vector& beta, int layer, const Vector& s, const Vector& v,
          const JetFunction& phi) {
  std::vector<Jet> signal;
  for (std::size_t i = 0; i < s.size(); ++i) signal.push_back({s[i], v[i], 0});
  for (int l = std::max(layer, 1); l <= network.depth(); ++l) {
    if (l > layer) {
      Vector weight(static_cast<std::size_t>(network.width(l)) * signal.size());
      Vector bias(static_cast<std::size_t>(network.width(l)));
      network.weight(l, std::span<double>(weight));
      network.bias(l, bias);
      std::vector<Jet> next;
      for (std::size_t i = 0; i < bias.size(); ++i) {
        Jet sum{bias[i], 0, 0};
        for (std::size_t j = 0; j < signal.size(); ++j) {
          const long double w = weight[i * signal.size() + j];
          sum = {sum.value + w * signal[j].value, sum.first + w * signal[j].first, sum.second + w * signal[j].second};
        }
        next.push_back(sum);
      }
      signal = next;
    }
    for (Jet& h : signal) h = phi(h);
  }
  Jet g;
  for (std::size_t i = 0; i < beta.size(); ++i) {
    g = {g.value + beta[i] * signal[i].value, g.first + beta[i] * signal[i].first,
         g.second + beta[i] * signal[i].second};
  }
  return g;
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

struct Smooth {
  std::string name;
  JetFunction jet;
};

TEST(BoundaryFunction, DerivativesAgreeWithTaylorArithmeticInExtendedPrecision) {
  for (const auto& [name, jet] : {Smooth{"tanh", tanh_jet}, Smooth{"sigmoid", sigmoid_jet}, Smooth{"gelu", gelu_jet}}) {
    const RandomNetwork network = random_network(5, {7, 4, 6}, 2.0, 3, Activation::named(name));
    const Vector beta = unit_readout(network);
    const BoundaryFunction boundary(network, beta, 0.25);
    const BoundaryPoint point = boundary.at(gaussian_point(stream_key(8, 1), 0, 5));
    for (int layer = 0; layer <= 3; ++layer) {
      const Vector s = layer == 0 ? point.x : point.h[static_cast<std::size_t>(layer - 1)];
      const Vector v = gaussian_point(stream_key(8, 1), 1, boundary.size(layer));
      const Vector w = gaussian_point(stream_key(8, 1), 2, boundary.size(layer));
      Vector product(s.size()), sum(s.size());
      boundary.hessian_product(point, layer, v, product);
      std::transform(v.begin(), v.end(), w.begin(), sum.begin(), std::plus<>());
      const Jet of_v = along(network, beta, layer, s, v, jet), of_w = along(network, beta, layer, s, w, jet),
                of_sum = along(network, beta, layer, s, sum, jet);
      // Rounding of sums of a few dozen terms of order ten.
      EXPECT_NEAR(point.value, static_cast<double>(of_v.value) - 0.25, 1e-14) << name;
      EXPECT_NEAR(dot(BoundaryFunction::gradient(point, layer), v), static_cast<double>(of_v.first), 1e-13) << name;
      EXPECT_NEAR(dot(product, v), static_cast<double>(of_v.second), 1e-12) << name << layer;
      // Off the diagonal by polarisation: v'Hw = (H(v + w) - H(v) - H(w)) / 2.
      EXPECT_NEAR(dot(product, w), static_cast<double>(of_sum.second - of_v.second - of_w.second) / 2, 1e-12)
          << name << layer;
    }
  }
}

TEST(BoundaryFunction, DenseHessiansAreTheProductsOfUnitVectors) {
  const RandomNetwork network = random_network(9, {12, 5, 8, 3}, 2.5, 4);
  const BoundaryFunction boundary(network, unit_readout(network), 0.0);
  const BoundaryPoint point = boundary.at(gaussian_point(stream_key(2, 2), 0, 9));
  Vector hessian;
  for (int layer = 4; layer >= 0; --layer) {
    hessian = boundary.hessian(point, layer, hessian);
    const auto n = static_cast<std::size_t>(boundary.size(layer));
    double largest = 0.0;
    for (const double entry : hessian) largest = std::max(largest, std::abs(entry));
    for (std::size_t j = 0; j < n; ++j) {
      Vector unit(n, 0.0), column(n);
      unit[j] = 1.0;
      boundary.hessian_product(point, layer, unit, column);
      for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(column[i], hessian[i * n + j], 1e-13 * largest);
    }
  }
}

// ---- Quadrics: with phi(x) = x^2 = He_2 / sqrt(2!) sqrt(2) + 1, G = sum_i beta_i (W x)_i^2 - beta_0.

Activation square() {
  return Activation::hermite({1.0, 0.0, std::numbers::sqrt2});
}

StoredNetwork identity(int n) {
  StoredNetwork::Layer layer{n, Vector(static_cast<std::size_t>(n * n), 0.0), Vector(static_cast<std::size_t>(n), 0.0)};
  for (int i = 0; i < n; ++i) layer.weight[static_cast<std::size_t>(i * (n + 1))] = 1.0;
  return {n, {layer}, square()};
}

TEST(PrincipalCurvatures, OfASphere) {
  // |x|^2 = 4: every curvature is 1 / 2, in whatever direction.
  const BoundaryFunction sphere(identity(6), Vector(6, 1.0), 4.0);
  Vector x = gaussian_point(stream_key(5, 5), 0, 6);
  rescale(x, 4.0 / 6.0);
  const auto layers = principal_curvatures(sphere, sphere.at(x), {5, CurvatureSolver::dense});
  EXPECT_NEAR(layers[0].gradient_norm, 4.0, 1e-14);
  EXPECT_NEAR(layers[0].rms, 0.5, 1e-15);
  ASSERT_EQ(layers[0].largest.size(), 5U);
  for (int k = 0; k < 5; ++k) {
    EXPECT_NEAR(layers[0].largest[static_cast<std::size_t>(k)], 0.5, 1e-15);
    EXPECT_NEAR(layers[0].smallest[static_cast<std::size_t>(k)], 0.5, 1e-15);
  }
}

TEST(PrincipalCurvatures, OfAHyperboloidAtItsVertex) {
  // 3 x^2 + 2 y^2 - 5 z^2 + w^2 = 12 at (2, 0, 0, 0): beta_j / (beta_1 2) = 2/6, -5/6, 1/6.
  const BoundaryFunction quadric(identity(4), {3.0, 2.0, -5.0, 1.0}, 12.0);
  const BoundaryPoint vertex = quadric.at(Vector{2.0, 0.0, 0.0, 0.0});
  EXPECT_NEAR(vertex.value, 0.0, 1e-14);
  const auto layers = principal_curvatures(quadric, vertex, {9, CurvatureSolver::dense});
  const Vector expected{2.0 / 6.0, 1.0 / 6.0, -5.0 / 6.0};
  ASSERT_EQ(layers[0].largest.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(layers[0].largest[k], expected[k], 1e-15);
  EXPECT_NEAR(layers[0].smallest.front(), -5.0 / 6.0, 1e-15);
  EXPECT_NEAR(layers[0].rms, std::sqrt((4.0 + 1.0 + 25.0) / 36.0 / 3.0), 1e-15);
  EXPECT_LT(layers[0].residual_largest.front(), 1e-14);
}

TEST(PrincipalCurvatures, OfAnEllipsoidAnywhere) {
  // Gaussian curvature of x'Ax = 1, A = diag(a): det(A) / |Ax|^4; in three dimensions the product of both curvatures.
  const Vector a{0.7, 1.9, 3.1};
  const BoundaryFunction ellipsoid(identity(3), a, 1.0);
  const Vector direction{0.4, -0.3, 0.8};
  double form = 0.0;
  for (std::size_t i = 0; i < 3; ++i) form += a[i] * direction[i] * direction[i];
  Vector x = direction;
  for (double& component : x) component /= std::sqrt(form);
  double square = 0.0;
  for (std::size_t i = 0; i < 3; ++i) square += a[i] * a[i] * x[i] * x[i];
  const auto layers = principal_curvatures(ellipsoid, ellipsoid.at(x), {2, CurvatureSolver::dense});
  EXPECT_NEAR(layers[0].largest[0] * layers[0].largest[1], a[0] * a[1] * a[2] / (square * square), 1e-14);
  // H_mean = (tr A - x'A^3x / |Ax|^2) / |Ax|, the sum of both.
  double cube = 0.0;
  for (std::size_t i = 0; i < 3; ++i) cube += std::pow(a[i], 3) * x[i] * x[i];
  EXPECT_NEAR(layers[0].largest[0] + layers[0].largest[1], (a[0] + a[1] + a[2] - cube / square) / std::sqrt(square),
              1e-14);
}

TEST(PrincipalCurvatures, ALinearNetworkIsFlat) {
  const RandomNetwork network = random_network(6, {8, 7}, 1.5, 4, Activation::named("linear"));
  const BoundaryFunction boundary(network, unit_readout(network), 0.1);
  for (const LayerCurvatures& layer :
       principal_curvatures(boundary, boundary.at(Vector(6, 0.5)), {4, CurvatureSolver::dense})) {
    EXPECT_EQ(layer.rms, 0.0);
    EXPECT_EQ(layer.largest, Vector(4, 0.0));
  }
}

TEST(PrincipalCurvatures, KinksAndVanishingGradientsAreRefused) {
  for (const char* name : {"relu", "hard_tanh"}) {
    const RandomNetwork network = random_network(3, {4}, 1.0, 1, Activation::named(name));
    EXPECT_THROW(BoundaryFunction(network, Vector(4, 0.5), 0.0), std::invalid_argument) << name;
  }
  const BoundaryFunction cone(identity(3), Vector(3, 1.0), 0.0);
  EXPECT_THROW(principal_curvatures(cone, cone.at(Vector(3, 0.0)), {}), std::domain_error);
  const RandomNetwork tiny = random_network(3, {4}, 1.0, 1);
  EXPECT_THROW(BoundaryFunction(tiny, Vector(3, 0.5), 0.0), std::invalid_argument);
}

TEST(PrincipalCurvatures, OneNeuronHasNone) {
  const RandomNetwork network = random_network(2, {1, 3}, 1.0, 1);
  const BoundaryFunction boundary(network, unit_readout(network), 0.0);
  const auto layers = principal_curvatures(boundary, boundary.at(Vector{0.3, 0.4}), {4, CurvatureSolver::dense});
  EXPECT_EQ(layers[0].largest.size(), 1U);
  EXPECT_TRUE(layers[1].largest.empty());
  EXPECT_EQ(layers[2].largest.size(), 2U);
}

TEST(ChooseDense, SmallLayersAreFormedAndWideInputsAreNot) {
  const std::vector<int> figure(11, 200);
  EXPECT_EQ(choose_dense(figure, {}), std::vector<bool>(11, true));
  EXPECT_EQ(choose_dense({20000, 200, 200}, {}), (std::vector<bool>{false, true, true}));
  // Layer 1 is not formed, so the input cannot be.
  EXPECT_EQ(choose_dense({50, 20000, 200}, {}), (std::vector<bool>{false, false, true}));
  EXPECT_EQ(choose_dense(figure, {4, CurvatureSolver::slepc}), std::vector<bool>(11, false));
}

// ---- Dense extremes.

TEST(SymmetricExtremes, KnownSpectrum) {
  // The second difference: 2 - 2 cos(k pi / (n + 1)).
  constexpr int n = 60;
  Vector a(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    a[i * n + i] = 2.0;
    if (i + 1 < n) a[i * n + i + 1] = a[(i + 1) * n + i] = -1.0;
  }
  const SymmetricExtremes ends = symmetric_extremes(a, n, 5);
  for (int k = 0; k < 5; ++k) {
    const auto i = static_cast<std::size_t>(k);
    const auto exact = [](int m) { return 2.0 - 2.0 * std::cos(m * std::numbers::pi / (n + 1)); };
    EXPECT_NEAR(ends.largest[i], exact(n - k), 4.0 * n * 2.3e-16);
    EXPECT_NEAR(ends.smallest[i], exact(k + 1), 4.0 * n * 2.3e-16);
    EXPECT_LT(std::max(ends.residual_largest[i], ends.residual_smallest[i]), 4.0 * n * 2.3e-16);
  }
  EXPECT_NEAR(ends.frobenius, std::sqrt(4.0 * n + 2.0 * (n - 1)), 1e-13);
  EXPECT_EQ(symmetric_extremes({3.0}, 1, 4).largest, Vector{3.0});
}

/// Q diag(values) Q' for a Householder reflection Q of a fixed direction.
Vector with_eigenvalues(const Vector& values) {
  const std::size_t n = values.size();
  Vector w(n), a(n * n, 0.0);
  double square = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    w[i] = 1.0 + 0.37 * static_cast<double>(i * i % 7);
    square += w[i] * w[i];
  }
  const auto q = [&](std::size_t i, std::size_t j) { return (i == j ? 1.0 : 0.0) - 2.0 * w[i] * w[j] / square; };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) {
      for (std::size_t k = 0; k < n; ++k) a[i * n + j] += q(i, k) * values[k] * q(j, k);
      a[j * n + i] = a[i * n + j];
    }
  }
  return a;
}

TEST(SymmetricExtremes, EverySizeAndCountGivesBothEndsInOrder) {
  // LAPACK's dstemr orders two eigenvalues by size (of -3 and 1 the "smallest" was 1), and of more gave the largest by
  // place with errors of 1e-12. Every size, count and pattern of signs, in reflected coordinates and as a diagonal
  // matrix.
  for (std::size_t n = 1; n <= 8; ++n) {
    for (unsigned signs = 0; signs < 1U << n; ++signs) {
      Vector values;
      for (std::size_t k = 0; k < n; ++k) {
        values.push_back((signs >> k & 1U ? -1.0 : 1.0) * (0.5 + static_cast<double>(3 * k % 8)));
      }
      Vector diagonal(n * n, 0.0);
      for (std::size_t k = 0; k < n; ++k) diagonal[k * (n + 1)] = values[k];
      const Vector turned = with_eigenvalues(values);
      std::sort(values.begin(), values.end());
      for (std::size_t count = 1; count <= n + 1; ++count) {
        for (const Vector& a : {turned, diagonal}) {
          const SymmetricExtremes ends = symmetric_extremes(a, static_cast<int>(n), static_cast<int>(count));
          const std::size_t given = std::min(count, n);
          ASSERT_EQ(ends.largest.size(), given);
          ASSERT_EQ(ends.smallest.size(), given);
          for (std::size_t k = 0; k < given; ++k) {
            ASSERT_NEAR(ends.smallest[k], values[k], 1e-14) << n << " " << count << " " << signs;
            ASSERT_NEAR(ends.largest[k], values[n - 1 - k], 1e-14) << n << " " << count << " " << signs;
            // Of dstemr's vectors, the worst of which are right to 2e-13 of |A|.
            ASSERT_LT(std::max(ends.residual_largest[k], ends.residual_smallest[k]), 3e-12)
                << n << " " << count << " " << signs;
          }
        }
      }
    }
  }
}

// ---- The search.

Curve circle(std::uint64_t seed, int dimension) {
  Vector x0 = gaussian_point(stream_key(seed, 0), 0, dimension), x1 = gaussian_point(stream_key(seed, 0), 1, dimension);
  rescale(x0, 1.0);
  make_orthonormal(x0, x1);
  return curve_between(CurveKind::circle, x0, x1);
}

TEST(BoundarySearch, ChaoticNetworksMeetTheTolerance) {
  int steps = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const RandomNetwork network = random_network(50, std::vector<int>(10, 50), 4.0, seed);
    const BoundaryFunction boundary(network, unit_readout(network), 0.0);
    const auto found = boundary_on_curve(boundary, circle(seed, 50), {});
    ASSERT_TRUE(found && found->converged) << seed;
    EXPECT_LE(std::abs(boundary.value(found->point.x)), 1e-12 * found->point.scale);
    steps += found->newton_steps;
    EXPECT_NEAR(dot(found->point.x, found->point.x), 50.0, 1e-9);  // still on the circle
  }
  EXPECT_LT(steps, 20 * 12) << "bisection alone takes 36 steps to twelve digits";
}

TEST(BoundarySearch, FindsTheRootOfAKnownFunction) {
  // x^2 + y^2 = 4 along the line (0, 0) to (3, 0): t = 2 / 3.
  const BoundaryFunction sphere(identity(2), Vector(2, 1.0), 4.0);
  const auto found = boundary_on_curve(sphere, curve_between(CurveKind::line, Vector{0.0, 0.0}, Vector{3.0, 0.0}), {});
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->point.x[0], 2.0, 1e-12);
  EXPECT_LE(found->residual, 1e-12);
}

TEST(BoundarySearch, NoChangeOfSignIsSaidAndNotSoughtForEver) {
  const BoundaryFunction empty(identity(2), Vector(2, 1.0), -1.0);  // x^2 + y^2 = -1
  EXPECT_FALSE(boundary_on_curve(empty, circle(1, 2), {}));
  EXPECT_FALSE(boundary_near(empty, Vector{1.0, 1.0}, {}));
}

TEST(BoundarySearch, OverflowIsNoChangeOfSign) {
  const RandomNetwork network = random_network(3, std::vector<int>(12, 4), 40.0, 3, Activation::hermite({0, 0, 0, 1}));
  const BoundaryFunction boundary(network, unit_readout(network), 0.0);
  const auto found = boundary_on_curve(boundary, circle(2, 3), {1e-12, 64});
  EXPECT_FALSE(found && found->converged);
}

TEST(BoundarySearch, NearAGivenInputItStays) {
  const RandomNetwork network = random_network(20, {30, 30}, 2.0, 6);
  const BoundaryFunction boundary(network, unit_readout(network), 0.0);
  const auto on_curve = boundary_on_curve(boundary, circle(6, 20), {});
  ASSERT_TRUE(on_curve);
  const auto same = boundary_near(boundary, on_curve->point.x, {});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->point.x, on_curve->point.x);
  Vector moved = on_curve->point.x;
  moved[3] += 0.01;
  const auto back = boundary_near(boundary, moved, {});
  ASSERT_TRUE(back && back->converged);
  double distance = 0.0;
  for (std::size_t i = 0; i < moved.size(); ++i) distance += std::pow(back->point.x[i] - moved[i], 2);
  EXPECT_LT(std::sqrt(distance), 0.011);
}

// ---- Mean-field theory, and claim C16.

/// Means over networks of gradient norm, rms curvature, largest and smallest curvature; index 0 is the input.
struct Means {
  Vector gradient, rms, largest, smallest;
  Vector rms_error;  // standard error
};

Means simulate(double sigma_w, int width, int depth, int networks) {
  const auto layers = static_cast<std::size_t>(depth + 1);
  Means means{Vector(layers), Vector(layers), Vector(layers), Vector(layers), Vector(layers)};
  Vector squares(layers);
  for (int n = 0; n < networks; ++n) {
    const auto seed = static_cast<std::uint64_t>(n);
    const RandomNetwork network =
        random_network(width, std::vector<int>(static_cast<std::size_t>(depth), width), sigma_w, seed);
    // The level set through some input: ordered networks seldom change their sign.
    Vector input = gaussian_point(stream_key(seed, 0), 2, width);
    rescale(input, 1.0);
    const double level = BoundaryFunction(network, unit_readout(network), 0.0).value(input);
    const BoundaryFunction boundary(network, unit_readout(network), level);
    const auto hit = boundary_near(boundary, input, {});
    if (!hit) throw std::runtime_error("no boundary at the input");
    const auto found = principal_curvatures(boundary, hit->point, {1, CurvatureSolver::dense});
    for (std::size_t l = 0; l < layers; ++l) {
      means.gradient[l] += found[l].gradient_norm / networks;
      means.rms[l] += found[l].rms / networks;
      squares[l] += found[l].rms * found[l].rms / networks;
      means.largest[l] += found[l].largest.front() / networks;
      means.smallest[l] += found[l].smallest.front() / networks;
    }
  }
  for (std::size_t l = 0; l < layers; ++l) {
    means.rms_error[l] = std::sqrt((squares[l] - means.rms[l] * means.rms[l]) / (networks - 1.0));
  }
  return means;
}

TEST(BoundaryTheory, CurvatureAgreesWithSimulation) {
  for (const double sigma_w : {1.0, 2.5}) {
    constexpr int width = 160, depth = 5, networks = 24;
    const Means means = simulate(sigma_w, width, depth, networks);
    const BoundaryTheory theory =
        boundary_theory(Activation::named("tanh"), width, std::vector<int>(depth, width), sigma_w, 0.3, 1.0);
    for (std::size_t l = 0; l <= depth; ++l) {
      // Four standard errors, and what theory neglects: tr(S^4) tr(H^2) beside (tr S^2)^2 tr(H^2) at every layer
      // above, a share E phi'^4 / (E phi'^2)^2 / N <= 3 / N of the square.
      const double neglected = 1.5 * (depth + 1.0 - static_cast<double>(l)) / width;
      EXPECT_NEAR(means.rms[l] / theory.curvature_rms[l], 1.0,
                  4.0 * means.rms_error[l] / theory.curvature_rms[l] + neglected)
          << sigma_w << " layer " << l;
    }
  }
}

TEST(BoundaryTheory, OrderedCurvatureLevelsOffAndChaoticGrowsBySqrtChi1) {
  const Activation phi = Activation::named("tanh");
  // sigma_b = 0.3 at q*: chi_1, chi_2 = 0.939807, 0.543472 (sigma_w = 1.3) and 2.367261, 1.857176 (4).
  const auto at_fixed_point = [&](double sigma_w, double q_star, int depth) {
    const double q0 = (q_star - 0.09) / (sigma_w * sigma_w);
    return boundary_theory(phi, 101, std::vector<int>(static_cast<std::size_t>(depth), 101), sigma_w, 0.3, q0);
  };
  const BoundaryTheory ordered = at_fixed_point(1.3, 0.607047, 400);
  EXPECT_NEAR(ordered.curvature_rms[1], std::sqrt(0.543472 / 0.939807 / (1.0 - 0.939807) / 100.0), 1e-5);
  const BoundaryTheory chaotic = at_fixed_point(4.0, 12.604149, 30);
  EXPECT_NEAR(chaotic.curvature_rms[1] / chaotic.curvature_rms[2], std::sqrt(2.367261), 1e-6);
  EXPECT_NEAR(chaotic.curvature_rms[30], std::sqrt(1.857176 / 2.367261 / 100.0), 1e-6);
  EXPECT_NEAR(chaotic.gradient_norm[1] / chaotic.gradient_norm[2], std::sqrt(2.367261), 1e-6);
}

TEST(DecisionBoundary, ExponentiallyCurvedAtTheInputAndSymmetric) {
  // Claim C16 at half of Poole's width. The growth of the extremes per layer is that of the rms, sqrt(chi_1), once the
  // shape of the spectrum has settled; both ends are equal in law, because -beta is as likely as beta.
  constexpr int depth = 8, networks = 12;
  const Means means = simulate(4.0, 100, depth, networks);
  EXPECT_GT(means.largest[0] / means.largest[depth], 10.0);
  for (std::size_t l = 0; l < depth; ++l) {
    EXPECT_GT(means.largest[l], means.largest[l + 1]) << l;
    EXPECT_LT(means.smallest[l], means.smallest[l + 1]) << l;
  }
  const double slope = std::log(means.largest[1] / means.largest[5]) / 4.0;
  EXPECT_NEAR(slope, 0.5 * std::log(2.367261), 0.1);
  EXPECT_NEAR(-means.smallest[0] / means.largest[0], 1.0, 0.15);
}

}  // namespace
}  // namespace meander
