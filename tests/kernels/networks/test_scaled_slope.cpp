// Slopes in the tails against their logarithms to 40 digits (mpmath 1.3).
#include "kernels/networks/scaled_slope.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

namespace meander {
namespace {

double log_size(const ScaledNumber& x) {
  return std::log(std::abs(x.mantissa)) + x.exponent * std::numbers::ln2;
}

TEST(ScaledSlope, TailsBelowTheRangeOfDoubles) {
  struct Case {
    Activation phi;
    double x, log, sign;
  };
  const auto named = [](const char* name) { return Activation::named(name); };
  for (const Case& c : std::vector<Case>{{named("tanh"), 400.0, -798.613705638880109, 1.0},
                                         {named("erf"), -30.25, -914.941717762364755, 1.0},
                                         {named("sigmoid"), 800.5, -800.5, 1.0},
                                         {named("gelu"), -40.5, -817.343246036935758, -1.0},
                                         {named("gelu"), -37.0, -681.808750814870279, -1.0},
                                         {named("swish"), -800.5, -793.816013467725991, -1.0},
                                         {named("softplus"), -800.5, -800.5, 1.0},
                                         {named("selu"), -800.5, -799.935766694456746, 1.0},
                                         {Activation::elu(0.5), -900.0, -900.693147180559945, 1.0}}) {
    const ScaledNumber slope = scaled_slope(c.phi, c.x);
    // Half a unit of rounding of the logarithm's terms.
    EXPECT_NEAR(log_size(slope), c.log, 3e-13) << c.phi.text();
    EXPECT_EQ(std::copysign(1.0, slope.mantissa), c.sign) << c.phi.text();
  }
}

TEST(ScaledSlope, GoesOnFromTheDerivativeWithoutAStep) {
  // On either side of 2^-960 = e^-665.4.
  for (const char* name : {"tanh", "erf", "sigmoid", "gelu", "swish", "softplus", "elu", "selu"}) {
    const Activation phi = Activation::named(name);
    const bool bell = std::string(name) == "erf" || std::string(name) == "gelu";
    double before = 0.0;
    for (int k = 0; k <= 40; ++k) {
      const double log = -650.0 - k;
      const double x = !bell                         ? (std::string(name) == "tanh" ? 0.5 : 1.0) * log
                       : std::string(name) == "gelu" ? -std::sqrt(-2.0 * log)
                                                     : -std::sqrt(-log);
      const double now = log_size(scaled_slope(phi, x));
      EXPECT_NEAR(now - before, k == 0 ? now : -1.0, 3e-3) << name << " " << x;
      before = now;
    }
  }
}

TEST(ScaledSlope, ZerosAreZerosAndOrdinarySlopesTheDerivative) {
  for (const char* name : {"relu", "hard_tanh"}) {
    EXPECT_EQ(scaled_slope(Activation::named(name), -2.0).mantissa, 0.0);
  }
  EXPECT_EQ(scaled_slope(Activation::elu(0.0), -900.0).mantissa, 0.0);
  for (const std::string_view name : Activation::names()) {
    const Activation phi = Activation::named(name);
    EXPECT_EQ(scaled_slope(phi, 0.3).mantissa, phi.derivative(0.3)) << name;
    EXPECT_EQ(scaled_slope(phi, 0.3).exponent, 0.0) << name;
  }
  // Logarithms so large that a double knows them to their first digits only.
  EXPECT_NEAR(log_size(scaled_slope(Activation::named("gelu"), -1e12)), -5e23, 1e9);
  // A name of the user's own changes nothing.
  const Activation called = Activation::named("erf").called("{ activation = \"erf\", name = \"mine\" }", "mine");
  EXPECT_NEAR(log_size(scaled_slope(called, 40.0)), -1600.0 + std::log(2.0 / std::sqrt(std::numbers::pi)), 1e-12);
}

}  // namespace
}  // namespace meander
