// Who has which rows, and the two messages that need to know.
#include "kernels/distributed/row_spread.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace meander {

RowSpread::RowSpread(int n, MPI_Comm comm) : comm_(comm) {
  int ranks = 1;
  MPI_Comm_rank(comm, &rank_);
  MPI_Comm_size(comm, &ranks);
  for (int r = 0; r < ranks; ++r) share_.push_back(n / ranks + (r < n % ranks ? 1 : 0));
  first_.resize(share_.size());
  std::exclusive_scan(share_.begin(), share_.end(), first_.begin(), 0);
  counts_.resize(share_.size());
  places_.resize(share_.size());
}

std::vector<int> RowSpread::rows() const {
  const auto rank = static_cast<std::size_t>(rank_);
  std::vector<int> rows(static_cast<std::size_t>(share_[rank]));
  std::iota(rows.begin(), rows.end(), first_[rank]);
  return rows;
}

void RowSpread::gather(std::span<const double> mine, std::span<double> all, int vectors) const {
  std::transform(share_.begin(), share_.end(), counts_.begin(), [&](int rows) { return rows * vectors; });
  std::transform(first_.begin(), first_.end(), places_.begin(), [&](int row) { return row * vectors; });
  MPI_Allgatherv(mine.data(), static_cast<int>(mine.size()), MPI_DOUBLE, all.data(), counts_.data(), places_.data(),
                 MPI_DOUBLE, comm_);
}

void RowSpread::sum(std::span<const double> all, std::span<double> mine, int vectors) const {
  std::transform(share_.begin(), share_.end(), counts_.begin(), [&](int rows) { return rows * vectors; });
  MPI_Reduce_scatter(all.data(), mine.data(), counts_.data(), MPI_DOUBLE, MPI_SUM, comm_);
}

}  // namespace meander
