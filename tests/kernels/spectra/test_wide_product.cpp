// Arithmetic in extended precision, and singular values that no double shows.
#include "kernels/spectra/wide_product.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "kernels/spectra/wide_number.hpp"

namespace meander {
namespace {

using Wide = WideNumber<8>;

double value(const Wide& x) {
  return std::ldexp(x.leading(), static_cast<int>(x.exponent()));
}

TEST(WideNumber, SumsAndDifferencesKeepWhatDoublesLose) {
  const Wide one(1.0, 0), tiny(1.0, -300);
  EXPECT_EQ(value(one + tiny - one), 0x1p-300);
  EXPECT_EQ(value(one - tiny - one), -0x1p-300);
  EXPECT_TRUE((one - one).is_zero());
  EXPECT_EQ(value(one + Wide(1.0, -600)), 1.0);  // beyond 512 digits
  EXPECT_EQ(value(Wide(0.1, 0) - Wide(0.3, 0)), 0.1 - 0.3);
  EXPECT_TRUE((Wide(-0.75, 5000) + Wide(0.75, 5000)).is_zero());
  EXPECT_EQ((Wide(0.75, 5000) + Wide(0.75, 5000)).exponent(), 5001);
  EXPECT_EQ(value(Wide() + tiny), 0x1p-300);
}

TEST(WideNumber, ProductsOfDoublesAreExact) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 2000; ++i) {
    const double a = normal(random), b = normal(random), c = normal(random);
    // (a b) + c, and the same taken apart again.
    const Wide product = Wide(a, 0) * Wide(b, 0);
    EXPECT_DOUBLE_EQ(value(product), a * b);
    EXPECT_EQ(value(product - Wide(a * b, 0)), std::fma(a, b, -(a * b)));
    EXPECT_TRUE((product + Wide(c, 0) - product - Wide(c, 0)).is_zero());
    // (a + b)(a - b) = a^2 - b^2.
    const Wide x(a, 0), y(b, -100);
    EXPECT_TRUE(((x + y) * (x - y) - x * x + y * y).is_zero());
  }
}

TEST(WideNumber, ReciprocalsToTheLastLimb) {
  for (const double x : {3.0, -7.0, 0.1, 1.0, 1e300, 5e-324}) {
    const Wide rest = Wide(x, 40) * Wide(x, 40).reciprocal() - Wide(1.0, 0);
    EXPECT_TRUE(rest.is_zero() || rest.exponent() < -440) << x;
  }
}

TEST(WideProduct, ValuesThatEntriesOfRoundingWouldHide) {
  // Rows 1, 2 of a permutation, scaled by 1 and 2^-1000 before and after: both singular values are 2^-1000, and a zero
  // that is 1e-17 instead would be the larger. Behind a rotation whose entries are doubles no zero is left to be seen.
  const double c = 0.6, s = 0.8;
  const EachFactor factors = [&](const Factor& show) {
    show({{1.0, 0.0}, {1.0, -1000.0}}, {1.0, 0.0, 0.0, 1.0});
    show({{1.0, 0.0}, {1.0, 0.0}}, {c, -s, s, c});
    show({{1.0, 0.0}, {1.0, 0.0}}, {s, -c, c, s});  // with the above, the permutation: s c - c s = 0
    show({{1.0, 0.0}, {1.0, -1000.0}}, {1.0, 0.0, 0.0, 1.0});
  };
  const std::vector<double> log = wide_singular_values(2, 2, factors, 1.0);
  ASSERT_EQ(log.size(), 2U);
  // |det| = (c^2 + s^2)^2 2^-2000, which doubles make one but for rounding.
  EXPECT_NEAR(log[0], -1000.0 * std::numbers::ln2, 1e-12);
  EXPECT_NEAR(log[1], -1000.0 * std::numbers::ln2, 1e-12);
}

TEST(WideProduct, LeavesWhatItCannotDo) {
  const EachFactor factors = [](const Factor& show) {
    show({{1.0, 0.0}, {1.0, -1e5}}, {1.0, 2.0, 3.0, 4.0});
    show({{1.0, 0.0}, {1.0, 0.0}}, {1.0, 1.0, 1.0, 1.0});
    show({{1.0, 0.0}, {1.0, 0.0}}, {1.0, -1.0, 2.0, -1.0});
  };
  EXPECT_EQ(wide_singular_values(2, 1, factors, 1.0).size(), 1U);
  EXPECT_TRUE(wide_singular_values(2, 1, factors, 0.0).empty());
  EXPECT_TRUE(wide_singular_values(2, 2, factors, 1.0).empty());  // the second is zero
  const EachFactor far = [](const Factor& show) { show({{1.0, 1e20}, {1.0, 0.0}}, {1.0, 2.0, 3.0, 4.0}); };
  EXPECT_TRUE(wide_singular_values(2, 2, far, 1.0).empty());
}

}  // namespace
}  // namespace meander
