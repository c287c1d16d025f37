// What layer_product.hpp does to rows of (pre-)activations, for one instruction set; every source file that
// includes this gets a copy of its own, hence the unnamed namespace.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

#include "kernels/products/layer_product_lanes.hpp"

namespace meander::layer_lanes {
namespace {

/// Rows are taken this many elements at a time, whatever the registers, so that sums have one order everywhere.
constexpr long row_group = 16;
static_assert(row_group == widest_register, "rows have room for their last group");

constexpr long double_lanes = register_bytes / 8;
using Doubles [[gnu::vector_size(register_bytes)]] = double;

/// The lower or upper half of a register in double.
template <int half>
[[gnu::always_inline]] inline Doubles widened_half(Registers<float>::Vector x) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtps_pd(0xff, _mm512_maskz_extractf32x8_ps(0xff, x, half));
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(_mm256_extractf128_ps(x, half));
#else
  Doubles wide;
  for (long k = 0; k < double_lanes; ++k) wide[k] = static_cast<double>(x[half * double_lanes + k]);
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

/// Bit k: x[k] > threshold, k = 0..63.
template <class Real>
[[gnu::always_inline]] inline std::uint64_t bits_of_word(const Real* x, Real threshold) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Real, float>) {
    // The sign bits of threshold - x, packed while they are bytes: few operations are on masks, of which processors
    // start one a cycle.
    const auto below = [&](long k) { return (__m512i)(_mm512_set1_ps(threshold) - load<__m512>(x + k)); };
    const __m512i low = _mm512_packs_epi32(below(0), below(16));
    const __m512i high = _mm512_packs_epi32(below(32), below(48));
    // Packing takes turns between its operands' quarters.
    const __m512i in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_movepi8_mask(_mm512_maskz_permutexvar_epi32(0xffff, in_order, _mm512_packs_epi16(low, high)));
  }
#endif
  std::uint64_t word = 0;
#pragma GCC unroll 4
  for (long k = 0; k < 64; k += row_group) word |= bits_of_group(x + k, threshold) << k;
  return word;
}

/// As many lanes as a group has, in registers.
template <class Real>
struct Group {
  using Vector = typename Registers<Real>::Vector;
  static constexpr long lanes = Registers<Real>::lanes;
  static constexpr long parts = row_group / lanes;
};

/// All bits of the first `size` of row_group lanes.
template <class Real>
struct LanesBelow {
  using Bits = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;
  using Mask [[gnu::vector_size(register_bytes)]] = Bits;
  explicit LanesBelow(long size) {
    alignas(64) static constexpr Bits window[2 * row_group] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                               -1, -1, -1, -1, -1, -1, -1, -1};
    __builtin_memcpy(&mask, window + row_group - size, sizeof mask);
  }
  Mask mask[Group<Real>::parts];
};

template <class Vector>
[[gnu::always_inline]] inline Vector clamped(Vector h, Vector low, Vector high) {
  // What lies between the bounds stays as it is, minus zero too.
  const Vector floored = low > h ? low : h;
  return high < floored ? high : floored;
}

/// The bits of one row, beside those of the two rows before, which lie `row_bits` words apart. Bit 0 of the result:
/// they differ from the row before, bit 1: from the one before that.
template <class Real>
[[gnu::always_inline]] inline std::uint8_t row_states(const Real* x, long size, std::span<const Real> thresholds,
                                                      std::uint64_t* bits, long row_bits) {
  std::uint64_t changed = 0;
  std::uint64_t changed_twice = 0;
  for (const Real threshold : thresholds) {
    for (long i = 0; i < size; i += 64, ++bits) {
      std::uint64_t word = bits_of_word(x + i, threshold);
      if (size - i < 64) word &= (std::uint64_t{1} << (size - i)) - 1;
      changed |= word ^ bits[-row_bits];
      changed_twice |= word ^ bits[-2 * row_bits];
      *bits = word;
    }
  }
  return static_cast<std::uint8_t>((changed != 0 ? 1 : 0) | (changed_twice != 0 ? 2 : 0));
}

/// h <- clamp of h in rows, and what shows whether all h are finite.
template <class Real>
class Clamping {
 public:
  using Vector = typename Group<Real>::Vector;
  explicit Clamping(Clamp<Real> clamp) : low_(Vector{} + clamp.low), high_(Vector{} + clamp.high) {}
  [[gnu::always_inline]] void take(Real* x, Vector h) {
    poison_ |= (Bits)(h * Real{0});
    const Vector phi = clamped(h, low_, high_);
    __builtin_memcpy(x, &phi, sizeof phi);
  }
  bool finite() const {
    const Vector found = (Vector)poison_;
    bool finite = true;
    for (long k = 0; k < Group<Real>::lanes; ++k) finite = finite && found[k] == Real{0};
    return finite;
  }

 private:
  using Bits [[gnu::vector_size(register_bytes)]] = std::uint64_t;
  Vector low_, high_;
  // Zero times anything finite is zero; infinities and NaN give NaN, whose bits no or removes.
  Bits poison_ = {};
};

/// See LayerPath::states.
template <class Real>
bool states(Real* rows, long stride, long count, long size, std::span<const Real> thresholds, Clamp<Real> clamp,
            std::uint64_t* bits, std::uint8_t* changed) {
  using Vector = typename Group<Real>::Vector;
  constexpr long lanes = Group<Real>::lanes;
  Clamping<Real> clamping(clamp);
  const long row_bits = (size + 63) / 64 * static_cast<long>(thresholds.size());
  const long whole = size / row_group * row_group;
  const LanesBelow<Real> rest(size - whole);
  for (long r = 0; r < count; ++r) {
    Real* x = rows + r * stride;
    changed[r] = row_states(x, size, thresholds, bits + r * row_bits, row_bits);
    for (long i = 0; i < whole; i += lanes) clamping.take(x + i, load<Vector>(x + i));
    if (whole == size) continue;
    for (long p = 0; p < Group<Real>::parts; ++p) {
      Real* at = x + whole + p * lanes;
      clamping.take(at, (Vector)((typename LanesBelow<Real>::Mask)load<Vector>(at) & rest.mask[p]));
    }
  }
  return clamping.finite();
}

/// The sum of row_group numbers, halves added until one is left.
[[gnu::always_inline]] inline double sum_of_halves(Doubles (&part)[row_group / double_lanes]) {
#pragma GCC unroll 8
  for (long half = row_group / double_lanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (long p = 0; p < half; ++p) part[p] += part[p + half];
  }
#if defined(__AVX512F__)
  const __m256d four = _mm512_maskz_extractf64x4_pd(0xf, part[0], 0) + _mm512_maskz_extractf64x4_pd(0xf, part[0], 1);
#elif defined(__AVX2__)
  const __m256d four = part[0];
#endif
#if defined(__AVX2__)
  const __m128d two = _mm256_castpd256_pd128(four) + _mm256_extractf128_pd(four, 1);
  return two[0] + two[1];
#else
  return part[0][0] + part[0][1];
#endif
}

/// Groups of a row in single precision whose squares are added in single precision, and those sums in double: so few
/// that rounding stays below that of the differences themselves. Each of a square's at most 10 roundings is at most
/// 2^-24 of what it rounds, all of them 6e-7 of the sum and 3e-7 of its root; and they do not all go one way.
constexpr long groups_in_single = 8;

/// The sum of squares added so far; in single precision, of all runs of groups_in_single groups.
template <class Real>
struct SquareSum {
  using Vector = typename Group<Real>::Vector;
  [[gnu::always_inline]] void add(long p, Vector difference) { sum[p] += difference * difference; }
  [[gnu::always_inline]] void end_run() {
    if constexpr (std::is_same_v<Real, float>) {
      for (long p = 0; p < Group<Real>::parts; ++p) {
        wide[2 * p] += widened_half<0>(sum[p]);
        wide[2 * p + 1] += widened_half<1>(sum[p]);
        sum[p] = Vector{};
      }
    }
  }
  [[gnu::always_inline]] double value() {
    if constexpr (std::is_same_v<Real, float>)
      return sum_of_halves(wide);
    else
      return sum_of_halves(sum);
  }
  Vector sum[Group<Real>::parts] = {};
  Doubles wide[row_group / double_lanes] = {};
};

/// See LayerPath::squared_distances.
template <class Real>
void squared_distances(const Real* even_before, const Real* odd_before, const Real* rows, long stride, long count,
                       long size, double* all, double* half) {
  using Vector = typename Group<Real>::Vector;
  constexpr long lanes = Group<Real>::lanes;
  for (long r = 0; r < count; r += 2) {
    const Real* even = rows + r * stride;
    // A last row alone is measured with itself.
    const Real* odd = r + 1 < count ? even + stride : even;
    SquareSum<Real> to_even, to_odd, to_half;
    for (long begin = 0; begin < size;) {
      const long end = std::is_same_v<Real, double> ? size : std::min(size, begin + groups_in_single * row_group);
      for (; begin < end; begin += row_group) {
        for (long p = 0; p < Group<Real>::parts; ++p) {
          const long at = begin + p * lanes;
          const Vector here = load<Vector>(even + at);
          to_half.add(p, here - load<Vector>(even_before + at));
          to_even.add(p, here - load<Vector>(odd_before + at));
          to_odd.add(p, load<Vector>(odd + at) - here);
        }
      }
      to_half.end_run();
      to_even.end_run();
      to_odd.end_run();
    }
    all[r] = to_even.value();
    half[r / 2] = to_half.value();
    if (r + 1 < count) all[r + 1] = to_odd.value();
    even_before = even;
    odd_before = odd;
  }
}

template <class Real>
constexpr LayerPath<Real> path_of_this_file(const char* name) {
  return {name,          Registers<Real>::lanes,  tile_vectors, narrow_lanes<Real>, &multiply<Real>,
          &states<Real>, &squared_distances<Real>};
}

}  // namespace
}  // namespace meander::layer_lanes
