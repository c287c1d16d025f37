// Memory for numbers that vector registers load and store whole.
#pragma once

#include <cstddef>
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

}  // namespace meander
