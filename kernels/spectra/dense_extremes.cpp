// Forms an operator's matrix from its products.
#include "kernels/spectra/dense_extremes.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/distributed/dense_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace meander {
namespace {

/// Unit vectors multiplied at a time: enough for the speed of matrix products.
constexpr int unit_vectors = 128;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// This rank's rows of the matrix, row-major (local_size(), N).
std::vector<double> own_rows(const DistributedOperator& j) {
  const std::size_t n = size_of(j.size()), mine = size_of(j.local_size());
  std::vector<double> rows, x, y;
  attempt(j.communicator(), [&] {
    rows.resize(mine * n);
    x.resize(mine * size_of(unit_vectors));
    y.resize(x.size());
  }).or_throw();
  for (int first = 0; first < j.size(); first += unit_vectors) {
    const int vectors = std::min(unit_vectors, j.size() - first);
    const std::size_t count = size_of(vectors), from = size_of(first);
    std::fill(x.begin(), x.end(), 0.0);
    for (std::size_t i = 0; i < mine; ++i) {
      const int column = j.rows()[i] - first;
      if (column >= 0 && column < vectors) x[i * count + size_of(column)] = 1.0;
    }
    j.apply(std::span(x).first(mine * count), std::span(y).first(mine * count), vectors);
    for (std::size_t i = 0; i < mine; ++i) {
      std::copy_n(y.begin() + static_cast<std::ptrdiff_t>(i * count), count,
                  rows.begin() + static_cast<std::ptrdiff_t>(i * n + from));
    }
  }
  return rows;
}

}  // namespace

DenseSingularValues dense_singular_values(const DistributedOperator& j) {
  DenseSingularValues result;
  result.values = singular_values_of_rows(own_rows(j), j.size(), j.communicator());
  result.error = j.size() * std::numeric_limits<double>::epsilon() * result.values.front();
  return result;
}

double dense_bytes(int n, int ranks) {
  // Own rows, filled up to blocks of 64; unit vectors and their products; and the decomposition's room, in which each
  // rank has up to two blocks whole.
  const double width = n, rows = width / ranks + 64.0;
  return 8.0 * (rows * (width + 2.0 * unit_vectors) + 140.0 * (width + 64.0 * ranks));
}

double dense_seconds(int n, int depth, int ranks) {
  const double width = n, entries = width * width, stages = std::ceil(std::log2(ranks));
  const double forming = 4e-11 * depth * entries * width / ranks;
  // Half of the bidiagonalisation is matrix times vector, and ranks meet in every column.
  return 1e-4 + forming + 2e-10 * entries * width / ranks + 4e-5 * stages * width;
}

}  // namespace meander
