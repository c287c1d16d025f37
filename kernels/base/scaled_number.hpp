// Numbers beyond a double's range.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

namespace meander {

/// mantissa 2^exponent. The exponent is a whole number; beyond 2^53 it is one as a double is, which is as much as a
/// double can tell of the number's logarithm.
struct ScaledNumber {
  double mantissa = 0.0;
  double exponent = 0.0;
};

/// x 2^e for any e.
inline double scaled(double x, double e) {
  return std::ldexp(x, static_cast<int>(std::clamp(e, -5000.0, 5000.0)));
}

/// The exponent of the first digit; x is not 0.
inline double size_of(const ScaledNumber& x) {
  return std::ilogb(x.mantissa) + x.exponent;
}

/// e^log, as near as a double can know it from its logarithm.
inline ScaledNumber from_logarithm(double log) {
  const double exponent = std::floor(log / std::numbers::ln2);
  const double rest = std::fma(-exponent, std::numbers::ln2, log);
  return {std::exp(std::clamp(rest, -1.0, 1.0)), exponent};  // of huge logarithms nothing is known of the rest
}

}  // namespace meander
