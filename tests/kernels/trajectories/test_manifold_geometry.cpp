// Metric, curvature, lengths, autocorrelation and principal components of a curve's image: closed forms, an
// independent differentiation in extended precision, and the fused kernel against its plain twin.
#include "kernels/trajectories/manifold_geometry.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace meander {
namespace {

constexpr double pi = std::numbers::pi;

Curve circle(int dimension, double q0, std::uint64_t realization = 0) {
  const StreamKey key = stream_key(7, realization);
  std::vector<double> x0 = gaussian_point(key, 0, dimension);
  std::vector<double> x1 = gaussian_point(key, 1, dimension);
  rescale(x0, q0);
  make_orthonormal(x0, x1);
  return curve_between(CurveKind::circle, x0, x1);
}

RandomNetwork network(std::vector<int> widths, const char* activation, double sigma_w, int inputs) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = 0.3;
  return RandomNetwork(parameters, stream_key(7, 3));
}

void expect_near_relative(const std::vector<double>& found, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t l = 0; l < found.size(); ++l)
    EXPECT_NEAR(found[l], expected[l], tolerance * std::abs(expected[l])) << "layer " << l + 1;
}

/// Poole et al. 2016, section 4: a circle of radius sqrt(N q) has g^E = N q, kappa = 1 / sqrt(N q), L^E = 2 pi sqrt(N
/// q) and L^G = 2 pi. Nothing but the sums' rounding separates the numbers: 1e-13.
TEST(ManifoldGeometry, ACircleHasItsClosedForm) {
  constexpr int n = 40;
  constexpr double q = 1.7;
  StoredNetwork::Layer identity{n, std::vector<double>(n * n, 0.0), std::vector<double>(n, 0.0)};
  for (std::size_t i = 0; i < n; ++i) identity.weight[i * n + i] = 1.0;
  const StoredNetwork same(n, {identity, identity}, Activation::named("linear"));
  GeometryOptions options{.samples = 21, .autocorrelation = true, .component_layers = {2}, .components = 3};
  const ManifoldGeometry found = manifold_geometry(same, circle(n, q), options);
  for (std::size_t l = 0; l < 2; ++l) {
    EXPECT_NEAR(found.q[l], q, 1e-13);
    EXPECT_NEAR(found.metric[l], q, 1e-13);
    EXPECT_NEAR(found.metric_sd[l], 0.0, 1e-13);
    EXPECT_NEAR(found.curvature[l], 1.0 / std::sqrt(q), 1e-13);
    EXPECT_NEAR(found.length[l], 2.0 * pi * std::sqrt(n * q), 1e-11);
    EXPECT_NEAR(found.length_half[l], found.length[l], 1e-11);
    EXPECT_NEAR(found.grassmannian_length[l], 2.0 * pi, 1e-12);
    EXPECT_NEAR(found.grassmannian_length_half[l], 2.0 * pi, 1e-12);
    for (std::size_t k = 0; k <= 10; ++k)
      EXPECT_NEAR(found.autocorrelation[l][k], std::cos(2.0 * pi * static_cast<double>(k) / 21.0), 1e-13);
  }
  // Two equal components and nothing else; the points stand on a circle of radius sqrt(N q) about the mean.
  const PrincipalComponents& components = found.components.at(0);
  EXPECT_NEAR(components.singular_value_fraction[0], 0.5, 1e-13);
  EXPECT_NEAR(components.singular_value_fraction[1], 0.5, 1e-13);
  for (std::size_t i = 0; i < 21; ++i) {
    const double radius = std::hypot(components.coordinates[i], components.coordinates[21 + i]);
    EXPECT_NEAR(radius, std::sqrt(n * q), 1e-12);
    EXPECT_EQ(components.coordinates[42 + i], 0.0);
  }
  for (std::size_t k = 2; k < 21; ++k) EXPECT_EQ(components.singular_value_fraction[k], 0.0) << k;
}

/// A straight line stays straight in a linear network, up to the rounding of products that ought to cancel.
TEST(ManifoldGeometry, AStraightLineIsNotCurved) {
  Curve line;
  line.kind = CurveKind::line;
  line.center = {1.0, -2.0, 0.5};
  line.u = {0.3, 0.4, 1.2};
  const ManifoldGeometry found =
      manifold_geometry(network({5, 4, 3}, "linear", 1.3, 3), line, {.samples = 6, .curvature = true});
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_NEAR(found.curvature[l], 0.0, 1e-14);
    EXPECT_NEAR(found.length[l] / std::sqrt(found.metric[l] * static_cast<double>(5 - l)), 1.0, 1e-14);
  }
}

using Long = long double;

Long phi(const std::string& name, Long x) {
  if (name == "tanh") return std::tanh(x);
  if (name == "erf") return std::erf(x);
  return x / (1.0L + std::exp(-x));  // swish
}

/// The network at parameter t in extended precision.
std::vector<Long> image(const Network& net, const std::string& activation, const Curve& curve, Long t, int layers) {
  std::vector<Long> x;
  for (std::size_t k = 0; k < curve.u.size(); ++k) {
    x.push_back(curve.kind == CurveKind::line
                    ? Long{curve.center[k]} + t * Long{curve.u[k]}
                    : Long{curve.center[k]} + Long{curve.u[k]} * std::cos(t) + Long{curve.v[k]} * std::sin(t));
  }
  for (int layer = 1; layer <= layers; ++layer) {
    if (layer > 1) {
      for (Long& value : x) value = phi(activation, value);
    }
    std::vector<double> weight(static_cast<std::size_t>(net.width(layer)) * x.size());
    std::vector<double> bias(static_cast<std::size_t>(net.width(layer)));
    net.weight(layer, std::span<double>(weight));
    net.bias(layer, bias);
    std::vector<Long> h(bias.begin(), bias.end());
    for (std::size_t i = 0; i < h.size(); ++i) {
      for (std::size_t j = 0; j < x.size(); ++j) h[i] += Long{weight[i * x.size() + j]} * x[j];
    }
    x = h;
  }
  return x;
}

/// First and second derivative by central differences of step e, extrapolated twice (Richardson): errors e^6 and
/// rounding / e^2, about 1e-13 of the numbers at e = 0.01.
struct Derivatives {
  std::vector<Long> v, a;
};

Derivatives differentiate(const Network& net, const std::string& activation, const Curve& curve, Long t, int layers) {
  const auto at = [&](Long s) { return image(net, activation, curve, s, layers); };
  const std::vector<Long> centre = at(t);
  std::array<Derivatives, 3> rough;
  for (std::size_t level = 0; level < 3; ++level) {
    const Long e = 0.01L / static_cast<Long>(1 << level);
    const auto plus = at(t + e);
    const auto minus = at(t - e);
    for (std::size_t i = 0; i < centre.size(); ++i) {
      rough[level].v.push_back((plus[i] - minus[i]) / (2.0L * e));
      rough[level].a.push_back((plus[i] - 2.0L * centre[i] + minus[i]) / (e * e));
    }
  }
  const auto extrapolate = [](Long e0, Long e1, Long e2) {
    const Long first = (4.0L * e1 - e0) / 3.0L;
    const Long second = (4.0L * e2 - e1) / 3.0L;
    return (16.0L * second - first) / 15.0L;
  };
  Derivatives result;
  for (std::size_t i = 0; i < centre.size(); ++i) {
    result.v.push_back(extrapolate(rough[0].v[i], rough[1].v[i], rough[2].v[i]));
    result.a.push_back(extrapolate(rough[0].a[i], rough[1].a[i], rough[2].a[i]));
  }
  return result;
}

class ForwardMode : public testing::TestWithParam<const char*> {};

TEST_P(ForwardMode, AgreesWithDifferencesInExtendedPrecision) {
  const std::string activation = GetParam();
  const auto net = network({7, 5, 6}, GetParam(), 1.6, 4);
  Curve curve = circle(4, 0.8);
  curve.center = {0.3, -0.2, 0.1, 0.05};  // so that nothing is uniform along it
  const long samples = 5;
  const ManifoldGeometry found = manifold_geometry(net, curve, {.samples = samples});
  for (int layer = 1; layer <= 3; ++layer) {
    Long metric = 0.0L;
    Long curvature = 0.0L;
    Long grassmannian = 0.0L;
    for (long i = 0; i < samples; ++i) {
      const Derivatives d =
          differentiate(net, activation, curve, 2.0L * std::numbers::pi_v<Long> * static_cast<Long>(i) / 5.0L, layer);
      Long vv = 0.0L;
      Long va = 0.0L;
      Long aa = 0.0L;
      for (std::size_t k = 0; k < d.v.size(); ++k) {
        vv += d.v[k] * d.v[k];
        va += d.v[k] * d.a[k];
        aa += d.a[k] * d.a[k];
      }
      const Long kappa = std::sqrt((vv * aa - va * va) / (vv * vv * vv));
      const auto n = static_cast<Long>(net.width(layer));
      metric += vv / n / 5.0L;
      curvature += std::sqrt(n) * kappa / 5.0L;
      grassmannian += 2.0L * std::numbers::pi_v<Long> * kappa * std::sqrt(vv) / 5.0L;
    }
    const auto l = static_cast<std::size_t>(layer - 1);
    EXPECT_NEAR(found.metric[l], static_cast<double>(metric), 1e-11 * found.metric[l]);
    EXPECT_NEAR(found.curvature[l], static_cast<double>(curvature), 1e-11 * found.curvature[l]);
    EXPECT_NEAR(found.grassmannian_length[l], static_cast<double>(grassmannian), 1e-11 * found.grassmannian_length[l]);
  }
}

INSTANTIATE_TEST_SUITE_P(Smooth, ForwardMode, testing::Values("tanh", "erf", "swish"));

/// Rows of up to a few hundred terms: rounding of 1e-16 a term, grown by five layers of chaos.
TEST(ManifoldGeometry, FusedAgreesWithPlain) {
  for (const char* activation : {"tanh", "gelu", "sigmoid"}) {
    for (const CurveKind kind : {CurveKind::circle, CurveKind::arc, CurveKind::line}) {
      const auto net = network({30, 50, 20, 35, 25}, activation, 2.0, 12);
      Curve curve =
          curve_between(kind, gaussian_point(stream_key(7, 1), 0, 12), gaussian_point(stream_key(7, 1), 1, 12));
      if (kind == CurveKind::arc) curve.end = 1.9;
      // More than one block of samples, and an odd number.
      const GeometryOptions options{.samples = 523, .autocorrelation = true};
      const ManifoldGeometry fused = manifold_geometry(net, curve, options);
      const ManifoldGeometry plain = manifold_geometry_plain(net, curve, options);
      ASSERT_EQ(fused.finite_layers, 5);
      expect_near_relative(fused.q, plain.q, 1e-12);
      expect_near_relative(fused.metric, plain.metric, 1e-12);
      expect_near_relative(fused.metric_sd, plain.metric_sd, 1e-11);
      expect_near_relative(fused.curvature, plain.curvature, 1e-11);
      expect_near_relative(fused.curvature_sd, plain.curvature_sd, 1e-10);
      expect_near_relative(fused.length, plain.length, 1e-12);
      expect_near_relative(fused.length_half, plain.length_half, 1e-12);
      expect_near_relative(fused.grassmannian_length, plain.grassmannian_length, 1e-11);
      for (std::size_t l = 0; l < 5; ++l) {
        for (std::size_t k = 0; k < plain.autocorrelation[l].size(); ++k)
          ASSERT_NEAR(fused.autocorrelation[l][k], plain.autocorrelation[l][k], 1e-13);
      }
    }
  }
}

/// Single precision: 6e-8 a rounding, grown by the chaos of five layers (a factor of 4 or so) and random over
/// hundreds of neurons and samples.
TEST(ManifoldGeometry, SinglePrecisionIsCloseToDouble) {
  const auto net = network({60, 60, 60, 60, 60}, "tanh", 2.0, 60);
  const Curve curve = circle(60, 1.0);
  GeometryOptions options{.samples = 100};
  const ManifoldGeometry in_double = manifold_geometry(net, curve, options);
  options.precision = Precision::single;
  const ManifoldGeometry in_single = manifold_geometry(net, curve, options);
  expect_near_relative(in_single.metric, in_double.metric, 1e-5);
  expect_near_relative(in_single.curvature, in_double.curvature, 1e-5);
  EXPECT_NE(in_single.metric[4], in_double.metric[4]);
}

/// Without curvature only positions and velocities pass the layers: the same numbers.
TEST(ManifoldGeometry, FirstOrderAlone) {
  const auto net = network({20, 30, 10}, "hard_tanh", 1.5, 8);
  const ManifoldGeometry both = manifold_geometry(net, circle(8, 1.0), {.samples = 40});
  const ManifoldGeometry first = manifold_geometry(net, circle(8, 1.0), {.samples = 40, .curvature = false});
  expect_near_relative(first.metric, both.metric, 1e-13);
  expect_near_relative(first.length, both.length, 1e-13);
  EXPECT_TRUE(first.curvature.empty());
  EXPECT_TRUE(first.grassmannian_length.empty());
}

/// A curve that stands still (no weights) has no curvature, and one that overflows ends in the layer before.
TEST(ManifoldGeometry, DegenerateCurvesSaySo) {
  const ManifoldGeometry still = manifold_geometry(network({4, 4}, "tanh", 0.0, 3), circle(3, 1.0), {.samples = 8});
  EXPECT_EQ(still.finite_layers, 2);
  EXPECT_EQ(still.metric[0], 0.0);
  EXPECT_TRUE(std::isnan(still.curvature[0]));
  const ManifoldGeometry fast =
      manifold_geometry(network({4, 4, 4, 4}, "linear", 1e60, 3), circle(3, 1.0), {.samples = 8});
  EXPECT_EQ(fast.finite_layers, 2);
  EXPECT_THROW(manifold_geometry(network({4}, "tanh", 1.0, 5), circle(3, 1.0), {.samples = 8}), std::invalid_argument);
  EXPECT_THROW(manifold_geometry(network({4}, "tanh", 1.0, 3), circle(3, 1.0), {.samples = 2}), std::invalid_argument);
}

/// The vectorised tanh and its derivatives, against the plain ones: a few units in the last place (2.2e-16 and 1.2e-7).
TEST(Activation, DerivativesManyAtOnceAreTheSingleOnes) {
  for (const std::string_view name : Activation::names()) {
    const Activation activation = Activation::named(name);
    std::vector<double> points{0.0, -0.0, 1e-300, -1e-20, 0.4999999, 0.5, 0.5000001, -0.5, 20.0, -40.0, 300.0, 1e30};
    for (int i = 0; i < 1000; ++i) points.push_back(0.0137 * (i - 500));
    std::vector<double> x = points, first(x.size()), second(x.size());
    activation.apply_with_derivatives(x, first, second);
    std::vector<float> narrow(points.begin(), points.end());
    const std::vector<float> given = narrow;
    std::vector<float> narrow_first(x.size()), narrow_second(x.size());
    activation.apply_with_derivatives(narrow, narrow_first, narrow_second);
    const auto near = [](double found, double expected, double units) {
      return std::abs(found - expected) <= units * std::abs(expected) + 1e-36;  // single precision ends near exp(-87)
    };
    for (std::size_t i = 0; i < points.size(); ++i) {
      EXPECT_TRUE(near(x[i], activation(points[i]), 1e-15)) << name << " at " << points[i];
      EXPECT_TRUE(near(first[i], activation.derivative(points[i]), 3e-15)) << name << " at " << points[i];
      EXPECT_TRUE(near(second[i], activation.second_derivative(points[i]), 4e-15)) << name << " at " << points[i];
      const double h = static_cast<double>(given[i]);
      EXPECT_TRUE(near(narrow[i], activation(h), 5e-7)) << name << " at " << h;
      EXPECT_TRUE(near(narrow_first[i], activation.derivative(h), 2e-6)) << name << " at " << h;
      EXPECT_TRUE(near(narrow_second[i], activation.second_derivative(h), 2e-6)) << name << " at " << h;
    }
  }
  std::vector<double> x{std::nan("")}, first(1), second(1);
  Activation::named("tanh").apply_with_derivatives(x, first, second);
  EXPECT_TRUE(std::isnan(x[0]) && std::isnan(first[0]) && std::isnan(second[0]));
}

}  // namespace
}  // namespace meander
