// tanh with its first and second derivatives in loops that compilers vectorise: additions, multiplications, divisions
// and integer operations only, so that every processor gives the same bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace meander {

/// exp(-y) for y >= 0 within two rounding errors; at least exp(-700). -y = r - n ln 2, |r| <= ln 2 / 2, and e^r by its
/// series, whose next term is below 4e-18.
inline double exp_of_minus(double y) {
  constexpr double shifter = 0x1.8p52;  // leaves the rounded number in the low bits
  const double bounded = y > 700.0 ? 700.0 : y;
  const double shifted = bounded * 0x1.71547652b82fep0 + shifter;
  const double n = shifted - shifter;
  // ln 2 in two parts, the first with so few bits that its product with n is exact.
  const double r = (n * 0x1.62e42feep-1 - bounded) + n * 0x1.a39ef35793c76p-33;
  double series = 1.0 / 6227020800.0;
  for (const double coefficient : {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0,
                                   1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0}) {
    series = series * r + coefficient;
  }
  const std::uint64_t exponent = (std::uint64_t{1023} << 52U) - (std::bit_cast<std::uint64_t>(shifted) << 52U);
  return series * std::bit_cast<double>(exponent);
}

/// The same in single precision; at least exp(-87).
inline float exp_of_minus(float y) {
  constexpr float shifter = 0x1.8p23F;
  const float bounded = y > 87.0F ? 87.0F : y;
  const float shifted = bounded * 0x1.715476p0F + shifter;
  const float n = shifted - shifter;
  const float r = (n * 0.693359375F - bounded) + n * -2.12194440e-4F;
  float series = 1.0F / 5040.0F;
  for (const float coefficient : {1.0F / 720.0F, 1.0F / 120.0F, 1.0F / 24.0F, 1.0F / 6.0F, 0.5F, 1.0F, 1.0F})
    series = series * r + coefficient;
  const std::uint32_t exponent = (std::uint32_t{127} << 23U) - (std::bit_cast<std::uint32_t>(shifted) << 23U);
  return series * std::bit_cast<float>(exponent);
}

/// x <- tanh x, first <- 1 / cosh^2 x, second <- -2 tanh x / cosh^2 x, each within a few rounding errors of itself:
/// they come from e = exp(-2 |x|), where nothing cancels, and tanh itself near 0 from x / (1 + x^2 / (3 + x^2 / (5 +
/// ... / 13))), whose next term is below 3e-16 for |x| < 1/2.
template <class Real>
void tanh_derivatives(Real* x, Real* first, Real* second, long size) {
  for (long i = 0; i < size; ++i) {
    const Real value = x[i];
    const Real square = value * value;
    const Real e = exp_of_minus(Real{2} * std::abs(value));
    const Real near = value * (Real{135135} + square * (Real{17325} + square * (Real{378} + square))) /
                      (Real{135135} + square * (Real{62370} + square * (Real{3150} + Real{28} * square)));
    const Real far = std::copysign((Real{1} - e) / (Real{1} + e), value);
    // A NaN is not below 1/2, and stays one.
    const Real result = square < Real{0.25} ? near : far;
    const Real slope = Real{4} * e / ((Real{1} + e) * (Real{1} + e));
    x[i] = result;
    first[i] = slope;
    second[i] = Real{-2} * result * slope;
  }
}

}  // namespace meander
