// Activations against independent formulas, their derivatives against finite differences.
#include "kernels/networks/activation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Central difference of order eight; with step 1/64 its error is far below 1e-10 for functions that
/// vary on the scale of one, and rounding contributes about 1e-13.
double slope_of(const std::function<double(double)>& f, double x) {
  constexpr double step = 1.0 / 64.0;
  const double weights[] = {4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0};
  double sum = 0.0;
  for (int k = 1; k <= 4; ++k) sum += weights[k - 1] * (f(x + k * step) - f(x - k * step));
  return sum / step;
}

std::vector<double> grid() {
  std::vector<double> points;
  for (int k = -40; k <= 40; ++k) points.push_back(0.173 * k + 0.0123);
  return points;
}

struct Named {
  const char* name;
  std::function<double(double)> formula;
  double max_slope;
};

std::vector<Named> named() {
  const auto normal_cumulative = [](double x) { return 0.5 * (1.0 + std::erf(x / std::sqrt(2.0))); };
  return {
      {"linear", [](double x) { return x; }, 1.0},
      {"relu", [](double x) { return std::max(0.0, x); }, 1.0},
      {"hard_tanh", [](double x) { return std::max(-1.0, std::min(1.0, x)); }, 1.0},
      {"tanh", [](double x) { return (std::exp(2.0 * x) - 1.0) / (std::exp(2.0 * x) + 1.0); }, 1.0},
      {"erf", [](double x) { return 1.0 - std::erfc(x); }, 2.0 / std::sqrt(std::numbers::pi)},
      {"sigmoid", [](double x) { return 0.5 * (1.0 + std::tanh(0.5 * x)); }, 0.25},
      // Suprema of the slopes from 30-digit arithmetic.
      {"gelu", [=](double x) { return x * normal_cumulative(x); }, 1.12890414518515478634},
      {"swish", [](double x) { return x * 0.5 * (1.0 + std::tanh(0.5 * x)); }, 1.09983932012886691696},
      {"leaky_relu", [](double x) { return std::max(x, 0.01 * x); }, 1.0},
      {"elu", [](double x) { return x > 0.0 ? x : std::exp(x) - 1.0; }, 1.0},
      // Both constants from Klambauer et al. 2017; their product is the slope left of zero.
      {"selu", [](double x) { return 1.0507009873554805 * (x > 0.0 ? x : 1.6732632423543772 * (std::exp(x) - 1.0)); },
       1.7580993408473766},
      {"softplus", [](double x) { return std::log(1.0 + std::exp(x)); }, 1.0},
      {"sin", [](double x) { return std::cos(x - 0.5 * std::numbers::pi); }, 1.0}};
}

TEST(Activation, NamesAreKnownAndOthersRefused) {
  std::vector<std::string> expected;
  for (const auto& entry : named()) expected.emplace_back(entry.name);
  const auto names = Activation::names();
  EXPECT_THAT((std::vector<std::string>(names.begin(), names.end())), testing::UnorderedElementsAreArray(expected));
  try {
    Activation::named("softsign");
    FAIL() << "softsign was taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("softsign"), testing::HasSubstr("hard_tanh")));
  }
}

TEST(Activation, NamedValuesFollowTheirFormulas) {
  for (const auto& entry : named()) {
    const Activation activation = Activation::named(entry.name);
    for (const double x : grid()) EXPECT_NEAR(activation(x), entry.formula(x), 4e-15) << entry.name << " at " << x;
    EXPECT_DOUBLE_EQ(activation.max_slope().value(), entry.max_slope) << entry.name;
  }
}

/// Differences may not straddle a kink, nor zero where phi'' jumps there.
bool smooth_near(const Activation& activation, double x) {
  const bool jumps = activation.second_derivative(-1e-9) - activation.second_derivative(1e-9) > 0.1;
  if (jumps && std::abs(x) < 0.07) return false;
  const std::vector<double> kinks = activation.kinks().value();
  return std::none_of(kinks.begin(), kinks.end(), [x](double kink) { return std::abs(x - kink) < 0.07; });
}

void expect_exact_derivatives(const Activation& activation, const std::string& what) {
  int compared = 0;
  for (const double x : grid()) {
    if (!smooth_near(activation, x)) continue;
    ++compared;
    const double first = activation.derivative(x);
    const double second = activation.second_derivative(x);
    const double by_value = slope_of([&](double y) { return activation(y); }, x);
    const double by_first = slope_of([&](double y) { return activation.derivative(y); }, x);
    EXPECT_NEAR(first, by_value, 1e-11 * (1.0 + std::abs(first))) << what << "' at " << x;
    EXPECT_NEAR(second, by_first, 1e-11 * (1.0 + std::abs(second))) << what << "'' at " << x;
  }
  EXPECT_GT(compared, 60);
}

TEST(Activation, DerivativesAreThoseOfTheFunction) {
  for (const auto& entry : named()) expect_exact_derivatives(Activation::named(entry.name), entry.name);
  expect_exact_derivatives(Activation::piecewise_linear({-2.0, 0.5, 3.0}, {0.5, -1.0, 2.0, 0.0}, 1.0, 4.0), "pieces");
}

TEST(Activation, NoSlopeExceedsTheLargest) {
  for (const auto& entry : named()) {
    const Activation activation = Activation::named(entry.name);
    double largest = 0.0;
    for (int k = -20000; k <= 20000; ++k) largest = std::max(largest, std::abs(activation.derivative(k / 1000.0)));
    EXPECT_LE(largest, activation.max_slope().value() * (1.0 + 1e-15)) << entry.name;
    EXPECT_GT(largest, activation.max_slope().value() * (1.0 - 1e-6)) << entry.name;
  }
}

TEST(Activation, TailsNeitherCancelNorOverflow) {
  const Activation tanh = Activation::named("tanh");
  EXPECT_NEAR(tanh.derivative(30.0) / (4.0 * std::exp(-60.0)), 1.0, 1e-14);
  EXPECT_EQ(tanh.derivative(1e4), 0.0);
  const Activation sigmoid = Activation::named("sigmoid");
  EXPECT_NEAR(sigmoid.derivative(40.0) / std::exp(-40.0), 1.0, 1e-14);
  EXPECT_NEAR(sigmoid.derivative(-800.0), 0.0, 0.0);
  // gelu(-10) = -10 Phi(-10), Phi(-10) = 7.619853024160526e-24.
  EXPECT_NEAR(Activation::named("gelu")(-10.0) / -7.619853024160526e-23, 1.0, 1e-14);
  EXPECT_EQ(Activation::named("swish")(-1e5), 0.0);
}

TEST(Activation, SpansAgreeWithSingleValues) {
  std::vector<Activation> all;
  for (const auto& entry : named()) all.push_back(Activation::named(entry.name));
  all.push_back(Activation::piecewise_linear({-1.0, 1.0}, {0.1, 1.0, 0.2}, 0.0, 0.0));
  all.push_back(Activation::hermite({0.1, 0.5, -0.2}));
  for (const Activation& activation : all) {
    std::vector<double> doubles = grid();
    std::vector<float> floats(doubles.begin(), doubles.end());
    activation.apply(doubles);
    activation.apply(floats);
    for (std::size_t k = 0; k < doubles.size(); ++k) {
      EXPECT_EQ(doubles[k], activation(grid()[k]));
      // A few ulp of float, from the argument's rounding and the function's.
      EXPECT_NEAR(floats[k], doubles[k], 1e-6 * (1.0 + std::abs(doubles[k])));
    }
  }
}

TEST(Activation, NotANumberStaysOne) {
  for (const auto& entry : named()) {
    std::vector<double> doubles(19, std::nan(""));
    std::vector<float> floats(19, std::nanf(""));
    Activation::named(entry.name).apply(doubles);
    Activation::named(entry.name).apply(floats);
    for (const double x : doubles) EXPECT_TRUE(std::isnan(x)) << entry.name;
    for (const float x : floats) EXPECT_TRUE(std::isnan(x)) << entry.name;
  }
  EXPECT_TRUE(std::isnan(Activation::piecewise_linear({0.0}, {0.0, 1.0}, 0.0, 0.0)(std::nan(""))));
}

double by_pieces(const LinearPieces& pieces, double x) {
  std::size_t k = 0;
  while (k < pieces.breakpoints.size() && pieces.breakpoints[k] < x) ++k;
  return pieces.slopes[k] * x + pieces.intercepts[k];
}

TEST(Activation, PiecesAreTheFunction) {
  for (const char* name : {"linear", "relu", "hard_tanh", "leaky_relu"}) {
    const Activation activation = Activation::named(name);
    ASSERT_NE(activation.pieces(), nullptr) << name;
    for (const double x : grid()) EXPECT_EQ(by_pieces(*activation.pieces(), x), activation(x)) << name << " at " << x;
    for (const double x : activation.pieces()->breakpoints) {
      EXPECT_EQ(by_pieces(*activation.pieces(), x), activation(x)) << name << " at " << x;
    }
  }
  for (const char* name : {"tanh", "erf", "sigmoid", "gelu", "swish", "elu", "selu", "softplus", "sin"}) {
    EXPECT_EQ(Activation::named(name).pieces(), nullptr) << name;
  }
}

TEST(Activation, SlopesAtBreakpointsBelongToThePieceBelow) {
  EXPECT_EQ(Activation::named("relu").derivative(0.0), 0.0);
  EXPECT_EQ(Activation::named("hard_tanh").derivative(-1.0), 0.0);
  EXPECT_EQ(Activation::named("hard_tanh").derivative(1.0), 1.0);
  EXPECT_EQ(Activation::piecewise_linear({0.0}, {3.0, 5.0}, 0.0, 0.0).derivative(0.0), 3.0);
}

TEST(Activation, TablesReproduceNamedOnes) {
  EXPECT_EQ(*Activation::piecewise_linear({-1.0, 1.0}, {0.0, 1.0, 0.0}, 0.0, 0.0).pieces(),
            *Activation::named("hard_tanh").pieces());
  EXPECT_EQ(*Activation::piecewise_linear({0.0}, {0.0, 1.0}, -4.0, 0.0).pieces(), *Activation::named("relu").pieces());
  EXPECT_EQ(Activation::piecewise_linear({0.0}, {-7.0, 1.0}, 0.0, 0.0).max_slope(), 7.0);
}

TEST(Activation, TablesAreContinuousAndMeetTheirValue) {
  for (const double at : {-5.0, -2.0, 0.0, 0.5, 2.0, 3.0, 9.0}) {
    const Activation activation = Activation::piecewise_linear({-2.0, 0.5, 3.0}, {0.5, -1.0, 2.0, 0.25}, at, 1.75);
    EXPECT_DOUBLE_EQ(activation(at), 1.75);
    for (const double point : activation.pieces()->breakpoints) {
      EXPECT_NEAR(activation(point), activation(std::nextafter(point, 10.0)), 1e-14);
    }
  }
}

TEST(Activation, BadTablesAreRefused) {
  EXPECT_THROW(Activation::piecewise_linear({0.0}, {1.0}, 0.0, 0.0), std::invalid_argument);
  EXPECT_THROW(Activation::piecewise_linear({1.0, 0.0}, {1.0, 2.0, 3.0}, 0.0, 0.0), std::invalid_argument);
  EXPECT_THROW(Activation::piecewise_linear({1.0, 1.0}, {1.0, 2.0, 3.0}, 0.0, 0.0), std::invalid_argument);
  EXPECT_THROW(Activation::piecewise_linear({0.0}, {1.0, infinity}, 0.0, 0.0), std::invalid_argument);
  EXPECT_THROW(Activation::piecewise_linear({0.0}, {1.0, 2.0}, 0.0, std::nan("")), std::invalid_argument);
  EXPECT_THROW(Activation::hermite({}), std::invalid_argument);
  EXPECT_THROW(Activation::hermite({1.0, std::nan("")}), std::invalid_argument);
  EXPECT_THROW(Activation::custom([](double x) { return x; }, nullptr, [](double) { return 0.0; }),
               std::invalid_argument);
}

TEST(Activation, HermiteSeriesIsTheSumOfPolynomials) {
  const std::vector<double> c = {0.3, -1.1, 0.7, 0.2, -0.4, 0.05};
  const Activation activation = Activation::hermite(c);
  for (const double x : {-3.1, -1.0, -0.2, 0.0, 0.4, 1.7, 2.9}) {
    const double x2 = x * x;
    const double value = c[0] + c[1] * x + c[2] * (x2 - 1) / std::sqrt(2.0) + c[3] * (x2 - 3) * x / std::sqrt(6.0) +
                         c[4] * (x2 * x2 - 6 * x2 + 3) / std::sqrt(24.0) +
                         c[5] * (x2 * x2 - 10 * x2 + 15) * x / std::sqrt(120.0);
    const double slope = c[1] + c[2] * 2 * x / std::sqrt(2.0) + c[3] * 3 * (x2 - 1) / std::sqrt(6.0) +
                         c[4] * 4 * (x2 - 3) * x / std::sqrt(24.0) +
                         c[5] * 5 * (x2 * x2 - 6 * x2 + 3) / std::sqrt(120.0);
    const double bend = c[2] * 2 / std::sqrt(2.0) + c[3] * 6 * x / std::sqrt(6.0) +
                        c[4] * 12 * (x2 - 1) / std::sqrt(24.0) + c[5] * 20 * (x2 - 3) * x / std::sqrt(120.0);
    EXPECT_NEAR(activation(x), value, 1e-13);
    EXPECT_NEAR(activation.derivative(x), slope, 1e-13);
    EXPECT_NEAR(activation.second_derivative(x), bend, 1e-13);
  }
  EXPECT_EQ(activation.max_slope(), infinity);
  EXPECT_EQ(Activation::hermite({2.0}).max_slope(), 0.0);
  EXPECT_EQ(Activation::hermite({2.0, -3.0, 0.0}).max_slope(), 3.0);
}

TEST(Activation, CustomFunctionsAreUsedAsGiven) {
  const Activation activation = Activation::custom([](double x) { return x * x * x; },
                                                   [](double x) { return 3 * x * x; }, [](double x) { return 6 * x; });
  EXPECT_EQ(activation(2.0), 8.0);
  EXPECT_EQ(activation.derivative(2.0), 12.0);
  EXPECT_EQ(activation.second_derivative(2.0), 12.0);
  EXPECT_FALSE(activation.max_slope().has_value());
  EXPECT_EQ(activation.pieces(), nullptr);
}

}  // namespace
}  // namespace meander
