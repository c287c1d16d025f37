// A matrix that every rank holds whole, as an operator whose vectors are dealt out in twos: what solvers are tried on.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace meander {

class DenseOperator : public DistributedOperator {
 public:
  /// `a` is row-major (n, n).
  DenseOperator(std::vector<double> a, int n, MPI_Comm comm = MPI_COMM_WORLD)
      : DistributedOperator(n, dealt_rows(n, comm), comm), a_(std::move(a)) {}

  /// Rows 0 and 1 on rank 0, 2 and 3 on rank 1 and so on, round and round.
  static std::vector<int> dealt_rows(int n, MPI_Comm comm) {
    int rank = 0, ranks = 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    std::vector<int> rows;
    for (int row = 0; row < n; ++row) {
      if (row / 2 % ranks == rank) rows.push_back(row);
    }
    return rows;
  }

 protected:
  void reserve(int) const override {}
  void multiply(std::span<const double> x, std::span<double> y, int vectors) const override {
    product(x, y, vectors, size(), 1);
  }
  void multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const override {
    product(x, y, vectors, 1, size());
  }

 private:
  void product(std::span<const double> x, std::span<double> y, int vectors, int row_stride, int column_stride) const {
    const auto count = static_cast<std::size_t>(vectors), n = static_cast<std::size_t>(size());
    std::vector<double> all(n * count);
    for (std::size_t i = 0; i < rows().size(); ++i) {
      std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(i * count), count,
                  all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows()[i]) * count));
    }
    MPI_Allreduce(MPI_IN_PLACE, all.data(), static_cast<int>(all.size()), MPI_DOUBLE, MPI_SUM, communicator());
    std::fill(y.begin(), y.end(), 0.0);
    for (std::size_t i = 0; i < rows().size(); ++i) {
      const double* const row = a_.data() + static_cast<std::ptrdiff_t>(rows()[i]) * row_stride;
      for (std::size_t k = 0; k < n; ++k) {
        const double weight = row[static_cast<std::ptrdiff_t>(k) * column_stride];
        for (std::size_t v = 0; v < count; ++v) y[i * count + v] += weight * all[k * count + v];
      }
    }
  }

  std::vector<double> a_;
};

}  // namespace meander
