// Vectors in consecutive blocks of rows, one for each rank of a communicator, and how ranks bring them together.
#pragma once

#include <mpi.h>

#include <span>
#include <vector>

namespace meander {

/// N rows over P ranks as evenly as they go: the first N mod P ranks have one more than the others. Several vectors are
/// row-major, (rows, vectors); what is sent must be fewer than 2^31 numbers.
class RowSpread {
 public:
  /// `comm` must outlive the object.
  RowSpread(int n, MPI_Comm comm);

  /// Of this rank, ascending.
  std::vector<int> rows() const;
  /// all (N, vectors) <- every rank's own rows. Collective.
  void gather(std::span<const double> mine, std::span<double> all, int vectors) const;
  /// mine <- own rows of the sum over ranks of all (N, vectors). Collective.
  void sum(std::span<const double> all, std::span<double> mine, int vectors) const;

 private:
  MPI_Comm comm_;
  int rank_ = 0;
  std::vector<int> share_, first_;  // rows of each rank, and the first of them
  /// What MPI is told of the ranks.
  mutable std::vector<int> counts_, places_;
};

}  // namespace meander
