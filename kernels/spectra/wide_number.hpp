// Floating-point numbers of 64 L binary digits and of any size, for what double precision loses.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace meander {

/// sign times 0.m times 2^exponent, the first binary digit of m being 1; results are cut, not rounded, with errors of
/// some 2^(64 - 64 L) of themselves.
template <int L>
class WideNumber {
 public:
  WideNumber() = default;
  /// x 2^exponent; x is finite.
  WideNumber(double x, std::int64_t exponent) {
    if (x == 0.0) return;
    int of_x = 0;
    const double digits = std::frexp(std::abs(x), &of_x);
    sign_ = x < 0.0 ? -1 : 1;
    exponent_ = exponent + of_x;
    limbs_[L - 1] = static_cast<Limb>(std::ldexp(digits, 64));
  }

  bool is_zero() const { return sign_ == 0; }
  std::int64_t exponent() const { return exponent_; }
  /// The number over 2^exponent(), between 1/2 and 1 in size.
  double leading() const {
    return sign_ == 0
               ? 0.0
               : sign_ *
                     std::ldexp(static_cast<double>(limbs_[L - 1]) + static_cast<double>(limbs_[L - 2]) * 0x1p-64, -64);
  }

  friend WideNumber operator*(const WideNumber& a, const WideNumber& b) {
    WideNumber result;
    if (a.sign_ == 0 || b.sign_ == 0) return result;
    // Limbs L - 1 .. 2 L - 1 of the product, without what those below would carry.
    std::array<Limb, L + 1> product{};
    for (std::size_t i = 0; i < size; ++i) {
      Limb carry = 0;
      for (std::size_t j = size - 1 - i; j < size; ++j) {
        const Double sum = Double{a.limbs_[i]} * b.limbs_[j] + product[i + j - (size - 1)] + carry;
        product[i + j - (size - 1)] = static_cast<Limb>(sum);
        carry = static_cast<Limb>(sum >> 64);
      }
      product[i + 1] += carry;
    }
    result.sign_ = a.sign_ * b.sign_;
    result.exponent_ = a.exponent_ + b.exponent_;
    const bool full = (product[size] >> 63) != 0;
    for (std::size_t i = 0; i < size; ++i) {
      result.limbs_[i] = full ? product[i + 1] : (product[i + 1] << 1 | product[i] >> 63);
    }
    if (!full) --result.exponent_;
    return result;
  }

  friend WideNumber operator+(const WideNumber& a, const WideNumber& b) {
    if (a.sign_ == 0) return b;
    if (b.sign_ == 0) return a;
    return a.is_smaller(b) ? b.plus(a) : a.plus(b);
  }
  friend WideNumber operator-(const WideNumber& a, WideNumber b) {
    b.sign_ = -b.sign_;
    return a + b;
  }

  /// Not of zero. Newton's iteration from the leading digits.
  WideNumber reciprocal() const {
    WideNumber result(1.0 / leading(), -exponent_);
    const WideNumber two(2.0, 0);
    for (int digits = 50; digits < 64 * L; digits *= 2) result = result * (two - *this * result);
    return result;
  }

 private:
  using Limb = std::uint64_t;
  __extension__ using Double = unsigned __int128;
  static constexpr std::size_t size = L;

  bool is_smaller(const WideNumber& other) const {
    if (exponent_ != other.exponent_) return exponent_ < other.exponent_;
    for (std::size_t i = size; i-- > 0;) {
      if (limbs_[i] != other.limbs_[i]) return limbs_[i] < other.limbs_[i];
    }
    return false;
  }

  /// Limb i of the digits shifted down by `shift`.
  Limb shifted(std::size_t i, std::size_t shift) const {
    const std::size_t from = i + shift / 64, rest = shift % 64;
    const Limb low = from < size ? limbs_[from] : 0, high = from + 1 < size ? limbs_[from + 1] : 0;
    return rest == 0 ? low : (low >> rest | high << (64 - rest));
  }

  /// Of the larger and a smaller one.
  WideNumber plus(const WideNumber& small) const {
    const std::int64_t apart = exponent_ - small.exponent_;
    if (apart >= 64 * L) return *this;
    const auto shift = static_cast<std::size_t>(apart);
    WideNumber result = *this;
    if (sign_ == small.sign_) {
      Limb carry = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const Double sum = Double{limbs_[i]} + small.shifted(i, shift) + carry;
        result.limbs_[i] = static_cast<Limb>(sum);
        carry = static_cast<Limb>(sum >> 64);
      }
      if (carry == 0) return result;
      for (std::size_t i = 0; i < size; ++i) {
        result.limbs_[i] = result.limbs_[i] >> 1 | (i + 1 < size ? result.limbs_[i + 1] : 1) << 63;
      }
      ++result.exponent_;
      return result;
    }
    Limb borrow = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const Double less = Double{small.shifted(i, shift)} + borrow;
      borrow = less > limbs_[i] ? 1 : 0;
      result.limbs_[i] = limbs_[i] - static_cast<Limb>(less);
    }
    result.normalise();
    return result;
  }

  void normalise() {
    std::size_t zeros = 0;
    while (zeros < size && limbs_[size - 1 - zeros] == 0) ++zeros;
    if (zeros == size) {
      *this = WideNumber();
      return;
    }
    const auto bits = static_cast<std::size_t>(std::countl_zero(limbs_[size - 1 - zeros]));
    for (std::size_t i = size; i-- > 0;) {
      const Limb high = i >= zeros ? limbs_[i - zeros] : 0, low = i >= zeros + 1 ? limbs_[i - zeros - 1] : 0;
      limbs_[i] = bits == 0 ? high : (high << bits | low >> (64 - bits));
    }
    exponent_ -= static_cast<std::int64_t>(64 * zeros + bits);
  }

  int sign_ = 0;
  std::int64_t exponent_ = 0;
  std::array<Limb, L> limbs_{};  // lowest first
};

}  // namespace meander
