// Mean-field theory of a curve's geometry: reference values, closed forms of its limits (Poole et al. 2016), and the
// recursion along any curve against the uniform one.
#include "kernels/mean_field/geometry_theory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "kernels/mean_field/correlation_map.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field.hpp"

namespace meander {
namespace {

constexpr double pi = std::numbers::pi;

struct Reference {
  double sigma_w, q0;
  int layer;
  double q, metric, curvature, grassmannian_length;
};

Curve planar_circle(double q0, int dimension = 2) {
  Curve curve;
  const auto n = static_cast<std::size_t>(dimension);
  curve.center.assign(n, 0.0);
  curve.u = curve.v = curve.center;
  curve.u[0] = curve.v[1] = std::sqrt(q0 * static_cast<double>(n));
  curve.end = 2.0 * pi;
  return curve;
}

TheoryParameters parameters_of(double sigma_w, double sigma_b, std::size_t depth, int inputs = 2) {
  return {inputs, std::vector<int>(depth, 100), sigma_w, sigma_b, true};
}

/// geometry_tanh.json, "biased_input" (scipy), sigma_b = 0.3: relative accuracy 1e-12. The recursion multiplies the
/// averages' rounding, so that 20 layers of it may lose a digit.
TEST(GeometryTheory, AgreesWithTheReference) {
  const std::vector<Reference> references{
      {1.3, 0.3059448472836232, 2, 0.6070467919093232, 0.48592441601265784, 1.9758255152697632, 8.65391885314109},
      {1.3, 0.3059448472836232, 4, 0.6070467919093233, 0.42918691081095545, 2.86881627134009, 11.808801926578782},
  };
  for (const Reference& r : references) {
    const GeometryTheory theory =
        geometry_theory(Activation::named("tanh"), parameters_of(r.sigma_w, 0.3, 4), planar_circle(r.q0));
    const auto l = static_cast<std::size_t>(r.layer - 1);
    EXPECT_NEAR(theory.q[l], r.q, 1e-12 * r.q);
    EXPECT_NEAR(theory.metric[l], r.metric, 1e-12 * r.metric);
    EXPECT_NEAR(theory.curvature[l], r.curvature, 1e-12 * r.curvature);
    EXPECT_NEAR(theory.grassmannian_length[l], r.grassmannian_length, 1e-12 * r.grassmannian_length);
    EXPECT_NEAR(theory.length[l], 2.0 * pi * std::sqrt(100.0 * r.metric), 1e-11 * theory.length[l]);
  }
}

/// SCIENCE 1.4, claims C9 to C11: with chi_1 > 1 the curvature settles at sqrt(3 chi_2 / (chi_1 (chi_1 - 1))) and ln
/// L^G grows by ln(chi_1) / 2 a layer; with chi_1 < 1 the curvature grows by 1 / sqrt(chi_1) a layer and L^G -> 2 pi
/// sqrt(1 + 3 chi_2 q / (chi_1 (1 - chi_1))) for Poole's circle, g^1 = q*.
TEST(GeometryTheory, LimitsOfOrderAndChaos) {
  const Activation tanh = Activation::named("tanh");
  struct Chaotic {
    double sigma_w, curvature, slope;
  };
  for (const Chaotic& c : {Chaotic{2.5, 1.9666493902851838, 0.23036}, Chaotic{4.0, 1.31201, 0.43087}}) {
    const double q_star = attractor(tanh, c.sigma_w, 0.3);
    const PhasePoint point = phase_point(tanh, c.sigma_w, 0.3);
    const double q0 = (q_star - 0.09) / (c.sigma_w * c.sigma_w);
    const GeometryTheory theory = geometry_theory(tanh, parameters_of(c.sigma_w, 0.3, 60), planar_circle(q0));
    const double settled = std::sqrt(3.0 * point.chi_2 / (point.chi_1 * (point.chi_1 - 1.0)));
    EXPECT_NEAR(theory.curvature[59], settled, 1e-10);
    EXPECT_NEAR(theory.curvature[59], c.curvature, 5e-6);  // as many digits as it is quoted with
    const double slope = std::log(theory.grassmannian_length[59] / theory.grassmannian_length[58]);
    EXPECT_NEAR(slope, 0.5 * std::log(point.chi_1), 1e-10);
    EXPECT_NEAR(slope, c.slope, 5e-6);
  }
  const PhasePoint ordered = phase_point(tanh, 1.3, 0.3);
  UniformGeometry layer{ordered.q_star, ordered.q_star, 1.0 / ordered.q_star};
  UniformGeometry before = layer;
  for (int l = 1; l < 600; ++l) {
    before = layer;
    layer = next_layer(tanh, 1.3, 0.3, layer);
  }
  EXPECT_NEAR(2.0 * pi * std::sqrt(layer.curvature2 * layer.metric), 27.02208220844238, 1e-8);
  // Left of it: 3 chi_2 / chi_1^2 over curvature^2, which is chi_1^600 = 7e-17.
  EXPECT_NEAR(layer.curvature2 / before.curvature2, 1.0 / ordered.chi_1, 1e-12);
}

/// The six covariances, on a circle that is off being uniform by 1e-7 only: its theory differs from the uniform
/// one's by as much (times the layers' sensitivity), the averages being accurate to 1e-10.
TEST(GeometryTheory, AnyCurveTendsToTheUniformOne) {
  for (const char* name : {"tanh", "gelu", "erf"}) {
    const Activation activation = Activation::named(name);
    const auto parameters = parameters_of(1.7, 0.4, 6, 3);
    Curve curve = planar_circle(1.3, 3);
    const GeometryTheory uniform = geometry_theory(activation, parameters, curve);
    curve.center[2] = 1e-7;
    curve.v[1] *= 1.0 + 1e-7;
    const GeometryTheory general = geometry_theory(activation, parameters, curve);
    for (std::size_t l = 0; l < 6; ++l) {
      EXPECT_NEAR(general.q[l] / uniform.q[l], 1.0, 1e-6) << name << " layer " << l + 1;
      EXPECT_NEAR(general.metric[l] / uniform.metric[l], 1.0, 1e-6) << name << " layer " << l + 1;
      EXPECT_NEAR(general.curvature[l] / uniform.curvature[l], 1.0, 1e-6) << name << " layer " << l + 1;
      EXPECT_NEAR(general.length[l] / uniform.length[l], 1.0, 1e-6) << name << " layer " << l + 1;
      EXPECT_NEAR(general.grassmannian_length[l] / uniform.grassmannian_length[l], 1.0, 1e-6) << name;
    }
  }
}

/// Covariance of a neuron's h at two points of the curve, in a layer: the correlation map alone.
double covariance(const Activation& activation, const TheoryParameters& parameters, const Curve& curve, int layer,
                  double t, double s) {
  const auto n = static_cast<std::size_t>(parameters.input_dimension);
  std::vector<double> x(n), y(n);
  curve.point(t, x);
  curve.point(s, y);
  const auto first = [&](const std::vector<double>& a, const std::vector<double>& b) {
    return parameters.sigma_w * parameters.sigma_w * std::inner_product(a.begin(), a.end(), b.begin(), 0.0) /
               static_cast<double>(n) +
           parameters.sigma_b * parameters.sigma_b;
  };
  double tt = first(x, x);
  double ss = first(y, y);
  double ts = first(x, y);
  for (int l = 1; l < layer; ++l) {
    const double next = covariance_map(activation, parameters.sigma_w, parameters.sigma_b, tt, ss, ts);
    tt = length_map(activation, parameters.sigma_w, parameters.sigma_b, tt);
    ss = length_map(activation, parameters.sigma_w, parameters.sigma_b, ss);
    ts = next;
  }
  return ts;
}

/// |v|^2, v.a and |a|^2 per neuron are derivatives of that covariance, taken here by differences of three steps and
/// Richardson's extrapolation: with steps 0.2, 0.1, 0.05 the error is of order 0.2^6 / 64 = 1e-6 and the map's rounding
/// 1e-13 / 0.05^4 = 2e-8.
TEST(GeometryTheory, SkewedCurvesFollowFromTheCorrelationMap) {
  for (const char* name : {"tanh", "gelu"}) {
    const Activation activation = Activation::named(name);
    const auto parameters = parameters_of(1.8, 0.3, 3, 3);
    Curve curve = planar_circle(0.5, 3);
    curve.kind = CurveKind::arc;
    curve.center = {0.9, 0.4, 0.3};
    curve.v[0] = 0.5;
    constexpr double t = 0.8;
    curve.begin = t - 1e-4;
    curve.end = t + 1e-4;
    const GeometryTheory theory = geometry_theory(activation, parameters, curve);
    for (int layer = 2; layer <= 3; ++layer) {
      std::array<std::array<double, 3>, 3> rough{};  // step; vv, va, aa
      for (std::size_t k = 0; k < 3; ++k) {
        const double e = 0.2 / static_cast<double>(1 << k);
        double f[3][3];
        for (int i = -1; i <= 1; ++i) {
          for (int j = -1; j <= 1; ++j)
            f[i + 1][j + 1] = covariance(activation, parameters, curve, layer, t + i * e, t + j * e);
        }
        const auto bend = [&](int i) { return (f[i][0] - 2.0 * f[i][1] + f[i][2]) / (e * e); };
        rough[k] = {(f[2][2] - f[2][0] - f[0][2] + f[0][0]) / (4.0 * e * e), (bend(2) - bend(0)) / (2.0 * e),
                    (bend(2) - 2.0 * bend(1) + bend(0)) / (e * e)};
      }
      std::array<double, 3> exact{};
      for (std::size_t d = 0; d < 3; ++d) {
        const double first = (4.0 * rough[1][d] - rough[0][d]) / 3.0;
        const double second = (4.0 * rough[2][d] - rough[1][d]) / 3.0;
        exact[d] = (16.0 * second - first) / 15.0;
      }
      const auto [vv, va, aa] = exact;
      const auto l = static_cast<std::size_t>(layer - 1);
      EXPECT_NEAR(theory.metric[l] / vv, 1.0, 2e-5) << name << " layer " << layer;
      EXPECT_NEAR(theory.curvature[l] / std::sqrt((vv * aa - va * va) / (vv * vv * vv)), 1.0, 2e-5)
          << name << " layer " << layer;
      EXPECT_GT(va * va, 0.002 * vv * aa) << "the case must see v.a";
    }
  }
}

/// In a linear network every curve is stretched by sigma_w a layer and keeps its shape.
TEST(GeometryTheory, LinearNetworksKeepTheShape) {
  Curve line;
  line.kind = CurveKind::line;
  line.center = {1.0, 0.5};
  line.u = {-0.3, 2.0};
  const GeometryTheory theory = geometry_theory(Activation::named("linear"), parameters_of(1.5, 0.2, 4), line);
  for (std::size_t l = 0; l < 4; ++l) {
    EXPECT_NEAR(theory.metric[l], (0.09 + 4.0) / 2.0 * std::pow(1.5, 2.0 * static_cast<double>(l + 1)), 1e-9);
    EXPECT_NEAR(theory.curvature[l], 0.0, 1e-9);
  }
}

/// ReLU: metric and length as for any activation (chi_1 = sigma_w^2 / 2), no curvature.
TEST(GeometryTheory, KinksHaveNoCurvature) {
  const Activation relu = Activation::named("relu");
  EXPECT_TRUE(relu.has_kinks());
  EXPECT_FALSE(Activation::named("linear").has_kinks());
  EXPECT_FALSE(Activation::piecewise_linear({0.0}, {2.0, 2.0}, 0.0, 1.0).has_kinks());
  EXPECT_FALSE(Activation::named("tanh").has_kinks());
  const GeometryTheory theory = geometry_theory(relu, parameters_of(2.0, 0.1, 3), planar_circle(1.0));
  EXPECT_NEAR(theory.metric[2], 4.0 * 2.0 * 2.0, 1e-11);
  EXPECT_TRUE(std::isnan(theory.curvature[1]));
  EXPECT_TRUE(std::isnan(theory.grassmannian_length[1]));
}

/// At sigma_b = 0 layer 1 has c = cos(delta); orthogonal points stay so under an odd activation, opposite ones
/// opposite.
TEST(GeometryTheory, AutocorrelationOfOddActivations) {
  const std::vector<double> deltas{0.0, 0.3, 0.5 * pi, pi};
  const auto rows =
      autocorrelation_theory(Activation::named("tanh"), parameters_of(2.0, 0.0, 5), planar_circle(1.0), deltas);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_NEAR(rows[0][1], std::cos(0.3), 1e-14);
  for (const auto& row : rows) {
    EXPECT_NEAR(row[0], 1.0, 1e-12);
    EXPECT_NEAR(row[2], 0.0, 1e-12);
    EXPECT_NEAR(row[3], -1.0, 1e-12);
  }
  Curve ellipse = planar_circle(1.0);
  ellipse.u[0] *= 2.0;
  EXPECT_TRUE(
      std::isnan(autocorrelation_theory(Activation::named("tanh"), parameters_of(2.0, 0.0, 2), ellipse, deltas)[1][1]));
}

}  // namespace
}  // namespace meander
