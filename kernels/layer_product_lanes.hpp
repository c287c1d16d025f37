// The product of layer_product.hpp for one instruction set; every source file that includes this gets a copy
// of its own, hence the unnamed namespace.
#pragma once

#include <algorithm>

#include "kernels/layer_product.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace meander {
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

/// Inputs are taken so many at a time that a band of their weights and the rows' share of them stay in the
/// second-level cache.
constexpr long input_block = 256;

template <class Real>
void multiply(const Real* packed, const Real* bias, long outputs, long inputs, const Real* x, long x_stride, long rows,
              Real* h, long h_stride) {
  constexpr long lanes = Registers<Real>::lanes;
  const long all = (outputs + lanes - 1) / lanes;
  const long bands = (all + tile_vectors - 1) / tile_vectors;
  for (long k = 0; k < inputs; k += input_block) {
    const long now = std::min(input_block, inputs - k);
    const Real* weight = packed;
    for (long b = 0; b < bands; ++b) {
      const long first = b * all / bands;
      const long vectors = (b + 1) * all / bands - first;
      const Real* from = weight + k * vectors * lanes;
      const Real* start = k == 0 ? bias + first * lanes : nullptr;
      Real* to = h + first * lanes;
      if (vectors == 1) band<1>(from, now, x + k, x_stride, rows, start, to, h_stride);
      if (vectors == 2) band<2>(from, now, x + k, x_stride, rows, start, to, h_stride);
      if constexpr (tile_vectors > 2) {
        if (vectors == 3) band<3>(from, now, x + k, x_stride, rows, start, to, h_stride);
        if (vectors == 4) band<4>(from, now, x + k, x_stride, rows, start, to, h_stride);
      }
      weight += vectors * lanes * inputs;
    }
  }
}

}  // namespace
}  // namespace meander
