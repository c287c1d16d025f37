// The table against quadrature: every quantity, over the phase plane, for every kind of activation.
#include "kernels/mean_field/mean_field_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace meander {
namespace {

Activation activation_of(const std::string& name) {
  if (name == "cubic") return Activation::hermite({0.1, 1.0, 0.0, -0.3});
  if (name == "mixed") return Activation::piecewise_linear({-2.0, 0.5, 3.0}, {0.1, -1.0, 2.0, 0.5}, 0.0, 0.25);
  if (name == "steep") {
    return Activation::custom([](double x) { return std::tanh(7.0 * x); },
                              [](double x) { return 7.0 / std::pow(std::cosh(7.0 * x), 2); },
                              [](double x) { return -98.0 * std::tanh(7.0 * x) / std::pow(std::cosh(7.0 * x), 2); });
  }
  return Activation::named(name);
}

/// Equal, or both undefined, or within a relative tolerance.
void expect_same(double fast, double plain, double tolerance, const std::string& what) {
  if (fast == plain || (std::isnan(fast) && std::isnan(plain))) return;
  EXPECT_NEAR(fast / plain, 1.0, tolerance) << what << ": " << fast << " and " << plain;
}

TEST(MeanFieldTable, MomentsAreThoseOfQuadrature) {
  for (const char* name : {"tanh", "hard_tanh", "relu", "gelu", "sigmoid", "cubic", "mixed", "steep"}) {
    const MeanFieldTable table(activation_of(name));
    for (double q = 1e-12; q < 1e12; q *= 7.3) {
      const GaussianMoments fast = table.gaussian_moments(q);
      const GaussianMoments plain = gaussian_moments(table.activation(), q);
      const std::string what = name + std::string(" ") + std::to_string(q);
      // 1e-12 is what the header promises.
      expect_same(fast.phi2, plain.phi2, 1e-12, what);
      expect_same(fast.dphi2, plain.dphi2, 1e-12, what);
      expect_same(fast.d2phi2, plain.d2phi2, 1e-12, what);
      expect_same(fast.dphi2_h2, plain.dphi2_h2, 1e-12, what);
      EXPECT_NEAR(fast.phi_dphi_h, plain.phi_dphi_h, 1e-12 * std::sqrt(plain.phi2 * plain.dphi2_h2)) << what;
    }
  }
}

/// A kink that only the tails reach: E phi^2 changes by many decades within an octave, and quadrature takes over.
TEST(MeanFieldTable, InterpolatesOnlyWhatItCan) {
  const Activation late = Activation::piecewise_linear({5.0}, {0.0, 1.0}, 0.0, 0.0);
  const MeanFieldTable table(late);
  for (const double q : {0.05, 0.11, 1.0, 300.0}) {
    expect_same(table.gaussian_moments(q).phi2, gaussian_moments(late, q).phi2, 1e-12, std::to_string(q));
  }
}

TEST(MeanFieldTable, PhasePointsAreThoseOfQuadrature) {
  for (const char* name :
       {"tanh", "hard_tanh", "relu", "linear", "erf", "sigmoid", "gelu", "swish", "cubic", "mixed"}) {
    const MeanFieldTable table(activation_of(name));
    for (const double sigma_w : {0.3, 0.9, 1.35, 1.8, 2.5, 4.4, 8.0}) {
      for (const double sigma_b : {0.0, 0.05, 0.3, 1.7, 4.0}) {
        for (const double keep : {1.0, 0.9}) {
          const MeanFieldParameters at{sigma_w, sigma_b, 1.0, keep};
          const PhasePoint fast = table.phase_point(at);
          const PhasePoint plain = phase_point(table.activation(), at);
          const std::string what = name + std::string(" ") + std::to_string(sigma_w) + " " + std::to_string(sigma_b);
          EXPECT_EQ(fast.converged, plain.converged) << what;
          // 1e-9 is what is promised of both; errors of a slope are multiplied by the depth scale.
          expect_same(fast.q_star, plain.q_star, 1e-11, what + " q_star");
          expect_same(fast.chi_1, plain.chi_1, 1e-11, what + " chi_1");
          expect_same(fast.chi_2, plain.chi_2, 1e-11, what + " chi_2");
          expect_same(fast.xi_q, plain.xi_q, 1e-9, what + " xi_q");
          expect_same(fast.xi_c, plain.xi_c, 1e-9, what + " xi_c");
          if (!std::isnan(plain.c_star)) {
            EXPECT_NEAR(fast.c_star, plain.c_star, 1e-11) << what;
          } else {
            EXPECT_TRUE(std::isnan(fast.c_star)) << what;
          }
        }
      }
    }
  }
}

/// The trap of PERFORMANCE: 64 Gauss-Hermite nodes give 1.49 here, 200 give 2.02.
TEST(MeanFieldTable, PolesNearTheRealAxis) {
  const MeanFieldTable table(Activation::named("tanh"));
  // mpmath.quad, 30 digits.
  EXPECT_NEAR(table.phase_point({4.0, 2.0, 1.0, 1.0}).chi_1, 2.0465, 5e-5);
}

TEST(MeanFieldTable, OrderOfQuestionsDoesNotMatter) {
  const MeanFieldTable one(Activation::named("tanh"));
  const MeanFieldTable other(Activation::named("tanh"));
  std::vector<MeanFieldParameters> points;
  for (double sigma_w = 0.7; sigma_w < 5.0; sigma_w += 0.37) points.push_back({sigma_w, 0.3, 1.0, 1.0});
  std::vector<PhasePoint> forwards;
  for (const auto& at : points) forwards.push_back(one.phase_point(at));
  for (std::size_t i = points.size(); i-- > 0;) {
    const PhasePoint again = other.phase_point(points[i]);
    EXPECT_EQ(again.q_star, forwards[i].q_star);
    EXPECT_EQ(again.c_star, forwards[i].c_star);
    EXPECT_EQ(again.xi_c, forwards[i].xi_c);
  }
}

TEST(MeanFieldTable, CriticalLinesAndBasins) {
  for (const char* name : {"tanh", "hard_tanh", "erf", "sigmoid", "gelu", "swish", "relu", "mixed"}) {
    const MeanFieldTable table(activation_of(name));
    for (const double sigma_b : {0.0, 0.1, 2.0}) {
      const MeanFieldParameters at{1.0, sigma_b, 1.0, 1.0};
      const std::string what = name + std::string(" ") + std::to_string(sigma_b);
      const double critical = table.sigma_w_critical(at);
      expect_same(critical, sigma_w_critical(table.activation(), at), 1e-12, what);
      if (!std::isnan(critical)) {
        const double below = table.phase_point({critical * (1.0 - 1e-6), sigma_b, 1.0, 1.0}).chi_1;
        const double above = table.phase_point({critical * (1.0 + 1e-6), sigma_b, 1.0, 1.0}).chi_1;
        EXPECT_LT((below - 1.0) * (above - 1.0), 0.0) << what;
      }
    }
  }
  const MeanFieldTable gelu(Activation::named("gelu"));
  const MeanFieldParameters at{1.5, 0.1, 1.0, 1.0};
  const Basin basin = gelu.length_basin(at, gelu.phase_point(at).q_star);
  EXPECT_EQ(basin.low, 0.0);
  EXPECT_NEAR(basin.high, 1.3154, 5e-5);
  for (const double nudge : {0.999, 1.001}) {
    const MeanFieldParameters start{1.5, 0.1, nudge * basin.high, 1.0};
    EXPECT_EQ(std::isinf(gelu.phase_point(start).q_star), nudge > 1.0);
  }
}

TEST(MeanFieldTable, LayersToTheFixedPoint) {
  const MeanFieldTable table(Activation::named("tanh"));
  const MeanFieldParameters at{1.3, 0.3, 1.0, 1.0};
  const double q_star = table.phase_point(at).q_star;
  double q = 1.0;
  int layers = 0;
  while (std::abs(q - q_star) > 0.01 * q_star) {
    q = 1.69 * gaussian_moments(table.activation(), q).phi2 + 0.09;
    ++layers;
  }
  EXPECT_EQ(table.layers_to(at, q_star, 0.01), layers);
  EXPECT_EQ(table.layers_to({1.3, 0.3, q_star, 1.0}, q_star, 0.01), 0);
  EXPECT_EQ(table.layers_to(at, q_star, 0.01, layers - 1), std::nullopt);
  EXPECT_EQ(table.layers_to(at, 0.0, 0.01), std::nullopt);
}

}  // namespace
}  // namespace meander
