// What the papers say of the maps, layer by layer (claims C1, C3, C5, C6), and fixed points held against quadrature of
// another kind than the one they were found with.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/mean_field/correlation_map.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field_table.hpp"

namespace meander {
namespace {

constexpr double sigma_b = 0.3;
const std::vector<double> paper_weights = {1.3, 2.5, 4.0};

/// C1: whatever the length, q is within 10 % of q* after a few layers (Poole et al. 2016, figure 1), and what is left
/// shrinks by exp(-1 / xi_q) a layer.
TEST(Claims, LengthsConvergeWithinAFewLayers) {
  const MeanFieldTable table(Activation::named("tanh"));
  for (const double sigma_w : paper_weights) {
    for (const double q0 : {0.1, 1.0, 15.0}) {
      const MeanFieldParameters at{sigma_w, sigma_b, q0, 1.0};
      const PhasePoint point = table.phase_point(at);
      // xi_q is 1.34 at most here: e^(-6 / 1.34) = 1 % of what it was, and large q enter in one layer.
      EXPECT_LE(table.layers_to(at, point.q_star, 0.1).value(), 7) << sigma_w << " " << q0;
      double q = q0;
      for (int layer = 0; layer < 12; ++layer) q = length_map(table.activation(), sigma_w, sigma_b, q);
      const double next = length_map(table.activation(), sigma_w, sigma_b, q);
      if (std::abs(q / point.q_star - 1.0) < 1e-10) continue;  // nothing left but rounding
      // The ratio is V' up to the deviation itself, 2 % after twelve layers.
      EXPECT_NEAR((next - point.q_star) / (q - point.q_star), std::exp(-1.0 / point.xi_q), 0.02);
    }
  }
}

/// C3, C5: from c = 0.2, 0.5, 0.8 (figure 2) to c*, at the rate of xi_c.
TEST(Claims, CorrelationsConvergeAtTheirDepthScale) {
  const Activation tanh = Activation::named("tanh");
  for (const double sigma_w : paper_weights) {
    const PhasePoint point = phase_point(tanh, sigma_w, sigma_b);
    const double q = point.q_star;
    const auto step = [&](double c) { return covariance_map(tanh, sigma_w, sigma_b, q, q, c * q) / q; };
    for (const double start : {0.2, 0.5, 0.8}) {
      double c = start;
      const int layers = static_cast<int>(8.0 * point.xi_c);
      for (int layer = 0; layer < layers; ++layer) c = step(c);
      // e^-8, with room for the bent way there.
      EXPECT_NEAR(c, point.c_star, 2e-3) << sigma_w << " from " << start;
      const double ratio = (step(c) - point.c_star) / (c - point.c_star);
      EXPECT_NEAR(ratio, std::exp(-1.0 / point.xi_c), 2e-3) << sigma_w << " from " << start;
    }
  }
}

/// C5: xi_c grows without bound towards the line, from both sides and as 1 / |chi_1 - 1|, while xi_q stays as it is.
TEST(Claims, OnlyTheCorrelationScaleDivergesAtCriticality) {
  const MeanFieldTable table(Activation::named("tanh"));
  const double line = table.sigma_w_critical({1.0, sigma_b, 1.0, 1.0});
  const double xi_q = table.phase_point({line, sigma_b, 1.0, 1.0}).xi_q;
  double last = 0.0;
  for (const double distance : {1e-1, 1e-2, 1e-3, 1e-4}) {
    for (const double side : {-1.0, 1.0}) {
      const PhasePoint point = table.phase_point({line + side * distance, sigma_b, 1.0, 1.0});
      EXPECT_GT(point.xi_c, last);
      // Both to first order in the distance, with coefficients of order one (2.1 and 1.1 are found).
      EXPECT_NEAR(point.xi_c * std::abs(point.chi_1 - 1.0), 1.0, 4.0 * distance);
      EXPECT_NEAR(point.xi_q, xi_q, 4.0 * distance);
    }
    last = 0.5 / distance;
  }
}

/// On the line 1 - c falls like 2 / (chi_2 q l) instead: C = c + chi_2 q (1 - c)^2 / 2 + ...
TEST(Claims, CriticalApproachIsAlgebraic) {
  const Activation tanh = Activation::named("tanh");
  const double sigma_w = sigma_w_critical(tanh, sigma_b);
  const PhasePoint point = phase_point(tanh, sigma_w, sigma_b);
  const double q = point.q_star;
  double c = 0.5;
  constexpr int layers = 300;
  for (int layer = 0; layer < layers; ++layer) c = covariance_map(tanh, sigma_w, sigma_b, q, q, c * q) / q;
  // Corrections are ln(l) / l.
  EXPECT_NEAR((1.0 - c) * 0.5 * point.chi_2 * q * layers, 1.0, std::log(layers) * 5.0 / layers);
}

/// Bias-free ReLU: 1 - c falls like 9 pi^2 / (2 l^2), whatever sigma_w: no depth scale.
TEST(Claims, ReluApproachIsAlgebraic) {
  const Activation relu = Activation::named("relu");
  for (const double sigma_w : {1.0, std::numbers::sqrt2, 2.0}) {
    double q = 1.0;
    double q12 = 0.0;
    constexpr int layers = 200;
    for (int layer = 0; layer < layers; ++layer) {
      q12 = covariance_map(relu, sigma_w, 0.0, q, q, q12);
      q = length_map(relu, sigma_w, 0.0, q);
    }
    const double expected = 4.5 * std::numbers::pi * std::numbers::pi / (layers * layers);
    // Relative corrections are ln(l) / l.
    EXPECT_NEAR((1.0 - q12 / q) / expected, 1.0, 10.0 * std::log(layers) / layers) << sigma_w;
  }
}

/// C6: with dropout nothing diverges, and xi_c falls as more is dropped.
TEST(Claims, DropoutBoundsTheDepthScale) {
  const MeanFieldTable table(Activation::named("tanh"));
  const double floor = std::sqrt(0.05);
  double last = 1e300;
  for (const double keep : {0.999, 0.99, 0.9}) {
    double largest = 0.0;
    for (double sigma_w = 1.0; sigma_w < 2.0; sigma_w += 0.001) {
      const PhasePoint point = table.phase_point({sigma_w, floor, 1.0, keep});
      ASSERT_LT(point.c_star, 1.0);
      largest = std::max(largest, point.xi_c);
    }
    EXPECT_LT(largest, 0.5 * last);
    last = largest;
  }
}

/// Adaptive Simpson: a rule of another family than all that is used in kernels/.
double simpson(const std::function<double(double)>& f, double a, double b, double fa, double fm, double fb,
               double whole, double tolerance, int depth) {
  const double m = 0.5 * (a + b);
  const double left = f(0.5 * (a + m));
  const double right = f(0.5 * (m + b));
  const double low = (m - a) / 6.0 * (fa + 4.0 * left + fm);
  const double high = (b - m) / 6.0 * (fm + 4.0 * right + fb);
  const double change = low + high - whole;
  if (depth == 0 || std::abs(change) < 15.0 * tolerance) return low + high + change / 15.0;
  return simpson(f, a, m, fa, left, fm, low, 0.5 * tolerance, depth - 1) +
         simpson(f, m, b, fm, right, fb, high, 0.5 * tolerance, depth - 1);
}

/// E f(z), z a standard Gaussian, split where kinks of this activation lie.
double average(const std::function<double(double)>& f, std::vector<double> kinks, double tolerance) {
  const auto weighted = [&](double z) { return f(z) * std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi); };
  for (int i = -20; i <= 20; ++i) kinks.push_back(0.5 * i);
  std::sort(kinks.begin(), kinks.end());
  double sum = 0.0;
  for (std::size_t i = 0; i + 1 < kinks.size(); ++i) {
    // A hair inside, so that no end is evaluated on the far side of a jump.
    const double hair = 1e-13;
    const double a = kinks[i] + hair;
    const double b = kinks[i + 1] - hair;
    if (b <= a || a < -10.0 || b > 10.0) continue;
    const double fa = weighted(a);
    const double fm = weighted(0.5 * (a + b));
    const double fb = weighted(b);
    sum += simpson(weighted, a, b, fa, fm, fb, (b - a) / 6.0 * (fa + 4.0 * fm + fb), tolerance, 40);
  }
  return sum;
}

std::vector<double> kinks_of(const Activation& activation, double scale) {
  std::vector<double> kinks;
  if (const LinearPieces* pieces = activation.pieces()) {
    for (const double u : pieces->breakpoints) kinks.push_back(u / scale);
  }
  return kinks;
}

/// The promise of 1e-9 for sigma_w <= 8, sigma_b <= 4: V(q*) = q* and chi_1, by Simpson's rule.
TEST(IndependentQuadrature, FixedPointsOfTheLengthMap) {
  for (const char* name : {"relu", "hard_tanh", "tanh", "erf", "sigmoid", "gelu", "swish"}) {
    const MeanFieldTable table(Activation::named(name));
    const Activation& phi = table.activation();
    for (const double sigma_w : {0.8, 1.3, 3.1, 5.5, 8.0}) {
      for (const double bias : {0.05, 1.1, 4.0}) {
        const PhasePoint point = table.phase_point({sigma_w, bias, 1.0, 1.0});
        if (!std::isfinite(point.q_star)) continue;
        const double scale = std::sqrt(point.q_star);
        const auto kinks = kinks_of(phi, scale);
        const double image =
            sigma_w * sigma_w * average([&](double z) { return std::pow(phi(scale * z), 2); }, kinks, 1e-14) +
            bias * bias;
        const double chi =
            sigma_w * sigma_w * average([&](double z) { return std::pow(phi.derivative(scale * z), 2); }, kinks, 1e-14);
        EXPECT_NEAR(image / point.q_star, 1.0, 1e-11) << name << " " << sigma_w << " " << bias;
        EXPECT_NEAR(chi / point.chi_1, 1.0, 1e-9) << name << " " << sigma_w << " " << bias;
      }
    }
  }
}

/// C(c*) = c* and C'(c*), the inner average at each outer point by Simpson's rule again. To 1e-8: its cost grows with
/// every digit.
TEST(IndependentQuadrature, FixedPointsOfTheCorrelationMap) {
  struct Case {
    const char* name;
    double sigma_w, bias;
  };
  for (const Case& at : {Case{"tanh", 1.6, 0.3}, Case{"tanh", 4.0, 2.0}, Case{"hard_tanh", 2.0, 0.8}}) {
    const MeanFieldTable table(Activation::named(at.name));
    const Activation& phi = table.activation();
    const PhasePoint point = table.phase_point({at.sigma_w, at.bias, 1.0, 1.0});
    ASSERT_TRUE(point.c_star > 0.0 && point.c_star < 1.0);
    const double scale = std::sqrt(point.q_star);
    const double c = point.c_star;
    const double spread = std::sqrt(1.0 - c * c);
    const auto pair = [&](const std::function<double(double)>& f) {
      return average(
          [&](double x) {
            std::vector<double> kinks = kinks_of(phi, scale);
            for (double& kink : kinks) kink = (kink - c * x) / spread;
            return f(scale * x) *
                   average([&](double y) { return f(scale * (c * x + spread * y)); }, std::move(kinks), 1e-12);
          },
          kinks_of(phi, scale), 1e-11);
    };
    const double gain = at.sigma_w * at.sigma_w;
    const double image = (gain * pair([&](double h) { return phi(h); }) + at.bias * at.bias) / point.q_star;
    const double slope = gain * pair([&](double h) { return phi.derivative(h); });
    EXPECT_NEAR(image, c, 1e-9) << at.name << " " << at.sigma_w;
    EXPECT_NEAR(slope, std::exp(-1.0 / point.xi_c), 1e-8) << at.name << " " << at.sigma_w;
  }
}

}  // namespace
}  // namespace meander
