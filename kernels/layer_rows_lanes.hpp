// What layer_product.hpp does to rows of (pre-)activations, for one instruction set; every source file that
// includes this gets a copy of its own, hence the unnamed namespace.
#pragma once

#include <cstdint>

#include "kernels/layer_product_lanes.hpp"

namespace meander {
namespace {

/// Rows are taken this many elements at a time, whatever the registers, so that sums have one order everywhere.
constexpr long row_group = 16;
static_assert(row_group == widest_register, "rows have room for their last group");

constexpr long double_lanes = register_bytes / 8;
using Doubles [[gnu::vector_size(register_bytes)]] = double;
using DoubleMask [[gnu::vector_size(register_bytes)]] = std::int64_t;

[[gnu::always_inline]] inline Doubles widened(const double* x) {
  return load<Doubles>(x);
}
[[gnu::always_inline]] inline Doubles widened(const float* x) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtps_pd(0xff, load<__m256>(x));
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(load<__m128>(x));
#else
  Doubles wide;
  for (long k = 0; k < double_lanes; ++k) wide[k] = static_cast<double>(x[k]);
  return wide;
#endif
}

/// Bit k: x[k] > threshold, k = 0..15.
[[gnu::always_inline]] inline std::uint64_t bits_of_group(const double* x, double threshold) {
  std::uint64_t bits = 0;
  for (long k = 0; k < row_group; k += double_lanes) {
#if defined(__AVX512F__)
    const auto part = _mm512_cmp_pd_mask(load<__m512d>(x + k), _mm512_set1_pd(threshold), _CMP_GT_OQ);
#elif defined(__AVX2__)
    const auto part = _mm256_movemask_pd(_mm256_cmp_pd(load<__m256d>(x + k), _mm256_set1_pd(threshold), _CMP_GT_OQ));
#elif defined(__SSE2__)
    const auto part = _mm_movemask_pd(_mm_cmpgt_pd(load<__m128d>(x + k), _mm_set1_pd(threshold)));
#else
    const int part = (x[k] > threshold ? 1 : 0) | (x[k + 1] > threshold ? 2 : 0);
#endif
    bits |= static_cast<std::uint64_t>(part) << k;
  }
  return bits;
}
[[gnu::always_inline]] inline std::uint64_t bits_of_group(const float* x, float threshold) {
  std::uint64_t bits = 0;
  for (long k = 0; k < row_group; k += 2 * double_lanes) {
#if defined(__AVX512F__)
    const auto part = _mm512_cmp_ps_mask(load<__m512>(x + k), _mm512_set1_ps(threshold), _CMP_GT_OQ);
#elif defined(__AVX2__)
    const auto part = _mm256_movemask_ps(_mm256_cmp_ps(load<__m256>(x + k), _mm256_set1_ps(threshold), _CMP_GT_OQ));
#elif defined(__SSE2__)
    const auto part = _mm_movemask_ps(_mm_cmpgt_ps(load<__m128>(x + k), _mm_set1_ps(threshold)));
#else
    int part = 0;
    for (int i = 0; i < 4; ++i) part |= x[k + i] > threshold ? 1 << i : 0;
#endif
    bits |= static_cast<std::uint64_t>(part) << k;
  }
  return bits;
}

/// See LayerPath::bits_above.
template <class Real>
void bits_above(const Real* x, long size, Real threshold, std::uint64_t* bits) {
  for (long first = 0; first < size; first += 64) {
    std::uint64_t word = 0;
    const long here = std::min(64L, size - first);
    for (long k = 0; k < here; k += row_group) word |= bits_of_group(x + first + k, threshold) << k;
    *bits++ = here < 64 ? word & ((std::uint64_t{1} << here) - 1) : word;
  }
}

/// All bits set in the first `size` of row_group lanes.
[[gnu::always_inline]] inline void lanes_below(long size, DoubleMask (&mask)[row_group / double_lanes]) {
  alignas(64) static constexpr std::int64_t window[2 * row_group] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                                     -1, -1, -1, -1, -1, -1, -1, -1};
  __builtin_memcpy(&mask, window + row_group - size, sizeof mask);
}

/// The sum of row_group numbers, halves added until one is left.
[[gnu::always_inline]] inline double sum_of_halves(Doubles (&part)[row_group / double_lanes]) {
#pragma GCC unroll 8
  for (long half = row_group / double_lanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (long p = 0; p < half; ++p) part[p] += part[p + half];
  }
  double lane[double_lanes];
#pragma GCC unroll 8
  for (long k = 0; k < double_lanes; ++k) lane[k] = part[0][k];
#pragma GCC unroll 8
  for (long half = double_lanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (long k = 0; k < half; ++k) lane[k] += lane[k + half];
  }
  return lane[0];
}

/// See LayerPath::squared_distances.
template <class Real, int rows>
[[gnu::always_inline]] inline void add_squares(const Real* a, const Real* const* others, long size, double* sums) {
  constexpr long parts = row_group / double_lanes;
  Doubles sum[rows][parts] = {};
  long i = 0;
  for (; i + row_group <= size; i += row_group) {
    for (long p = 0; p < parts; ++p) {
      const Doubles here = widened(a + i + p * double_lanes);
      for (int r = 0; r < rows; ++r) {
        const Doubles difference = here - widened(others[r] + i + p * double_lanes);
        sum[r][p] += difference * difference;
      }
    }
  }
  if (i < size) {
    DoubleMask mask[parts];
    lanes_below(size - i, mask);
    for (long p = 0; p < parts; ++p) {
      const Doubles here = widened(a + i + p * double_lanes);
      for (int r = 0; r < rows; ++r) {
        const Doubles difference = (Doubles)((DoubleMask)(here - widened(others[r] + i + p * double_lanes)) & mask[p]);
        sum[r][p] += difference * difference;
      }
    }
  }
  for (int r = 0; r < rows; ++r) sums[r] = sum_of_halves(sum[r]);
}

template <class Real>
void squared_distances(const Real* a, const Real* b, const Real* c, long size, double* sums) {
  const Real* const others[2] = {b, c};
  if (c == nullptr) {
    add_squares<Real, 1>(a, others, size, sums);
  } else {
    add_squares<Real, 2>(a, others, size, sums);
  }
}

/// See LayerPath::all_finite.
template <class Real>
bool all_finite(const Real* x, long size) {
  // Zero times anything finite is zero; infinities and NaN give NaN, which no addition removes.
  constexpr long parts = row_group / double_lanes;
  Doubles poison[parts] = {};
  long i = 0;
  for (; i + row_group <= size; i += row_group) {
    for (long p = 0; p < parts; ++p) poison[p] += widened(x + i + p * double_lanes) * 0.0;
  }
  if (i < size) {
    DoubleMask mask[parts];
    lanes_below(size - i, mask);
    for (long p = 0; p < parts; ++p)
      poison[p] += (Doubles)((DoubleMask)widened(x + i + p * double_lanes) & mask[p]) * 0.0;
  }
  return sum_of_halves(poison) == 0.0;
}

template <class Real>
constexpr LayerPath<Real> layer_path_of_this_file(const char* name) {
  return {name,
          Registers<Real>::lanes,
          tile_vectors,
          &multiply<Real>,
          &bits_above<Real>,
          &squared_distances<Real>,
          &all_finite<Real>};
}

}  // namespace
}  // namespace meander
