// The functions behind the names of activations, each with its exact derivatives and properties.
#pragma once

#include "kernels/networks/activation.hpp"
#include "kernels/networks/tanh_derivatives.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

namespace meander::activation_laws {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
using Range = Activation::Range;

/// SELU's constants: the ones that make mean 0 and variance 1 a fixed point (Klambauer et al. 2017, equation 14).
inline constexpr double selu_scale = 1.0507009873554804934193349852946;
inline constexpr double selu_alpha = 1.6732632423543772848170429916717;

inline double gaussian_density(double x) {
  return std::exp(-0.5 * x * x) * (0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);
}

inline double gaussian_cumulative(double x) {
  return 0.5 * std::erfc(-x * (0.5 * std::numbers::sqrt2));
}

inline double logistic(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// Each law below is a function with its derivatives; `value` also in single precision. Comparisons
// are written so that a NaN stays one, which is how overflow is noticed further up.

struct Linear {
  template <typename Real>
  static Real value(Real x) {
    return x;
  }
  static double first(double) { return 1.0; }
  static double second(double) { return 0.0; }
  static double max_slope() { return 1.0; }
  static LinearPieces pieces() { return {{}, {1.0}, {0.0}}; }
};

struct Relu {
  template <typename Real>
  static Real value(Real x) {
    return x < Real{0} ? Real{0} : x;
  }
  static double first(double x) { return x > 0.0 ? 1.0 : 0.0; }
  static double second(double) { return 0.0; }
  static double max_slope() { return 1.0; }
  static LinearPieces pieces() { return {{0.0}, {0.0, 1.0}, {0.0, 0.0}}; }
};

struct HardTanh {
  template <typename Real>
  static Real value(Real x) {
    const Real floored = x < Real{-1} ? Real{-1} : x;
    return floored > Real{1} ? Real{1} : floored;
  }
  static double first(double x) { return x > -1.0 && x <= 1.0 ? 1.0 : 0.0; }
  static double second(double) { return 0.0; }
  static double max_slope() { return 1.0; }
  static LinearPieces pieces() { return {{-1.0, 1.0}, {0.0, 1.0, 0.0}, {-1.0, 0.0, 1.0}}; }
};

struct Tanh {
  template <typename Real>
  static Real value(Real x) {
    return std::tanh(x);
  }
  /// 1 / cosh^2 rather than 1 - tanh^2, which cancels in the tails.
  static double first(double x) {
    const double inverse = 1.0 / std::cosh(x);
    return inverse * inverse;
  }
  static double second(double x) { return -2.0 * std::tanh(x) * first(x); }
  static double max_slope() { return 1.0; }
  static Range range() { return {-1.0, 1.0, true}; }
  static bool odd() { return true; }
  template <typename Real>
  static void derivatives(std::span<Real> x, std::span<Real> first, std::span<Real> second) {
    tanh_derivatives(x.data(), first.data(), second.data(), static_cast<long>(x.size()));
  }
};

struct Erf {
  template <typename Real>
  static Real value(Real x) {
    return std::erf(x);
  }
  static double first(double x) { return 2.0 * std::numbers::inv_sqrtpi * std::exp(-x * x); }
  static double second(double x) { return -2.0 * x * first(x); }
  static double max_slope() { return 2.0 * std::numbers::inv_sqrtpi; }
  static Range range() { return {-1.0, 1.0, true}; }
  static bool odd() { return true; }
};

struct Sigmoid {
  template <typename Real>
  static Real value(Real x) {
    return Real{1} / (Real{1} + std::exp(-x));
  }
  static double first(double x) { return logistic(x) * logistic(-x); }
  static double second(double x) { return -first(x) * std::tanh(0.5 * x); }
  static double max_slope() { return 0.25; }
  static Range range() { return {0.0, 1.0, true}; }
  static bool odd() { return false; }
};

struct Gelu {
  template <typename Real>
  static Real value(Real x) {
    return Real{0.5} * x * std::erfc(-x * static_cast<Real>(0.5 * std::numbers::sqrt2));
  }
  static double first(double x) { return gaussian_cumulative(x) + x * gaussian_density(x); }
  static double second(double x) {
    const double density = gaussian_density(x);
    return density == 0.0 ? 0.0 : (2.0 - x * x) * density;  // whatever x^2 overflows to
  }
  /// phi'' vanishes at sqrt(2): Phi(sqrt 2) + sqrt(2) density(sqrt 2) = 1.128904145...
  static double max_slope() { return first(std::numbers::sqrt2); }
  /// The minimum lies where phi' vanishes, at -0.75179152469...
  static Range range() { return {value(-0.7517915246935645), infinity, false}; }
  static bool odd() { return false; }
};

struct Swish {
  template <typename Real>
  static Real value(Real x) {
    return x / (Real{1} + std::exp(-x));
  }
  static double first(double x) { return logistic(x) * (1.0 + x * logistic(-x)); }
  static double second(double x) { return logistic(x) * logistic(-x) * (2.0 - x * std::tanh(0.5 * x)); }
  /// phi'' vanishes where x tanh(x / 2) = 2, at 2.39935728051547: slope 1.09983932..., found to
  /// double precision (phi' is flat there, so the error of the root does not matter).
  static double max_slope() { return first(2.3993572805154677); }
  /// The minimum lies where phi' vanishes, at -1.27846454276...: there phi(x) = x + 1.
  static Range range() { return {value(-1.2784645427610738), infinity, false}; }
  static bool odd() { return false; }
};

/// phi(x) = x for x > 0, slope x otherwise.
struct LeakyRelu {
  double slope = 0.01;
  template <typename Real>
  Real value(Real x) const {
    return x < Real{0} ? static_cast<Real>(slope * static_cast<double>(x)) : x;
  }
  double first(double x) const { return x > 0.0 ? 1.0 : slope; }
  static double second(double) { return 0.0; }
  double max_slope() const { return std::max(1.0, std::abs(slope)); }
  LinearPieces pieces() const { return {{0.0}, {slope, 1.0}, {0.0, 0.0}}; }
};

/// scale x for x > 0, scale alpha (e^x - 1) otherwise: ELU (scale 1) and SELU. The slope jumps at zero unless alpha
/// is 1.
struct ExponentialLinear {
  double scale = 1.0;
  double alpha = 1.0;
  template <typename Real>
  Real value(Real x) const {
    return x < Real{0} ? static_cast<Real>(scale * alpha) * std::expm1(x) : static_cast<Real>(scale) * x;
  }
  double first(double x) const { return x > 0.0 ? scale : scale * alpha * std::exp(x); }
  double second(double x) const { return x > 0.0 ? 0.0 : scale * alpha * std::exp(x); }
  double max_slope() const { return scale * std::max(1.0, std::abs(alpha)); }
  Range range() const { return {std::min(0.0, -scale * alpha), infinity, alpha >= 0.0}; }
  static bool odd() { return false; }
  /// phi'' jumps where phi' does not.
  static std::vector<double> breaks() { return {0.0}; }
  std::vector<double> kinks() const { return alpha == 1.0 ? std::vector<double>{} : std::vector<double>{0.0}; }
};

/// ln(1 + e^x), as a sum that neither overflows nor loses the small term.
struct Softplus {
  template <typename Real>
  static Real value(Real x) {
    return std::log1p(std::exp(-std::abs(x))) + (x < Real{0} ? Real{0} : x);
  }
  /// From the side on which e^(...) is below one, so that the tail keeps its digits down to the smallest double.
  static double first(double x) {
    const double small = std::exp(-std::abs(x));
    return (x < 0.0 ? small : 1.0) / (1.0 + small);
  }
  static double second(double x) {
    const double small = std::exp(-std::abs(x));
    return small / ((1.0 + small) * (1.0 + small));
  }
  static double max_slope() { return 1.0; }
  static Range range() { return {0.0, infinity, true}; }
  static bool odd() { return false; }
};

struct Sine {
  template <typename Real>
  static Real value(Real x) {
    return std::sin(x);
  }
  static double first(double x) { return std::cos(x); }
  static double second(double x) { return -std::sin(x); }
  static double max_slope() { return 1.0; }
  static Range range() { return {-1.0, 1.0, false}; }
  static bool odd() { return true; }
};

}  // namespace meander::activation_laws
