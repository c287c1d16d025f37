// Both copies choose the same rows.
#include "kernels/jacobian/ranked_product.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/spectra/row_basis.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace meander {
namespace {

/// Copies of a value that differ by more, relative to it, are not known.
constexpr double most_difference = 1e-8;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// Zeros stay; other numbers change by up to eight units of rounding, each by its own.
void shake(std::vector<double>& b) {
  std::uint32_t state = 0x9e3779b9U;
  for (double& x : b) {
    state = state * 1664525U + 1013904223U;
    const double part = static_cast<double>(state >> 8) * 0x1p-23 - 1.0;
    x += 8.0 * std::numeric_limits<double>::epsilon() * part * x;
  }
}

/// b (rows, inner) times the matrix in front of the product.
std::vector<double> through_basis(const std::vector<double>& b, int rows, const std::vector<double>& basis, int rank) {
  std::vector<double> result(size_of(rows) * size_of(rank), 0.0);
  if (result.empty()) return result;
  const int inner = static_cast<int>(basis.size() / size_of(rank));
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, rank, inner, 1.0, b.data(), inner, basis.data(), rank,
              0.0, result.data(), rank);
  return result;
}

}  // namespace

RankedProduct::RankedProduct(int columns, WeightRank rank) {
  copies_.push_back({GradedProduct(columns), {}});
  if (rank == WeightRank::full) return;
  copies_.push_back(copies_.front());
  image_.emplace(columns);
}

void RankedProduct::multiply(const std::vector<ScaledNumber>& scale, const std::vector<double>& b) {
  if (!image_) return copies_.front().product.multiply(scale, b);
  const int rows = static_cast<int>(scale.size());
  std::vector<int> order, kept;
  for (Copy& copy : copies_) {
    const int width = copy.product.rows();  // the rank so far
    std::vector<double> through = b;
    if (&copy != &copies_.front()) shake(through);
    if (!copy.basis.empty()) through = through_basis(through, rows, copy.basis, width);
    copy.basis.clear();
    if (&copy == &copies_.front()) {
      order = preferred_rows(scale, through, width);
      kept = image_->multiply(scale, b, order);
    }
    if (kept.size() == scale.size()) {
      copy.product.multiply(scale, through);
      continue;
    }
    copy.basis = row_basis(scale, through, width, order, kept);
    std::vector<ScaledNumber> scale_of_kept;
    std::vector<double> rows_of_kept;
    for (const int i : kept) {
      scale_of_kept.push_back(scale[size_of(i)]);
      const auto row = through.begin() + static_cast<std::ptrdiff_t>(size_of(i) * size_of(width));
      rows_of_kept.insert(rows_of_kept.end(), row, row + width);
    }
    copy.product.multiply(scale_of_kept, rows_of_kept);
  }
}

RankedProduct::Spectrum RankedProduct::singular_values() {
  std::vector<GradedProduct::Spectrum> found;
  for (Copy& copy : copies_) {
    if (!copy.basis.empty()) {
      const std::vector<double> ones(copy.basis.size() / size_of(copy.product.rows()), 1.0);
      copy.product.multiply(ones, copy.basis);
      copy.basis.clear();
    }
    found.push_back(copy.product.singular_values());
  }
  Spectrum result{std::move(found.front().log), 0, found.front().converged && found.back().converged};
  const auto first_zero = std::find(result.log.begin(), result.log.end(), -std::numeric_limits<double>::infinity());
  result.log.erase(first_zero, result.log.end());
  result.rank = static_cast<std::int64_t>(result.log.size());
  if (image_) {
    result.rank = image_->rank();
    const std::vector<double>&one = result.log, &other = found.back().log;
    const std::size_t most = std::min({one.size(), other.size(), size_of(image_->rank())});
    std::size_t known = 0;
    while (known < most && std::abs(one[known] - other[known]) <= most_difference) ++known;
    result.log.resize(known);
  }
  return result;
}

}  // namespace meander
