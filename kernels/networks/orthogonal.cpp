// Haar-distributed orthogonal weight matrices: LAPACK multiplies the reflectors out.
#include "kernels/networks/orthogonal.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace meander {

namespace {

/// Reflector k of `count` in vectors of `length` is kept as LAPACK does: component j at k stride_k + j stride_j, for
/// j > k, divided by the first. Gives their factors tau; signs go to `signs`.
std::vector<double> draw_reflectors(const RandomStream& stream, std::size_t length, std::size_t stride_k,
                                    std::size_t stride_j, std::span<double> signs, std::span<double> out) {
  std::vector<float> normals(length);
  std::vector<double> tau(signs.size());
  for (std::size_t k = 0; k < tau.size(); ++k) {
    const std::span<float> x(normals.data(), length - k);
    stream.normals(static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(k), x);
    double square = 0.0;
    for (const float value : x) square += static_cast<double>(value) * static_cast<double>(value);
    const auto reflector = householder_reflector(static_cast<double>(x[0]), std::sqrt(square));
    tau[k] = reflector.head * reflector.head / reflector.half_square;
    signs[k] = reflector.sign;
    for (std::size_t j = k + 1; j < length; ++j) {
      out[k * stride_k + j * stride_j] = static_cast<double>(x[j - k]) / reflector.head;
    }
  }
  return tau;
}

/// `info` of LAPACK, column-major: the product of reflectors with vectors in columns, or its transpose with vectors in
/// rows.
void require_product(int info, int reflectors) {
  if (info == 0) return;
  throw std::runtime_error("the product of " + std::to_string(reflectors) +
                           " reflectors failed (LAPACK info = " + std::to_string(info) + "), report this");
}

}  // namespace

HouseholderReflector householder_reflector(double first, double norm) {
  if (norm == 0.0) return householder_reflector(1.0, 1.0);
  return {first + std::copysign(norm, first), norm * (norm + std::abs(first)), -std::copysign(1.0, first)};
}

void orthogonal_matrix(StreamKey key, std::uint32_t layer, int rows, int columns, double sigma_w, std::span<double> out,
                       Purpose purpose) {
  const RandomStream stream(key, purpose, layer);
  const bool tall = rows >= columns;
  const auto stride = static_cast<std::size_t>(columns);
  std::vector<double> signs(static_cast<std::size_t>(std::min(rows, columns)));
  use_one_blas_thread();  // more would change the last bits
  // A row-major matrix is its transpose to LAPACK: vectors in columns are rows to it.
  if (tall) {
    const auto tau = draw_reflectors(stream, static_cast<std::size_t>(rows), 1, stride, signs, out);
    require_product(lapack::orglq(columns, rows, columns, out.data(), columns, tau.data()), columns);
  } else {
    const auto tau = draw_reflectors(stream, stride, stride, 1, signs, out);
    require_product(lapack::orgqr(columns, rows, rows, out.data(), columns, tau.data()), rows);
  }
  const double ratio = static_cast<double>(rows) / static_cast<double>(columns);
  const double scale = sigma_w * std::sqrt(std::max(1.0, ratio));
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    for (std::size_t column = 0; column < stride; ++column) {
      out[row * stride + column] *= scale * (tall ? signs[column] : signs[row]);
    }
  }
}

}  // namespace meander
