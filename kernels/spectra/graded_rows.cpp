// QR steps, Jacobi rotations and the dense way for graded rows.
#include "kernels/spectra/graded_rows.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"
#include "kernels/base/scaled_number.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

using Exponent = double;

/// Rows of graded factors that differ by less are left to dense LAPACK, which is then right to 1e3 epsilon or so.
constexpr double dense_range = 1e2;

double log_size(const double* row, int columns, Exponent exponent) {
  const double norm = cblas_dnrm2(columns, row, 1);
  return norm == 0.0 ? -std::numeric_limits<double>::infinity() : std::log(norm) + exponent * std::numbers::ln2;
}

std::vector<double> log_sizes(const GradedRows& matrix) {
  std::vector<double> sizes;
  for (int i = 0; i < matrix.rows; ++i) {
    const double* row = matrix.t.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(matrix.columns);
    sizes.push_back(log_size(row, matrix.columns, matrix.exponent[static_cast<std::size_t>(i)]));
  }
  return sizes;
}

/// Largest rows first.
void sort_rows(GradedRows& matrix) {
  const std::vector<double> sizes = log_sizes(matrix);
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  const auto columns = static_cast<std::ptrdiff_t>(matrix.columns);
  GradedRows sorted{matrix.rows, matrix.columns, std::vector<double>(matrix.t.size()), {}};
  auto to = sorted.t.begin();
  for (const std::size_t from : order) {
    to = std::copy_n(matrix.t.begin() + static_cast<std::ptrdiff_t>(from) * columns, columns, to);
    sorted.exponent.push_back(matrix.exponent[from]);
  }
  matrix = std::move(sorted);
}

/// The rows of one rotation: t, its exponent and its squared norm.
struct Row {
  double* t;
  Exponent exponent;
  double square;
};

/// Makes rows a (the larger) and b perpendicular; false where they are so to rounding.
bool rotate(Row& a, Row& b, int columns, double tolerance) {
  const double product = cblas_ddot(columns, a.t, 1, b.t, 1);
  if (std::abs(product) <= tolerance * std::sqrt(a.square) * std::sqrt(b.square)) return false;
  const double ratio = scaled(1.0, b.exponent - a.exponent);
  const double square = ratio * ratio;
  // zeta of Rutishauser's formula times the ratio, and the tangent over it.
  const double z = (square * b.square - a.square) / (2.0 * product);
  const double u = std::copysign(1.0, z) / (std::abs(z) + std::hypot(ratio, z));
  const double cosine = 1.0 / std::sqrt(1.0 + u * u * square);
  const double from_b = -u * square;
  for (int k = 0; k < columns; ++k) {
    const double x = a.t[k], y = b.t[k];
    a.t[k] = cosine * (x + from_b * y);
    b.t[k] = cosine * (u * x + y);
  }
  const double before = b.square;
  a.square += from_b * product;
  b.square += u * product;
  if (!(b.square > 0.1 * before)) b.square = cblas_ddot(columns, b.t, 1, b.t, 1);
  return true;
}

}  // namespace

void transpose_triangular(GradedRows& matrix) {
  use_one_blas_thread();
  sort_rows(matrix);
  // Row-major (rows, columns) is the transpose, column-major (columns, rows).
  const int m = matrix.columns, n = matrix.rows, k = std::min(m, n);
  if (k == 0) return;
  std::vector<double> tau(static_cast<std::size_t>(k));
  const int info = lapack::geqrf(m, n, matrix.t.data(), m, tau.data());
  if (info != 0)
    throw std::runtime_error("a QR factorisation failed (LAPACK info = " + std::to_string(info) + "), report this");
  GradedRows made{0, n, {}, {}};
  for (int i = 0; i < k; ++i) {
    const auto entry = [&](int j) {
      return matrix.t[static_cast<std::size_t>(j) * static_cast<std::size_t>(m) + static_cast<std::size_t>(i)];
    };
    Exponent largest = -std::numeric_limits<Exponent>::infinity();
    for (int j = i; j < n; ++j) {
      if (entry(j) != 0.0)
        largest = std::max(largest, std::ilogb(entry(j)) + matrix.exponent[static_cast<std::size_t>(j)]);
    }
    if (largest == -std::numeric_limits<Exponent>::infinity()) continue;
    made.t.resize(made.t.size() + static_cast<std::size_t>(i), 0.0);
    for (int j = i; j < n; ++j)
      made.t.push_back(scaled(entry(j), matrix.exponent[static_cast<std::size_t>(j)] - largest));
    made.exponent.push_back(largest);
    ++made.rows;
  }
  matrix = std::move(made);
}

bool jacobi_singular_values(GradedRows& matrix, std::vector<double>& log) {
  use_one_blas_thread();
  constexpr int most_sweeps = 40;
  const double tolerance = std::sqrt(static_cast<double>(matrix.columns)) * std::numeric_limits<double>::epsilon();
  bool rotated = true;
  for (int sweep = 0; sweep < most_sweeps && rotated; ++sweep) {
    rotated = false;
    sort_rows(matrix);
    std::vector<Row> rows;
    for (int i = 0; i < matrix.rows; ++i) {
      double* t = matrix.t.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(matrix.columns);
      rows.push_back({t, matrix.exponent[static_cast<std::size_t>(i)], cblas_ddot(matrix.columns, t, 1, t, 1)});
    }
    for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
      for (std::size_t j = i + 1; j < rows.size(); ++j) {
        if (rotate(rows[i], rows[j], matrix.columns, tolerance)) rotated = true;
      }
    }
  }
  log = log_sizes(matrix);
  std::sort(log.begin(), log.end(), std::greater<>());
  return !rotated;
}

bool dense_singular_values(const GradedRows& matrix, std::vector<double>& log) {
  use_one_blas_thread();
  const int m = matrix.columns, n = matrix.rows, k = std::min(m, n);
  const Exponent base = *std::max_element(matrix.exponent.begin(), matrix.exponent.end());
  std::vector<double> a = matrix.t;
  for (int i = 0; i < n; ++i) {
    const double factor = scaled(1.0, matrix.exponent[static_cast<std::size_t>(i)] - base);
    cblas_dscal(m, factor, a.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(m), 1);
  }
  std::vector<double> s(static_cast<std::size_t>(k));
  const int info = lapack::gesdd_values(m, n, a.data(), m, s.data());
  log.clear();
  for (const double value : s) log.push_back(std::log(value) + base * std::numbers::ln2);
  return info == 0;
}

bool graded_singular_values(GradedRows matrix, std::vector<double>& log) {
  transpose_triangular(matrix);
  transpose_triangular(matrix);
  const std::vector<double> sizes = log_sizes(matrix);
  if (sizes.empty()) {
    log.clear();
    return true;
  }
  const auto [smallest, largest] = std::minmax_element(sizes.begin(), sizes.end());
  return *largest - *smallest < std::log(dense_range) ? dense_singular_values(matrix, log)
                                                      : jacobi_singular_values(matrix, log);
}

}  // namespace meander
