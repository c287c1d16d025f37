// Sums over rows are reduced over the ranks; factors of small matrices are found on rank 0 and sent to all, so that no
// two ranks can decide differently.
#include "kernels/distributed/distributed_columns.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

using Matrix = std::vector<double>;

std::size_t extent(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

/// Householder vectors below the diagonal, R on and above it.
struct Factors {
  Matrix a, tau;
  std::vector<int> order;  // of columns, from 1
  int rows, columns;

  Factors(Matrix matrix, int m, int n, bool pivoted)
      : a(std::move(matrix)),
        tau(static_cast<std::size_t>(std::min(m, n))),
        order(static_cast<std::size_t>(n)),
        rows(m),
        columns(n) {
    if (m == 0 || n == 0) return;
    // Both tell of wrong arguments only.
    if (pivoted) {
      lapack::geqp3(m, n, a.data(), m, order.data(), tau.data());
    } else {
      lapack::geqrf(m, n, a.data(), m, tau.data());
    }
  }

  int reflectors() const { return static_cast<int>(tau.size()); }

  /// c <- Q c, c (rows, count).
  void apply(double* c, int count) const {
    const int k = reflectors();
    if (k == 0 || count == 0) return;
    lapack::ormqr("L", "N", rows, count, k, a.data(), rows, tau.data(), c, rows);
  }

  /// The upper triangle, with `height` rows of which those below it are zero.
  Matrix triangle(int height) const {
    Matrix r(extent(height, columns));
    for (int column = 0; column < columns; ++column) {
      const int used = std::min(column + 1, reflectors());
      std::copy_n(a.begin() + static_cast<std::ptrdiff_t>(extent(column, rows)), used,
                  r.begin() + static_cast<std::ptrdiff_t>(extent(column, height)));
    }
    return r;
  }
};

/// H = B' X over all ranks, and X <- X - B H.
Matrix project(const DistributedColumns& basis, DistributedColumns& x) {
  Matrix h;
  attempt(basis.communicator(), [&] { h.resize(extent(basis.count(), x.count())); }).or_throw();
  if (h.empty()) return h;
  const int rows = basis.rows(), k = basis.count(), n = x.count(), stride = std::max(rows, 1);
  if (rows > 0) {
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, k, n, rows, 1.0, basis.data(), stride, x.data(), stride, 0.0,
                h.data(), k);
  }
  MPI_Allreduce(MPI_IN_PLACE, h.data(), static_cast<int>(h.size()), MPI_DOUBLE, MPI_SUM, basis.communicator());
  if (rows > 0) {
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, rows, n, k, -1.0, basis.data(), stride, h.data(), k, 1.0,
                x.data(), stride);
  }
  return h;
}

/// A B, of k columns of A.
Matrix product(const Matrix& a, const Matrix& b, int m, int k, int n) {
  Matrix c(extent(m, n));
  if (c.empty() || k == 0) return c;
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0, a.data(), m, b.data(), k, 0.0, c.data(), m);
  return c;
}

double column_norm(const Matrix& a, int height, int column) {
  return height == 0 ? 0.0 : cblas_dnrm2(height, a.data() + extent(column, height), 1);
}

/// What rank 0 finds for all: columns of Q, R, and each rank's part of Q.
struct Root {
  Matrix r, parts;
  int rank = 0;
  double left_out = 0.0;

  /// Of the triangular factors (n, n) of all ranks, one after the other; `h` (k, n) is what went before.
  Root(const Matrix& triangles, int ranks, int n, const Matrix& h, int k, double rounding, int most, double& longest) {
    const int height = ranks * n;
    Matrix stack(extent(height, n));
    for (int part = 0; part < ranks; ++part) {
      for (int column = 0; column < n; ++column) {
        std::copy_n(triangles.begin() + static_cast<std::ptrdiff_t>(extent(part * n + column, n)), n,
                    stack.begin() + static_cast<std::ptrdiff_t>(extent(column, height) + extent(part, n)));
      }
    }
    for (int column = 0; column < n; ++column) {
      const double norm = std::hypot(column_norm(stack, height, column), column_norm(h, k, column));
      if (!std::isfinite(norm)) {
        throw std::runtime_error("a product with an operator has an entry that is not finite (it overflows), scale it");
      }
      longest = std::max(longest, norm);
    }
    const Factors whole(std::move(stack), height, n, true);
    const Matrix pivoted = whole.triangle(n);
    while (rank < std::min(n, most) && std::abs(pivoted[extent(rank, n + 1)]) > rounding * longest) ++rank;
    for (int column = rank; column < n; ++column) {
      for (int row = rank; row <= column; ++row) {
        left_out = std::hypot(left_out, pivoted[extent(column, n) + extent(row, 1)]);
      }
    }
    r.resize(extent(rank, n));
    for (int column = 0; column < n; ++column) {
      const int place = whole.order[static_cast<std::size_t>(column)] - 1;
      std::copy_n(pivoted.begin() + static_cast<std::ptrdiff_t>(extent(column, n)), rank,
                  r.begin() + static_cast<std::ptrdiff_t>(extent(place, rank)));
    }
    Matrix q(extent(height, rank));
    for (int column = 0; column < rank; ++column) q[extent(column, height + 1)] = 1.0;
    whole.apply(q.data(), rank);
    parts.resize(q.size());
    for (int part = 0; part < ranks; ++part) {
      for (int column = 0; column < rank; ++column) {
        std::copy_n(q.begin() + static_cast<std::ptrdiff_t>(extent(column, height) + extent(part, n)), n,
                    parts.begin() + static_cast<std::ptrdiff_t>(extent(part * rank + column, n)));
      }
    }
  }
};

/// Replaces x by the Q of its QR factors, R (columns of Q, columns of x).
Matrix factor(DistributedColumns& x, const Matrix& h, int k, double rounding, int most, double& longest,
              double& left_out) {
  const MPI_Comm comm = x.communicator();
  int ranks = 1, me = 0;
  MPI_Comm_size(comm, &ranks);
  MPI_Comm_rank(comm, &me);
  const int rows = x.rows(), n = x.count();
  std::optional<Factors> own;
  Matrix triangle, triangles, r, parts, part;
  attempt(comm, [&] {
    own.emplace(Matrix(x.data(), x.data() + extent(rows, n)), rows, n, false);
    triangle = own->triangle(n);
    if (me == 0) triangles.resize(triangle.size() * static_cast<std::size_t>(ranks));
    r.resize(extent(n, n));  // the most that they may be
    part.resize(extent(n, n));
  }).or_throw();
  const int size = static_cast<int>(triangle.size());
  MPI_Gather(triangle.data(), size, MPI_DOUBLE, triangles.data(), size, MPI_DOUBLE, 0, comm);
  int rank = 0;
  attempt_on_first(comm, [&] {
    Root root(triangles, ranks, n, h, k, rounding, most, longest);
    rank = root.rank;
    left_out = root.left_out;
    r = std::move(root.r);
    parts = std::move(root.parts);
  }).or_throw();
  MPI_Bcast(&rank, 1, MPI_INT, 0, comm);
  MPI_Bcast(&longest, 1, MPI_DOUBLE, 0, comm);
  MPI_Bcast(&left_out, 1, MPI_DOUBLE, 0, comm);
  r.resize(extent(rank, n));
  MPI_Bcast(r.data(), static_cast<int>(r.size()), MPI_DOUBLE, 0, comm);
  MPI_Scatter(parts.data(), n * rank, MPI_DOUBLE, part.data(), n * rank, MPI_DOUBLE, 0, comm);
  attempt(comm, [&] {
    x.resize(rank);
    std::fill(x.data(), x.data() + extent(rows, rank), 0.0);
    for (int column = 0; column < rank; ++column) {
      std::copy_n(part.data() + extent(column, n), own->reflectors(), x.data() + extent(column, rows));
    }
    own->apply(x.data(), rank);
  }).or_throw();
  return r;
}

}  // namespace

DistributedColumns::DistributedColumns(int rows, int most, MPI_Comm comm) : rows_(rows), comm_(comm) {
  data_.reserve(extent(rows, most));
}

void DistributedColumns::resize(int count) {
  data_.resize(extent(rows_, count));
  count_ = count;
}

void DistributedColumns::append(const DistributedColumns& columns) {
  data_.insert(data_.end(), columns.data_.begin(), columns.data_.end());
  count_ += columns.count_;
}

void DistributedColumns::rotate(std::span<const double> q, int kept) {
  // Some rows at a time: the product needs a place of its own.
  constexpr int most = 512;
  Matrix rows(extent(most, kept));
  for (int first = 0; first < rows_; first += most) {
    const int height = std::min(most, rows_ - first);
    double* const from = data_.data() + first;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, height, kept, count_, 1.0, from, rows_, q.data(), count_,
                0.0, rows.data(), most);
    for (int column = 0; column < kept; ++column) {
      std::copy_n(rows.data() + extent(column, most), height, from + extent(column, rows_));
    }
  }
  resize(kept);
}

std::vector<double> DistributedColumns::combine(std::span<const double> q, int columns) const {
  return product(data_, Matrix(q.begin(), q.begin() + static_cast<std::ptrdiff_t>(extent(count_, columns))), rows_,
                 count_, columns);
}

Orthogonalised orthogonalise(const DistributedColumns& basis, DistributedColumns& x, double rounding, int most,
                             double& longest) {
  use_one_blas_thread();
  // What Gram-Schmidt leaves of unit vectors, where it found less than this, is orthonormal to its square.
  constexpr double little = 1e-9;
  const int k = basis.count(), n = x.count();
  Orthogonalised result{project(basis, x), {}, 0.0};
  result.r = factor(x, result.h, k, rounding, most, longest, result.left_out);
  for (int pass = 0; pass < 3 && k > 0 && x.count() > 0; ++pass) {
    const Matrix h = project(basis, x);
    const Matrix more = product(h, result.r, k, x.count(), n);
    for (std::size_t i = 0; i < more.size(); ++i) result.h[i] += more[i];
    double found = 0.0;
    for (const double entry : h) found = std::max(found, std::abs(entry));
    // Ranks of different processors must not differ in what they do next.
    MPI_Bcast(&found, 1, MPI_DOUBLE, 0, x.communicator());
    if (found <= little) break;
    const int before = x.count();
    double unit = 1.0, left_out = 0.0;
    const Matrix r = factor(x, h, k, rounding, most, unit, left_out);
    // Of unit vectors, whose part in X is R's.
    result.left_out =
        std::hypot(result.left_out, left_out * column_norm(result.r, static_cast<int>(result.r.size()), 0));
    result.r = product(r, result.r, x.count(), before, n);
  }
  return result;
}

}  // namespace meander
