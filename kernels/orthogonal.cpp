// Haar-distributed orthogonal weight matrices through LAPACK's QR and LQ factorisations.
#include "kernels/orthogonal.hpp"

#include "kernels/blas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

// LAPACK's Fortran symbols, column-major: QR and LQ factorisations and the explicit Q of each.
extern "C" {
using MeanderFactor = void(const int* m, const int* n, double* a, const int* lda, double* tau, double* work,
                           const int* lwork, int* info);
using MeanderForm = void(const int* m, const int* n, const int* k, double* a, const int* lda, const double* tau,
                         double* work, const int* lwork, int* info);
MeanderFactor dgeqrf_;
MeanderFactor dgelqf_;
MeanderForm dorgqr_;
MeanderForm dorglq_;
}

namespace meander {

namespace {

void require_success(int info, int rows, int columns) {
  if (info != 0) {
    throw std::runtime_error("the QR factorisation of a " + std::to_string(rows) + " x " + std::to_string(columns) +
                             " matrix failed (LAPACK info = " + std::to_string(info) + "), report this");
  }
}

/// Replaces the column-major (m, n) matrix by the orthonormal factor of its QR (m > n) or LQ (m <= n)
/// factorisation; gives the signs of the triangular factor's diagonal.
std::vector<double> orthonormalise(int m, int n, double* a) {
  const bool tall = m > n;
  const int k = std::min(m, n);
  MeanderFactor* const factor = tall ? dgeqrf_ : dgelqf_;
  MeanderForm* const form = tall ? dorgqr_ : dorglq_;
  std::vector<double> tau(static_cast<std::size_t>(k));
  int info = 0;
  const int query = -1;
  double wanted_factor = 0.0;
  double wanted_form = 0.0;
  factor(&m, &n, a, &m, tau.data(), &wanted_factor, &query, &info);
  require_success(info, m, n);
  form(&m, &n, &k, a, &m, tau.data(), &wanted_form, &query, &info);
  require_success(info, m, n);
  const int length = static_cast<int>(std::max({wanted_factor, wanted_form, 1.0}));
  std::vector<double> work(static_cast<std::size_t>(length));
  factor(&m, &n, a, &m, tau.data(), work.data(), &length, &info);
  require_success(info, m, n);
  std::vector<double> signs(static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < signs.size(); ++i) {
    signs[i] = std::copysign(1.0, a[i * (static_cast<std::size_t>(m) + 1)]);
  }
  form(&m, &n, &k, a, &m, tau.data(), work.data(), &length, &info);
  require_success(info, m, n);
  return signs;
}

}  // namespace

void orthogonal_matrix(StreamKey key, std::uint32_t layer, int rows, int columns, double sigma_w, std::span<double> out,
                       Purpose purpose) {
  const auto stride = static_cast<std::size_t>(columns);
  const RandomStream stream(key, purpose, layer);
  std::vector<float> normals(stride);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    stream.normals(static_cast<std::uint32_t>(row), 0, normals);
    std::copy(normals.begin(), normals.end(), out.begin() + static_cast<std::ptrdiff_t>(row * stride));
  }
  use_one_blas_thread();  // more would change the last bits
  // Row-major G is column-major G': its LQ factorisation is the QR factorisation of G.
  const std::vector<double> signs = orthonormalise(columns, rows, out.data());
  const double ratio = static_cast<double>(rows) / static_cast<double>(columns);
  const double scale = sigma_w * std::sqrt(std::max(1.0, ratio));
  // Sign i belongs to column i of Q: to column i of W where Q is W, to row i where Q is W'.
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    for (std::size_t column = 0; column < stride; ++column) {
      out[row * stride + column] *= scale * (columns > rows ? signs[row] : signs[column]);
    }
  }
}

}  // namespace meander
