// Designed activations keep what they promise under the maps themselves, are the least curved that do, and are
// refused where there are none.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/correlation_map.hpp"
#include "kernels/mean_field/hermite_design.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field.hpp"

namespace meander {
namespace {

using Outcome = HermiteDesign::Outcome;

double chi_2_of(const std::vector<double>& c, double gain) {
  double sum = 0.0;
  for (std::size_t n = 2; n < c.size(); ++n) sum += static_cast<double>(n * (n - 1)) * c[n] * c[n];
  return gain * sum;
}

/// The maps are quadratures of the function itself and know nothing of its coefficients.
TEST(HermiteDesign, MeetsItsTargetUnderTheMaps) {
  int found = 0;
  for (const std::vector<int>& orders :
       {std::vector<int>{0, 1, 2, 3}, {1, 3}, {0, 1, 3}, {1, 3, 5}, {0, 1, 2, 3, 4, 5}}) {
    for (const double chi_1 : {0.6, 1.0, 1.4, 2.2}) {
      for (const double sigma_b : {0.0, 0.4}) {
        const double sigma_w = 1.3;
        const HermiteDesign design = design_hermite({chi_1, 0.5, orders, sigma_w, sigma_b});
        if (design.outcome != Outcome::found) continue;
        ++found;
        const Activation phi = Activation::hermite(design.coefficients);
        const GaussianMoments m = gaussian_moments(phi, 1.0);
        EXPECT_NEAR(length_map(phi, sigma_w, sigma_b, 1.0), 1.0, 1e-10);  // the accuracy of gaussian_moments
        EXPECT_NEAR(sigma_w * sigma_w * m.dphi2, chi_1, 1e-9);
        EXPECT_NEAR(sigma_w * sigma_w * m.phi_dphi_h, design.length_slope, 1e-9);
        EXPECT_LT(design.length_slope, 1.0);
        EXPECT_NEAR(covariance_slope(phi, sigma_w, 1.0, 1.0, 1.0), chi_1, 1e-9);
        // The map leads back to 1 from close by.
        EXPECT_NEAR(attractor(phi, sigma_w, sigma_b, 1.01), 1.0, 1e-9);
        EXPECT_NEAR(attractor(phi, sigma_w, sigma_b, 0.99), 1.0, 1e-9);
      }
    }
  }
  EXPECT_GE(found, 24);
}

/// Two orders of one parity leave nothing to choose: c_1^2 + c_3^2 = 1, c_1^2 + 3 c_3^2 = chi_1.
TEST(HermiteDesign, ClosedForms) {
  const HermiteDesign odd = design_hermite({1.5, 0.5, {1, 3}, 1.0, 0.0});
  EXPECT_NEAR(odd.coefficients[1], std::sqrt(0.75), 1e-14);
  EXPECT_NEAR(odd.coefficients[3], -0.5, 1e-14);
  EXPECT_NEAR(odd.length_slope, 1.5 - std::sqrt(0.75) * 0.5 * std::sqrt(6.0), 1e-14);
  const HermiteDesign even = design_hermite({1.0, -1.0, {0, 2}, 2.0, 0.0});
  EXPECT_NEAR(even.coefficients[0], 0.5 * std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(even.coefficients[2], -0.5 * std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(even.length_slope, 1.0 - std::sqrt(0.5), 1e-14);
  // An order may be all that chi_1 asks for: a constant and a slope, no curvature.
  const HermiteDesign straight = design_hermite({0.5, 0.6, {0, 1, 2, 3}, 1.0, 0.0});
  EXPECT_NEAR(straight.coefficients[0], std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(straight.coefficients[1], std::sqrt(0.5), 1e-12);
  EXPECT_EQ(straight.coefficients[2], 0.0);
  EXPECT_EQ(straight.coefficients[3], 0.0);
}

struct Searched {
  double curvature = std::numeric_limits<double>::infinity();
  double slope = std::numeric_limits<double>::infinity();
};

/// The plain twin for orders 0 to 3 at sigma_w = 1: every (c_2, c_3) of a grid, signs for the smallest slope.
Searched search(double chi_1, double sigma_b, double wish, double step) {
  const double room = 1.0 - sigma_b * sigma_b;
  Searched best;
  for (double c2 = 0.0; c2 <= 1.0; c2 += step) {
    for (double c3 = 0.0; c3 <= 1.0; c3 += step) {
      const double c1_squared = chi_1 - 2.0 * c2 * c2 - 3.0 * c3 * c3;
      const double c0_squared = room - c1_squared - c2 * c2 - c3 * c3;
      if (c1_squared < 0.0 || c0_squared < 0.0) continue;
      const double slope = chi_1 - std::sqrt(2.0 * c0_squared) * c2 - std::sqrt(6.0 * c1_squared) * c3;
      best.slope = std::min(best.slope, slope);
      if (slope <= wish) best.curvature = std::min(best.curvature, 2.0 * c2 * c2 + 6.0 * c3 * c3);
    }
  }
  return best;
}

TEST(HermiteDesign, IsTheLeastCurvedThatIsStable) {
  constexpr double step = 1e-3;
  for (const double chi_1 : {0.8, 1.0, 1.3, 1.8}) {
    for (const double sigma_b : {0.0, 0.3}) {
      for (const double wish : {0.5, 0.7}) {
        const HermiteDesign design = design_hermite({chi_1, wish, {0, 1, 2, 3}, 1.0, sigma_b});
        const Searched searched = search(chi_1, sigma_b, wish, step);
        if (searched.slope > wish) continue;
        ASSERT_EQ(design.outcome, Outcome::found);
        EXPECT_LE(design.length_slope, wish + 1e-12);
        // The grid holds no better one, and one nearly as good: its neighbour loses at most the change of 2 c_2^2 +
        // 6 c_3^2 over the steps that bring it back under the wish (a few, the slope's gradient being of order 1).
        const double curvature = chi_2_of(design.coefficients, 1.0);
        EXPECT_LE(curvature, searched.curvature + 1e-9) << chi_1 << " " << sigma_b;
        EXPECT_GE(curvature, searched.curvature - 50.0 * step) << chi_1 << " " << sigma_b;
      }
      const HermiteDesign steady = design_hermite({chi_1, -1.0, {0, 1, 2, 3}, 1.0, sigma_b});
      const Searched searched = search(chi_1, sigma_b, -1.0, step);
      EXPECT_LE(steady.length_slope, searched.slope + 1e-9);
      EXPECT_GE(steady.length_slope, searched.slope - 10.0 * step);
    }
  }
}

/// SCIENCE's examples: the ratio alone sets chi_1, and the sign of c_3 decides stability.
TEST(HermiteDesign, SignsDecideStability) {
  for (const double sign : {1.0, -1.0}) {
    const Activation phi = Activation::hermite({0.0, 1.0, 0.0, 0.3 * sign});
    const double gain = 1.0 / 1.09;
    const GaussianMoments m = gaussian_moments(phi, 1.0);
    EXPECT_NEAR(gain * m.phi2, 1.0, 1e-10);
    EXPECT_NEAR(gain * m.dphi2, 1.27 / 1.09, 1e-10);
    EXPECT_NEAR(gain * m.phi_dphi_h, (1.27 + sign * 0.3 * std::sqrt(6.0)) / 1.09, 1e-10);
  }
  const HermiteDesign design = design_hermite({1.27 / 1.09, 0.5, {1, 3}, std::sqrt(1.0 / 1.09), 0.0});
  EXPECT_NEAR(design.coefficients[1], 1.0, 1e-12);
  EXPECT_NEAR(design.coefficients[3], -0.3, 1e-12);
}

/// A polynomial's map leaves its basin: from beyond the edge it diverges, from within it returns.
TEST(HermiteDesign, BasinEndsWhereItSays) {
  const HermiteDesign design = design_hermite({1.0, 0.5, {0, 1, 2, 3}, 1.0, 0.0});
  const Activation phi = Activation::hermite(design.coefficients);
  const Basin basin = length_basin(length_fixed_points(phi, {1.0, 0.0, 1.0, 1.0}), 1.0);
  EXPECT_EQ(basin.low, 0.0);
  EXPECT_GT(basin.high, 4.0);
  EXPECT_LT(basin.high, 6.0);
  EXPECT_NEAR(length_map(phi, 1.0, 0.0, basin.high), basin.high, 1e-9 * basin.high);
  EXPECT_NEAR(attractor(phi, 1.0, 0.0, 0.999 * basin.high), 1.0, 1e-9);
  EXPECT_EQ(attractor(phi, 1.0, 0.0, 1.001 * basin.high), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(attractor(phi, 1.0, 0.0, 1e-6), 1.0, 1e-9);
}

TEST(HermiteDesign, SaysWhyThereIsNone) {
  // Mean order 1 leaves orders 1, 3 only the linear one, whose slope is 1.
  const HermiteDesign linear = design_hermite({1.0, 0.5, {1, 3}, 1.0, 0.0});
  EXPECT_EQ(linear.outcome, Outcome::unstable);
  EXPECT_TRUE(linear.coefficients.empty());
  EXPECT_NEAR(linear.length_slope, 1.0, 1e-12);
  const HermiteDesign far = design_hermite({0.5, 0.5, {1, 3}, 1.0, 0.0});
  EXPECT_EQ(far.outcome, Outcome::out_of_reach);
  EXPECT_EQ(far.lowest_chi_1, 1.0);
  EXPECT_EQ(far.highest_chi_1, 3.0);
  EXPECT_EQ(design_hermite({1.0, 0.5, {0, 1, 2}, 1.0, 1.0}).outcome, Outcome::no_room);
  EXPECT_EQ(design_hermite({1.0, 0.5, {0, 1, 2}, 0.0, 0.0}).outcome, Outcome::no_room);
  // Orders 1 and 5 never meet in the slope, which stays chi_1.
  EXPECT_EQ(design_hermite({1.2, 0.5, {1, 5}, 1.0, 0.0}).outcome, Outcome::unstable);
  // A wish that cannot be had is answered with the smallest slope there is.
  const HermiteDesign steep = design_hermite({2.0, 0.1, {1, 3}, 1.0, 0.0});
  EXPECT_EQ(steep.outcome, Outcome::found);
  EXPECT_NEAR(steep.length_slope, 2.0 - 0.5 * std::sqrt(6.0), 1e-14);
}

}  // namespace
}  // namespace meander
