// The products of row_block_product.hpp for one instruction set; every source file that includes this gets a copy of
// its own, hence the unnamed namespace.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/products/row_block_product.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace meander::row_block_lanes {
namespace {

// Tiles of `vectors` vectors by so many rows (of columns' registers, in the transposed product): their sums, a register
// of each row and one of a vector are all registers that there are.
#if defined(__AVX512F__)
constexpr long lanes = 8;
constexpr int most_vectors = 8;
template <int vectors>
constexpr int tile = vectors > 6   ? 3
                     : vectors > 4 ? 4
                                   : 6;
#elif defined(__AVX2__)
constexpr long lanes = 4;
constexpr int most_vectors = 6;
template <int vectors>
constexpr int tile = vectors > 3   ? 2
                     : vectors > 2 ? 3
                     : vectors > 1 ? 4
                                   : 6;
#else
constexpr long lanes = 2;
constexpr int most_vectors = 4;
template <int vectors>
constexpr int tile = vectors > 2 ? 2 : 4;
#endif

using Vector [[gnu::vector_size(lanes * sizeof(double))]] = double;

[[gnu::always_inline]] inline Vector load(const double* from) {
  Vector value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
[[gnu::always_inline]] inline Vector load(const float* from) {
#if defined(__AVX512F__)
  // GCC 12 converts in halves by itself, and warns of uninitialised values in the form without a mask (its bug 105593).
  return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from));
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(_mm_loadu_ps(from));
#else
  return Vector{static_cast<double>(from[0]), static_cast<double>(from[1])};
#endif
}
[[gnu::always_inline]] inline void store(Vector value, double* to) {
  __builtin_memcpy(to, &value, sizeof value);
}
/// Less zero rather than plus zero, which would be an addition: it makes -0 to 0.
[[gnu::always_inline]] inline Vector all_lanes(double value) {
  return value - Vector{};
}

[[gnu::always_inline]] inline Vector add_product(Vector a, Vector b, Vector c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#else
  return a * b + c;
#endif
}

/// Has the value in a register: a product could read it from memory, but each of several would.
[[gnu::always_inline]] inline Vector in_register(Vector value) {
#if defined(__x86_64__)
  asm("" : "+v"(value));
#endif
  return value;
}

/// A register of weights; those that are `plain` have scale 1, and no multiplication is wasted on it.
template <bool plain, class Real>
[[gnu::always_inline]] inline Vector weights(const Real* from, Vector factor) {
  if constexpr (plain) return load(from);
  return factor * load(from);
}

/// sums (rows, vectors, 8) += for each of eight parts of `columns` columns. Plain weights are those that are stored:
/// the next rows are asked for ahead of their use, since rows are too short for the processor to see where they go.
template <int vectors, int rows, bool plain, class Real>
[[gnu::always_inline]] inline void product_tile(const Real* weight, long stride, double scale, long columns,
                                                const double* x, double* sums) {
  const Vector factor = all_lanes(scale);
  for (long part = 0; part < panel_columns; part += lanes) {
    Vector sum[rows][vectors];
    for (int r = 0; r < rows; ++r) {
      for (int v = 0; v < vectors; ++v) sum[r][v] = load(sums + (r * vectors + v) * panel_columns + part);
    }
    long k = 0;
    do {
      Vector w[rows];
      for (int r = 0; r < rows; ++r) {
        w[r] = weights<plain>(weight + r * stride + k + part, factor);
        if constexpr (plain) __builtin_prefetch(weight + (r + rows) * stride + k + part);
      }
      for (int v = 0; v < vectors; ++v) {
        const Vector x_v = in_register(load(x + k * vectors + v * panel_columns + part));
        for (int r = 0; r < rows; ++r) sum[r][v] = add_product(w[r], x_v, sum[r][v]);
      }
      k += panel_columns;
    } while (k < columns);
    for (int r = 0; r < rows; ++r) {
      for (int v = 0; v < vectors; ++v) store(sum[r][v], sums + (r * vectors + v) * panel_columns + part);
    }
  }
}

/// How many tiles further along its rows the transposed product asks for weights: a tile takes but a few of each row.
constexpr long tiles_ahead = 4;

/// A panel y (8 groups, vectors) += rows' x, row after row.
template <int vectors, int groups, bool plain, class Real>
[[gnu::always_inline]] inline void transposed_tile(const Real* weight, long stride, double scale, long rows,
                                                   const double* x, long x_stride, double* y) {
  const Vector factor = all_lanes(scale);
  for (long part = 0; part < panel_columns; part += lanes) {
    Vector sum[groups][vectors];
    for (int g = 0; g < groups; ++g) {
      for (int v = 0; v < vectors; ++v) sum[g][v] = load(y + (g * vectors + v) * panel_columns + part);
    }
    long r = 0;
    do {
      Vector w[groups];
      for (int g = 0; g < groups; ++g) {
        w[g] = weights<plain>(weight + r * stride + g * panel_columns + part, factor);
        if constexpr (plain)
          __builtin_prefetch(weight + r * stride + (g + tiles_ahead * groups) * panel_columns + part);
      }
      for (int v = 0; v < vectors; ++v) {
        const Vector x_v = all_lanes(x[r * x_stride + v]);
        for (int g = 0; g < groups; ++g) sum[g][v] = add_product(w[g], x_v, sum[g][v]);
      }
    } while (++r < rows);
    for (int g = 0; g < groups; ++g) {
      for (int v = 0; v < vectors; ++v) store(sum[g][v], y + (g * vectors + v) * panel_columns + part);
    }
  }
}

/// Of the eight parts of a sum.
[[gnu::always_inline]] inline double sum_of_lanes(const double* parts) {
  using Quad [[gnu::vector_size(32)]] = double;
  Quad low, high;
  __builtin_memcpy(&low, parts, sizeof low);
  __builtin_memcpy(&high, parts + 4, sizeof high);
  low += high;
  return (low[0] + low[2]) + (low[1] + low[3]);
}

/// Rows whose sums are kept at a time, in the first-level cache beside the columns of a panel that they are multiplied
/// with.
constexpr long rows_at_once = 48, columns_at_once = 3584;

/// The last columns of a block, fewer than panel_columns, filled up with zeros.
template <class Real>
struct Remainder {
  Real weight[rows_at_once * panel_columns];
  RowBlock<Real> block;

  explicit Remainder(const RowBlock<Real>& from)
      : weight{}, block{weight, panel_columns, from.rows, panel_columns, from.scale} {
    const long whole = from.columns / panel_columns * panel_columns;
    for (long r = 0; r < from.rows; ++r) {
      std::copy_n(from.weight + r * from.stride + whole, from.columns - whole, weight + r * panel_columns);
    }
  }
  Remainder(const Remainder&) = delete;
  Remainder& operator=(const Remainder&) = delete;
};

/// Whole groups of columns.
template <int vectors, bool plain, class Real>
void add_to_sums(const RowBlock<Real>& block, const double* x, double* sums) {
  constexpr int rows = tile<vectors>;
  constexpr long at_once = columns_at_once / vectors / panel_columns * panel_columns;
  for (long k = 0; k < block.columns; k += at_once) {
    const long now = std::min(at_once, block.columns - k);
    const Real* weight = block.weight + k;
    const auto at = [&](long r) { return weight + r * block.stride; };
    long r = 0;
    for (; r + rows <= block.rows; r += rows)
      product_tile<vectors, rows, plain>(at(r), block.stride, block.scale, now, x + k * vectors,
                                         sums + r * vectors * panel_columns);
    for (; r < block.rows; ++r)
      product_tile<vectors, 1, plain>(at(r), block.stride, block.scale, now, x + k * vectors,
                                      sums + r * vectors * panel_columns);
  }
}

template <int vectors, bool plain, class Real>
void add_rows(const RowBlock<Real>& block, const double* x, double* y, long y_stride) {
  alignas(64) double sums[rows_at_once * vectors * panel_columns];
  std::fill_n(sums, block.rows * vectors * panel_columns, 0.0);
  const long whole = block.columns / panel_columns * panel_columns;
  if (whole > 0) {
    add_to_sums<vectors, plain>(RowBlock<Real>{block.weight, block.stride, block.rows, whole, block.scale}, x, sums);
  }
  if (whole < block.columns) add_to_sums<vectors, plain>(Remainder<Real>(block).block, x + whole * vectors, sums);
  const double* s = sums;
  for (long r = 0; r < block.rows; ++r) {
    for (int v = 0; v < vectors; ++v, s += panel_columns) {
      y[r * y_stride + v] += sum_of_lanes(s);
    }
  }
}

/// Whole groups of columns.
template <int vectors, bool plain, class Real>
void add_columns(const RowBlock<Real>& block, const double* x, long x_stride, double* y) {
  constexpr int groups = tile<vectors>;
  long k = 0;
  for (; k + groups * panel_columns <= block.columns; k += groups * panel_columns)
    transposed_tile<vectors, groups, plain>(block.weight + k, block.stride, block.scale, block.rows, x, x_stride,
                                            y + k * vectors);
  for (; k < block.columns; k += panel_columns)
    transposed_tile<vectors, 1, plain>(block.weight + k, block.stride, block.scale, block.rows, x, x_stride,
                                       y + k * vectors);
}

template <int vectors, bool plain, class Real>
void add_rows_transposed(const RowBlock<Real>& block, const double* x, long x_stride, double* y) {
  const long whole = block.columns / panel_columns * panel_columns;
  add_columns<vectors, plain>(RowBlock<Real>{block.weight, block.stride, block.rows, whole, block.scale}, x, x_stride,
                              y);
  if (whole < block.columns)
    add_columns<vectors, plain>(Remainder<Real>(block).block, x, x_stride, y + whole * vectors);
}

/// Calls use.operator()<vectors, whether scale is 1>().
template <int most = most_vectors, class Use>
void with_vectors(int vectors, double scale, const Use& use) {
  if (vectors == most) {
    return scale == 1.0 ? use.template operator()<most, true>() : use.template operator()<most, false>();
  }
  if constexpr (most > 1) with_vectors<most - 1>(vectors, scale, use);
}

/// Calls use(rows of the block, first row) for all of them.
template <class Real, class Use>
void for_rows(const RowBlock<Real>& block, const Use& use) {
  for (long r = 0; r < block.rows; r += rows_at_once) {
    use(RowBlock<Real>{block.weight + r * block.stride, block.stride, std::min(rows_at_once, block.rows - r),
                       block.columns, block.scale},
        r);
  }
}

template <class Real>
void multiply_block(const RowBlock<Real>& block, const double* x, int vectors, double* y, long y_stride) {
  with_vectors(vectors, block.scale, [&]<int n, bool plain>() {
    for_rows(block, [&](const RowBlock<Real>& rows, long first) {
      add_rows<n, plain>(rows, x, y + first * y_stride, y_stride);
    });
  });
}

template <class Real>
void multiply_block_transposed(const RowBlock<Real>& block, const double* x, long x_stride, int vectors, double* y) {
  with_vectors(vectors, block.scale, [&]<int n, bool plain>() {
    for_rows(block, [&](const RowBlock<Real>& rows, long first) {
      add_rows_transposed<n, plain>(rows, x + first * x_stride, x_stride, y);
    });
  });
}

template <class Real>
constexpr RowBlockPath<Real> path_of_this_file(const char* name) {
  return {name, most_vectors, &multiply_block<Real>, &multiply_block_transposed<Real>};
}

}  // namespace
}  // namespace meander::row_block_lanes
