// Formulas against closed forms of their derivatives, and what is no formula.
#include "studies/networks/expression.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace meander {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
  EXPECT_THAT(refusal("x * erfc(x)"), AllOf(HasSubstr("'erfc' at position 5"), HasSubstr("erf")));
  EXPECT_THAT(refusal("x * y"), HasSubstr("'y' at position 5"));
  EXPECT_THAT(refusal("x $ 2"), HasSubstr("at position 3"));
  EXPECT_THAT(refusal("x * (1 +"), HasSubstr("incomplete at position"));
  EXPECT_THAT(refusal("x)"), HasSubstr("')' at position 2"));
  EXPECT_THAT(refusal("x**2"), HasSubstr("'*' at position 3"));
  EXPECT_THAT(refusal(""), HasSubstr("ends or is incomplete"));
}

TEST(Expression, WhatHasNoDerivativeIsRefused) {
  EXPECT_THAT(refusal("abs(x)"), HasSubstr("'abs' at position 1"));
  EXPECT_THAT(refusal("x > 0 ? x : 0"), HasSubstr("cannot be differentiated"));
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
