// The product of rows of activations with a layer's weights, which are packed once and used for all samples, and
// passes over its rows: compiled for several generations of processors.
#pragma once

#include "kernels/base/buffer.hpp"

#include <cstdint>
#include <limits>
#include <span>

namespace meander {

/// Rows of h need room for this many more elements than neurons, less one: registers are stored whole.
inline constexpr long widest_register = 16;
/// What is read of rows is a multiple of so many elements: a row's bits fill words.
inline constexpr long word_elements = 64;

/// phi(h) of an activation that is the identity between two bounds and constant beyond them.
template <class Real>
struct Clamp {
  Real low = -std::numeric_limits<Real>::infinity();
  Real high = std::numeric_limits<Real>::infinity();
};

/// One way to do what is done to every layer's rows, of `size` elements each. Elements up to the next multiple of
/// widest_register are written, and have no effect.
template <class Real>
struct LayerPath {
  const char* name;
  /// Lanes of a register, and the most registers of neurons that a tile has.
  long lanes, vectors;
  /// So few neurons left over from whole registers share a register between samples; 0 where none do.
  long narrow;

  /// h (rows, outputs) = bias + x W^T for x (rows, inputs), with the given distances between rows. Every sum
  /// runs over the inputs in their order, beginning with the bias, by fused multiply-add where the processor has
  /// it: it depends on no block size, and is the same on all such processors. Elements of h from `outputs` up to
  /// the next multiple of `lanes` may be written.
  void (*multiply)(const Real* packed, const Real* bias, long outputs, long inputs, const Real* x, long x_stride,
                   long rows, Real* h, long h_stride);
  /// Of each of `count` rows h, one after the other: for each threshold bit_words(size) words of bits, element j in
  /// bit j % 64 of word j / 64, set where h > threshold, unused bits zero. The words of the two rows before stand
  /// before `bits`: bit 0 of changed[r] is set where row r differs from the one before, bit 1 where it differs from the
  /// one before that. Then h <- clamp of h. False where an element of h is not finite; what clamping makes of such a
  /// row is undefined. Elements up to the next multiple of word_elements are read, and have no effect.
  bool (*states)(Real* rows, long stride, long count, long size, std::span<const Real> thresholds, Clamp<Real> clamp,
                 std::uint64_t* bits, std::uint8_t* changed);
  /// Of rows that `states` has seen, the first of which follows `odd_before` and that one `even_before`:
  /// all[r] <- |row r - row r-1|^2, half[r / 2] <- |row r - row r-2|^2 for even r, in one order of summation on all
  /// processors; differences, squares and sums of up to 8 squares of rows in single precision are in single precision.
  void (*squared_distances)(const Real* even_before, const Real* odd_before, const Real* rows, long stride, long count,
                            long size, double* all, double* half);
};

/// The paths that this processor can take, the fastest first.
template <class Real>
std::span<const LayerPath<Real>> layer_paths();

/// How a layer's neurons are divided: `registers` of them, the last one filled up unless the rest is narrow.
struct NeuronBands {
  NeuronBands(long outputs, long lanes_each, long most_registers, long narrow_lanes)
      : narrow(outputs % lanes_each > 0 && outputs % lanes_each <= narrow_lanes),
        registers((outputs + lanes_each - 1) / lanes_each - (narrow ? 1 : 0)),
        bands((registers + most_registers - 1) / most_registers) {}
  /// The first register of a band.
  long begin(long band) const { return band * registers / bands; }

  bool narrow;
  long registers, bands;
};

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
