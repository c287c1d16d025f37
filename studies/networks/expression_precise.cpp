// Numbers of 113 bits with exponents of 62, and a formula's derivatives in them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "studies/networks/expression_jet.hpp"
#include "studies/networks/expression_quad.hpp"
#include "studies/networks/expression_tree.hpp"

namespace meander {
namespace {

using quad::Quad;

/// mantissa 2^exponent, 1/2 <= |mantissa| < 1, or zero, or a mantissa that is no number. Exponents saturate, so that
/// what is out of reach stays large or small.
class Wide {
 public:
  Wide() = default;
  explicit Wide(double value) : Wide(Quad(value), 0) {}
  Wide(Quad mantissa, std::int64_t exponent) : mantissa_(mantissa), exponent_(exponent) { normalise(); }

  static Wide ratio(double numerator, double denominator) { return Wide(Quad(numerator) / Quad(denominator), 0); }
  static Wide two_over_root_pi() { return Wide(Quad(2) / quad::sqrt(quad::pi()), 0); }

  Quad mantissa() const { return mantissa_; }
  std::int64_t exponent() const { return exponent_; }
  bool is_zero() const { return mantissa_ == 0; }
  bool is_nan() const { return mantissa_ != mantissa_; }
  bool is_within(std::int64_t bits) const { return is_zero() || exponent_ <= bits; }
  /// Infinite or zero where the exponent is too large for 113-bit numbers of the usual kind.
  Quad value() const {
    const std::int64_t bounded = exponent_ > 40000 ? 40000 : exponent_ < -40000 ? -40000 : exponent_;
    return quad::ldexp(mantissa_, static_cast<int>(bounded));
  }

  Wide operator-() const {
    Wide r = *this;
    r.mantissa_ = -r.mantissa_;
    return r;
  }
  friend Wide operator+(const Wide& a, const Wide& b) {
    if (a.is_zero() || b.is_nan()) return b;
    if (b.is_zero() || a.is_nan()) return a;
    const Wide& large = a.exponent_ >= b.exponent_ ? a : b;
    const Wide& small = a.exponent_ >= b.exponent_ ? b : a;
    const std::int64_t shift = large.exponent_ - small.exponent_;
    if (shift > 240) return large;
    return Wide(large.mantissa_ + quad::ldexp(small.mantissa_, -static_cast<int>(shift)), large.exponent_);
  }
  friend Wide operator-(const Wide& a, const Wide& b) { return a + (-b); }
  friend Wide operator*(const Wide& a, const Wide& b) {
    return Wide(a.mantissa_ * b.mantissa_, a.exponent_ + b.exponent_);
  }
  friend Wide operator/(const Wide& a, const Wide& b) {
    return Wide(a.mantissa_ / b.mantissa_, a.exponent_ - b.exponent_);
  }

  static constexpr std::int64_t farthest = std::int64_t{1} << 60;

 private:
  void normalise() {
    if (mantissa_ == 0) {
      exponent_ = 0;
      return;
    }
    if (is_nan() || mantissa_ - mantissa_ != 0) {  // infinite: a division by zero
      mantissa_ = quad::not_a_number();
      exponent_ = 0;
      return;
    }
    int shift = 0;
    mantissa_ = quad::frexp(mantissa_, &shift);
    exponent_ += shift;
    if (exponent_ > farthest) exponent_ = farthest;
    if (exponent_ < -farthest) exponent_ = -farthest;
  }

  Quad mantissa_ = 0;
  std::int64_t exponent_ = 0;
};

Wide plain(Quad value) {
  return Wide(value, 0);
}
bool is_negative(const Wide& a) {
  return a.mantissa() < 0;
}
Wide nothing() {
  return plain(quad::not_a_number());
}

int chosen(const Wide& d) {
  return d.mantissa() > 0 ? 1 : d.mantissa() < 0 ? -1 : 0;
}
Wide both_sides(const Wide& a, const Wide&) {
  return a;
}
Wide square(const Wide& a) {
  return a * a;
}

Wide exp(const Wide& a) {
  if (a.is_nan()) return a;
  // Beyond 2^59 the result's exponent is out of reach anyway.
  if (!a.is_within(59)) return Wide(Quad(0.5), is_negative(a) ? -Wide::farthest : Wide::farthest);
  const Quad value = a.value();
  const Quad doublings = quad::floor(value / quad::ln2());
  return Wide(quad::exp(value - doublings * quad::ln2()), static_cast<std::int64_t>(doublings));
}
Wide log(const Wide& a) {
  if (!(a.mantissa() > 0)) return nothing();
  if (a.exponent() == 0 || a.exponent() == 1) return plain(quad::log(a.value()));
  return plain(quad::log(a.mantissa()) + Quad(static_cast<double>(a.exponent())) * quad::ln2());
}
Wide sqrt(const Wide& a) {
  if (a.is_zero()) return a;
  if (!(a.mantissa() > 0)) return nothing();
  const std::int64_t odd = a.exponent() & 1;
  return Wide(quad::sqrt(odd != 0 ? a.mantissa() * 2 : a.mantissa()), (a.exponent() - odd) / 2);
}
Wide cbrt(const Wide& a) {
  if (a.is_zero() || a.is_nan()) return a;
  const std::int64_t rest = ((a.exponent() % 3) + 3) % 3;
  return Wide(quad::cbrt(quad::ldexp(a.mantissa(), static_cast<int>(rest))), (a.exponent() - rest) / 3);
}
Wide fixed_power(const Wide& a, double numerator, double denominator) {
  if (numerator == 1.0 && denominator == 2.0) return sqrt(a);
  if (numerator == -1.0 && denominator == 2.0) return Wide(1.0) / sqrt(a);
  if (a.is_zero()) return numerator / denominator > 0.0 ? a : nothing();
  return exp(Wide::ratio(numerator, denominator) * log(a));
}

/// What is tame where |a| is below 64, and e^|a| / 2 with the sign that `odd` gives beyond.
Wide hyperbolic(const Wide& a, Quad (*function)(Quad), bool odd) {
  if (a.is_nan() || a.is_within(6)) return plain(function(a.value()));
  const Wide large = exp(is_negative(a) ? -a : a) * Wide(0.5);
  return odd && is_negative(a) ? -large : large;
}
Wide sinh(const Wide& a) {
  return hyperbolic(a, quad::sinh, true);
}
Wide cosh(const Wide& a) {
  return hyperbolic(a, quad::cosh, false);
}
Wide tanh(const Wide& a) {
  return plain(quad::tanh(a.value()));
}
Wide sin(const Wide& a) {
  return plain(quad::sin(a.value()));
}
Wide cos(const Wide& a) {
  return plain(quad::cos(a.value()));
}
Wide tan(const Wide& a) {
  return plain(quad::tan(a.value()));
}
Wide asin(const Wide& a) {
  return plain(quad::asin(a.value()));
}
Wide acos(const Wide& a) {
  return plain(quad::acos(a.value()));
}
Wide atan(const Wide& a) {
  if (a.is_within(16000)) return plain(quad::atan(a.value()));
  return plain(is_negative(a) ? -quad::pi() / 2 : quad::pi() / 2);
}
Wide atan2(const Wide& y, const Wide& x) {
  const std::int64_t shift =
      -std::max(y.is_zero() ? -Wide::farthest : y.exponent(), x.is_zero() ? -Wide::farthest : x.exponent());
  return plain(
      quad::atan2(Wide(y.mantissa(), y.exponent() + shift).value(), Wide(x.mantissa(), x.exponent() + shift).value()));
}
Wide asinh(const Wide& a) {
  if (a.is_within(60)) return plain(quad::asinh(a.value()));
  const Wide size = log(is_negative(a) ? -a : a) + plain(quad::ln2());
  return is_negative(a) ? -size : size;
}
Wide acosh(const Wide& a) {
  if (a.is_within(60)) return plain(quad::acosh(a.value()));
  return log(a) + plain(quad::ln2());
}
Wide atanh(const Wide& a) {
  return plain(quad::atanh(a.value()));
}
Wide erf(const Wide& a) {
  return plain(quad::erf(a.value()));
}
Wide erfc(const Wide& a) {
  if (a.is_nan() || is_negative(a) || a.is_within(6)) return plain(quad::erfc(a.value()));
  // sum (-1)^k (2k - 1)!! / (2 a^2)^k, whose terms fall by a factor of thousands from 64 on.
  const Wide inverse = Wide(0.5) / square(a);
  Wide sum(1.0), term(1.0);
  for (int k = 0; k < 20; ++k) {
    term = term * inverse * Wide(-(2.0 * k + 1.0));
    sum = sum + term;
  }
  return exp(-square(a)) * Wide::two_over_root_pi() * Wide(0.5) / a * sum;
}
Wide expm1(const Wide& a) {
  if (a.is_within(6)) return plain(quad::expm1(a.value()));
  return exp(a) - Wide(1.0);
}
Wide log1p(const Wide& a) {
  if (a.is_within(60)) return plain(quad::log1p(a.value()));
  return log(a + Wide(1.0));
}

double rounded(const Wide& a) {
  if (a.is_nan()) return std::numeric_limits<double>::quiet_NaN();
  if (a.is_within(-1200)) return is_negative(a) ? -0.0 : 0.0;
  if (!a.is_within(1024)) return is_negative(a) ? -HUGE_VAL : HUGE_VAL;
  return static_cast<double>(a.value());
}

}  // namespace

SeveralValues precise_values(const ExpressionTree& tree, double x) {
  SeveralValues result;
  result.fill(std::numeric_limits<double>::quiet_NaN());
  if (!std::isfinite(x)) return result;
  std::vector<expression_jet::Jet<Wide, 3>> scratch;
  const auto jet = expression_jet::evaluate<Wide, 3>(tree, Wide(x), scratch);
  const std::array factorials{1.0, 1.0, 2.0, 6.0};
  for (std::size_t k = 0; k < result.size(); ++k) result[k] = rounded(jet.c[k] * Wide(factorials[k]));
  return result;
}

}  // namespace meander
