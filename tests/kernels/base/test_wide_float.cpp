// Numbers of several words against what is known exactly, and against decimal constants.
#include "kernels/base/wide_float.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

namespace meander {
namespace {

using Wide = WideFloat<4>;

/// A decimal "0.ddd" to more digits than a double.
template <int words>
WideFloat<words> from_digits(const std::string& digits) {
  using Real = WideFloat<words>;
  Real value, place(1.0);
  for (const char digit : digits) {
    place = place / Real(10.0);
    value += place * Real(static_cast<double>(digit - '0'));
  }
  return value;
}

template <int words>
std::int64_t error_exponent(const WideFloat<words>& a, const WideFloat<words>& b) {
  return (a - b).exponent();
}

TEST(WideFloat, HoldsDoublesSumsAndProductsExactly) {
  std::mt19937_64 draw(1);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 2000; ++i) {
    const double a = normal(draw) * std::ldexp(1.0, static_cast<int>(draw() % 60) - 30);
    const double b = normal(draw);
    EXPECT_EQ(static_cast<double>(Wide(a)), a);
    EXPECT_EQ(Wide(a) < Wide(b), a < b);
    EXPECT_EQ(Wide(a) == Wide(a), true);
    // Products and sums of two doubles are two doubles.
    const double product = a * b;
    EXPECT_EQ(Wide(a) * Wide(b), Wide(product) + Wide(std::fma(a, b, -product)));
    EXPECT_EQ(Wide(a) * b, Wide(a) * Wide(b));
    const double sum = a + b;
    const double part = sum - a;
    EXPECT_EQ(Wide(a) + Wide(b), Wide(sum) + Wide((a - (sum - part)) + (b - part)));
    EXPECT_TRUE((Wide(a) - Wide(a)).is_zero());
  }
}

TEST(WideFloat, DividesAndTakesRoots) {
  std::mt19937_64 draw(2);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 500; ++i) {
    const Wide a = Wide(normal(draw)) / Wide(3.0);
    const Wide b = Wide(normal(draw) * std::ldexp(1.0, static_cast<int>(draw() % 601) - 300));
    EXPECT_LE(error_exponent(a / b * b, a), a.exponent() - Wide::bits + 4);
    const Wide root = sqrt(abs(b));
    EXPECT_LE(error_exponent(root * root, abs(b)), b.exponent() - Wide::bits + 4);
  }
  EXPECT_TRUE(sqrt(Wide()).is_zero());
  EXPECT_EQ(sqrt(Wide(6.25)), Wide(2.5));
}

TEST(WideFloat, ReachesWhereDoublesEnd) {
  Wide x(1e300);
  for (int i = 0; i < 5; ++i) x = x * x;
  EXPECT_TRUE(std::isinf(static_cast<double>(x)));
  for (int i = 0; i < 5; ++i) x = sqrt(x);
  EXPECT_NEAR(static_cast<double>(x), 1e300, 1e285);
  EXPECT_EQ(static_cast<double>(Wide(5e-324)), 5e-324);
  EXPECT_EQ(static_cast<double>(Wide(1.0).scaled(-3000)), 0.0);
}

/// sin 1, cos 1 and sin 6 from mpmath (80 digits).
template <int words>
void expect_known_directions() {
  const auto one = wide_direction<words>(1.0);
  EXPECT_LE(error_exponent(one.sine, from_digits<words>("84147098480789650665250232163029899962256306079837106567275170"
                                                        "99919104043912396")),
            -256);
  EXPECT_LE(
      error_exponent(one.cosine, from_digits<words>("54030230586813971740093660744297660373231042061792222767009725538"
                                                    "11003947744717645")),
      -256);
  const auto six = wide_direction<words>(6.0);
  EXPECT_LE(
      error_exponent(-six.sine, from_digits<words>("27941549819892587281155544661189475962799486431820431848335136"
                                                   "965331115405864433")),
      -256);
}

TEST(WideFloat, KnowsSineAndCosine) {
  expect_known_directions<5>();
  expect_known_directions<16>();
  for (const double angle : {0.0, 1e-300, -1e-9, 0.7, -2.5, 6.28, 100.0}) {
    const auto at = wide_direction<5>(angle);
    EXPECT_NEAR(static_cast<double>(at.cosine), std::cos(angle), 1e-15) << angle;
    EXPECT_NEAR(static_cast<double>(at.sine), std::sin(angle), 1e-15) << angle;
    EXPECT_LE((at.cosine * at.cosine + at.sine * at.sine - WideFloat<5>(1.0)).exponent(), -290) << angle;
  }
}

}  // namespace
}  // namespace meander
