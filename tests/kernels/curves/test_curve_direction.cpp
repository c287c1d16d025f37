// Lines through the origin, and where their one factor vanishes.
#include "kernels/curves/curve_direction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace meander {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double pi = std::numbers::pi;

TEST(CurveDirection, IsThatOfParallelVectorsAlone) {
  const std::vector<double> x{0.3, -1.7, 0.05};
  std::vector<double> opposite = x;
  for (double& component : opposite) component *= -2.9;
  const auto direction = common_direction(curve_between(CurveKind::line, x, opposite));
  ASSERT_TRUE(direction.has_value());
  EXPECT_THAT(zeros(*direction, CurveKind::line, 0.0, 1.0), ElementsAre(DoubleNear(1.0 / 3.9, 1e-15)));
  opposite[2] *= 1.0 + 1e-13;
  EXPECT_FALSE(common_direction(curve_between(CurveKind::line, x, opposite)).has_value());
  EXPECT_TRUE(common_direction(curve_between(CurveKind::circle, std::vector{0.0}, std::vector{1.0})).has_value());
  EXPECT_FALSE(common_direction(curve_between(CurveKind::circle, std::vector{0.0}, std::vector{0.0})).has_value());
}

TEST(CurveDirection, ZerosOfSinusoids) {
  // sqrt(2) cos(t - pi / 4) - 1 vanishes at 0 and pi / 2, on a circle at its end as well.
  const CurveDirection direction{{1.0}, -1.0, 1.0, 1.0};
  EXPECT_THAT(zeros(direction, CurveKind::circle, 0.0, 2.0 * pi),
              ElementsAre(0.0, DoubleNear(0.5 * pi, 1e-15), 2.0 * pi));
  EXPECT_THAT(zeros(direction, CurveKind::arc, 0.1, 2.0), ElementsAre(DoubleNear(0.5 * pi, 1e-15)));
  EXPECT_THAT(zeros(direction, CurveKind::arc, -5.0, -4.0), ElementsAre(DoubleNear(-1.5 * pi, 4e-15)));
  EXPECT_THAT(zeros(direction, CurveKind::arc, 2.0, 3.0), IsEmpty());
  // Neither out of reach nor touching.
  EXPECT_THAT(zeros({{1.0}, 2.0, 1.0, 1.0}, CurveKind::circle, 0.0, 2.0 * pi), IsEmpty());
  EXPECT_THAT(zeros({{1.0}, 1.0, 1.0, 0.0}, CurveKind::circle, 0.0, 2.0 * pi), IsEmpty());
}

TEST(CurveDirection, ZerosBesideAnEndLieOnIt) {
  EXPECT_THAT(zeros({{1.0}, -1e-16, 1.0, 0.0}, CurveKind::line, 0.0, 1.0), ElementsAre(0.0));
  EXPECT_THAT(zeros({{1.0}, 1e-16, 1.0, 0.0}, CurveKind::line, 0.0, 1.0), ElementsAre(0.0));
  EXPECT_THAT(zeros({{1.0}, -1.0 - 4e-16, 1.0, 0.0}, CurveKind::line, 0.0, 1.0), ElementsAre(1.0));
  EXPECT_THAT(zeros({{1.0}, -1.0 - 1e-12, 1.0, 0.0}, CurveKind::line, 0.0, 1.0), IsEmpty());
}

}  // namespace
}  // namespace meander
