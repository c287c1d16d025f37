// Vectorised arithmetic on the rows of a panel (one sample's neurons), summed in an order that does
// not depend on the instruction set.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#if defined(__AVX__)
#include <immintrin.h>
#endif

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
  const double sum = sum_of_lanes(partial);
  // Outside, squares have lost digits to underflow or have overflown.
  return sum > 1e-280 && sum < 1e300 ? std::sqrt(sum) : scaled_distance(a, b, size);
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

template <class Real>
bool all_finite(const Real* x, long size) {
  // Zero times anything finite is zero; infinities and NaN give NaN, which no addition removes.
  std::array<Real, lanes> poison{};
  long i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (long k = 0; k < lanes; ++k) poison[static_cast<std::size_t>(k)] += x[i + k] * Real{0};
  }
  for (long k = 0; i + k < size; ++k) poison[static_cast<std::size_t>(k)] += x[i + k] * Real{0};
  return std::all_of(poison.begin(), poison.end(), [](Real value) { return value == Real{0}; });
}

/// Bit k of the result: x[k] > threshold, k = 0..7.
inline std::uint64_t eight_above(const double* x, double threshold) {
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_set1_pd(threshold), _CMP_GT_OQ);
#elif defined(__AVX__)
  const __m256d level = _mm256_set1_pd(threshold);
  const int low = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x), level, _CMP_GT_OQ));
  const int high = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x + 4), level, _CMP_GT_OQ));
  return static_cast<std::uint64_t>(low | high << 4);
#else
  std::uint64_t bits = 0;
  for (int k = 0; k < 8; ++k) bits |= static_cast<std::uint64_t>(x[k] > threshold) << k;
  return bits;
#endif
}
inline std::uint64_t eight_above(const float* x, float threshold) {
#if defined(__AVX__)
  const __m256 above = _mm256_cmp_ps(_mm256_loadu_ps(x), _mm256_set1_ps(threshold), _CMP_GT_OQ);
  return static_cast<std::uint64_t>(_mm256_movemask_ps(above));
#else
  std::uint64_t bits = 0;
  for (int k = 0; k < 8; ++k) bits |= static_cast<std::uint64_t>(x[k] > threshold) << k;
  return bits;
#endif
}

/// 64-bit words that hold one bit for each of `size` neurons.
inline long bit_words(long size) {
  return (size + 63) / 64;
}

/// bits (bit_words(size)) <- x > threshold, neuron j in bit j % 64 of word j / 64; unused bits zero.
template <class Real>
void bits_above(const Real* x, long size, Real threshold, std::uint64_t* bits) {
  long i = 0;
  for (; i + 64 <= size; i += 64) {
    std::uint64_t word = 0;
    for (int k = 0; k < 64; k += 8) word |= eight_above(x + i + k, threshold) << k;
    *bits++ = word;
  }
  if (i == size) return;
  std::uint64_t word = 0;
  int k = 0;
  for (; i + k + 8 <= size; k += 8) word |= eight_above(x + i + k, threshold) << k;
  for (; i + k < size; ++k) word |= static_cast<std::uint64_t>(x[i + k] > threshold) << k;
  *bits = word;
}

}  // namespace meander
