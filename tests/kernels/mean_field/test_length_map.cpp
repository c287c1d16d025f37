// Where the length map leads: known fixed points, collapse, divergence, and slow convergence.
#include "kernels/mean_field/length_map.hpp"

#include "kernels/mean_field/mean_field_table.hpp"

#include "kernels/mean_field/mean_field.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/gaussian_averages/gaussian_moments.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct FixedPoint {
  const char* activation;
  double sigma_w, sigma_b, q_star, chi_1;
};

/// scipy.optimize.brentq over adaptive quadrature, 1e-13.
const std::vector<FixedPoint> fixed_points = {
    {"tanh", 0.9, 0.05, 0.011974982803115026, 0.7913726212056998},
    {"tanh", 0.9, 0.3, 0.216524634250657, 0.6003712546919802},
    {"tanh", 1.3, 0.0, 0.4089832256513598, 1.0643691710288632},
    {"tanh", 1.3, 0.3, 0.6070467919093232, 0.9398074286821541},
    {"tanh", 1.3, 1.0, 1.856369694732302, 0.609935403626466},
    {"tanh", 2.5, 0.0, 3.9609612326607997, 1.6069749700233025},
    {"tanh", 2.5, 0.3, 4.079123875282246, 1.5852247650060332},
    {"tanh", 2.5, 1.0, 5.21545768685417, 1.413062700074354},
    {"hard_tanh", 0.9, 0.05, 0.01315789473684211, 0.81},
    {"hard_tanh", 0.9, 0.3, 0.30977916140389034, 0.7513686725615837},
    {"hard_tanh", 1.3, 0.0, 0.7919957901614011, 1.2486509359385038},
    {"hard_tanh", 1.3, 0.3, 0.9419094514058167, 1.1782107393411223},
    {"hard_tanh", 2.5, 0.0, 4.757074878558524, 2.208747873115846},
    {"hard_tanh", 2.5, 1.0, 5.904608308239152, 1.9957381465284845},
};

TEST(Attractor, AgreesWithKnownFixedPoints) {
  for (const FixedPoint& known : fixed_points) {
    const Activation phi = Activation::named(known.activation);
    for (const double q0 : {1e-3, 1.0, 50.0}) {
      const double q = attractor(phi, known.sigma_w, known.sigma_b, q0);
      EXPECT_NEAR(q / known.q_star, 1.0, 1e-11) << known.activation << known.sigma_w << " " << known.sigma_b;
      EXPECT_NEAR(known.sigma_w * known.sigma_w * gaussian_moments(phi, q).dphi2 / known.chi_1, 1.0, 1e-11);
    }
  }
}

/// The three networks of Poole et al. 2016 at sigma_b = 0.3; the third is in no table above.
TEST(Attractor, ChaoticNetworkOfThePaper) {
  const Activation phi = Activation::named("tanh");
  const double q = attractor(phi, 4.0, 0.3);
  EXPECT_NEAR(q, 12.604149, 5e-7);  // seven digits are known
  EXPECT_NEAR(16.0 * gaussian_moments(phi, q).dphi2, 2.367261, 5e-7);
  EXPECT_NEAR(16.0 * gaussian_moments(phi, attractor(phi, 4.0, 2.0)).dphi2, 2.0465, 5e-5);
}

TEST(Attractor, CollapsesToZero) {
  for (const double sigma_w : {0.0, 0.5, 0.999, 1.0}) {
    EXPECT_EQ(attractor(Activation::named("tanh"), sigma_w, 0.0), 0.0) << sigma_w;
    EXPECT_EQ(attractor(Activation::named("erf"), sigma_w * 0.5 * std::sqrt(std::numbers::pi), 0.0), 0.0) << sigma_w;
  }
  EXPECT_EQ(attractor(Activation::named("relu"), 1.4, 0.0), 0.0);
  EXPECT_EQ(attractor(Activation::named("tanh"), 2.0, 0.0, 0.0), 0.0);
  // The tails that hard-tanh cuts off weigh less than rounding long before q is zero.
  EXPECT_EQ(attractor(Activation::named("hard_tanh"), 1.0, 0.0), 0.0);
}

/// Just above the critical gain, q* = (1 - 1 / sigma_w^2) / 2 to leading order.
TEST(Attractor, CriticalSlowingDownDoesNotStopIt) {
  for (const double excess : {1e-3, 1e-5}) {
    const double q = attractor(Activation::named("tanh"), 1.0 + excess, 0.0);
    EXPECT_NEAR(q / excess, 1.0, 10.0 * excess) << excess;
  }
}

TEST(Attractor, ReluConvergesDivergesOrStays) {
  const Activation relu = Activation::named("relu");
  EXPECT_NEAR(attractor(relu, 1.2, 0.3), 0.09 / (1.0 - 0.72), 1e-13);
  EXPECT_NEAR(attractor(relu, std::sqrt(2.0 - 1e-6), 0.3) * 0.5e-6 / 0.09, 1.0, 1e-9);
  EXPECT_EQ(attractor(relu, std::numbers::sqrt2, 0.1), infinity);
  EXPECT_EQ(attractor(relu, 2.0, 0.0), infinity);
  EXPECT_EQ(attractor(relu, std::numbers::sqrt2, 0.0, 3.0), 3.0);
  // As a study file gives it, rounded to 15 digits: 7e-15 above the critical sigma_w^2.
  EXPECT_EQ(attractor(relu, 1.4142135623731, 0.0, 3.0), 3.0);
  EXPECT_EQ(attractor(relu, 1.41421356, 0.0, 3.0), 0.0);
}

/// gelu at sigma_w = 1.5, sigma_b = 0.1 has a stable point, an unstable one, and diverges beyond.
TEST(Attractor, BasinDecides) {
  const Activation gelu = Activation::named("gelu");
  EXPECT_NEAR(attractor(gelu, 1.5, 0.1, 1.0), 0.0242, 5e-5);
  EXPECT_NEAR(attractor(gelu, 1.5, 0.1, 1.31), 0.0242, 5e-5);
  EXPECT_EQ(attractor(gelu, 1.5, 0.1, 1.32), infinity);
}

TEST(Attractor, PolynomialDivergesFromFarOut) {
  const Activation cubic = Activation::hermite({0.0, 1.0, 0.0, -0.3});
  EXPECT_EQ(attractor(cubic, 0.9, 0.1, 1e4), infinity);
  const double q = attractor(cubic, 0.9, 0.1, 1.0);
  EXPECT_NEAR(length_map(cubic, 0.9, 0.1, q) / q, 1.0, 1e-13);
}

/// For phi = x exp(-x^2), E phi^2 = q (1 + 4 q)^(-3/2): V falls at its fixed point, and the
/// iteration swings about it.
TEST(Attractor, SwingingIterationConverges) {
  const Activation bump = Activation::custom([](double x) { return x * std::exp(-x * x); },
                                             [](double x) { return (1.0 - 2.0 * x * x) * std::exp(-x * x); },
                                             [](double x) { return (4.0 * x * x * x - 6.0 * x) * std::exp(-x * x); });
  const double expected = 0.25 * (std::pow(1e4, 2.0 / 3.0) - 1.0);
  for (const double q0 : {1e-3, 1.0, 1e5}) EXPECT_NEAR(attractor(bump, 100.0, 0.0, q0) / expected, 1.0, 1e-11) << q0;
}

/// V(q) = sigma_w^2 exp(2 q) + sigma_b^2 outgrows every double in three steps.
TEST(Attractor, ExponentialDiverges) {
  const auto exponential = [](double x) { return std::exp(x); };
  EXPECT_EQ(attractor(Activation::custom(exponential, exponential, exponential), 0.5, 0.1), infinity);
}

TEST(Attractor, UndefinedMapIsNotANumber) {
  const auto inverse = [](double x) { return 1.0 / x; };
  EXPECT_TRUE(std::isnan(attractor(Activation::custom(inverse, inverse, inverse), 1.0, 0.1)));
}

/// With the outer slopes' mean square times the gain at one, E phi^2 = A q + B sqrt(q) + C + ...: B or C decides.
TEST(LengthMap, CriticalLinearPiecesDriftToInfinity) {
  // B = 2 (1 * 0.4 + 1 * 1) / sqrt(2 pi) > 0.
  EXPECT_EQ(attractor(Activation::piecewise_linear({0.3}, {-1, 1}, 0, 1), 1.0, 0.0), infinity);
  // 1 - x: V(q) = q + 1.
  EXPECT_EQ(attractor(Activation::piecewise_linear({0.3}, {-1, -1}, 0, 1), 1.0, 0.0), infinity);
  EXPECT_DOUBLE_EQ(attractor(Activation::piecewise_linear({0.3}, {-1, -1}, 0, 1), 0.6, 0.0), 0.36 / 0.64);
  // |x| - 1 has B < 0: V(q) = q - 2 sqrt(2 q / pi) + 1 + sigma_b^2, a root at sqrt(q) = (1 + sigma_b^2) sqrt(pi / 8).
  const double root = 1.25 * std::sqrt(std::numbers::pi / 8);
  EXPECT_NEAR(attractor(Activation::piecewise_linear({0}, {-1, 1}, 0, -1), 1.0, 0.5), root * root, 1e-12);
  // The ReLU that begins at -0.2 keeps more than half of q, the one that begins at 0.2 less.
  EXPECT_EQ(attractor(Activation::piecewise_linear({-0.2}, {0, 1}, 0, 0.2), std::sqrt(2.0), 0.0), infinity);
  EXPECT_EQ(attractor(Activation::piecewise_linear({0.2}, {0, 1}, 0, 0), std::sqrt(2.0), 0.0), 0.0);
  for (const auto& slopes : {std::vector<double>{-1, -1}, {-1, 1}, {1, -1}, {1, 1}}) {
    const Activation pieces = Activation::piecewise_linear({0.3}, slopes, 0.3, 0.0);
    EXPECT_EQ(sigma_w_critical(pieces, 0.3), 1.0) << pieces.text();
    EXPECT_EQ(MeanFieldTable(pieces).sigma_w_critical({1.0, 0.3, 1.0, 1.0}), 1.0) << pieces.text();
  }
}

}  // namespace
}  // namespace meander
