// The phase diagram's quantities against values found by independent adaptive quadrature, and in the cases where they
// are infinite, undefined or several.
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/mean_field/mean_field_table.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Known {
  const char* activation;
  double sigma_w, sigma_b, q_star, chi_1, chi_2, c_star, xi_q, xi_c;
};

/// mean_field.json: scipy, adaptive quadrature and brentq.
const std::vector<Known> known_points = {
    {"tanh", 0.9, 0.05, 0.011974982803115026, 0.7913726212056998, 0.03539035091111103, 1.0, 3.88517767320725,
     4.273753648443263},
    {"tanh", 1.3, 0.0, 0.4089832256513598, 1.0643691710288632, 0.5463366843425695, 0.0, 2.1723442068212027,
     33.99014320473606},
    {"tanh", 1.3, 0.05, 0.4156973420551943, 1.059284647257564, 0.5467367639110281, 0.17399897247647314,
     2.1222115816616722, 29.849830289708102},
    {"tanh", 1.3, 0.3, 0.6070467919093232, 0.9398074286821541, 0.543472018641363, 1.0, 1.3376676425393088,
     16.108172743476185},
    {"tanh", 2.5, 0.3, 4.079123875282246, 1.5852247650060332, 1.1960412914242484, 0.12210374730558585,
     0.6883414572367731, 5.108918989166767},
    {"hard_tanh", 1.3, 0.3, 0.9419094514058167, 1.1782107393411223, infinity, 0.6394415680230306, 0.9817299189875605,
     11.08641834399187},
    {"hard_tanh", 1.3, 0.5, 1.1754263282219368, 1.0877874317429397, infinity, 0.9299216287821626, 0.7745499652529391,
     22.25651802217758},
    {"hard_tanh", 1.3, 1.0, 2.0974325855734515, 0.8620901343449614, infinity, 1.0, 0.48737299266282813,
     6.738751106135118},
};

TEST(PhasePoint, KnownValues) {
  for (const Known& known : known_points) {
    const PhasePoint point = phase_point(Activation::named(known.activation), known.sigma_w, known.sigma_b);
    EXPECT_TRUE(point.converged);
    EXPECT_NEAR(point.q_star / known.q_star, 1.0, 1e-11);
    EXPECT_NEAR(point.chi_1 / known.chi_1, 1.0, 1e-11);
    if (std::isinf(known.chi_2)) {
      EXPECT_EQ(point.chi_2, known.chi_2);
    } else {
      EXPECT_NEAR(point.chi_2 / known.chi_2, 1.0, 1e-11);
    }
    EXPECT_NEAR(point.c_star, known.c_star, 1e-10) << known.activation << known.sigma_w << " " << known.sigma_b;
    EXPECT_NEAR(point.xi_q / known.xi_q, 1.0, 1e-10);
    // The reference's own c* is right to 1e-11, and a slope error is multiplied by xi_c.
    EXPECT_NEAR(point.xi_c / known.xi_c, 1.0, 1e-9) << known.activation << known.sigma_w << " " << known.sigma_b;
  }
}

/// C4 and the rest of critical_line.json.
TEST(CriticalLine, KnownValues) {
  const Activation tanh = Activation::named("tanh");
  const std::vector<std::pair<double, double>> line = {{0.0, 1.0},
                                                       {0.01, 1.0421258525243917},
                                                       {0.1, 1.1934007250243297},
                                                       {0.3, 1.3955839751549024},
                                                       {0.5, 1.5496739125081669},
                                                       {1.0, 1.855589101138892},
                                                       {2.0, 2.3250249389796633},
                                                       {4.0, 3.036620906444544}};
  for (const auto& [sigma_b, sigma_w] : line) EXPECT_NEAR(sigma_w_critical(tanh, sigma_b), sigma_w, 1e-12) << sigma_b;
  EXPECT_NEAR(std::pow(sigma_w_critical(tanh, std::sqrt(0.05)), 2), 1.760954639606738, 1e-12);
}

TEST(CriticalLine, OtherActivations) {
  EXPECT_NEAR(sigma_w_critical(Activation::named("relu"), 0.0), std::numbers::sqrt2, 1e-15);
  EXPECT_EQ(sigma_w_critical(Activation::named("linear"), 0.0), 1.0);
  EXPECT_EQ(sigma_w_critical(Activation::named("hard_tanh"), 0.0), 1.0);
  // gelu leaves its attractor for infinity before chi_1 reaches one.
  EXPECT_TRUE(std::isnan(sigma_w_critical(Activation::named("gelu"), 0.0)));
}

TEST(PhasePoint, CollapsesDivergesOrStays) {
  const Activation relu = Activation::named("relu");
  const PhasePoint below = phase_point(relu, 1.0, 0.0);
  EXPECT_EQ(below.q_star, 0.0);
  EXPECT_EQ(below.chi_1, 0.5);
  EXPECT_EQ(below.chi_2, infinity);
  EXPECT_NEAR(below.xi_q, 1.0 / std::numbers::ln2, 1e-14);
  EXPECT_TRUE(std::isnan(below.c_star));
  EXPECT_TRUE(std::isnan(below.xi_c));
  const PhasePoint above = phase_point(relu, 2.0, 0.0);
  EXPECT_EQ(above.q_star, infinity);
  EXPECT_EQ(above.chi_1, 2.0);
  EXPECT_TRUE(std::isnan(above.c_star));
  EXPECT_TRUE(std::isnan(above.xi_q));
  const PhasePoint at = phase_point(relu, std::numbers::sqrt2, 0.0, 3.0);
  EXPECT_NEAR(at.q_star, 3.0, 1e-13);
  EXPECT_EQ(at.c_star, 1.0);
  EXPECT_EQ(at.xi_c, infinity);
  EXPECT_EQ(at.xi_q, infinity);
  EXPECT_EQ(phase_point(relu, std::numbers::sqrt2, 0.1).q_star, infinity);
}

TEST(PhasePoint, LinearNetworks) {
  const Activation linear = Activation::named("linear");
  const PhasePoint contracting = phase_point(linear, 0.8, 0.6);
  EXPECT_NEAR(contracting.q_star, 1.0, 1e-14);
  EXPECT_EQ(contracting.chi_2, 0.0);
  EXPECT_EQ(contracting.c_star, 1.0);
  EXPECT_NEAR(contracting.xi_c, -1.0 / std::log(0.64), 1e-12);
  const PhasePoint identity = phase_point(linear, 1.0, 0.0, 2.0);
  EXPECT_EQ(identity.q_star, 2.0);
  EXPECT_TRUE(std::isnan(identity.c_star));
  EXPECT_EQ(identity.xi_c, infinity);
  // The same as a polynomial.
  const PhasePoint series = phase_point(Activation::hermite({0.0, 1.0, 0.0}), 1.0, 0.0, 2.0);
  EXPECT_EQ(series.q_star, 2.0);
  EXPECT_TRUE(std::isnan(series.c_star));
}

TEST(PhasePoint, WithoutWeights) {
  const PhasePoint point = phase_point(Activation::named("hard_tanh"), 0.0, 0.5);
  EXPECT_EQ(point.q_star, 0.25);
  EXPECT_EQ(point.chi_1, 0.0);
  EXPECT_EQ(point.c_star, 1.0);
  EXPECT_EQ(point.xi_q, 0.0);
  EXPECT_EQ(point.xi_c, 0.0);
}

/// Just above criticality: chi_1 - 1 shrinks, c* = 1 - 2 (chi_1 - 1) / (q* chi_2) to leading order.
TEST(PhasePoint, CorrelationNearCriticality) {
  const Activation tanh = Activation::named("tanh");
  const double critical = sigma_w_critical(tanh, 0.3);
  for (const double excess : {1e-3, 1e-5, 1e-7}) {
    const PhasePoint point = phase_point(tanh, critical + excess, 0.3);
    ASSERT_TRUE(point.converged) << excess;
    const double leading = 2.0 * (point.chi_1 - 1.0) / (point.q_star * point.chi_2);
    EXPECT_NEAR((1.0 - point.c_star) / leading, 1.0, 10.0 * excess + 1e-6) << excess;
    // C' = 1 - (chi_1 - 1) there, mirrored from the unstable point at 1.
    EXPECT_NEAR(point.xi_c * (point.chi_1 - 1.0), 1.0, 20.0 * excess + 1e-6) << excess;
  }
  EXPECT_EQ(phase_point(tanh, critical - 1e-9, 0.3).c_star, 1.0);
}

/// boundary_dropout_shallow.json: dropout at rate 0.01 leaves no fixed point at c = 1 and no divergence (C6).
TEST(PhasePoint, Dropout) {
  struct Row {
    double keep, sigma_w2, q_star, c_star, xi_c;
  };
  const std::vector<Row> rows = {{1.0, 1.76, 0.5694628398517765, 1.0, 4911.675292415902},
                                 {1.0, 2.0, 0.7217618726520719, 0.7440824195011857, 25.213414789152186},
                                 {0.99, 1.5, 0.42636977372413754, 0.8865462342819193, 10.853049143795753},
                                 {0.99, 1.76, 0.5803879243002856, 0.7663402382021114, 14.477939747227882},
                                 {0.99, 2.0, 0.7350061436666994, 0.6217212785236027, 13.117652736770005},
                                 {0.99, 3.0, 1.4505873803469902, 0.2706492345238578, 8.013495165870076}};
  for (const Row& row : rows) {
    const PhasePoint point =
        phase_point(Activation::named("tanh"), {std::sqrt(row.sigma_w2), std::sqrt(0.05), 1.0, row.keep});
    // 1e-10 is what the file states; xi_c multiplies the slope's error by itself.
    EXPECT_NEAR(point.q_star, row.q_star, 1e-10);
    EXPECT_NEAR(point.c_star, row.c_star, 1e-10);
    EXPECT_NEAR(point.xi_c / row.xi_c, 1.0, 1e-11 * row.xi_c + 1e-10) << row.keep << " " << row.sigma_w2;
  }
}

/// gelu at sigma_w = 1.5, sigma_b = 0.1: a stable point, and an unstable one that bounds its basin.
TEST(LengthFixedPoints, SeveralOfThem) {
  const auto points = length_fixed_points(Activation::named("gelu"), {1.5, 0.1, 1.0, 1.0});
  ASSERT_EQ(points.size(), 2u);
  EXPECT_NEAR(points[0].q, 0.0242, 5e-5);
  EXPECT_LT(points[0].slope, 1.0);
  EXPECT_NEAR(points[1].q, 1.3154, 5e-5);
  EXPECT_GT(points[1].slope, 1.0);
  const Basin inside = length_basin(points, phase_point(Activation::named("gelu"), 1.5, 0.1).q_star);
  EXPECT_EQ(inside.low, 0.0);
  EXPECT_EQ(inside.high, points[1].q);
  const Basin outside = length_basin(points, infinity);
  EXPECT_EQ(outside.low, points[1].q);
  EXPECT_EQ(outside.high, infinity);
}

TEST(LengthFixedPoints, UniqueOrEvery) {
  const auto tanh = length_fixed_points(Activation::named("tanh"), {1.3, 0.0, 1.0, 1.0});
  ASSERT_EQ(tanh.size(), 2u);
  EXPECT_EQ(tanh[0].q, 0.0);
  EXPECT_GT(tanh[0].slope, 1.0);
  EXPECT_NEAR(tanh[1].q, 0.4089832256513598, 1e-11);
  EXPECT_EQ(length_fixed_points(Activation::named("linear"), {1.0, 0.0, 1.0, 1.0}).size(), 1u);
}

/// x + 0.1 sin x at sigma_w = 1: V(q) - q tends to 0.005 + sigma_b^2 > 0, a divergence slower than any quadrature can
/// follow. Not a number is an answer, and infinity is; a fixed point is not.
TEST(PhasePoint, SlowDivergenceIsNoFixedPoint) {
  const Activation wave =
      Activation::custom([](double x) { return x + 0.1 * std::sin(x); },
                         [](double x) { return 1.0 + 0.1 * std::cos(x); }, [](double x) { return -0.1 * std::sin(x); });
  const MeanFieldTable table(wave);
  EXPECT_FALSE(std::isfinite(phase_point(wave, 1.0, 0.1).q_star));
  for (const double sigma_b : {0.1, 2.0}) {
    const PhasePoint point = table.phase_point({1.0, sigma_b, 1.0, 1.0});
    EXPECT_FALSE(std::isfinite(point.q_star)) << sigma_b;
    EXPECT_FALSE(std::isnan(point.q_star) && point.converged) << sigma_b;
  }
}

/// A function that is a line is treated as one.
TEST(PhasePoint, LinesAsFunctions) {
  const Activation line =
      Activation::custom([](double x) { return 0.5 * x; }, [](double) { return 0.5; }, [](double) { return 0.0; });
  const PhasePoint point = phase_point(line, 2.0, 0.0, 3.0);
  EXPECT_EQ(point.q_star, 3.0);
  EXPECT_EQ(point.chi_1, 1.0);
  EXPECT_EQ(sigma_w_critical(line, 0.3), 2.0);
  EXPECT_EQ(phase_point(line, 2.0, 0.1).q_star, infinity);
}

/// Where q diverges, chi_1 and chi_2 are the limits: E phi''^2 falls like q^(-1/2) for the smooth relatives of the ReLU
/// and grows with q for polynomials.
TEST(PhasePoint, LimitsWhereLengthsDiverge) {
  const PhasePoint gelu = phase_point(Activation::named("gelu"), 2.5, 0.0);
  EXPECT_EQ(gelu.q_star, infinity);
  EXPECT_NEAR(gelu.chi_1, 3.125, 1e-12);
  EXPECT_EQ(gelu.chi_2, 0.0);
  const PhasePoint cubic = phase_point(Activation::hermite({0.0, 1.0, 0.0, 0.3}), 2.5, 0.0);
  EXPECT_EQ(cubic.q_star, infinity);
  EXPECT_EQ(cubic.chi_1, infinity);
  EXPECT_EQ(cubic.chi_2, infinity);
  const PhasePoint square = phase_point(Activation::hermite({0.0, 1.0, 0.5}), 2.5, 0.0);
  EXPECT_EQ(square.chi_1, infinity);
  EXPECT_NEAR(square.chi_2, 6.25 * 0.5, 1e-9);  // phi'' = sqrt(2) c_2
}

TEST(PhasePoint, UndefinedIsNotANumber) {
  const auto inverse = [](double x) { return 1.0 / x; };
  const PhasePoint point = phase_point(Activation::custom(inverse, inverse, inverse), 1.0, 0.1);
  EXPECT_TRUE(std::isnan(point.q_star));
  EXPECT_TRUE(std::isnan(point.chi_1));
  EXPECT_TRUE(point.converged);
}

}  // namespace
}  // namespace meander
