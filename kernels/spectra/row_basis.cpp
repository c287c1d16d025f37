// QR factorisations of the transpose, whose columns are the rows.
#include "kernels/spectra/row_basis.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace meander {
namespace {

/// Scales whose exponents lie this close are taken together.
constexpr double together = 700.0;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// Pivoted QR's order of the rows `members`.
std::vector<int> pivoted(std::span<const ScaledNumber> scale, std::span<const double> m, int columns,
                         const std::vector<int>& members) {
  const double top = size_of(scale[size_of(members.front())]);
  std::vector<double> a, tau(members.size());
  for (const int i : members) {
    const double factor = scaled(scale[size_of(i)].mantissa, scale[size_of(i)].exponent - top);
    for (int k = 0; k < columns; ++k) a.push_back(factor * m[size_of(i) * size_of(columns) + size_of(k)]);
  }
  std::vector<int> order(members.size());
  lapack::require(lapack::geqp3(columns, static_cast<int>(members.size()), a.data(), columns, order.data(), tau.data()),
                  "dgeqp3");
  for (int& place : order) place = members[size_of(place - 1)];
  return order;
}

}  // namespace

std::vector<int> preferred_rows(std::span<const ScaledNumber> scale, std::span<const double> m, int columns) {
  use_one_blas_thread();
  std::vector<int> by_size(scale.size()), order;
  std::iota(by_size.begin(), by_size.end(), 0);
  if (columns == 0) return by_size;
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](int a, int b) { return size_of(scale[size_of(a)]) > size_of(scale[size_of(b)]); });
  for (auto first = by_size.begin(); first != by_size.end();) {
    const double top = size_of(scale[size_of(*first)]);
    const auto last =
        std::find_if(first, by_size.end(), [&](int i) { return size_of(scale[size_of(i)]) < top - together; });
    const std::vector<int> found = pivoted(scale, m, columns, {first, last});
    order.insert(order.end(), found.begin(), found.end());
    first = last;
  }
  return order;
}

std::vector<double> row_basis(std::span<const ScaledNumber> scale, std::span<const double> m, int columns,
                              std::span<const int> order, std::span<const int> rows) {
  use_one_blas_thread();
  const int rank = static_cast<int>(rows.size()), all = static_cast<int>(scale.size());
  std::vector<double> result(size_of(all) * size_of(rank), 0.0);
  if (rank == 0) return result;
  std::vector<double> a(size_of(rank) * size_of(columns)), tau(size_of(rank));
  for (int j = 0; j < rank; ++j) {
    const auto row = m.begin() + static_cast<std::ptrdiff_t>(size_of(rows[size_of(j)]) * size_of(columns));
    std::copy(row, row + columns, a.begin() + static_cast<std::ptrdiff_t>(size_of(j) * size_of(columns)));
  }
  lapack::require(lapack::geqrf(columns, rank, a.data(), columns, tau.data()), "dgeqrf");
  std::vector<double> parts(m.begin(), m.end());
  lapack::require(lapack::ormqr("L", "T", columns, all, rank, a.data(), columns, tau.data(), parts.data(), columns),
                  "dormqr");
  int before = 0;  // rows of the basis among those of `order` so far
  for (const int i : order) {
    double* e = result.data() + size_of(i) * size_of(rank);
    if (before < rank && rows[size_of(before)] == i) {
      e[before++] = 1.0;
      continue;
    }
    std::copy_n(parts.data() + size_of(i) * size_of(columns), before, e);
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, before, a.data(), columns, e, 1);
    for (int j = 0; j < before; ++j) {
      const ScaledNumber &mine = scale[size_of(i)], &other = scale[size_of(rows[size_of(j)])];
      e[j] *= scaled(mine.mantissa / other.mantissa, mine.exponent - other.exponent);
    }
  }
  return result;
}

}  // namespace meander
