// Polygons by their sides, where the corners' rounding is larger than they are: closed forms, and lengths from mpmath.
#include "kernels/trajectories/polygon_differences.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/trajectories/sampled_curve.hpp"
#include "kernels/trajectories/side_image.hpp"

namespace meander {
namespace {

double difference(const Activation& activation, double h, double d) {
  std::vector<double> values{h, 0.3, h}, changes{d, 0.0, d};
  SideImage of(activation);
  const double one = of(h, d);
  of.apply(values, changes);
  EXPECT_EQ(changes[1], 0.0);
  EXPECT_EQ(values[0], activation(h));
  // A row is taken with as many nodes as its largest change asks for.
  EXPECT_NEAR(changes[0], one, 1e-12 * std::abs(one));
  return one;
}

/// tanh(a) - tanh(b) = sinh(a - b) / (cosh a cosh b).
TEST(SideImage, OfTanhHasAllItsDigits) {
  const Activation tanh = Activation::named("tanh");
  for (const double h : {-3.0, -0.4, 0.0, 1e-3, 0.7, 2.5, 15.0}) {
    for (const double d : {1e-300, -1e-40, 1e-17, 3e-12, -1e-7, 1e-4, -1e-2, 0.2, 0.9, -4.0}) {
      const long double exact = std::sinh(static_cast<long double>(d)) /
                                (std::cosh(static_cast<long double>(h)) *
                                 std::cosh(static_cast<long double>(h) + static_cast<long double>(d)));
      // Large differences are those of two values, which saturation leaves few digits.
      const double rounding = std::abs(d) > 1e-3 ? 1e-15 : 0.0;
      EXPECT_NEAR(difference(tanh, h, d), static_cast<double>(exact),
                  2e-13 * std::abs(static_cast<double>(exact)) + rounding)
          << h << " " << d;
    }
  }
}

TEST(SideImage, OfPiecesIsExactAcrossKinks) {
  const Activation relu = Activation::named("relu");
  EXPECT_EQ(difference(relu, 1.0, 1e-30), 1e-30);
  EXPECT_EQ(difference(relu, -1.0, 1e-30), 0.0);
  EXPECT_EQ(difference(relu, -1e-30, 3e-30), 3e-30 - 1e-30);
  EXPECT_EQ(difference(relu, 1e-30, -3e-30), -1e-30);
  const Activation bent = Activation::piecewise_linear({-1.0, 0.5, 2.0}, {0.25, 1.0, -0.5, 0.0}, 0.0, 0.125);
  for (const double h : {-4.0, -1.0, -0.3, 0.5, 1.2, 2.0, 5.0}) {
    for (const double d : {-6.0, -1.0, 0.25, 1.0, 3.5, 8.0})
      EXPECT_NEAR(difference(bent, h, d), bent(h + d) - bent(h), 1e-15) << h << " " << d;
  }
  EXPECT_EQ(difference(bent, 2.0, -1e-25), 0.5e-25);
  EXPECT_EQ(difference(bent, 2.0, 1e-25), 0.0);
}

TEST(SideImage, SeesKinksOfOtherActivations) {
  // selu: scale alpha (e^x - 1) below 0, scale x above.
  constexpr double scale = 1.0507009873554804934, alpha = 1.6732632423543772848;
  EXPECT_NEAR(difference(Activation::named("selu"), -1e-9, 3e-9), scale * (alpha * 1e-9 + 2e-9), 1e-9 * 1e-8);
  EXPECT_NEAR(difference(Activation::elu(0.5), 1e-9, -3e-9), -(1e-9 + 0.5 * 2e-9), 1e-9 * 1e-8);
  // A step that no one was told of: the two values know.
  const Activation step = Activation::custom([](double x) { return x + 1e-3 * (x > 0.5 ? 1.0 : 0.0); },
                                             [](double) { return 1.0; }, [](double) { return 0.0; });
  EXPECT_NEAR(difference(step, 0.5, 1e-6), 1e-3 + 1e-6, 1e-15);
}

/// Linear layers that halve, about a point far away: every length is known.
TEST(PolygonByDifferences, KnowsLengthsFarBelowRounding) {
  const int depth = 400;
  const std::vector<StoredNetwork::Layer> layers(depth, {2, {0.5, 0, 0, 0.5}, {1.0, -3.0}});
  const StoredNetwork network(2, layers, Activation::named("linear"));
  const Curve circle = curve_between(CurveKind::circle, std::vector{1.0, 0.0}, std::vector{0.0, 1.0});
  for (const long samples : {12L, 13L, 300L}) {
    const double sides = 2.0 * static_cast<double>(samples) * std::sin(std::numbers::pi / static_cast<double>(samples));
    for (const Precision precision : {Precision::double_, Precision::single}) {
      const SampledCounts counts = sample_curve(network, circle, {.samples = samples, .precision = precision});
      ASSERT_EQ(counts.finite_layers, depth);
      // The first layers are the corners' differences, in single precision to as much.
      const double tolerance = precision == Precision::single ? 2e-4 : 1e-6;
      for (const int layer : {1, 5, 20, 40, 100, 400}) {
        const auto l = static_cast<std::size_t>(layer - 1);
        const double right = std::ldexp(sides, -layer);
        EXPECT_NEAR(counts.length[l], right, tolerance * right) << layer;
        EXPECT_NEAR(counts.length_half[l] / counts.length[l], counts.length_half[0] / counts.length[0], tolerance);
      }
      EXPECT_NEAR(counts.length[399], std::ldexp(sides, -400), 1e-13 * std::ldexp(sides, -400));
    }
  }
}

/// Values that single precision has no numbers for: about 2^-200 after as many layers.
TEST(PolygonByDifferences, GoesOnWhereSinglePrecisionEnds) {
  const std::vector<StoredNetwork::Layer> layers(200, {2, {0.5, 0, 0, 0.5}, {0, 0}});
  const StoredNetwork network(2, layers, Activation::named("tanh"));
  const Curve line = curve_between(CurveKind::line, std::vector{1.0, 0.5}, std::vector{-0.3, 0.2});
  const SampledCounts fine = sample_curve(network, line, {.samples = 30});
  const SampledCounts single = sample_curve(network, line, {.samples = 30, .precision = Precision::single});
  EXPECT_GT(fine.length[199], 1e-62);
  for (std::size_t l = 0; l < 200; ++l) EXPECT_NEAR(single.length[l], fine.length[l], 1e-4 * fine.length[l]) << l;
}

TEST(PolygonByDifferences, IsThePolygonWhereCornersAreFarApart) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 7;
  parameters.widths = {9, 30, 4};
  parameters.sigma_w = 2.0;
  parameters.sigma_b = 0.4;
  const StreamKey key = stream_key(5, 0);
  const std::vector<double> x0 = gaussian_point(key, 0, 7), x1 = gaussian_point(key, 1, 7);
  for (const char* name : {"tanh", "relu", "gelu", "selu", "hard_tanh"}) {
    parameters.activation = Activation::named(name);
    const RandomNetwork network(parameters, key);
    for (const CurveKind kind : {CurveKind::circle, CurveKind::line, CurveKind::arc}) {
      Curve curve = curve_between(kind, x0, x1);
      if (kind != CurveKind::line) curve.center = gaussian_point(key, 2, 7);
      for (const long samples : {5L, 250L, 301L}) {
        const SampledCounts plain = sample_curve_plain(network, curve, {.samples = samples});
        const PolygonLengths sides = polygon_by_differences(network, curve, samples, 3);
        for (std::size_t l = 0; l < 3; ++l) {
          EXPECT_NEAR(sides.length[l], plain.length[l], 1e-11 * plain.length[l]) << name << samples;
          EXPECT_NEAR(sides.length_half[l], plain.length_half[l], 1e-11 * plain.length[l]) << name << samples;
        }
      }
    }
  }
}

}  // namespace
}  // namespace meander
