// The product of layer_product.hpp for one instruction set; every source file that includes this gets a copy
// of its own, hence the unnamed namespace.
#pragma once

#include <algorithm>

#include "kernels/products/layer_product.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace meander::layer_lanes {
namespace {

#if defined(__AVX512F__)
constexpr long register_bytes = 64, tile_rows = 6, tile_vectors = 4;
#elif defined(__AVX2__)
constexpr long register_bytes = 32, tile_rows = 6, tile_vectors = 2;
#else
constexpr long register_bytes = 16, tile_rows = 4, tile_vectors = 2;
#endif

template <class Real>
struct Registers {
  static constexpr long lanes = register_bytes / static_cast<long>(sizeof(Real));
  using Vector [[gnu::vector_size(register_bytes)]] = Real;
};

template <class Vector, class Real>
[[gnu::always_inline]] inline Vector load(const Real* from) {
  Vector value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

#if defined(__AVX512F__)
[[gnu::always_inline]] inline __m512d add_product(__m512d a, __m512d b, __m512d c) {
  return _mm512_fmadd_pd(a, b, c);
}
[[gnu::always_inline]] inline __m512 add_product(__m512 a, __m512 b, __m512 c) {
  return _mm512_fmadd_ps(a, b, c);
}
#elif defined(__FMA__)
[[gnu::always_inline]] inline __m256d add_product(__m256d a, __m256d b, __m256d c) {
  return _mm256_fmadd_pd(a, b, c);
}
[[gnu::always_inline]] inline __m256 add_product(__m256 a, __m256 b, __m256 c) {
  return _mm256_fmadd_ps(a, b, c);
}
#else
template <class Vector>
[[gnu::always_inline]] inline Vector add_product(Vector a, Vector b, Vector c) {
  return a * b + c;
}
#endif

/// h (rows, vectors registers) <- start + x W^T over `inputs` inputs, the sums kept in registers. `start` is the
/// bias, the same for every row, or what h holds.
template <int vectors, int rows, class Real>
[[gnu::always_inline]] inline void tile(const Real* weight, long inputs, const Real* x, long x_stride,
                                        const Real* start, long start_stride, Real* h, long h_stride) {
  using Vector = typename Registers<Real>::Vector;
  constexpr long lanes = Registers<Real>::lanes;
  Vector sum[rows][vectors];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) sum[r][v] = load<Vector>(start + r * start_stride + v * lanes);
  }
  for (long k = 0; k < inputs; ++k, weight += vectors * lanes) {
    Vector w[vectors];
    for (int v = 0; v < vectors; ++v) w[v] = load<Vector>(weight + v * lanes);
    for (int r = 0; r < rows; ++r) {
      const Vector factor = Vector{} + x[r * x_stride + k];
      for (int v = 0; v < vectors; ++v) sum[r][v] = add_product(factor, w[v], sum[r][v]);
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) __builtin_memcpy(h + r * h_stride + v * lanes, &sum[r][v], sizeof(Vector));
  }
}

/// All rows of one band of neurons.
template <int vectors, class Real>
void band(const Real* weight, long inputs, const Real* x, long x_stride, long rows, const Real* bias, Real* h,
          long h_stride) {
  const auto row_tiles = [&](const Real* start, long start_stride) {
    long r = 0;
    for (; r + tile_rows <= rows; r += tile_rows)
      tile<vectors, tile_rows>(weight, inputs, x + r * x_stride, x_stride, start + r * start_stride, start_stride,
                               h + r * h_stride, h_stride);
    for (; r < rows; ++r)
      tile<vectors, 1>(weight, inputs, x + r * x_stride, x_stride, start + r * start_stride, start_stride,
                       h + r * h_stride, h_stride);
  };
  if (bias != nullptr) {
    row_tiles(bias, 0);
  } else {
    row_tiles(h, h_stride);
  }
}

#if defined(__AVX512F__)
/// Four neurons left over from whole registers share one between four samples: quarter q of a register is sample q.
constexpr long narrow_neurons = 4, narrow_rows = 4;

template <class Real>
constexpr long narrow_lanes = sizeof(Real) == 4 ? narrow_neurons : 0;

/// One quarter from each of four rows.
template <class Pointer>
[[gnu::always_inline]] inline __m512 quarters(const Pointer (&rows)[narrow_rows], long at) {
  const __m512 first = _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(rows[0] + at));
  const __m512 second = _mm512_mask_broadcast_f32x4(first, 0x00f0, _mm_loadu_ps(rows[1] + at));
  const __m512 third = _mm512_mask_broadcast_f32x4(second, 0x0f00, _mm_loadu_ps(rows[2] + at));
  return _mm512_mask_broadcast_f32x4(third, 0xf000, _mm_loadu_ps(rows[3] + at));
}

/// The four rows of a group, of which there are `rows` in all; the last one stands for those that do not exist.
template <class Pointer>
[[gnu::always_inline]] inline void rows_of_group(Pointer x, long stride, long rows, long group,
                                                 Pointer (&out)[narrow_rows]) {
  for (long q = 0; q < narrow_rows; ++q) out[q] = x + std::min(narrow_rows * group + q, rows - 1) * stride;
}

/// Groups first.. of four samples each.
template <int groups>
[[gnu::always_inline]] inline void narrow_tile(const float* weight, long inputs, const float* x, long x_stride,
                                               long rows, long first, const float* bias, float* h, long h_stride) {
  __m512 sum[groups];
  const float* from[groups][narrow_rows];
  float* to[groups][narrow_rows];
  for (int g = 0; g < groups; ++g) {
    rows_of_group(x, x_stride, rows, first + g, from[g]);
    rows_of_group(h, h_stride, rows, first + g, to[g]);
    sum[g] = bias != nullptr ? _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(bias)) : quarters(to[g], 0);
  }
  long k = 0;
  const auto add = [&](int g, __m512 factor, __m512 w) { sum[g] = add_product(factor, w, sum[g]); };
  for (; k + 4 <= inputs; k += 4) {
    __m512 w[4];
    for (int i = 0; i < 4; ++i)
      w[i] = _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(weight + (k + i) * narrow_neurons));
    for (int g = 0; g < groups; ++g) {
      const __m512 four = quarters(from[g], k);
      add(g, _mm512_maskz_permute_ps(0xffff, four, 0x00), w[0]);
      add(g, _mm512_maskz_permute_ps(0xffff, four, 0x55), w[1]);
      add(g, _mm512_maskz_permute_ps(0xffff, four, 0xaa), w[2]);
      add(g, _mm512_maskz_permute_ps(0xffff, four, 0xff), w[3]);
    }
  }
  for (; k < inputs; ++k) {
    const __m512 w = _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(weight + k * narrow_neurons));
    for (int g = 0; g < groups; ++g) {
      __m512 factor{};
      for (long lane = 0; lane < 16; ++lane) factor[lane] = from[g][lane / narrow_neurons][k];
      add(g, factor, w);
    }
  }
  for (int g = 0; g < groups; ++g) {
    for (long q = 0; q < narrow_rows; ++q)
      __builtin_memcpy(to[g][q], reinterpret_cast<const char*>(&sum[g]) + 16 * q, 16);
  }
}

/// The neurons that are left over from whole registers, for all rows.
inline void narrow_band(const float* weight, long inputs, const float* x, long x_stride, long rows, const float* bias,
                        float* h, long h_stride) {
  constexpr int most = 6;
  const long groups = (rows + narrow_rows - 1) / narrow_rows;
  long g = 0;
  for (; g + most <= groups; g += most) narrow_tile<most>(weight, inputs, x, x_stride, rows, g, bias, h, h_stride);
  for (; g < groups; ++g) narrow_tile<1>(weight, inputs, x, x_stride, rows, g, bias, h, h_stride);
}
#else
template <class Real>
constexpr long narrow_lanes = 0;
#endif

/// Inputs are taken so many at a time that a band of their weights and the rows' share of them stay in the
/// second-level cache...
constexpr long input_block = 256;
/// ... and bands so many that their share of the rows of h stays there from one block of inputs to the next.
constexpr long band_group = 8;

template <class Real>
void multiply(const Real* packed, const Real* bias, long outputs, long inputs, const Real* x, long x_stride, long rows,
              Real* h, long h_stride) {
  constexpr long lanes = Registers<Real>::lanes;
  const NeuronBands bands(outputs, lanes, tile_vectors, narrow_lanes<Real>);
  const auto multiply_band = [&](long b, long k, long now) {
    const long first = bands.begin(b) * lanes;
    const long vectors = bands.begin(b + 1) - bands.begin(b);
    const Real* weight = packed + first * inputs + k * vectors * lanes;
    const Real* start = k == 0 ? bias + first : nullptr;
    if (vectors == 1) band<1>(weight, now, x + k, x_stride, rows, start, h + first, h_stride);
    if (vectors == 2) band<2>(weight, now, x + k, x_stride, rows, start, h + first, h_stride);
    if constexpr (tile_vectors > 2) {
      if (vectors == 3) band<3>(weight, now, x + k, x_stride, rows, start, h + first, h_stride);
      if (vectors == 4) band<4>(weight, now, x + k, x_stride, rows, start, h + first, h_stride);
    }
  };
  for (long group = 0; group < bands.bands; group += band_group) {
    for (long k = 0; k < inputs; k += input_block) {
      for (long b = group; b < std::min(bands.bands, group + band_group); ++b)
        multiply_band(b, k, std::min(input_block, inputs - k));
    }
  }
  if constexpr (narrow_lanes<Real> != 0) {
    const long first = bands.registers * lanes;
    for (long k = 0; bands.narrow && k < inputs; k += input_block)
      narrow_band(packed + first * inputs + k * narrow_lanes<Real>, std::min(input_block, inputs - k), x + k, x_stride,
                  rows, k == 0 ? bias + first : nullptr, h + first, h_stride);
  }
}

}  // namespace
}  // namespace meander::layer_lanes
