// A few long vectors spread over the ranks of a communicator, and what a Krylov method does with them: products with
// small matrices and orthonormal bases that are right to rounding however dependent the vectors were.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <vector>

namespace meander {

/// This rank's rows of `count` vectors, column-major.
class DistributedColumns {
 public:
  /// Memory for `most` columns is taken here.
  DistributedColumns(int rows, int most, MPI_Comm comm);

  int rows() const { return rows_; }
  int count() const { return count_; }
  MPI_Comm communicator() const { return comm_; }
  double* data() { return data_.data(); }
  const double* data() const { return data_.data(); }
  /// Columns beyond those there were are not set. At most those that memory was taken for.
  void resize(int count);
  void append(const DistributedColumns& columns);
  /// Replaces the columns X by X Q, Q (count, kept) column-major.
  void rotate(std::span<const double> q, int kept);
  /// X Q of these columns.
  std::vector<double> combine(std::span<const double> q, int columns) const;

 private:
  int rows_, count_ = 0;
  MPI_Comm comm_;
  std::vector<double> data_;
};

/// X = B H + Q R with Q orthonormal and orthogonal to the basis B, but for what was left out.
struct Orthogonalised {
  std::vector<double> h;  // (basis columns, columns of X), column-major
  std::vector<double> r;  // (columns of Q, columns of X), column-major
  double left_out = 0.0;  // Frobenius norm
};

/// Replaces `x` by Q, leaving out directions that are shorter than `rounding` times the longest vector that this ever
/// met, which `longest` remembers, and more than `most`. Householder QR of each rank's rows, then of all their
/// triangular factors with column pivoting on rank 0, which decides for all ("TSQR"; Demmel, Grigori, Hoemmen, Langou
/// 2012), with classical Gram-Schmidt against the basis before it, repeated until it finds nothing more (Giraud,
/// Langou, Rozloznik 2005). Collective. Throws std::runtime_error on all ranks where a number is not finite or LAPACK
/// fails.
Orthogonalised orthogonalise(const DistributedColumns& basis, DistributedColumns& x, double rounding, int most,
                             double& longest);

}  // namespace meander
