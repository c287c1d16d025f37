// Intervals of real numbers with the functions of formulas on them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace meander::expression_interval {

using Real = long double;
inline constexpr Real unbounded = std::numeric_limits<Real>::infinity();

/// What was met while a formula was evaluated over a box, the worst of it: a place where an operation is not smooth, or
/// an argument that is nowhere in the operation's domain. To be reset by who evaluates.
enum class Trouble { none, broken, undefined };
inline Trouble& trouble() {
  thread_local Trouble value = Trouble::none;
  return value;
}
inline void meet(Trouble t) {
  trouble() = std::max(trouble(), t);
}

/// All reals from low to high, both included. Ends are rounded to nearest in long double, far below the rounding of
/// double, to which places are wanted.
struct Interval {
  Real low = 0.0L;
  Real high = 0.0L;

  Interval() = default;
  explicit Interval(double value) : low(value), high(value) {}
  Interval(Real l, Real h) : low(l), high(h) {}

  static Interval ratio(double numerator, double denominator) {
    const Real value = Real(numerator) / Real(denominator);
    return {value, value};
  }
  static Interval two_over_root_pi() {
    constexpr Real value = 2.0L * std::numbers::inv_sqrtpi_v<Real>;
    return {value, value};
  }
  static Interval everything() { return {-unbounded, unbounded}; }

  bool is_zero() const { return low == 0.0L && high == 0.0L; }
  bool holds(Real x) const { return low <= x && x <= high; }
  Real size() const { return std::max(std::abs(low), std::abs(high)); }

  friend Interval operator+(const Interval& a, const Interval& b) { return {a.low + b.low, a.high + b.high}; }
  friend Interval operator-(const Interval& a, const Interval& b) { return {a.low - b.high, a.high - b.low}; }
  friend Interval operator*(const Interval& a, const Interval& b) {
    if (a.is_zero() || b.is_zero()) return {};
    // Zero times an end without bound is zero: the end stands for reals that have none.
    const auto product = [](Real x, Real y) { return x == 0.0L || y == 0.0L ? 0.0L : x * y; };
    const Real p = product(a.low, b.low), q = product(a.low, b.high);
    const Real r = product(a.high, b.low), s = product(a.high, b.high);
    return {std::min(std::min(p, q), std::min(r, s)), std::max(std::max(p, q), std::max(r, s))};
  }
  friend Interval operator/(const Interval& a, const Interval& b) {
    if (b.holds(0.0L)) {
      meet(Trouble::broken);
      return everything();
    }
    return a * Interval{1.0L / b.high, 1.0L / b.low};
  }
};

/// A rising function at both ends, with room for its rounding.
template <class Function>
Interval rising(const Interval& a, Function f) {
  constexpr Real room = 8.0L * std::numeric_limits<Real>::epsilon();
  constexpr Real largest = std::numeric_limits<Real>::max();
  // A low end beyond the range of long double is at least its largest.
  const Real low = std::min(f(a.low), largest), high = std::max(f(a.high), -largest);
  return {low == -unbounded ? low : low - room * std::abs(low),
          high == unbounded ? high : high + room * std::abs(high)};
}
/// A rising function defined between `first` and `last`.
template <class Function>
Interval rising_between(const Interval& a, Real first, Real last, Function f) {
  if (a.high < first || a.low > last) {
    meet(Trouble::undefined);
    return Interval::everything();
  }
  if (a.low <= first || a.high >= last) meet(Trouble::broken);
  return rising({std::max(a.low, first), std::min(a.high, last)}, f);
}

inline int chosen(const Interval& d) {
  if (d.low > 0.0L) return 1;
  if (d.high < 0.0L) return -1;
  if (d.is_zero()) return 0;
  meet(Trouble::broken);
  return 2;
}
inline Interval both_sides(const Interval& a, const Interval& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}
inline Interval square(const Interval& a) {
  const Real large = a.size();
  const Real small = a.holds(0.0L) ? 0.0L : std::min(std::abs(a.low), std::abs(a.high));
  return {small * small, large * large};
}
inline Interval exp(const Interval& a) {
  return rising(a, [](Real x) { return std::exp(x); });
}
inline Interval expm1(const Interval& a) {
  return rising(a, [](Real x) { return std::expm1(x); });
}
inline Interval log(const Interval& a) {
  return rising_between(a, 0.0L, unbounded, [](Real x) { return std::log(x); });
}
inline Interval log1p(const Interval& a) {
  return rising_between(a, -1.0L, unbounded, [](Real x) { return std::log1p(x); });
}
inline Interval sqrt(const Interval& a) {
  return rising_between(a, 0.0L, unbounded, [](Real x) { return std::sqrt(x); });
}
inline Interval cbrt(const Interval& a) {
  if (a.holds(0.0L)) meet(Trouble::broken);
  return rising(a, [](Real x) { return std::cbrt(x); });
}
inline Interval fixed_power(const Interval& a, double numerator, double denominator) {
  const Real p = Real(numerator) / Real(denominator);
  if (p > 0.0L) return rising_between(a, 0.0L, unbounded, [p](Real x) { return std::pow(x, p); });
  return Interval(1.0) / fixed_power(a, -numerator, denominator);
}
inline Interval sinh(const Interval& a) {
  return rising(a, [](Real x) { return std::sinh(x); });
}
inline Interval cosh(const Interval& a) {
  const Real small = a.holds(0.0L) ? 0.0L : std::min(std::abs(a.low), std::abs(a.high));
  return rising({small, a.size()}, [](Real x) { return std::cosh(x); });
}
inline Interval tanh(const Interval& a) {
  return rising(a, [](Real x) { return std::tanh(x); });
}
/// cos over a + shift pi / 2, whose extremes are at multiples of pi.
inline Interval wave(const Interval& a, int shift, Real (*f)(Real)) {
  constexpr Real pi = std::numbers::pi_v<Real>;
  if (!(a.high - a.low < 2.0L * pi) || !(a.size() < 1e15L)) return {-1.0L, 1.0L};
  const Real low = f(a.low), high = f(a.high);
  Interval r{std::min(low, high), std::max(low, high)};
  const Real from = (a.low + shift * (pi / 2.0L)) / pi, to = (a.high + shift * (pi / 2.0L)) / pi;
  for (Real k = std::ceil(from - 1e-18L * std::abs(from)); k <= to; k += 1.0L) {
    (std::fmod(std::abs(k), 2.0L) == 0.0L ? r.high : r.low) = std::fmod(std::abs(k), 2.0L) == 0.0L ? 1.0L : -1.0L;
  }
  return r;
}
inline Interval cos(const Interval& a) {
  return wave(a, 0, [](Real x) { return std::cos(x); });
}
inline Interval sin(const Interval& a) {
  return wave(a, -1, [](Real x) { return std::sin(x); });
}
inline Interval tan(const Interval& a) {
  return sin(a) / cos(a);
}
inline Interval asin(const Interval& a) {
  return rising_between(a, -1.0L, 1.0L, [](Real x) { return std::asin(x); });
}
inline Interval acos(const Interval& a) {
  return Interval(0.5) * Interval(std::numbers::pi) - asin(a);
}
inline Interval atan(const Interval& a) {
  return rising(a, [](Real x) { return std::atan(x); });
}
inline Interval atan2(const Interval& y, const Interval& x) {
  if (x.low > 0.0L) return atan(y / x);
  if (y.holds(0.0L)) meet(Trouble::broken);
  constexpr Real pi = std::numbers::pi_v<Real>;
  return {-pi, pi};
}
inline Interval asinh(const Interval& a) {
  return rising(a, [](Real x) { return std::asinh(x); });
}
inline Interval acosh(const Interval& a) {
  return rising_between(a, 1.0L, unbounded, [](Real x) { return std::acosh(x); });
}
inline Interval atanh(const Interval& a) {
  return rising_between(a, -1.0L, 1.0L, [](Real x) { return std::atanh(x); });
}
inline Interval erf(const Interval& a) {
  return rising(a, [](Real x) { return std::erf(x); });
}
inline Interval erfc(const Interval& a) {
  return rising({-a.high, -a.low}, [](Real x) { return std::erfc(-x); });
}

}  // namespace meander::expression_interval
