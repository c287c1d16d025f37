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
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
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
  // Twice differentiable all the same.
  EXPECT_EQ(kinks("x * abs(x)"), std::nullopt);
  EXPECT_EQ(kinks("x^2 * abs(x)"), std::nullopt);
  EXPECT_EQ(kinks("max(x, x - 1)"), std::nullopt);
  EXPECT_EQ(kinks("tanh(x)"), std::nullopt);
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
