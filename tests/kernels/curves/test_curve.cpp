// Curves close, start and end where they should; their points have the norms and angles asked for.
#include "kernels/curves/curve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace meander {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  long double sum = 0.0L;
  for (std::size_t k = 0; k < a.size(); ++k) sum += static_cast<long double>(a[k]) * b[k];
  return static_cast<double>(sum);
}

std::vector<double> at(const Curve& curve, double t) {
  std::vector<double> x(static_cast<std::size_t>(curve.dimension()));
  curve.point(t, x);
  return x;
}

const std::vector<double> x0 = {1.0, -2.0, 0.5};
const std::vector<double> x1 = {0.25, 3.0, -1.5};

TEST(Curve, CircleClosesBitForBit) {
  const Curve circle = curve_between(CurveKind::circle, x0, x1);
  EXPECT_TRUE(circle.closed());
  for (const long samples : {3L, 7L, 1000L, 4096L}) {
    EXPECT_EQ(at(circle, circle.parameter(samples, samples)), at(circle, circle.parameter(0, samples)));
    EXPECT_EQ(circle.parameter(samples + 2, samples), circle.parameter(2, samples));
    // Even spacing over the whole turn.
    EXPECT_DOUBLE_EQ(circle.parameter(1, samples), 2.0 * std::numbers::pi / static_cast<double>(samples));
    EXPECT_LT(circle.parameter(samples - 1, samples), 2.0 * std::numbers::pi);
  }
}

TEST(Curve, HalfTheSamplesAreEverySecondSample) {
  for (const CurveKind kind : {CurveKind::circle, CurveKind::arc, CurveKind::line}) {
    const Curve curve = curve_between(kind, x0, x1);
    const long samples = kind == CurveKind::circle ? 1000 : 1001;
    const long half = kind == CurveKind::circle ? 500 : 501;
    for (long i = 0; i < half; ++i) EXPECT_DOUBLE_EQ(curve.parameter(2 * i, samples), curve.parameter(i, half)) << i;
  }
}

TEST(Curve, OpenOnesIncludeBothEnds) {
  const Curve line = curve_between(CurveKind::line, x0, x1);
  EXPECT_FALSE(line.closed());
  EXPECT_EQ(line.parameter(0, 10), 0.0);
  EXPECT_EQ(line.parameter(9, 10), 1.0);
  EXPECT_EQ(at(line, 0.0), x0);
  for (std::size_t k = 0; k < x1.size(); ++k) EXPECT_DOUBLE_EQ(at(line, 1.0)[k], x1[k]);
  Curve arc = curve_between(CurveKind::arc, x0, x1);
  arc.begin = 0.3;
  arc.end = 1.9;
  EXPECT_EQ(arc.parameter(0, 17), 0.3);
  EXPECT_EQ(arc.parameter(16, 17), 1.9);
  EXPECT_DOUBLE_EQ(arc.parameter(8, 17), 1.1);
}

TEST(Curve, PointsFollowTheDefinition) {
  Curve circle = curve_between(CurveKind::circle, x0, x1);
  circle.center = {10.0, 20.0, 30.0};
  Curve line = curve_between(CurveKind::line, x0, x1);
  for (const double t : {0.0, 0.4, 0.77}) {
    for (std::size_t k = 0; k < x0.size(); ++k) {
      EXPECT_NEAR(at(circle, t)[k], circle.center[k] + x0[k] * std::cos(t) + x1[k] * std::sin(t), 1e-14);
      EXPECT_NEAR(at(line, t)[k], (1.0 - t) * x0[k] + t * x1[k], 1e-15);
    }
  }
}

TEST(Curve, AnArcRunsFromTheFirstPointToTheSecond) {
  const Curve arc = curve_between(CurveKind::arc, x0, x1);
  EXPECT_EQ(at(arc, arc.parameter(0, 5)), x0);
  for (std::size_t k = 0; k < x1.size(); ++k) EXPECT_NEAR(at(arc, arc.parameter(4, 5))[k], x1[k], 1e-15);
}

TEST(Curve, PointsOfDifferentDimensionsAreRefused) {
  EXPECT_THROW(curve_between(CurveKind::line, x0, std::vector<double>{1.0}), std::invalid_argument);
  EXPECT_THROW(curve_between(CurveKind::circle, {}, {}), std::invalid_argument);
}

TEST(GaussianPoint, LargerDimensionsExtendSmallerOnes) {
  const StreamKey key = stream_key(5, 1);
  const std::vector<double> large = gaussian_point(key, 1, 2000);
  for (const int dimension : {1, 3, 500, 1999}) {
    const std::vector<double> small = gaussian_point(key, 1, dimension);
    EXPECT_EQ(small, std::vector<double>(large.begin(), large.begin() + dimension));
  }
  EXPECT_NE(gaussian_point(key, 0, 4), gaussian_point(key, 1, 4));
  EXPECT_NE(gaussian_point(stream_key(5, 2), 1, 4), gaussian_point(key, 1, 4));
  // Variance 1 within 4.5 standard errors sqrt(2 / 2000).
  EXPECT_NEAR(dot(large, large) / 2000.0, 1.0, 4.5 * std::sqrt(2.0 / 2000.0));
}

TEST(Rescale, MeetsTheMeanSquareToRounding) {
  for (const double scale : {1.0, 1e-200, 1e200}) {
    for (const double q0 : {1.0, 0.37, 1e-8}) {
      std::vector<double> x = gaussian_point(stream_key(1, 0), 0, 784);
      for (double& component : x) component *= scale;
      rescale(x, q0);
      // The norm's rounding errors grow like the root of the number of terms: 784^(1/2) 2^-53 = 3e-15.
      EXPECT_NEAR(dot(x, x) / 784.0 / q0, 1.0, 3e-15);
    }
  }
  std::vector<double> zero(4, 0.0);
  rescale(zero, 1.0);
  EXPECT_EQ(zero, std::vector<double>(4, 0.0));
}

TEST(MakeOrthonormal, GivesARightAngleAndEqualNorms) {
  for (const double overlap : {0.0, 0.5, 1.0 - 1e-6}) {
    const std::vector<double> a = gaussian_point(stream_key(8, 0), 0, 300);
    std::vector<double> b = gaussian_point(stream_key(8, 0), 1, 300);
    for (std::size_t k = 0; k < b.size(); ++k) b[k] = 7.0 * (overlap * a[k] + (1.0 - overlap) * b[k]);
    make_orthonormal(a, b);
    EXPECT_NEAR(dot(a, b) / dot(a, a), 0.0, 2e-16) << overlap;
    EXPECT_NEAR(dot(b, b) / dot(a, a), 1.0, 2e-15) << overlap;
  }
}

TEST(MakeOrthonormal, KeepsThePlaneAndTheSide) {
  std::vector<double> b = {3.0, 4.0, 0.0};
  make_orthonormal(std::vector<double>{2.0, 0.0, 0.0}, b);
  EXPECT_NEAR(b[0], 0.0, 1e-15);
  EXPECT_DOUBLE_EQ(b[1], 2.0);
  EXPECT_EQ(b[2], 0.0);
}

TEST(MakeOrthonormal, RefusesPointsThatSpanNoPlane) {
  const std::vector<double> a = gaussian_point(stream_key(8, 0), 0, 300);
  for (const double factor : {1.0, -0.3, 1e10, 0.0}) {
    std::vector<double> b = a;
    for (double& component : b) component *= factor;
    EXPECT_THROW(make_orthonormal(a, b), std::invalid_argument) << factor;
  }
  std::vector<double> b = {1.0, 2.0};
  EXPECT_THROW(make_orthonormal(std::vector<double>{0.0, 0.0}, b), std::invalid_argument);
  EXPECT_THROW(make_orthonormal(a, b), std::invalid_argument);
}

}  // namespace
}  // namespace meander
