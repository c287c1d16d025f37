// A square matrix that is known by its products only, with vectors spread over the ranks of a communicator.
#pragma once

#include <mpi.h>

#include <span>
#include <vector>

namespace meander {

/// Which components of every vector a rank holds: a block of consecutive ones, or every P-th block of a few.
class DistributedOperator {
 public:
  virtual ~DistributedOperator() = default;

  /// Components of a whole vector, N.
  int size() const { return size_; }
  MPI_Comm communicator() const { return comm_; }
  /// Places in the whole vector of the components that this rank holds, ascending.
  const std::vector<int>& rows() const { return rows_; }
  int local_size() const { return static_cast<int>(rows_.size()); }

  /// y <- A x for `vectors` vectors at a time: this rank's components of them, row-major (local_size(), vectors); x and
  /// y must not overlap. Collective. Throws std::invalid_argument where sizes do not fit or N times `vectors` exceeds
  /// 2^31 - 1, the most that MPI sends; whatever fails on one rank (no memory) is thrown on all.
  void apply(std::span<const double> x, std::span<double> y, int vectors = 1) const;
  /// y <- A' x, likewise.
  void apply_transposed(std::span<const double> x, std::span<double> y, int vectors = 1) const;

 protected:
  /// `comm` must outlive the operator.
  DistributedOperator(int size, std::vector<int> rows, MPI_Comm comm);

  /// Has the memory that a product with so many vectors needs; all that may fail in a product of right sizes, since
  /// ranks that have begun one wait for each other.
  virtual void reserve(int vectors) const = 0;
  /// The products, of right sizes and with the memory reserved. Must not throw.
  virtual void multiply(std::span<const double> x, std::span<double> y, int vectors) const = 0;
  virtual void multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const = 0;

 private:
  void prepare(std::span<const double> x, std::span<double> y, int vectors) const;

  int size_;
  std::vector<int> rows_;
  MPI_Comm comm_;
};

}  // namespace meander
