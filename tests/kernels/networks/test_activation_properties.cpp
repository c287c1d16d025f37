// What activations say about themselves, held against what their values show.
#include "kernels/networks/activation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

namespace meander {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

constexpr double infinity = std::numeric_limits<double>::infinity();
using Range = Activation::Range;

/// From dense near zero to where everything has settled.
std::vector<double> samples() {
  std::vector<double> points{0.0};
  for (int k = -40000; k <= 40000; ++k) points.push_back(k / 4096.0);
  for (double x = 10.0; x < 1e12; x *= 1.1) points.insert(points.end(), {x, -x});
  std::sort(points.begin(), points.end());
  return points;
}

struct Shown {
  double low = infinity, high = -infinity;
  bool rises = true, odd = true, homogeneous = true;
};

Shown shown_by(const Activation& activation) {
  Shown shown;
  double before = -infinity;
  for (const double x : samples()) {
    const double value = activation(x);
    // Rounding of linear pieces: a few units in the last place of their terms.
    const double rounding = 1e-13 * (std::abs(value) + std::abs(x));
    shown.low = std::min(shown.low, value);
    shown.high = std::max(shown.high, value);
    shown.rises = shown.rises && value >= before - rounding;
    shown.odd = shown.odd && std::abs(activation(-x) + value) <= rounding;
    shown.homogeneous = shown.homogeneous && std::abs(activation(3.7 * x) - 3.7 * value) <= 4.0 * rounding;
    before = value;
  }
  return shown;
}

/// A bound is reached, or come near; an infinite one is run towards.
void expect_bound(double bound, double reached, const std::string& what) {
  if (std::isinf(bound)) {
    EXPECT_GT(reached * (bound > 0.0 ? 1.0 : -1.0), 1e8) << what;
  } else {
    EXPECT_NEAR(reached, bound, 2e-6 * (1.0 + std::abs(bound))) << what;
  }
}

void expect_true_properties(const Activation& activation, const std::string& what) {
  const Shown shown = shown_by(activation);
  if (const auto range = activation.range()) {
    expect_bound(range->low, shown.low, what + ", inf");
    expect_bound(range->high, shown.high, what + ", sup");
    EXPECT_GE(shown.low, range->low - 1e-13 * std::abs(range->low)) << what;
    EXPECT_LE(shown.high, range->high + 1e-13 * std::abs(range->high)) << what;
    EXPECT_EQ(range->rises, shown.rises) << what;
  }
  EXPECT_EQ(activation.odd(), shown.odd) << what;
  EXPECT_EQ(activation.homogeneous(), shown.homogeneous) << what;
  ASSERT_TRUE(activation.kinks().has_value()) << what;
  for (const double kink : *activation.kinks()) {
    const double step = 1e-9 * std::max(1.0, std::abs(kink));
    EXPECT_GT(std::abs(activation.derivative(kink + step) - activation.derivative(kink - step)), 1e-3) << what;
  }
  // And nowhere else: neighbouring samples near zero are 1/4096 apart, and no slope here turns that fast.
  double before = activation.derivative(-10.0);
  for (int k = -40960; k <= 40960; ++k) {
    const double x = k / 4096.0;
    const double slope = activation.derivative(x);
    const bool passes = std::any_of(activation.kinks()->begin(), activation.kinks()->end(),
                                    [&](double kink) { return kink <= x && kink >= x - 1.5 / 4096.0; });
    if (!passes) {
      EXPECT_NEAR(slope, before, 2e-3) << what << " at " << x;
    }
    before = slope;
  }
  if (const auto& clamp = activation.clamp()) {
    for (const double x : samples()) {
      const double clamped = std::max(clamp->low, std::min(clamp->high, x));
      EXPECT_EQ(activation(x), clamped) << what << " at " << x;
    }
  }
}

TEST(ActivationProperties, OfNames) {
  for (const auto name : Activation::names()) {
    const Activation activation = Activation::named(name);
    expect_true_properties(activation, std::string(name));
    EXPECT_TRUE(activation.range().has_value()) << name;
    EXPECT_EQ(activation.text(), name);
    EXPECT_EQ(activation.label(), name);
  }
}

TEST(ActivationProperties, OfParameters) {
  for (const double number : {-1.5, 0.0, 0.25, 1.0, 2.0}) {
    expect_true_properties(Activation::leaky_relu(number), "leaky_relu " + std::to_string(number));
    expect_true_properties(Activation::elu(number), "elu " + std::to_string(number));
  }
  EXPECT_EQ(Activation::leaky_relu(1.0).odd(), true);
  EXPECT_EQ(Activation::leaky_relu(0.2).homogeneous(), true);
  EXPECT_THAT(Activation::leaky_relu(0.2).kinks(), Optional(ElementsAre(0.0)));
  EXPECT_THAT(Activation::elu(1.0).kinks(), Optional(IsEmpty()));
  EXPECT_THAT(Activation::elu(0.5).kinks(), Optional(ElementsAre(0.0)));
  EXPECT_THAT(Activation::elu(0.5).range(), Optional(Range{-0.5, infinity, true}));
  EXPECT_THAT(Activation::named("selu").kinks(), Optional(ElementsAre(0.0)));
  EXPECT_EQ(Activation::leaky_relu(0.2).text(), "{ activation = \"leaky_relu\", slope = 0.2 }");
  EXPECT_EQ(Activation::elu(2.0).text(), "{ activation = \"elu\", alpha = 2.0 }");
  EXPECT_THROW(Activation::elu(infinity), std::invalid_argument);
  EXPECT_THROW(Activation::leaky_relu(std::nan("")), std::invalid_argument);
}

TEST(ActivationProperties, OfTheClampedOnes) {
  using Bounds = Activation::IdentityBounds;
  EXPECT_THAT(Activation::named("linear").clamp(), Optional(Bounds{}));
  EXPECT_THAT(Activation::named("relu").clamp(), Optional(Bounds{0.0, infinity}));
  EXPECT_THAT(Activation::named("hard_tanh").clamp(), Optional(Bounds{-1.0, 1.0}));
  EXPECT_EQ(Activation::named("leaky_relu").clamp(), std::nullopt);
  EXPECT_EQ(Activation::named("tanh").clamp(), std::nullopt);
  EXPECT_THAT(Activation::piecewise_linear({6.0}, {1.0, 0.0}, 0.0, 0.0).clamp(), Optional(Bounds{-infinity, 6.0}));
  EXPECT_EQ(Activation::piecewise_linear({0.0}, {0.0, 1.0}, 0.0, 0.1).clamp(), std::nullopt);
}

/// Numbers from a small set, so that symmetries, flat pieces and equal neighbours come up.
Activation random_pieces(std::mt19937_64& generator) {
  const auto pick = [&](std::vector<double> from) { return from[generator() % from.size()]; };
  std::vector<double> breakpoints;
  for (const double place : {-2.0, -0.5, 0.0, 0.5, 2.0}) {
    if (generator() % 2 == 0) breakpoints.push_back(place);
  }
  std::vector<double> slopes;
  for (std::size_t k = 0; k <= breakpoints.size(); ++k) slopes.push_back(pick({0.0, 1.0, 1.0, -0.5, 0.25}));
  return Activation::piecewise_linear(breakpoints, slopes, pick({0.0, 0.0, 1.0}), pick({0.0, 0.0, 1.0, -0.25}));
}

TEST(ActivationProperties, OfRandomPieces) {
  std::mt19937_64 generator(5);
  int odd = 0, homogeneous = 0, rising = 0, clamped = 0;
  for (int i = 0; i < 150; ++i) {
    const Activation activation = random_pieces(generator);
    expect_true_properties(activation, activation.text());
    ASSERT_TRUE(activation.range().has_value());
    odd += activation.odd() == true ? 1 : 0;
    homogeneous += activation.homogeneous() == true ? 1 : 0;
    rising += activation.range()->rises ? 1 : 0;
    clamped += activation.clamp().has_value() ? 1 : 0;
    if (HasFailure()) return;
  }
  // Each answer was given, and refused, often enough.
  for (const int count : {odd, homogeneous, rising, clamped}) {
    EXPECT_GE(count, 5);
    EXPECT_LT(count, 142);
  }
}

TEST(ActivationProperties, BreakpointsWithoutAKinkCountForNothing) {
  const Activation relu = Activation::piecewise_linear({-3.0, 0.0, 1.0}, {0.0, 0.0, 1.0, 1.0}, 5.0, 5.0);
  EXPECT_EQ(relu.homogeneous(), true);
  EXPECT_THAT(relu.kinks(), Optional(ElementsAre(0.0)));
  const Activation odd = Activation::piecewise_linear({-1.0, 0.3, 1.0}, {0.0, 2.0, 2.0, 0.0}, 0.0, 0.0);
  EXPECT_EQ(odd.odd(), true);
  EXPECT_THAT(odd.range(), Optional(Range{-2.0, 2.0, true}));
}

TEST(ActivationProperties, OfHermiteSeries) {
  EXPECT_EQ(Activation::hermite({0.0, 1.0, 0.0, -0.3}).odd(), true);
  EXPECT_EQ(Activation::hermite({0.0, 1.0, 0.1, -0.3}).odd(), false);
  EXPECT_EQ(Activation::hermite({0.0, 1.0, 0.0, -0.3}).range(), std::nullopt);
  EXPECT_EQ(Activation::hermite({0.0, 1.0, 0.0, -0.3}).homogeneous(), false);
  EXPECT_THAT(Activation::hermite({0.0, 1.0, 0.0, -0.3}).kinks(), Optional(IsEmpty()));
  EXPECT_EQ(Activation::hermite({0.0, 2.0, 0.0}).homogeneous(), true);
  EXPECT_THAT(Activation::hermite({3.0, -2.0}).range(), Optional(Range{-infinity, infinity, false}));
  EXPECT_EQ(Activation::hermite({0.5, 1.0, 0.25}).text(), "{ hermite = [0.5, 1.0, 0.25] }");
}

TEST(ActivationProperties, OfACallersFunctionAreWhatItWasTold) {
  const auto one = [](double x) { return x; };
  const Activation unknown = Activation::custom(one, one, one);
  EXPECT_FALSE(unknown.range() || unknown.odd() || unknown.homogeneous() || unknown.kinks() || unknown.clamp());
  EXPECT_FALSE(unknown.has_kinks());
  EXPECT_EQ(unknown.text(), "");
  const Activation told = Activation::custom(one, one, one, {.odd = true, .kinks = std::vector<double>{0.5}});
  EXPECT_EQ(told.odd(), true);
  EXPECT_TRUE(told.has_kinks());
  const Activation called = told.called("{ expression = \"x\" }", "mine");
  EXPECT_EQ(called.text(), "{ expression = \"x\" }");
  EXPECT_EQ(called.label(), "mine");
  EXPECT_EQ(called.odd(), true);
  EXPECT_EQ(told.text(), "");
}

TEST(ActivationProperties, OtherNamesMeanTheSame) {
  EXPECT_EQ(Activation::named("silu").text(), "swish");
  EXPECT_EQ(Activation::named("hardtanh").text(), "hard_tanh");
  EXPECT_EQ(Activation::named("silu")(0.7), Activation::named("swish")(0.7));
}

/// phi in long double, for the activations whose tails matter.
long double precise(const std::string& name, long double x) {
  constexpr long double scale = 1.0507009873554804934193349852946L;
  constexpr long double alpha = 1.6732632423543772848170429916717L;
  if (name == "leaky_relu") return x > 0 ? x : static_cast<long double>(0.01) * x;
  if (name == "elu") return x > 0 ? x : std::expm1(x);
  if (name == "selu") return x > 0 ? scale * x : scale * alpha * std::expm1(x);
  if (name == "softplus") return x > 30 ? x + std::exp(-x) : std::log1p(std::exp(x));
  return std::sin(x);
}

TEST(ActivationTails, DerivativesMatchDifferencesInLongDouble) {
  for (const std::string name : {"leaky_relu", "elu", "selu", "softplus", "sin"}) {
    const Activation activation = Activation::named(name);
    for (const long double x : {-40.0L, -21.3L, -7.1L, -1.9L, -0.4L, 0.3L, 0.9L, 3.2L, 11.7L, 39.0L}) {
      // Sixth order: with step 1/256 the error is below 1e-15, and rounding below 1e-15 of the values too.
      const long double h = 1.0L / 256;
      const auto f = [&](long double y) { return precise(name, y); };
      const long double first =
          (45 * (f(x + h) - f(x - h)) - 9 * (f(x + 2 * h) - f(x - 2 * h)) + (f(x + 3 * h) - f(x - 3 * h))) / (60 * h);
      const long double second = (2 * (f(x + 3 * h) + f(x - 3 * h)) - 27 * (f(x + 2 * h) + f(x - 2 * h)) +
                                  270 * (f(x + h) + f(x - h)) - 490 * f(x)) /
                                 (180 * h * h);
      const auto at = static_cast<double>(x);
      EXPECT_NEAR(activation(at), static_cast<double>(f(x)), 4e-16 * std::max(1.0, std::abs(at))) << name << " " << at;
      EXPECT_NEAR(activation.derivative(at), static_cast<double>(first), 1e-13) << name << "' " << at;
      EXPECT_NEAR(activation.second_derivative(at), static_cast<double>(second), 5e-11) << name << "'' " << at;
    }
  }
}

TEST(ActivationTails, KeepTheirDigits) {
  const Activation softplus = Activation::named("softplus");
  for (const double x : {-30.0, -300.0, -700.0}) {
    // e^x to a rounding error or two; the next term, e^(2x) / 2, is below them.
    EXPECT_NEAR(softplus(x) / std::exp(x), 1.0, 1e-13) << x;
    EXPECT_NEAR(softplus.derivative(x) / std::exp(x), 1.0, 1e-13) << x;
    EXPECT_NEAR(softplus.second_derivative(x) / std::exp(x), 1.0, 1e-12) << x;
    EXPECT_NEAR(softplus.second_derivative(-x) / std::exp(x), 1.0, 1e-12) << x;
  }
  EXPECT_GT(softplus(-740.0), 0.0);
  EXPECT_GT(softplus.derivative(-740.0), 0.0);
  EXPECT_DOUBLE_EQ(Activation::named("elu")(-1e-18), -1e-18);
  EXPECT_DOUBLE_EQ(Activation::named("elu")(-1e-9), -1e-9 + 0.5e-18);
}

TEST(ActivationTails, ExtremeArgumentsStayFinite) {
  for (const auto name : Activation::names()) {
    const Activation activation = Activation::named(name);
    for (const double size : {40.0, 800.0, 1e8, 1e300}) {
      for (const double x : {size, -size}) {
        EXPECT_TRUE(std::isfinite(activation(x))) << name << " " << x;
        EXPECT_TRUE(std::isfinite(activation.derivative(x))) << name << "' " << x;
        EXPECT_TRUE(std::isfinite(activation.second_derivative(x))) << name << "'' " << x;
        std::vector<float> single(9, static_cast<float>(std::copysign(std::min(size, 1e37), x)));
        activation.apply(single);
        for (const float value : single) EXPECT_TRUE(std::isfinite(value)) << name << " " << x << " in single";
      }
    }
  }
  EXPECT_EQ(Activation::named("softplus")(1e8), 1e8);
  EXPECT_EQ(Activation::named("softplus")(-infinity), 0.0);
  EXPECT_EQ(Activation::named("softplus")(infinity), infinity);
  EXPECT_EQ(Activation::named("elu")(-infinity), -1.0);
  EXPECT_EQ(Activation::named("elu").derivative(-infinity), 0.0);
  EXPECT_DOUBLE_EQ(Activation::named("selu")(-1e300), -1.7580993408473768);
}

/// E over a standard normal, by the trapezoid rule on either side of zero (Euler-Maclaurin at the kink is what is left:
/// Simpson's weights, of order four).
template <class Function>
double normal_mean(const Function& f) {
  constexpr int count = 40000;
  constexpr double step = 12.0 / count;
  double sum = 0.0;
  for (const double side : {-1.0, 1.0}) {
    for (int k = 0; k <= count; ++k) {
      const double z = side * std::max(k * step, 1e-300);
      const double weight = k == 0 || k == count ? 1.0 : k % 2 == 1 ? 4.0 : 2.0;
      sum += weight * f(z) * std::exp(-0.5 * z * z) * step / 3.0;
    }
  }
  return sum / std::sqrt(2.0 * std::numbers::pi);
}

TEST(ActivationTails, SeluKeepsMeanZeroAndVarianceOne) {
  const Activation selu = Activation::named("selu");
  EXPECT_NEAR(normal_mean([&](double z) { return selu(z); }), 0.0, 1e-13);
  EXPECT_NEAR(normal_mean([&](double z) { return selu(z) * selu(z); }), 1.0, 1e-13);
}

}  // namespace
}  // namespace meander
