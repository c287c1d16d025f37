// q*, chi_1 and correlations of the activations whose averages are not built in, and of the sine's, against closed
// forms and plain iteration.
#include "kernels/mean_field/mean_field.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/hermite_coefficients.hpp"
#include "kernels/mean_field/mean_field_table.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// E f(h), h ~ N(0, q), by Simpson's rule on either side of zero: another rule than the one under test.
double simpson(double q, const std::function<double(double)>& f) {
  constexpr int count = 20000;
  const double step = 14.0 / count;
  double sum = 0.0;
  for (const double side : {-1.0, 1.0}) {
    for (int k = 0; k <= count; ++k) {
      const double z = side * (k == 0 ? 1e-300 : k * step);
      const double weight = k == 0 || k == count ? 1.0 : k % 2 == 1 ? 4.0 : 2.0;
      sum += weight * f(std::sqrt(q) * z) * std::exp(-0.5 * z * z) * step / 3.0;
    }
  }
  return sum / std::sqrt(2.0 * std::numbers::pi);
}

double square(double x) {
  return x * x;
}

/// Where the length map leads from 1, by Simpson's rule alone.
double iterated(const Activation& phi, double sigma_w, double sigma_b) {
  double q = 1.0;
  for (int i = 0; i < 400; ++i) {
    const double next = square(sigma_w) * simpson(q, [&](double h) { return square(phi(h)); }) + square(sigma_b);
    if (std::abs(next - q) < 1e-15 * q) break;
    q = next;
  }
  return q;
}

TEST(NewActivations, FixedPointsAndSlopesAreThoseOfPlainIteration) {
  const std::vector<std::pair<std::string, Activation>> all{
      {"leaky_relu", Activation::leaky_relu(0.2)}, {"elu", Activation::named("elu")},
      {"elu 0.5", Activation::elu(0.5)},           {"selu", Activation::named("selu")},
      {"softplus", Activation::named("softplus")}, {"sin", Activation::named("sin")}};
  for (const auto& [name, phi] : all) {
    for (const double sigma_b : {0.1, 0.6}) {
      const double sigma_w = name == "sin" ? 2.0 : name == "selu" ? 0.9 : 1.0;
      const double q = iterated(phi, sigma_w, sigma_b);
      const double chi = square(sigma_w) * simpson(q, [&](double h) { return square(phi.derivative(h)); });
      const PhasePoint point = phase_point(phi, sigma_w, sigma_b);
      EXPECT_NEAR(point.q_star / q, 1.0, 1e-10) << name;
      EXPECT_NEAR(point.chi_1 / chi, 1.0, 1e-10) << name;
      const MeanFieldTable table(phi);
      const PhasePoint tabled = table.phase_point({.sigma_w = sigma_w, .sigma_b = sigma_b, .q0 = 1.0, .keep = 1.0});
      EXPECT_NEAR(tabled.q_star / q, 1.0, 1e-10) << name;
      EXPECT_NEAR(tabled.chi_1 / chi, 1.0, 1e-10) << name;
    }
  }
}

TEST(NewActivations, SineFollowsItsClosedForms) {
  const Activation sine = Activation::named("sin");
  for (const double sigma_w : {0.8, 1.5, 30.0, 1000.0}) {
    double q = 1.0;
    for (int i = 0; i < 3000; ++i) q = square(sigma_w) * -0.5 * std::expm1(-2.0 * q) + 0.04;
    const PhasePoint point = phase_point(sine, sigma_w, 0.2);
    EXPECT_NEAR(point.q_star / q, 1.0, 1e-12) << sigma_w;
    EXPECT_NEAR(point.chi_1 / (square(sigma_w) * 0.5 * (1.0 + std::exp(-2.0 * q))), 1.0, 1e-12) << sigma_w;
  }
  // E phi'^2 tends to 1/2: the largest gain on the ordered side, for lengths without a bound, is 2.
  EXPECT_NEAR(phase_point(sine, 1e4, 0.0).chi_1 / 0.5e8, 1.0, 1e-12);
}

TEST(NewActivations, PairsOfSinesFollowTheirClosedForms) {
  const Activation sine = Activation::named("sin");
  // The general rules know nothing of this function being the sine.
  const Activation plain =
      Activation::custom([](double x) { return std::sin(x); }, [](double x) { return std::cos(x); },
                         [](double x) { return -std::sin(x); });
  for (const double q : {1e-6, 0.3, 2.0, 6.0}) {
    for (const double c : {-0.9, 0.0, 1e-3, 0.5, 0.99}) {
      const PairAverages closed = pair_averages(sine, q, 1.5 * q, c);
      const PairAverages found = pair_averages(plain, q, 1.5 * q, c);
      EXPECT_NEAR(closed.phi_phi, found.phi_phi, 1e-12 * q) << q << " " << c;
      EXPECT_NEAR(closed.dphi_dphi, found.dphi_dphi, 1e-12) << q << " " << c;
    }
    for (const double epsilon : {1e-9, 1e-4, 0.05, 0.5, 1.0}) {
      const CorrelationChord closed = correlation_chord(sine, q, epsilon);
      const CorrelationChord found = correlation_chord(plain, q, epsilon);
      EXPECT_NEAR(closed.chord / found.chord, 1.0, 1e-11) << q << " " << epsilon;
      EXPECT_NEAR(closed.tangent, found.tangent, 1e-11) << q << " " << epsilon;
    }
    const auto closed = hermite_coefficients(sine, q, 24);
    const auto found = hermite_coefficients(plain, q, 24);
    for (std::size_t n = 0; n < 24; ++n) EXPECT_NEAR(closed[n], found[n], 1e-13) << q << " " << n;
  }
  const CorrelationChord far = correlation_chord(sine, 1e12, 0.25);
  EXPECT_NEAR(far.chord / (0.5 / 0.25e12), 1.0, 1e-12);
}

TEST(NewActivations, SlopesAtInfinityAreTheLimits) {
  // Lengths grow without bound: chi_1 is that of two straight arms.
  for (const auto& [name, left, right] :
       {std::tuple{"elu", 0.0, 1.0}, std::tuple{"softplus", 0.0, 1.0}, std::tuple{"leaky_relu", 0.01, 1.0},
        std::tuple{"selu", 0.0, 1.0507009873554805}}) {
    const PhasePoint point = phase_point(Activation::named(name), 2.0, 0.5);
    EXPECT_EQ(point.q_star, infinity) << name;
    EXPECT_NEAR(point.chi_1, 4.0 * 0.5 * (left * left + right * right), 1e-9) << name;
  }
}

/// E phi(u1) phi(u2) over a plane, by Simpson's rule in each variable on either side of each kink.
PairAverages plain_pair(const Activation& phi, double q, double c) {
  PairAverages sum{0.0, 0.0};
  const double narrow = std::sqrt(1.0 - c * c);
  const auto composite = [](double a, double b, int count, const std::function<void(double, double)>& node) {
    for (int k = 0; k <= count; ++k) {
      const double weight = (k == 0 || k == count ? 1.0 : k % 2 == 1 ? 4.0 : 2.0) * (b - a) / count / 3.0;
      // Off the ends, where slopes have two values.
      node(a + (b - a) * std::clamp(static_cast<double>(k) / count, 1e-14, 1.0 - 1e-14), weight);
    }
  };
  for (const auto& [a, b] : {std::pair{-9.0, 0.0}, std::pair{0.0, 9.0}}) {
    composite(a, b, 1200, [&](double z1, double w1) {
      const double kink = std::clamp(-c * z1 / narrow, -9.0, 9.0);
      for (const auto& [d, e] : {std::pair{-9.0, kink}, std::pair{kink, 9.0}}) {
        if (e - d < 1e-12) continue;
        composite(d, e, 600, [&](double z2, double w2) {
          const double weight = w1 * w2 * std::exp(-0.5 * (z1 * z1 + z2 * z2)) / (2.0 * std::numbers::pi);
          const double u1 = std::sqrt(q) * z1, u2 = std::sqrt(q) * (c * z1 + narrow * z2);
          sum.phi_phi += weight * phi(u1) * phi(u2);
          sum.dphi_dphi += weight * phi.derivative(u1) * phi.derivative(u2);
        });
      }
    });
  }
  return sum;
}

TEST(NewActivations, PairsAreThoseOfAPlainRule) {
  for (const std::string name : {"elu", "selu", "softplus"}) {
    const Activation phi = Activation::named(name);
    for (const double c : {0.2, 0.8}) {
      const PairAverages plain = plain_pair(phi, 1.3, c);
      const PairAverages found = pair_averages(phi, 1.3, 1.3, c);
      EXPECT_NEAR(found.phi_phi, plain.phi_phi, 1e-8) << name << " " << c;
      EXPECT_NEAR(found.dphi_dphi, plain.dphi_dphi, 1e-7) << name << " " << c;
    }
  }
}

TEST(NewActivations, CorrelationsOfKinkedOnesAreThoseOfTheirPieces) {
  // Told what its kinks are, but not its pieces: the leaky ReLU by quadrature.
  const Activation leaky = Activation::leaky_relu(0.2);
  const Activation plain =
      Activation::custom([](double x) { return x > 0.0 ? x : 0.2 * x; }, [](double x) { return x > 0.0 ? 1.0 : 0.2; },
                         [](double) { return 0.0; }, {.kinks = std::vector<double>{0.0}});
  for (const double epsilon : {1e-15, 1e-13, 1e-11, 1e-8, 1e-4, 0.03, 0.4, 1.0}) {
    const CorrelationChord exact = correlation_chord(leaky, 1.3, epsilon);
    const CorrelationChord found = correlation_chord(plain, 1.3, epsilon);
    EXPECT_NEAR(found.chord / exact.chord, 1.0, 1e-9) << epsilon;
    EXPECT_NEAR(found.tangent / exact.tangent, 1.0, 1e-9) << epsilon;
  }
  for (const double c : {-0.999, -0.4, 0.3, 0.97}) {
    const PairAverages exact = pair_averages(leaky, 0.7, 30.0, c);
    const PairAverages found = pair_averages(plain, 0.7, 30.0, c);
    EXPECT_NEAR(found.phi_phi, exact.phi_phi, 1e-9) << c;
    EXPECT_NEAR(found.dphi_dphi, exact.dphi_dphi, 1e-9) << c;
  }
}

TEST(NewActivations, CorrelationsOfSeluStandStill) {
  const Activation selu = Activation::named("selu");
  const PhasePoint point = phase_point(selu, 1.2, 0.5);
  ASSERT_TRUE(point.converged);
  ASSERT_LT(point.c_star, 1.0);
  // A fixed point of the correlation map.
  const PairAverages pair = pair_averages(selu, point.q_star, point.q_star, point.c_star);
  EXPECT_NEAR((1.2 * 1.2 * pair.phi_phi + 0.25) / point.q_star, point.c_star, 1e-9);
  const PhasePoint tabled = MeanFieldTable(selu).phase_point({.sigma_w = 1.2, .sigma_b = 0.5, .q0 = 1.0, .keep = 1.0});
  EXPECT_NEAR(tabled.c_star, point.c_star, 1e-9);
}

TEST(NewActivations, KnownKinksOffZeroCostNoDigits) {
  const Activation clipped = Activation::named("hard_tanh");
  const Activation plain =
      Activation::custom([&](double x) { return clipped(x); }, [&](double x) { return clipped.derivative(x); },
                         [](double) { return 0.0; }, {.kinks = std::vector<double>{-1.0, 1.0}});
  for (const double sigma_w : {1.2, 2.0}) {
    const PhasePoint exact = phase_point(clipped, sigma_w, 0.3);
    const PhasePoint found = phase_point(plain, sigma_w, 0.3);
    EXPECT_NEAR(found.q_star / exact.q_star, 1.0, 1e-11);
    EXPECT_NEAR(found.chi_1 / exact.chi_1, 1.0, 1e-11);
    EXPECT_NEAR(found.c_star, exact.c_star, 1e-8);
    EXPECT_EQ(found.chi_2, infinity);
  }
}

}  // namespace
}  // namespace meander
