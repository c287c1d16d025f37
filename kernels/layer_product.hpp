// The product of rows of activations with a layer's weights, which are packed once and used for all samples, and
// passes over its rows: compiled for several generations of processors.
#pragma once

#include "kernels/buffer.hpp"

#include <cstdint>
#include <span>

namespace meander {

/// Rows of h need room for this many more elements than neurons, less one: registers are stored whole.
inline constexpr long widest_register = 16;

/// One way to do what is done to every layer's rows. `size` elements of a row count; up to the next multiple of
/// widest_register they may be read, but have no effect.
template <class Real>
struct LayerPath {
  const char* name;
  /// Lanes of a register, and the most registers of neurons that a tile has.
  long lanes, vectors;

  /// h (rows, outputs) = bias + x W^T for x (rows, inputs), with the given distances between rows. Every sum
  /// runs over the inputs in their order, beginning with the bias, by fused multiply-add where the processor has
  /// it: it depends on no block size, and is the same on all such processors. Elements of h from `outputs` up to
  /// the next multiple of `lanes` become zero.
  void (*multiply)(const Real* packed, const Real* bias, long outputs, long inputs, const Real* x, long x_stride,
                   long rows, Real* h, long h_stride);
  /// bits (bit_words(size)) <- x > threshold, element j in bit j % 64 of word j / 64; unused bits zero.
  void (*bits_above)(const Real* x, long size, Real threshold, std::uint64_t* bits);
  /// sums[0] <- |a - b|^2, sums[1] <- |a - c|^2 (only where c is not null), in double and in one order of
  /// summation on all processors.
  void (*squared_distances)(const Real* a, const Real* b, const Real* c, long size, double* sums);
  bool (*all_finite)(const Real* x, long size);
};

/// The paths that this processor can take, the fastest first.
template <class Real>
std::span<const LayerPath<Real>> layer_paths();

/// A layer's weights, transposed in bands of a tile's neurons and filled up with zeros.
template <class Real>
class PackedLayer {
 public:
  /// Takes a layer's weights, row-major (outputs, inputs), in place of those it had; memory is kept where it
  /// is large enough.
  void pack(const LayerPath<Real>& path, std::span<const Real> weight, std::span<const double> bias);

  bool empty() const { return path_ == nullptr; }
  /// See LayerPath.
  void multiply(const Real* x, long x_stride, long rows, Real* h, long h_stride) const {
    path_->multiply(weight_.data(), bias_.data(), outputs_, inputs_, x, x_stride, rows, h, h_stride);
  }

 private:
  const LayerPath<Real>* path_ = nullptr;
  long outputs_ = 0, inputs_ = 0;
  long weight_room_ = 0, bias_room_ = 0;
  Buffer<Real> weight_, bias_;
};

}  // namespace meander
