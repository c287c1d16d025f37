// Products of a few rows of a wide matrix with several vectors, for rows that are drawn or stored in single precision
// and used in double: compiled for several generations of processors.
#pragma once

#include "kernels/base/buffer.hpp"

#include <span>

namespace meander {

/// Rows of a matrix of which `columns` columns are taken: entry k of row i is scale * weight[i * stride + k], rounded
/// to double.
template <class Real>
struct RowBlock {
  const Real* weight;
  long stride;
  long rows, columns;
  double scale;
};

/// Vectors lie in panels: (columns / 8 rounded up, vectors, 8), filled up with zeros, so that eight components of each
/// are side by side.
inline constexpr long panel_columns = 8;

/// One way to multiply. Sums are made in eight parts (columns k, k + 8, k + 16, ... of the block in one, by fused
/// multiply-add where the processor has it), which are added pairwise: they depend neither on how many rows and vectors
/// are taken together nor, on all processors with fused multiply-add, on the processor.
template <class Real>
struct RowBlockPath {
  const char* name;
  /// At most so many vectors at a time.
  int most_vectors;
  /// y (rows, vectors) += block x for a panel x (columns, vectors); y_stride is the distance between rows of y.
  void (*add_product)(const RowBlock<Real>& block, const double* x, int vectors, double* y, long y_stride);
  /// A panel y (columns, vectors) += block' x for x (rows, vectors), row after row.
  void (*add_transposed)(const RowBlock<Real>& block, const double* x, long x_stride, int vectors, double* y);
};

/// The paths that this processor can take, the fastest first: for Real = float and double.
template <class Real>
std::span<const RowBlockPath<Real>> row_block_paths();

/// Any number of vectors of `size` components in panels of at most `most_vectors` vectors, as even as they go.
class VectorPanels {
 public:
  /// Room for so many, of no values yet. Memory is kept where it suffices.
  void resize(int most_vectors, long size, int vectors);
  /// All components zero.
  void clear();
  /// Takes the vectors of x (size, vectors), row-major.
  void take(const double* x);
  /// Writes them to x (size, vectors).
  void give(double* x) const;

  /// Calls use(panel from `column` on, first vector, vectors) for every panel; column is a multiple of panel_columns.
  template <class Use>
  void for_each(long column, const Use& use) {
    for (int p = 0; p < panels_; ++p) use(panel(p) + column * count(p), first(p), count(p));
  }

 private:
  int first(int p) const { return static_cast<int>(static_cast<long>(p) * vectors_ / panels_); }
  int count(int p) const { return first(p + 1) - first(p); }
  double* panel(int p) { return data_.data() + first(p) * padded_; }
  const double* panel(int p) const { return data_.data() + first(p) * padded_; }

  long size_ = 0, padded_ = 0, room_ = 0;
  int vectors_ = 0, panels_ = 0;
  Buffer<double> data_;
};

}  // namespace meander
