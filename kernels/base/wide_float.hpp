// Floating-point numbers of several words of 64 bits, for what double precision cannot tell apart: exact decisions are
// taken again with more digits until they are certain.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace meander {

/// sign 0.m 2^exponent with a mantissa of 64 `words` bits, and exponents that no sum of layers can exhaust. Every
/// operation cuts its result off: it is within 2^(4 - 64 words) of itself, quotients and roots included. Numbers are
/// finite; conversion from a double is exact and asks for a finite one.
template <int words>
class WideFloat {
 public:
  static constexpr int bits = 64 * words;

  WideFloat() = default;
  WideFloat(double x) {  // NOLINT(google-explicit-constructor): a double is one of these numbers
    if (x == 0.0) return;
    int exponent = 0;
    const double mantissa = std::frexp(std::abs(x), &exponent);
    negative_ = x < 0.0;
    exponent_ = exponent;
    m_[words - 1] = static_cast<std::uint64_t>(std::ldexp(mantissa, 64));
  }
  template <int other>
  explicit WideFloat(const WideFloat<other>& x) : negative_(x.negative_), exponent_(x.exponent_) {
    for (int i = 1; i <= std::min(words, other); ++i) m_[at(words - i)] = x.m_[static_cast<std::size_t>(other - i)];
  }

  bool is_zero() const { return m_[words - 1] == 0; }
  /// -1, 0 or 1.
  int sign() const { return is_zero() ? 0 : negative_ ? -1 : 1; }
  /// |x| < 2^exponent; the smallest integer there is for 0.
  std::int64_t exponent() const { return is_zero() ? std::numeric_limits<std::int64_t>::min() / 2 : exponent_; }

  /// Rounded to within an epsilon; infinite or zero where a double ends.
  explicit operator double() const {
    if (is_zero()) return 0.0;
    const int exponent = static_cast<int>(std::clamp<std::int64_t>(exponent_, -5000, 5000));
    const double size = std::ldexp(static_cast<double>(m_[words - 1]), exponent - 64);
    return negative_ ? -size : size;
  }

  /// x 2^shift.
  WideFloat scaled(std::int64_t shift) const {
    WideFloat result = *this;
    if (!is_zero()) result.exponent_ += shift;
    return result;
  }
  WideFloat operator-() const {
    WideFloat result = *this;
    result.negative_ = !negative_;
    return result;
  }
  friend WideFloat abs(WideFloat x) {
    x.negative_ = false;
    return x;
  }

  friend WideFloat operator+(const WideFloat& a, const WideFloat& b) {
    if (a.is_zero()) return b;
    if (b.is_zero()) return a;
    const bool first = a.exponent_ > b.exponent_ || (a.exponent_ == b.exponent_ && !less(a.m_, b.m_));
    return first ? sum(a, b) : sum(b, a);
  }
  friend WideFloat operator-(const WideFloat& a, const WideFloat& b) { return a + -b; }

  friend WideFloat operator*(const WideFloat& a, const WideFloat& b) {
    if (a.is_zero() || b.is_zero()) return {};
    std::array<std::uint64_t, 2 * words> product{};
    for (int i = 0; i < words; ++i) {
      Word2 carry = 0;
      for (int j = 0; j < words; ++j) {
        carry += static_cast<Word2>(a.m_[at(i)]) * b.m_[at(j)] + product[at(i + j)];
        product[at(i + j)] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
      }
      product[at(i + words)] = static_cast<std::uint64_t>(carry);
    }
    return from_product(product, a.negative_ != b.negative_, a.exponent_ + b.exponent_);
  }
  /// Much faster than with b widened: its mantissa is one word.
  friend WideFloat operator*(const WideFloat& a, double b) {
    const WideFloat<1> narrow(b);
    if (a.is_zero() || narrow.is_zero()) return {};
    std::array<std::uint64_t, words + 1> product{};
    Word2 carry = 0;
    for (int i = 0; i < words; ++i) {
      carry += static_cast<Word2>(a.m_[at(i)]) * narrow.m_[0];
      product[at(i)] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    product[words] = static_cast<std::uint64_t>(carry);
    return from_product(product, a.negative_ != narrow.negative_, a.exponent_ + narrow.exponent_);
  }
  friend WideFloat operator*(double a, const WideFloat& b) { return b * a; }

  /// By Newton's iteration for 1 / b; b must not be zero.
  friend WideFloat operator/(const WideFloat& a, const WideFloat& b) {
    if (a.is_zero()) return {};
    const WideFloat divisor = b.scaled(-b.exponent_);
    WideFloat inverse(1.0 / static_cast<double>(divisor));
    for (int digits = 50; digits < bits; digits *= 2) inverse += inverse * (WideFloat(1.0) - divisor * inverse);
    WideFloat quotient = a * inverse;
    quotient += (a - quotient * divisor) * inverse;
    return quotient.scaled(-b.exponent_);
  }
  /// By Newton's iteration for 1 / sqrt(x); x must not be negative.
  friend WideFloat sqrt(const WideFloat& x) {
    if (x.is_zero()) return {};
    const std::int64_t shift = x.exponent_ - (x.exponent_ & 1);
    const WideFloat radicand = x.scaled(-shift);
    WideFloat inverse(1.0 / std::sqrt(static_cast<double>(radicand)));
    for (int digits = 50; digits < bits; digits *= 2)
      inverse += (inverse * (WideFloat(1.0) - radicand * (inverse * inverse))).scaled(-1);
    WideFloat root = radicand * inverse;
    root += ((radicand - root * root) * inverse).scaled(-1);
    return root.scaled(shift / 2);
  }

  WideFloat& operator+=(const WideFloat& other) { return *this = *this + other; }
  WideFloat& operator-=(const WideFloat& other) { return *this = *this - other; }

  friend bool operator<(const WideFloat& a, const WideFloat& b) {
    if (a.sign() != b.sign()) return a.sign() < b.sign();
    if (a.is_zero()) return false;
    const bool smaller = a.exponent_ != b.exponent_ ? a.exponent_ < b.exponent_ : less(a.m_, b.m_);
    const bool larger = a.exponent_ != b.exponent_ ? a.exponent_ > b.exponent_ : less(b.m_, a.m_);
    return a.negative_ ? larger : smaller;
  }
  friend bool operator>(const WideFloat& a, const WideFloat& b) { return b < a; }
  friend bool operator<=(const WideFloat& a, const WideFloat& b) { return !(b < a); }
  friend bool operator>=(const WideFloat& a, const WideFloat& b) { return !(a < b); }
  friend bool operator==(const WideFloat& a, const WideFloat& b) { return !(a < b) && !(b < a); }

 private:
  template <int other>
  friend class WideFloat;
  using Mantissa = std::array<std::uint64_t, words>;  // least significant word first; the highest bit is set
  __extension__ using Word2 = unsigned __int128;

  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static bool less(const Mantissa& a, const Mantissa& b) {
    return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  }

  /// The upper words of a product, of which one leading bit may be zero.
  template <std::size_t size>
  static WideFloat from_product(const std::array<std::uint64_t, size>& product, bool negative, std::int64_t exponent) {
    WideFloat result;
    result.negative_ = negative;
    const int shift = product[size - 1] >> 63U != 0 ? 0 : 1;
    result.exponent_ = exponent - shift;
    for (std::size_t i = 0; i < at(words); ++i) {
      const std::size_t from = size - at(words) + i;
      result.m_[i] = shift == 0 ? product[from] : product[from] << 1U | product[from - 1] >> 63U;
    }
    return result;
  }

  /// The mantissa moved down, cut off.
  static Mantissa lowered(const Mantissa& m, std::int64_t by) {
    Mantissa result{};
    const auto whole = static_cast<int>(by / 64);
    const auto part = static_cast<unsigned>(by % 64);
    for (int i = 0; i + whole < words; ++i) {
      result[at(i)] = m[at(i + whole)] >> part;
      if (part != 0 && i + whole + 1 < words) result[at(i)] |= m[at(i + whole + 1)] << (64U - part);
    }
    return result;
  }

  /// |a| >= |b|, neither zero.
  static WideFloat sum(const WideFloat& a, const WideFloat& b) {
    const std::int64_t distance = a.exponent_ - b.exponent_;
    if (distance >= bits) return a;
    const Mantissa small = lowered(b.m_, distance);
    WideFloat result = a;
    if (a.negative_ == b.negative_) {
      result.add(small);
    } else {
      result.subtract(small);
    }
    return result;
  }
  void add(const Mantissa& small) {
    Word2 carry = 0;
    for (int i = 0; i < words; ++i) {
      carry += static_cast<Word2>(m_[at(i)]) + small[at(i)];
      m_[at(i)] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    if (carry == 0) return;
    m_ = lowered(m_, 1);
    m_[words - 1] |= std::uint64_t{1} << 63U;
    ++exponent_;
  }
  void subtract(const Mantissa& small) {
    std::uint64_t borrow = 0;
    for (int i = 0; i < words; ++i) {
      const Word2 difference = static_cast<Word2>(m_[at(i)]) - small[at(i)] - borrow;
      m_[at(i)] = static_cast<std::uint64_t>(difference);
      borrow = static_cast<std::uint64_t>(difference >> 64) != 0 ? 1 : 0;
    }
    int top = words - 1;
    while (top >= 0 && m_[at(top)] == 0) --top;
    if (top < 0) {
      *this = {};
      return;
    }
    const auto part = static_cast<unsigned>(std::countl_zero(m_[at(top)]));
    const int whole = words - 1 - top;
    for (int i = words - 1; i >= 0; --i) {
      const int from = i - whole;
      std::uint64_t word = from >= 0 ? m_[at(from)] << part : 0;
      if (part != 0 && from >= 1) word |= m_[at(from - 1)] >> (64U - part);
      m_[at(i)] = word;
    }
    exponent_ -= 64 * whole + static_cast<int>(part);
  }

  bool negative_ = false;
  std::int64_t exponent_ = 0;
  Mantissa m_{};
};

/// A direction, or a place on a circle.
template <int words>
struct WideDirection {
  WideFloat<words> cosine, sine;
};

/// Of a finite angle, within 2^(40 - 64 words): a series for the angle halved often, which is then doubled again.
template <int words>
WideDirection<words> wide_direction(double angle) {
  using Real = WideFloat<words>;
  int halvings = 16;
  if (angle != 0.0) halvings += std::max(0, std::ilogb(angle));
  const Real x = Real(angle).scaled(-halvings);
  // sin x and 1 - cos x, which loses no digits when it is doubled.
  Real sine = x, term = x, versine;
  for (int n = 2; !term.is_zero() && term.exponent() > x.exponent() - Real::bits; n += 2) {
    term = term * x / Real(static_cast<double>(n));
    versine += n % 4 == 2 ? term : -term;
    term = term * x / Real(static_cast<double>(n + 1));
    sine += n % 4 == 2 ? -term : term;
  }
  for (int i = 0; i < halvings; ++i) {
    const Real cosine = Real(1.0) - versine;
    versine = (sine * sine).scaled(1);
    sine = (sine * cosine).scaled(1);
  }
  return {Real(1.0) - versine, sine};
}

}  // namespace meander
