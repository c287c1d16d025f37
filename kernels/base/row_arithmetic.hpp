// Vectorised arithmetic on the rows of a panel (one sample's neurons), summed in an order that does
// not depend on the instruction set.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace meander {

/// Sums are kept in this many interleaved partial sums, which compilers turn into vector registers.
inline constexpr long lanes = 16;

inline double sum_of_lanes(const std::array<double, lanes>& partial) {
  double sum = 0.0;
  for (const double value : partial) sum += value;
  return sum;
}

/// A sum whose error does not grow with the number of terms (Neumaier 1974).
class CompensatedSum {
 public:
  void add(double value) {
    const double next = sum_ + value;
    // An infinite term would turn the compensation, and so the sum, into NaN: either way not finite.
    compensation_ += std::abs(sum_) >= std::abs(value) ? (sum_ - next) + value : (value - next) + sum_;
    sum_ = next;
  }
  double value() const { return sum_ + compensation_; }

 private:
  double sum_ = 0.0;
  double compensation_ = 0.0;
};

/// |a - b| where the squares would leave the range of double; not finite where a difference is not.
template <class Real>
double scaled_distance(const Real* a, const Real* b, long size) {
  double largest = 0.0;
  for (long i = 0; i < size; ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!std::isfinite(difference)) return difference;
    largest = std::max(largest, difference);
  }
  if (largest == 0.0) return 0.0;
  const int exponent = std::ilogb(largest);
  double sum = 0.0;
  for (long i = 0; i < size; ++i) {
    const double scaled = std::scalbn(static_cast<double>(a[i]) - static_cast<double>(b[i]), -exponent);
    sum += scaled * scaled;
  }
  return std::scalbn(std::sqrt(sum), exponent);
}

/// |a - b| whose square was found in double to be `square`.
template <class Real>
double distance_of_square(double square, const Real* a, const Real* b, long size) {
  // Squares of numbers in single precision stay in the range of double.
  if (std::is_same_v<Real, float> && std::isfinite(square)) return std::sqrt(square);
  // Outside, squares have lost digits to underflow or have overflown.
  return square > 1e-280 && square < 1e300 ? std::sqrt(square) : scaled_distance(a, b, size);
}

/// |a - b|, summed in double whatever the rows' type.
template <class Real>
double distance(const Real* a, const Real* b, long size) {
  std::array<double, lanes> partial{};
  long i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (long k = 0; k < lanes; ++k) {
      const double difference = static_cast<double>(a[i + k]) - static_cast<double>(b[i + k]);
      partial[static_cast<std::size_t>(k)] += difference * difference;
    }
  }
  for (long k = 0; i + k < size; ++k) {
    const double difference = static_cast<double>(a[i + k]) - static_cast<double>(b[i + k]);
    partial[static_cast<std::size_t>(k)] += difference * difference;
  }
  return distance_of_square(sum_of_lanes(partial), a, b, size);
}

template <class Real>
double dot(const double* a, const Real* b, long size) {
  std::array<double, lanes> partial{};
  long i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (long k = 0; k < lanes; ++k) partial[static_cast<std::size_t>(k)] += a[i + k] * static_cast<double>(b[i + k]);
  }
  for (long k = 0; i + k < size; ++k) partial[static_cast<std::size_t>(k)] += a[i + k] * static_cast<double>(b[i + k]);
  return sum_of_lanes(partial);
}

/// 64-bit words that hold one bit for each of `size` neurons.
inline long bit_words(long size) {
  return (size + 63) / 64;
}

}  // namespace meander
