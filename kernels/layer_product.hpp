// The product of rows of activations with a layer's weights, which are packed once and used for all samples.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace meander {

/// Memory for numbers, aligned to vector registers and, unlike std::vector, not written to before it is
/// used.
template <class Real>
class Buffer {
 public:
  explicit Buffer(long size = 0)
      : data_(static_cast<Real*>(::operator new(static_cast<std::size_t>(size) * sizeof(Real), alignment))) {}
  Real* data() { return data_.get(); }
  const Real* data() const { return data_.get(); }
  std::span<Real> first(long size) { return {data_.get(), static_cast<std::size_t>(size)}; }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Free {
    void operator()(Real* data) const { ::operator delete(data, alignment); }
  };
  std::unique_ptr<Real, Free> data_;
};

/// Rows of h need room for this many more elements than neurons, less one: registers are stored whole.
inline constexpr long widest_register = 16;

/// h (rows, outputs) = bias + x W^T for x (rows, inputs), with the given distances between rows. Every sum runs
/// over the inputs in their order, beginning with the bias, by fused multiply-add where the processor has it:
/// it depends on no block size, and is the same on all such processors. Elements of h from `outputs` up to the
/// next multiple of `lanes` become zero.
template <class Real>
struct ProductPath {
  const char* name;
  /// Lanes of a register, and the most registers of neurons that a tile has.
  long lanes, vectors;
  using Multiply = void (*)(const Real* packed, const Real* bias, long outputs, long inputs, const Real* x,
                            long x_stride, long rows, Real* h, long h_stride);
  Multiply multiply;
};

/// The paths that this processor can take, the fastest first.
template <class Real>
std::span<const ProductPath<Real>> product_paths();

/// A layer's weights, transposed in bands of a tile's neurons and filled up with zeros.
template <class Real>
class PackedLayer {
 public:
  PackedLayer() = default;
  /// `weight` is row-major (outputs, inputs).
  PackedLayer(const ProductPath<Real>& path, std::span<const Real> weight, std::span<const double> bias);

  bool empty() const { return path_ == nullptr; }
  /// See ProductPath.
  void multiply(const Real* x, long x_stride, long rows, Real* h, long h_stride) const {
    path_->multiply(weight_.data(), bias_.data(), outputs_, inputs_, x, x_stride, rows, h, h_stride);
  }

 private:
  const ProductPath<Real>* path_ = nullptr;
  long outputs_ = 0, inputs_ = 0;
  Buffer<Real> weight_, bias_;
};

}  // namespace meander
