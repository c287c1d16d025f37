// Tails by name: the text of an activation says which function it is.
#include "kernels/networks/scaled_slope.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>

namespace meander {
namespace {

/// Slopes above it have all their digits, and so have terms that are 2^-60 of them.
constexpr double full_precision = 0x1p-960;

/// e^(-a x^2) times `factor`, a = 1 or 1/2: what x^2 loses to rounding is put back.
ScaledNumber bell(double x, double a, double factor) {
  const double square = x * x;
  ScaledNumber result = from_logarithm(-a * square);
  const double lost = a * std::fma(x, x, -square);
  result.mantissa *= factor * (std::abs(lost) < 1.0 ? std::exp(-lost) : 1.0);
  return result;
}

/// gelu' = Phi + x phi at x << 0, Phi = phi / |x| (1 - 1 / x^2 + 3 / x^4 - ...).
ScaledNumber gelu_tail(double x) {
  double series = 0.0, term = 1.0;
  for (int k = 1; k <= 8; ++k) {
    series += term;
    term *= -(2.0 * k - 1.0) / (x * x);
  }
  constexpr double density = 0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2;
  return bell(x, 0.5, -density * (-x - series / -x));
}

ScaledNumber times(ScaledNumber x, double factor) {
  x.mantissa *= factor;
  return x;
}

/// Of a slope so small that only the tail's exponential counts.
std::optional<ScaledNumber> tail(const Activation& phi, double x) {
  const std::string_view text = phi.text();
  const auto is = [&](std::string_view name) {  // alone, or in a table with a name or a parameter of the user's
    return text == name || text.find("activation = \"" + std::string(name) + "\"") != std::string_view::npos;
  };
  const double size = std::abs(x);
  if (is("tanh")) return times(from_logarithm(-2.0 * size), 4.0);
  if (is("erf")) return bell(x, 1.0, 2.0 * std::numbers::inv_sqrtpi);
  if (is("sigmoid")) return from_logarithm(-size);
  if (x > 0.0) return std::nullopt;
  if (is("gelu")) return gelu_tail(x);
  if (is("swish")) return times(from_logarithm(x), 1.0 + x);
  if (is("softplus")) return from_logarithm(x);
  // phi'(-1) is their constant over e.
  const bool exponential = is("elu") || is("selu");
  if (exponential) return times(from_logarithm(x + 1.0), phi.derivative(-1.0));
  return std::nullopt;
}

}  // namespace

ScaledNumber scaled_slope(const Activation& phi, double x) {
  const double slope = phi.derivative(x);
  if (!(std::abs(slope) < full_precision) || !std::isfinite(x)) return {slope, 0.0};
  const std::optional<ScaledNumber> found = tail(phi, x);
  // Where even the logarithm is beyond the numbers, nothing is left.
  if (!found || !std::isfinite(found->exponent) || !std::isfinite(found->mantissa)) return {slope, 0.0};
  return *found;
}

}  // namespace meander
