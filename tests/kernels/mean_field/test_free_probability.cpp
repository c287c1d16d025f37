// Free spectra against closed forms and twins: the parametrised density of linear Gaussian products, plain sums
// for slope laws, and the weights that densities and atoms must add up to.
#include "kernels/mean_field/free_probability.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

namespace meander {
namespace {

constexpr double pi = std::numbers::pi;

FreeSpectrum alike(WeightEnsemble ensemble, const Activation& phi, double sigma_w, double q, int depth) {
  return {ensemble, sigma_w, {{std::make_shared<SlopeLaw>(phi, q), depth}}};
}

/// Penson and Zyczkowski 2011: lambda = sin^(L+1)((L+1) f) / (sin f sin^L(L f)), 0 < f < pi / (L+1).
TEST(FreeSpectrum, LinearGaussianProductsHaveTheirParametrisedDensity) {
  for (const int depth : {1, 2, 3, 10, 50}) {
    const FreeSpectrum found = alike(WeightEnsemble::gaussian, Activation::named("linear"), 1.0, 1.0, depth);
    const double edge = std::exp((depth + 1.0) * std::log(depth + 1.0) - depth * std::log(depth * 1.0));
    EXPECT_NEAR(found.lambda_max() / edge, 1.0, 1e-13);
    EXPECT_DOUBLE_EQ(found.variance(), depth);
    for (const double share : {0.02, 0.3, 0.6, 0.97}) {
      const double f = share * pi / (depth + 1.0);
      const double a = std::log(std::sin((depth + 1.0) * f)), b = std::log(std::sin(depth * f)),
                   s = std::log(std::sin(f));
      const double lambda = std::exp((depth + 1.0) * a - s - depth * b);
      const double rho = std::exp(2.0 * s + (depth - 1.0) * b - depth * a) / pi;
      // Near f = 0 and its upper end lambda depends on f with a power of order depth: 1e-16 depth / (1 - share).
      EXPECT_NEAR(found.density(lambda) / rho, 1.0, 1e-10) << depth << " " << share;
    }
    EXPECT_EQ(found.density(1.001 * edge), 0.0);
    EXPECT_NEAR(found.mass_above(1.001 * edge), 0.0, 1e-14);
  }
}

/// Gates with orthogonal weights: edge ((1-p)/p) L^L / (L-1)^(L-1), or an atom of weight 1 - L (1-p) at p^-L.
TEST(FreeSpectrum, GatesHaveAnEdgeOrAnAtom) {
  const Activation phi = Activation::named("hard_tanh");
  for (const double q : {0.05, 0.25, 0.5, 1.0}) {
    const double p = std::erf(1.0 / std::sqrt(2.0 * q));
    for (const int depth : {2, 4, 30}) {
      const double sigma_w = 1.0 / std::sqrt(p);
      const FreeSpectrum found = alike(WeightEnsemble::orthogonal, phi, sigma_w, q, depth);
      const double closed = depth * (1.0 - p);
      const double edge =
          closed > 1.0 ? (1.0 - p) / p * std::exp(depth * std::log(depth) - (depth - 1.0) * std::log(depth - 1.0))
                       : std::pow(p, -depth);
      EXPECT_NEAR(found.lambda_max() / edge, 1.0, 1e-12) << q << " " << depth;
      ASSERT_EQ(found.atoms().size(), closed < 1.0 ? 1u : 0u);
      if (closed < 1.0) {
        EXPECT_NEAR(found.atoms()[0].weight, 1.0 - closed, 1e-12);
      }
      EXPECT_NEAR(found.zero_weight(), 1.0 - p, 1e-14);
      EXPECT_NEAR(found.mass_above(0.999999 * edge), closed < 1.0 ? 1.0 - closed : 0.0, 1e-3);
      // Gaussian weights: (1 + 1/z)(1 + z/p)^L at its minimum, scaled to mean 1.
      const FreeSpectrum gaussian = alike(WeightEnsemble::gaussian, phi, sigma_w, q, depth);
      const double z = (-(depth - 1.0) + std::sqrt((depth - 1.0) * (depth - 1.0) + 4.0 * depth * p)) / (2.0 * depth);
      EXPECT_NEAR(gaussian.lambda_max() / ((1.0 + 1.0 / z) * std::pow(1.0 + z / p, depth)), 1.0, 1e-12);
      EXPECT_NEAR(gaussian.variance(), depth / p, 1e-12 * depth / p);
      EXPECT_TRUE(gaussian.atoms().empty());
    }
  }
}

/// The density of any product, integrated, gives its weight, mean and variance, whatever the slopes.
TEST(FreeSpectrum, DensitiesIntegrateToTheirMoments) {
  const Activation bent = Activation::piecewise_linear({-0.5, 0.7}, {0.3, 1.0, 0.1}, 0.0, 0.0);
  for (const auto& [phi, ensemble, depth] : std::vector<std::tuple<Activation, WeightEnsemble, int>>{
           {Activation::named("tanh"), WeightEnsemble::orthogonal, 5},
           {Activation::named("erf"), WeightEnsemble::gaussian, 2},
           {Activation::named("gelu"), WeightEnsemble::orthogonal, 4},
           {Activation::named("sigmoid"), WeightEnsemble::orthogonal, 3},
           {bent, WeightEnsemble::orthogonal, 4},
           {Activation::named("relu"), WeightEnsemble::gaussian, 3}}) {
    const FreeSpectrum found = alike(ensemble, phi, 1.7, 0.6, depth);
    const double edge = found.lambda_max();
    ASSERT_TRUE(std::isfinite(edge));
    // From 1e-6 of the edge on, in ln lambda = ln edge - 6 ln 10 (1 - v)^2: smooth at the edge's root; midpoint rule.
    constexpr int points = 500;
    const double range = 6.0 * std::log(10.0);
    double weight = 0.0, mean = 0.0, second = 0.0;
    for (int k = 0; k < points; ++k) {
      const double v = 1.0 - (k + 0.5) / points;
      const double lambda = edge * std::exp(-range * v * v);
      const double mass = found.density(lambda) * lambda * range * 2.0 * v / points;
      weight += mass;
      mean += mass * lambda;
      second += mass * lambda * lambda;
    }
    for (const auto& atom : found.atoms()) {
      weight += atom.weight;
      mean += atom.weight * atom.place;
      second += atom.weight * atom.place * atom.place;
    }
    // The midpoint rule's error, 1/points^2 times a second derivative of order 100.
    EXPECT_NEAR(weight, found.mass_above(1e-6 * edge), 4e-4);
    EXPECT_NEAR(mean / found.mean(), 1.0, 4e-4);
    EXPECT_NEAR(second / mean / mean - 1.0, found.variance(), 1e-3 * (1.0 + found.variance()));
    EXPECT_NEAR(found.mass_above(0.0), 1.0 - found.zero_weight(), 1e-15);
  }
}

TEST(FreeSpectrum, WeightAboveIsTheIntegralOfTheDensity) {
  const FreeSpectrum found = alike(WeightEnsemble::orthogonal, Activation::named("tanh"), 1.1, 0.2, 10);
  constexpr int points = 2000;
  double weight = 0.0;
  for (int k = 0; k < points; ++k) weight += found.density(0.5 + (k + 0.5) / points) / points;
  // Midpoint rule on a smooth stretch of length 1.
  EXPECT_NEAR(found.mass_above(0.5) - found.mass_above(1.5), weight, 1e-6);
}

/// A single orthogonal layer's eigenvalues are the squared slopes themselves.
TEST(FreeSpectrum, OneOrthogonalLayerIsItsSlopes) {
  const FreeSpectrum found = alike(WeightEnsemble::orthogonal, Activation::named("erf"), 2.0, 0.5, 1);
  const double top = 4.0 * 4.0 / pi;  // sigma_w^2 erf'(0)^2
  EXPECT_NEAR(found.lambda_max() / top, 1.0, 1e-12);
  for (const double share : {0.1, 0.5, 0.9}) {
    // erf'^2 = 4/pi exp(-2 h^2) > level for |h| < a.
    const double a = std::sqrt(-0.5 * std::log(share));
    EXPECT_NEAR(found.mass_above(share * top), std::erf(a / std::sqrt(2.0 * 0.5)), 1e-10);
    const double gaussian = std::exp(-0.5 * a * a / 0.5) / std::sqrt(2.0 * pi * 0.5);
    EXPECT_NEAR(found.density(share * top), 2.0 * gaussian / (4.0 * a * share * top), 1e-9);
  }
}

TEST(FreeSpectrum, LinearOrthogonalIsAnAtom) {
  const FreeSpectrum found = alike(WeightEnsemble::orthogonal, Activation::named("linear"), 1.2, 1.0, 7);
  ASSERT_EQ(found.atoms().size(), 1u);
  EXPECT_NEAR(found.atoms()[0].place, std::pow(1.2, 14), 1e-12);
  EXPECT_EQ(found.atoms()[0].weight, 1.0);
  EXPECT_NEAR(found.lambda_max(), std::pow(1.2, 14), 1e-12);
  EXPECT_EQ(found.variance(), 0.0);
  EXPECT_EQ(found.density(3.0), 0.0);
}

/// The same slopes in three forms: by name, as a caller's function, and as a Hermite series.
TEST(FreeSpectrum, FormsOfOneActivationAgree) {
  const Activation custom =
      Activation::custom([](double x) { return std::tanh(x); }, [](double x) { return std::pow(std::cosh(x), -2.0); },
                         [](double) { return 0.0; });
  const FreeSpectrum a = alike(WeightEnsemble::orthogonal, Activation::named("tanh"), 1.1, 0.3, 6);
  const FreeSpectrum b = alike(WeightEnsemble::orthogonal, custom, 1.1, 0.3, 6);
  EXPECT_NEAR(a.lambda_max() / b.lambda_max(), 1.0, 1e-9);
  EXPECT_NEAR(a.density(1.0), b.density(1.0), 1e-10);
  const FreeSpectrum line = alike(WeightEnsemble::gaussian, Activation::hermite({0.0, 1.0}), 1.0, 0.3, 3);
  EXPECT_NEAR(line.lambda_max(), 256.0 / 27.0, 1e-10);
  EXPECT_TRUE(
      std::isinf(alike(WeightEnsemble::gaussian, Activation::hermite({0.0, 1.0, 0.2}), 1.0, 0.3, 3).lambda_max()));
}

/// Universality (C34, C35): at variance 1/4 tanh tends to the smooth limit like depth^(-1/2); values of SCIENCE.md.
TEST(FreeSpectrum, DeepSpectraTendToTheirUniversalLimit) {
  const FreeSpectrum limit(UniversalClass::smooth, 0.25, 1.0);
  EXPECT_NEAR(limit.lambda_max(), 2.423762600435224, 1e-12);
  // q where 100 (mu_2/mu_1^2 - 1) = 1/4, from adaptive quadrature.
  const FreeSpectrum deep =
      alike(WeightEnsemble::orthogonal, Activation::named("tanh"), 1.0186125492220, 0.019307936299638135, 100);
  EXPECT_NEAR(deep.variance(), 0.25, 1e-9);
  EXPECT_NEAR(deep.lambda_max() / deep.mean(), 2.257, 5e-4);
  EXPECT_LT(deep.lambda_max() / deep.mean(), limit.lambda_max());
  EXPECT_NEAR(limit.mass_above(1e-3), 1.0, 1e-12);
  const FreeSpectrum gates(UniversalClass::bernoulli, 0.25, 1.0);
  EXPECT_NEAR(gates.mass_above(0.9999 * std::exp(0.25)), 0.75, 1e-10);
}

}  // namespace
}  // namespace meander
