// Mean-field theory along a curve: closed forms, tabulated values, and plain twins that follow the
// correlation of neighbouring points instead of derivatives.
#include "kernels/mean_field/curve_theory.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace meander {
namespace {

constexpr double pi = std::numbers::pi;

/// center + u cos t + v sin t, or center + t u, with the given first three components times sqrt(3):
/// with dimension 3 the inner products divided by the dimension are those of the arguments.
Curve curve_of(CurveKind kind, std::vector<double> center, std::vector<double> u, std::vector<double> v) {
  Curve curve;
  curve.kind = kind;
  for (auto* vector : {&center, &u, &v}) {
    for (double& x : *vector) x *= std::sqrt(3.0);
  }
  curve.center = center;
  curve.u = u;
  if (kind != CurveKind::line) curve.v = v;
  curve.begin = 0.0;
  curve.end = 1.0;
  return curve;
}

Curve unit_circle() {
  return curve_of(CurveKind::circle, {0, 0, 0}, {1, 0, 0}, {0, 1, 0});
}
Curve skew_circle() {
  return curve_of(CurveKind::circle, {0, 0, 0}, {1, 0, 0}, {0.5, 1.2, 0});
}
Curve shifted_circle() {
  return curve_of(CurveKind::circle, {0.3, 0.1, 0.6}, {1, 0, 0.2}, {0.5, 1.2, 0});
}
Curve straight_line() {
  return curve_of(CurveKind::line, {1, 0, 0.1}, {-1.2, 0.9, 0}, {});
}

TheoryParameters parameters(double sigma_w, double sigma_b, int depth, int width = 100) {
  TheoryParameters result;
  result.input_dimension = 3;
  result.widths.assign(static_cast<std::size_t>(depth), width);
  result.sigma_w = sigma_w;
  result.sigma_b = sigma_b;
  return result;
}

struct Row {
  double sigma_w2, sigma_b;
  std::size_t layer;
  double sign_changes, transitions;
};

/// Hard-tanh on an orthonormal circle of mean square one, per neuron.
const std::vector<Row> rows = {
    {2, 0.0, 1, 2.0, 3.1152031322856195},
    {2, 0.0, 2, 2.54731959304162, 3.4508107312294194},
    {2, 0.0, 12, 11.511894733873847, 14.315727756411041},
    {4, 0.0, 5, 7.108838294765264, 11.86700059093156},
    {8, 0.0, 8, 50.020840027684, 92.45001553670477},
    {8, 0.1, 12, 303.7002666993583, 561.3878900407125},
    {16, 0.3, 1, 1.9943986197769128, 3.866750691424109},
    {16, 0.3, 5, 23.80318002874289, 45.914400676469654},
    {16, 0.3, 12, 1713.501744669329, 3305.204920844882},
};

TEST(CurveTheory, AgreesWithTabulatedCountsOnACircle) {
  for (const Row& row : rows) {
    const CurveTheory theory = curve_theory(Activation::named("hard_tanh"),
                                            parameters(std::sqrt(row.sigma_w2), row.sigma_b, 12, 7), unit_circle());
    EXPECT_NEAR(theory.sign_changes[row.layer - 1] / (7 * row.sign_changes), 1.0, 1e-12);
    EXPECT_NEAR(theory.transitions[row.layer - 1] / (7 * row.transitions), 1.0, 1e-12);
  }
}

TEST(CurveTheory, GrowthAtTheFixedPointIsTheRootOfChi) {
  for (const char* name : {"tanh", "hard_tanh", "erf"}) {
    const Activation phi = Activation::named(name);
    const double q = attractor(phi, 2.5, 0.3);
    const double chi = 6.25 * gaussian_moments(phi, q).dphi2;
    const double radius = std::sqrt((q - 0.09) / 6.25);
    const Curve circle = curve_of(CurveKind::circle, {0, 0, 0}, {radius, 0, 0}, {0, 0, radius});
    const CurveTheory theory = curve_theory(phi, parameters(2.5, 0.3, 6), circle);
    for (std::size_t l = 1; l < 6; ++l) EXPECT_NEAR(theory.growth[l], std::sqrt(chi), 1e-11) << name;
    EXPECT_NEAR(theory.growth[0], std::sqrt(chi * 100.0 / 3.0), 1e-10) << name;
  }
}

TEST(CurveTheory, ArcsAddUpToTheCircle) {
  Curve arc = shifted_circle();
  arc.kind = CurveKind::arc;
  const Activation phi = Activation::named("hard_tanh");
  const CurveTheory circle = curve_theory(phi, parameters(1.7, 0.2, 4), shifted_circle());
  std::vector<double> sum(4, 0.0);
  for (const auto& [begin, end] : {std::pair{0.0, 2.0}, std::pair{2.0 * pi, 2.0}}) {
    arc.begin = begin;
    arc.end = end;
    const CurveTheory part = curve_theory(phi, parameters(1.7, 0.2, 4), arc);
    for (std::size_t l = 0; l < 4; ++l) sum[l] += part.transitions[l];
  }
  // Each integral is accurate to 1e-9.
  for (std::size_t l = 0; l < 4; ++l) EXPECT_NEAR(sum[l] / circle.transitions[l], 1.0, 3e-9);
}

/// E phi(h) phi(h') for covariance (a, c; c, b).
using Kernel = std::function<double(double a, double b, double c)>;

/// Cho and Saul 2009, arc-cosine kernel of order one.
double relu_kernel(double a, double b, double c) {
  const double norm = std::sqrt(a * b);
  const double angle = std::atan2(std::sqrt(std::max(0.0, a * b - c * c)), c);
  return norm / (2.0 * pi) * (std::sin(angle) + (pi - angle) * std::cos(angle));
}

/// Trapezoid rule in the plane, spectrally accurate here: the poles of tanh lie 1.2 away at least.
double tanh_kernel(double a, double b, double c) {
  constexpr double step = 0.2;
  constexpr int reach = 40;
  const double slope = c / std::sqrt(a);
  const double rest = std::sqrt(std::max(0.0, b - slope * slope));
  double sum = 0.0;
  for (int i = -reach; i <= reach; ++i) {
    const double outer = std::tanh(std::sqrt(a) * i * step) * std::exp(-0.5 * i * i * step * step);
    double inner = 0.0;
    for (int j = -reach; j <= reach; ++j) {
      inner += std::tanh(slope * i * step + rest * j * step) * std::exp(-0.5 * j * j * step * step);
    }
    sum += outer * inner;
  }
  return sum * step * step / (2.0 * pi);
}

struct Twin {
  std::vector<double> lengths;       // of post-activations, per root of a neuron; input first
  std::vector<double> sign_changes;  // per neuron; layer 1 first
};

/// Straight from the definitions: covariances of neighbouring points of the curve, propagated by
/// the kernel; a chord's mean square, and P(h h' < 0) = arccos(correlation) / pi.
Twin chords(const Kernel& kernel, double sigma_w, double sigma_b, int depth, const Curve& curve, int intervals) {
  Twin twin{std::vector<double>(static_cast<std::size_t>(depth) + 1, 0.0),
            std::vector<double>(static_cast<std::size_t>(depth), 0.0)};
  const auto inner = [](const std::vector<double>& x, const std::vector<double>& y) {
    return (x[0] * y[0] + x[1] * y[1] + x[2] * y[2]) / 3.0;
  };
  const auto point = [&](int i) {
    const double t = curve.kind == CurveKind::line ? static_cast<double>(i) / intervals : 2.0 * pi * i / intervals;
    std::vector<double> x(3);
    for (std::size_t k = 0; k < 3; ++k) {
      x[k] = curve.center[k] +
             (curve.kind == CurveKind::line ? t * curve.u[k] : curve.u[k] * std::cos(t) + curve.v[k] * std::sin(t));
    }
    return x;
  };
  const auto push = [&](double k) { return sigma_w * sigma_w * k + sigma_b * sigma_b; };
  for (int i = 0; i < intervals; ++i) {
    const std::vector<double> x = point(i);
    const std::vector<double> y = point(i + 1);
    double a = inner(x, x);
    double b = inner(y, y);
    double c = inner(x, y);
    twin.lengths[0] += std::sqrt(a + b - 2.0 * c);
    for (std::size_t l = 0; l < static_cast<std::size_t>(depth); ++l) {
      const double q = push(a);
      const double p = push(b);
      const double cross = push(c);
      twin.sign_changes[l] += std::acos(cross / std::sqrt(q * p)) / pi;
      a = kernel(q, q, q);
      b = kernel(p, p, p);
      c = kernel(q, p, cross);
      twin.lengths[l + 1] += std::sqrt(a + b - 2.0 * c);
    }
  }
  return twin;
}

/// The chords' error falls like 1 / intervals^2; `tolerance` is what two refinements leave.
void expect_twin(const char* name, const Kernel& kernel, const Curve& curve, double sigma_w, double sigma_b,
                 int intervals, double tolerance) {
  constexpr int depth = 4;
  const Twin coarse = chords(kernel, sigma_w, sigma_b, depth, curve, intervals);
  const Twin fine = chords(kernel, sigma_w, sigma_b, depth, curve, 2 * intervals);
  const auto limit = [](double c, double f) { return f + (f - c) / 3.0; };
  const CurveTheory theory = curve_theory(Activation::named(name), parameters(sigma_w, sigma_b, depth), curve);
  for (std::size_t l = 0; l < depth; ++l) {
    const double ratio = limit(coarse.lengths[l + 1], fine.lengths[l + 1]) / limit(coarse.lengths[l], fine.lengths[l]);
    const double widths = l == 0 ? std::sqrt(100.0 / 3.0) : 1.0;
    EXPECT_NEAR(theory.growth[l] / (widths * ratio), 1.0, tolerance) << name << " layer " << l + 1;
    EXPECT_NEAR(theory.sign_changes[l] / (100.0 * limit(coarse.sign_changes[l], fine.sign_changes[l])), 1.0, tolerance)
        << name << " layer " << l + 1;
  }
}

TEST(CurveTheory, AgreesWithCorrelationsOfNeighboursOnAnyCurve) {
  for (const Curve& curve : {skew_circle(), shifted_circle(), straight_line()}) {
    expect_twin("tanh", tanh_kernel, curve, 1.2, 0.3, 128, 1e-6);
    // The kink makes a chord's error fall like 1 / intervals only to the power 3/2 or so.
    expect_twin("relu", relu_kernel, curve, 1.5, 0.4, 4000, 2e-4);
  }
}

/// P(h < u < h') + P(h' < u < h) for a pair of covariance (a, c; c, b).
double crossing_probability(double a, double b, double c, double u) {
  const double slope = c / a;
  const double rest = std::sqrt(b - c * slope);
  constexpr int steps = 200000;
  const double width = 20.0 * std::sqrt(a);
  double sum = 0.0;
  for (int i = 0; i < steps; ++i) {
    const double h = u + width * ((i + 0.5) / steps - 0.5);
    const double above = 0.5 * std::erfc((u - slope * h) / (rest * std::numbers::sqrt2));
    sum += std::exp(-0.5 * h * h / a) * (h < u ? above : 1.0 - above);
  }
  return sum * width / steps / std::sqrt(2.0 * pi * a);
}

/// Thresholds other than zero, first layer, |x| varying along the curve.
TEST(CurveTheory, AgreesWithCrossingProbabilitiesOfNeighbours) {
  const Curve curve = straight_line();
  const Activation phi = Activation::piecewise_linear({-0.4, 1.3}, {0.2, 1.0, 0.5}, 0.0, 0.0);
  const CurveTheory theory = curve_theory(phi, parameters(1.4, 0.25, 1), curve);
  constexpr int intervals = 40;
  double expected = 0.0;
  const auto covariance = [&](double s, double t) {
    double sum = 0.0;
    for (std::size_t k = 0; k < 3; ++k)
      sum += (curve.center[k] + s * curve.u[k]) * (curve.center[k] + t * curve.u[k]) / 3.0;
    return 1.96 * sum + 0.0625;
  };
  for (int i = 0; i < intervals; ++i) {
    const double s = static_cast<double>(i) / intervals;
    const double t = static_cast<double>(i + 1) / intervals;
    for (const double u : {-0.4, 1.3}) {
      expected += crossing_probability(covariance(s, s), covariance(t, t), covariance(s, t), u);
    }
  }
  // A neuron that crosses twice between two of 41 points on a line cannot be: h is linear in t. So
  // only the quadrature's error is left.
  EXPECT_NEAR(theory.transitions[0] / (100.0 * expected), 1.0, 1e-6);
}

TEST(CurveTheory, ReluWithoutBiasIsHomogeneous) {
  const Activation relu = Activation::named("relu");
  const CurveTheory circle = curve_theory(relu, parameters(1.9, 0.0, 3), unit_circle());
  EXPECT_NEAR(circle.transitions[0], 200.0, 1e-10);
  EXPECT_NEAR(circle.transitions[2], 200.0, 1e-10);
  const CurveTheory line = curve_theory(relu, parameters(1.9, 0.0, 3), straight_line());
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_NEAR(line.growth[l], 1.9 / std::numbers::sqrt2 * (l == 0 ? std::sqrt(100.0 / 3.0) : 1.0), 1e-7);
    EXPECT_EQ(line.transitions[l], line.sign_changes[l]);
  }
  // The angle that the line spans, seen from the origin.
  const double cosine = (1.0 * -0.2 + 0.01) / std::sqrt(1.01 * (0.04 + 0.81 + 0.01));
  EXPECT_NEAR(line.sign_changes[0], 100.0 * std::acos(cosine) / pi, 1e-7);
}

TEST(CurveTheory, LinearNetworkOnlyScales) {
  const CurveTheory theory = curve_theory(Activation::named("linear"), parameters(1.3, 0.0, 3), skew_circle());
  EXPECT_NEAR(theory.growth[1], 1.3, 1e-9);
  EXPECT_EQ(theory.transitions[1], 0.0);
  EXPECT_NEAR(theory.sign_changes[2], 200.0, 1e-7);
  EXPECT_TRUE(
      std::isnan(curve_theory(Activation::named("tanh"), parameters(1.3, 0.0, 1), skew_circle()).transitions[0]));
}

/// q leaves the range of double on both sides long before the last layer.
TEST(CurveTheory, DeepNetworksNeitherOverflowNorUnderflow) {
  constexpr int depth = 3000;
  for (const double sigma_w : {0.4, 4.0}) {
    const CurveTheory theory = curve_theory(Activation::named("relu"), parameters(sigma_w, 0.0, depth), unit_circle());
    EXPECT_NEAR(theory.growth[depth - 1], sigma_w / std::numbers::sqrt2, 1e-9);
    EXPECT_NEAR(theory.transitions[depth - 1], 200.0, 1e-8);
    EXPECT_NEAR(theory.growth_lower_bound[depth - 1], sigma_w * 10.0 / std::sqrt(210.0), 1e-12);
  }
  const CurveTheory biased = curve_theory(Activation::named("relu"), parameters(4.0, 0.5, depth), unit_circle());
  EXPECT_NEAR(biased.growth[depth - 1], 4.0 / std::numbers::sqrt2, 1e-9);
  const CurveTheory gelu = curve_theory(Activation::named("gelu"), parameters(4.0, 0.5, 600), unit_circle());
  EXPECT_NEAR(gelu.growth[599], 4.0 / std::numbers::sqrt2, 1e-9);
  const CurveTheory ordered = curve_theory(Activation::named("tanh"), parameters(0.5, 0.0, 1500), unit_circle());
  EXPECT_NEAR(ordered.growth[1499], 0.5, 1e-9);
  EXPECT_NEAR(ordered.sign_changes[1499], ordered.sign_changes[1000], 1e-6);
  const CurveTheory hard = curve_theory(Activation::named("hard_tanh"), parameters(0.5, 0.0, 1500), unit_circle());
  EXPECT_NEAR(hard.growth[1499], 0.5, 1e-9);
  EXPECT_EQ(hard.transitions[1499], 0.0);
}

/// No scale can be taken out of a polynomial that squares q in every layer.
TEST(CurveTheory, RunawayPolynomialIsNotANumber) {
  const CurveTheory theory =
      curve_theory(Activation::hermite({0.0, 1.0, 2.0}), parameters(5.0, 0.0, 12), unit_circle());
  EXPECT_TRUE(std::isfinite(theory.growth[1]));
  EXPECT_TRUE(std::isnan(theory.growth[11]));
  EXPECT_TRUE(std::isnan(theory.sign_changes[11]));
  EXPECT_TRUE(std::isnan(theory.growth_upper_bound[1]));
}

TEST(CurveTheory, CurveThroughTheOriginHasNoCounts) {
  const Curve line = curve_of(CurveKind::line, {-0.3, 0.1, 0}, {0.9, -0.3, 0}, {});
  const CurveTheory without = curve_theory(Activation::named("relu"), parameters(1.5, 0.0, 2), line);
  EXPECT_TRUE(std::isnan(without.transitions[0]));
  EXPECT_TRUE(std::isnan(without.sign_changes[1]));
  EXPECT_NEAR(without.growth[1], 1.5 / std::numbers::sqrt2, 1e-9);
  const CurveTheory with = curve_theory(Activation::named("relu"), parameters(1.5, 0.5, 2), line);
  EXPECT_GT(with.transitions[0], 0.0);
}

TEST(CurveTheory, StillNetworkDoesNotMove) {
  const CurveTheory theory = curve_theory(Activation::named("hard_tanh"), parameters(0.0, 0.5, 2), unit_circle());
  EXPECT_EQ(theory.growth[0], 0.0);
  EXPECT_TRUE(std::isnan(theory.growth[1]));
  EXPECT_EQ(theory.transitions[1], 0.0);
}

TEST(CurveTheory, BoundsEncloseTheTheoryWhereTheyHold) {
  TheoryParameters wide = parameters(2.0, 0.3, 4);
  wide.widths = {50, 400, 10, 3};
  const std::vector<std::pair<Activation, Curve>> cases = {
      {Activation::named("hard_tanh"), unit_circle()},
      {Activation::named("relu"), unit_circle()},
      {Activation::piecewise_linear({0.0}, {-1.5, 1.5}, 0.0, 0.0), unit_circle()},
      {Activation::piecewise_linear({-1.0, 0.5}, {0.0, -2.0, 0.0}, 0.0, 0.3), unit_circle()}};
  for (const auto& [phi, curve] : cases) {
    const CurveTheory theory = curve_theory(phi, wide, curve);
    for (std::size_t l = 0; l < 4; ++l) {
      EXPECT_LT(theory.growth_lower_bound[l], theory.growth[l]) << l;
      EXPECT_LE(theory.growth[l], theory.growth_upper_bound[l] * (1 + 1e-14)) << l;
      // With k open gates the bound is within (3 - p) / (2 k p) of the theory.
      EXPECT_GT(theory.growth_lower_bound[l], theory.growth[l] * (1.0 - 3.0 / wide.widths[l] / 0.3 - 0.01)) << l;
    }
  }
}

TEST(CurveTheory, LowerBoundIsTheCorrectedOne) {
  const CurveTheory hard = curve_theory(Activation::named("hard_tanh"), parameters(3.0, 0.0, 2), unit_circle());
  const double p = std::erf(1.0 / std::sqrt(2.0 * 9.0));
  EXPECT_NEAR(hard.growth_lower_bound[0], 3.0 * 100.0 * p / std::sqrt(3.0 * (100.0 * p + 3.0 - p)), 1e-12);
  EXPECT_NEAR(hard.growth_upper_bound[1], 3.0, 1e-15);
  // sigma_w sqrt(k) / sqrt(2 (k + 5)) for ReLU of equal widths, on any curve without biases.
  const CurveTheory relu = curve_theory(Activation::named("relu"), parameters(1.5, 0.0, 2), straight_line());
  EXPECT_NEAR(relu.growth_lower_bound[1], 1.5 * 10.0 / std::sqrt(210.0), 1e-14);
}

TEST(CurveTheory, LowerBoundIsMissingWhereItDoesNotHold) {
  const Activation hard = Activation::named("hard_tanh");
  EXPECT_TRUE(std::isnan(curve_theory(hard, parameters(2.0, 0.0, 1), straight_line()).growth_lower_bound[0]));
  EXPECT_TRUE(std::isnan(curve_theory(hard, parameters(2.0, 0.0, 1), skew_circle()).growth_lower_bound[0]));
  const Activation relu = Activation::named("relu");
  EXPECT_TRUE(std::isnan(curve_theory(relu, parameters(2.0, 0.1, 1), straight_line()).growth_lower_bound[0]));
  EXPECT_TRUE(std::isnan(
      curve_theory(Activation::named("tanh"), parameters(2.0, 0.0, 1), unit_circle()).growth_lower_bound[0]));
  TheoryParameters orthogonal = parameters(2.0, 0.0, 1);
  orthogonal.gaussian_weights = false;
  EXPECT_TRUE(std::isnan(curve_theory(relu, orthogonal, unit_circle()).growth_lower_bound[0]));
  EXPECT_FALSE(std::isnan(curve_theory(relu, orthogonal, unit_circle()).growth_upper_bound[0]));
}

TEST(CurveTheory, RefusesACurveOfAnotherDimension) {
  TheoryParameters other = parameters(1.0, 0.0, 1);
  other.input_dimension = 4;
  EXPECT_THROW(curve_theory(Activation::named("relu"), other, unit_circle()), std::invalid_argument);
}

}  // namespace
}  // namespace meander
