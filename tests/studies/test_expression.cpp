// Formulas against closed forms of their derivatives, and what is no formula.
#include "studies/networks/expression.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace meander {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

void expect_same(const std::string& text, double (*phi)(double), double (*first)(double), double (*second)(double)) {
  const Expression expression = parse_expression(text);
  for (double x = -4.0; x <= 4.0; x += 0.37) {
    // The same few operations in another order: a few units in the last place, more where terms cancel.
    const auto near = [](double value) { return 2e-14 * std::max(1.0, std::abs(value)); };
    EXPECT_NEAR(expression.value(x), phi(x), near(phi(x))) << text << " at " << x;
    EXPECT_NEAR(expression.derivative(x), first(x), near(first(x))) << text << "' at " << x;
    EXPECT_NEAR(expression.second_derivative(x), second(x), near(second(x))) << text << "'' at " << x;
  }
}

double gauss(double x) {
  return 2 / std::sqrt(std::numbers::pi) * std::exp(-x * x);
}

TEST(Expression, TimesErf) {
  expect_same(
      "x * erf(x)", [](double x) { return x * std::erf(x); }, [](double x) { return std::erf(x) + x * gauss(x); },
      [](double x) { return gauss(x) * (2 - 2 * x * x); });
}

TEST(Expression, Tanh) {
  expect_same(
      "tanh(2*x)", [](double x) { return std::tanh(2 * x); },
      [](double x) { return 2 / std::pow(std::cosh(2 * x), 2); },
      [](double x) { return -8 * std::tanh(2 * x) / std::pow(std::cosh(2 * x), 2); });
}

TEST(Expression, Polynomial) {
  expect_same(
      "x^3/3 - 0.25*x^2 + 1e-1", [](double x) { return x * x * x / 3 - x * x / 4 + 0.1; },
      [](double x) { return x * x - x / 2; }, [](double x) { return 2 * x - 0.5; });
}

TEST(Expression, RootAndConstants) {
  expect_same(
      "sqrt(1 + x^2) + pi - e", [](double x) { return std::hypot(1, x) + std::numbers::pi - std::numbers::e; },
      [](double x) { return x / std::hypot(1, x); }, [](double x) { return 1 / std::pow(std::hypot(1, x), 3); });
}

TEST(Expression, Sines) {
  expect_same(
      "sin(x)*cos(x)", [](double x) { return std::sin(x) * std::cos(x); }, [](double x) { return std::cos(2 * x); },
      [](double x) { return -2 * std::sin(2 * x); });
}

TEST(Expression, LogarithmIsNatural) {
  expect_same(
      "log(1 + exp(x))", [](double x) { return std::log1p(std::exp(x)); },
      [](double x) { return 1 / (1 + std::exp(-x)); },
      [](double x) { return std::exp(-x) / std::pow(1 + std::exp(-x), 2); });
}

TEST(Expression, TheRestOfMathH) {
  expect_same(
      "expm1(x) + exp2(x)", [](double x) { return std::expm1(x) + std::exp2(x); },
      [](double x) { return std::exp(x) + std::numbers::ln2 * std::exp2(x); },
      [](double x) { return std::exp(x) + std::numbers::ln2 * std::numbers::ln2 * std::exp2(x); });
  expect_same(
      "log1p(x^2)", [](double x) { return std::log1p(x * x); }, [](double x) { return 2 * x / (1 + x * x); },
      [](double x) { return 2 * (1 - x * x) / ((1 + x * x) * (1 + x * x)); });
  expect_same(
      "log2(1 + x^2) + log10(1 + x^2)", [](double x) { return std::log2(1 + x * x) + std::log10(1 + x * x); },
      [](double x) { return (1 / std::numbers::ln2 + 1 / std::numbers::ln10) * 2 * x / (1 + x * x); },
      [](double x) {
        return (1 / std::numbers::ln2 + 1 / std::numbers::ln10) * 2 * (1 - x * x) / ((1 + x * x) * (1 + x * x));
      });
  expect_same(
      "x * erfc(x)", [](double x) { return x * std::erfc(x); }, [](double x) { return std::erfc(x) - x * gauss(x); },
      [](double x) { return gauss(x) * (2 * x * x - 2); });
  expect_same(
      "hypot(x, 1)", [](double x) { return std::hypot(x, 1); }, [](double x) { return x / std::hypot(x, 1); },
      [](double x) { return 1 / std::pow(std::hypot(x, 1), 3); });
  expect_same(
      "pow(x, 3) + cbrt(8) + atan2(x, 2)", [](double x) { return x * x * x + 2 + std::atan(x / 2); },
      [](double x) { return 3 * x * x + 2 / (4 + x * x); },
      [](double x) { return 6 * x - 4 * x / ((4 + x * x) * (4 + x * x)); });
  expect_same(
      "cbrt(x + 10)", [](double x) { return std::cbrt(x + 10); },
      [](double x) { return 1 / (3 * std::pow(std::cbrt(x + 10), 2)); },
      [](double x) { return -2 / (9 * std::pow(std::cbrt(x + 10), 5)); });
}

TEST(Expression, ChoicesHaveTheDerivativesOfTheirSides) {
  // None of these points is a kink.
  expect_same(
      "abs(x + 0.01) * x", [](double x) { return std::abs(x + 0.01) * x; },
      [](double x) { return (x > -0.01 ? 1 : -1) * (2 * x + 0.01); }, [](double x) { return x > -0.01 ? 2.0 : -2.0; });
  expect_same(
      "max(-1, min(1, x^3))", [](double x) { return std::max(-1.0, std::min(1.0, x * x * x)); },
      [](double x) { return std::abs(x) < 1 ? 3 * x * x : 0.0; },
      [](double x) { return std::abs(x) < 1 ? 6 * x : 0.0; });
  expect_same(
      "fmax(x, 0.1*x) + fmin(x^2, 3)", [](double x) { return std::max(x, 0.1 * x) + std::min(x * x, 3.0); },
      [](double x) { return (x > 0 ? 1.0 : 0.1) + (x * x < 3 ? 2 * x : 0.0); },
      [](double x) { return x * x < 3 ? 2.0 : 0.0; });
  expect_same(
      "sign(x + 0.01) * (exp(fabs(x + 0.01)) - 1)",
      [](double x) { return std::copysign(std::exp(std::abs(x + 0.01)) - 1, x + 0.01); },
      [](double x) { return std::exp(std::abs(x + 0.01)); },
      [](double x) { return std::copysign(std::exp(std::abs(x + 0.01)), x + 0.01); });
}

TEST(Expression, KinksAreFoundWhereTheSlopeJumpsAndNowhereElse) {
  const auto kinks = [](const char* text) { return parse_expression(text).kinks; };
  EXPECT_THAT(kinks("max(x, 0)"), Optional(ElementsAre(0.0)));
  EXPECT_THAT(kinks("max(-1, min(1, x))"), Optional(ElementsAre(DoubleNear(-1, 1e-12), DoubleNear(1, 1e-12))));
  EXPECT_THAT(kinks("abs(x - 0.3) + sign(x + 50)"),
              Optional(ElementsAre(DoubleNear(-50, 1e-9), DoubleNear(0.3, 1e-12))));
  // Twice differentiable all the same, or smooth: proved to have none.
  EXPECT_THAT(kinks("x * abs(x)"), Optional(IsEmpty()));
  EXPECT_THAT(kinks("x^2 * abs(x)"), Optional(IsEmpty()));
  EXPECT_THAT(kinks("max(x, x - 1)"), Optional(IsEmpty()));
  EXPECT_THAT(kinks("tanh(x)"), Optional(IsEmpty()));
  // Off every grid, and of functions that make no choice.
  EXPECT_THAT(kinks("sqrt((x-0.3)^2)"), Optional(ElementsAre(0.3)));
  EXPECT_THAT(kinks("sqrt(x^2 - 0.6*x + 0.09)"), Optional(ElementsAre(DoubleNear(0.3, 1e-7))));
  EXPECT_THAT(kinks("min(x^2, 3)"),
              Optional(ElementsAre(DoubleNear(-std::sqrt(3), 1e-14), DoubleNear(std::sqrt(3), 1e-14))));
  const auto waves = kinks("asin(sin(x))");
  ASSERT_TRUE(waves);
  EXPECT_THAT(*waves, Contains(DoubleNear(0.5 * std::numbers::pi, 1e-9)));
  EXPECT_THAT(*waves, Contains(DoubleNear(-1.5 * std::numbers::pi, 1e-9)));
  EXPECT_EQ(waves->size() % 2, 0U);
}

TEST(Expression, SteepPlacesAreFoundAndNoOthers) {
  const auto narrow_at = [](const char* text, double x) {
    double width = 1.0;
    for (const auto& s : parse_expression(text).features.narrow) {
      if (s.begin <= x && x <= s.end) width = s.width;
    }
    return width;
  };
  EXPECT_LE(narrow_at("tanh(500*(x-2.3))", 2.3), 0.01);
  EXPECT_EQ(narrow_at("tanh(500*(x-2.3))", 1.9), 1.0);
  EXPECT_LE(narrow_at("x+0.5*exp(-((x-1.15)/0.01)^2)", 1.15), 0.03);
  EXPECT_LE(narrow_at("tanh(1e8*(x-0.3))", 0.3), 1e-7);
  EXPECT_LE(narrow_at("1/(1+10000*(x-1)^2)", 1.0), 0.02);
  EXPECT_LE(narrow_at("sin(100*x)", 17.0), 0.07);
  for (const char* smooth :
       {"tanh(x)", "x/(1+exp(-x))", "log(1+exp(x))", "x*erf(x)", "1/(1+exp(-x))", "x^3/3-0.25*x^2"}) {
    EXPECT_TRUE(parse_expression(smooth).features.empty()) << smooth;
    EXPECT_GE(parse_expression(smooth).features.reach, 512.0) << smooth;
  }
  EXPECT_EQ(parse_expression("sin(1000000*x)").features.reach, 0.0);
}

TEST(Expression, ItsOwnOverflowAndCancellationAreNoneOfTheFunctions) {
  const auto expect_equal = [](const char* text, double (*phi)(double), double (*first)(double), double scale) {
    const Expression expression = parse_expression(text);
    for (const double x :
         {-1e300, -1e6, -12000.0, -800.0, -3.0, -1e-9, 1e-9, 1e-5, 0.3, 40.0, 720.0, 12000.0, 1e5, 1e300}) {
      EXPECT_NEAR(expression.value(x), phi(x), 1e-13 * std::abs(phi(x)) + scale) << text << " at " << x;
      EXPECT_NEAR(expression.derivative(x), first(x), 1e-13 * std::abs(first(x)) + 1e-17) << text << "' at " << x;
      EXPECT_TRUE(std::isfinite(expression.second_derivative(x))) << text << "'' at " << x;
    }
  };
  const auto sech2 = [](double x) { return 1 / std::cosh(x) / std::cosh(x); };
  const auto hyperbolic = [](double x) { return std::tanh(x); };
  expect_equal("(exp(x)-exp(-x))/(exp(x)+exp(-x))", hyperbolic, sech2, 0.0);
  expect_equal("(exp(2*x)-1)/(exp(2*x)+1)", hyperbolic, sech2, 0.0);
  expect_equal("sinh(x)/cosh(x)", hyperbolic, sech2, 0.0);
  const auto softplus = [](double x) { return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0); };
  const auto logistic = [](double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); };
  expect_equal("log(1+exp(x))", softplus, logistic, 1e-16);
  expect_equal("log1p(exp(x))", softplus, logistic, 1e-16);
  expect_equal(
      "x/(1+exp(-x))", [](double x) { return x < -700 ? 0.0 : x / (1 + std::exp(-x)); },
      [](double x) {
        if (std::abs(x) > 700) return x > 0 ? 1.0 : 0.0;
        return (1 + std::exp(-x) * (1 + x)) / std::pow(1 + std::exp(-x), 2);
      },
      0.0);
}

TEST(Expression, PolesBetweenPointsOfAnyGridAreRefused) {
  const auto why = [](const char* text) -> std::string {
    try {
      parse_expression(text);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(why("cbrt(x-0.3)"), HasSubstr("its derivative is infinite at x = 0.3"));
  EXPECT_THAT(why("1/(x-0.3)"), HasSubstr("it is infinite at x = 0.3"));
  EXPECT_THAT(why("abs(x-0.3)^1.5"), HasSubstr("its second derivative is infinite at x = 0.3"));
}

TEST(Expression, MinusBindsLessThanPower) {
  EXPECT_EQ(parse_expression("-x^2").value(3), -9);
}

std::string refusal(const std::string& text) {
  try {
    parse_expression(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Expression, MistakesAreNamedWithTheirPosition) {
  EXPECT_THAT(refusal("x * erfcx(x)"), AllOf(HasSubstr("'erfcx' at position 5"), HasSubstr("erf")));
  EXPECT_THAT(refusal("x * y"), HasSubstr("'y' at position 5"));
  EXPECT_THAT(refusal("x $ 2"), HasSubstr("at position 3"));
  EXPECT_THAT(refusal("x * (1 +"), HasSubstr("incomplete at position"));
  EXPECT_THAT(refusal("x)"), HasSubstr("')' at position 2"));
  EXPECT_THAT(refusal("x**2"), HasSubstr("'*' at position 3"));
  EXPECT_THAT(refusal(""), HasSubstr("ends or is incomplete"));
}

TEST(Expression, WhatHasNoDerivativeIsRefused) {
  EXPECT_THAT(refusal("x > 0 ? x : 0"), AllOf(HasSubstr("cannot be differentiated"), HasSubstr("max")));
  EXPECT_THAT(refusal("floor(x)"), AllOf(HasSubstr("'floor' at position 1"), HasSubstr("staircase")));
  EXPECT_THAT(refusal("x + lgamma(x)"), AllOf(HasSubstr("'lgamma' at position 5"), HasSubstr("no function of math.h")));
  EXPECT_THAT(refusal("max(x)"), HasSubstr("too few arguments"));
  EXPECT_THAT(refusal("tanh(x, 1)"), HasSubstr("too many arguments"));
  EXPECT_THAT(refusal("cbrt(x)"), HasSubstr("its derivative is infinite at x = 0"));
  // Words of the derivatives' formulas are none of the user's.
  EXPECT_THAT(refusal("signum(x)"), HasSubstr("'signum' at position 1"));
  EXPECT_THAT(refusal("larger(x, 0)"), HasSubstr("'larger' at position 1"));
  EXPECT_THAT(refusal("sqrt(x^2)"), HasSubstr("at x = 0"));
}

TEST(Expression, WhatIsNotDefinedEverywhereIsRefused) {
  EXPECT_THAT(refusal("log(x)"), HasSubstr("at x = -4"));
  EXPECT_THAT(refusal("1/x"), HasSubstr("infinite at x = 0"));
  EXPECT_THAT(refusal("sqrt(x)"), HasSubstr("not a number at x = -4"));
}

TEST(Expression, APowerOfAPowerNeedsParentheses) {
  EXPECT_THAT(refusal("2^x^2"), HasSubstr("parentheses"));
  EXPECT_EQ(parse_expression("2^(x^2)").value(2), 16);
}

TEST(Expression, CopiesShareNoState) {
  const Expression one = parse_expression("x + 1");
  const Expression other = parse_expression("x + 2");
  EXPECT_EQ(one.value(1), 2);
  EXPECT_EQ(other.value(10), 12);
  EXPECT_EQ(one.value(1), 2);
}

}  // namespace
}  // namespace meander
