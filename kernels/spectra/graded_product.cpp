// Graded QR of a product, one factor at a time, in windows of columns that share a double's range.
#include "kernels/spectra/graded_product.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"
#include "kernels/spectra/graded_rows.hpp"

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

/// Columns whose exponents lie this close are pivoted together; with slopes of 2^-800 that leaves normal numbers.
constexpr Exponent window = 150;
/// Scales that lie further below the largest are left for a step of their own, and taken for 2^-parked of it meanwhile:
/// so the rows of a step and those parked below have nothing of each other that a double could hold.
constexpr Exponent step = 400, parked = 800;
/// More than rows know of directions that live in others.
constexpr double elsewhere = 0x1p-200;
std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

void require_success(int info) {
  if (info != 0) {
    throw std::runtime_error("a QR factorisation failed (LAPACK info = " + std::to_string(info) + "), report this");
  }
}

/// dgeqp3 of the panel at `a`, (m, n) with leading dimension lda; `order` gets the columns' positions from 0.
void pivoted_qr(int m, int n, double* a, int lda, std::vector<int>& order, double* tau) {
  order.assign(size_of(n), 0);
  require_success(lapack::geqp3(m, n, a, lda, order.data(), tau));
  for (int& column : order) --column;
}

void apply_transposed(int m, int n, int k, const double* a, int lda, const double* tau, double* c) {
  require_success(lapack::ormqr("L", "T", m, n, k, a, lda, tau, c, lda));
}

void form_orthogonal(int m, int k, double* a, const double* tau) {
  require_success(lapack::orgqr(m, k, k, a, m, tau));
}

/// A matrix being factorised: column-major (rows, columns); column p of it was column `origin[p]` and holds its
/// values over 2^base[p].
struct Panel {
  std::vector<double>& c;
  int rows;
  int columns;
  std::vector<int> origin;
  std::vector<Exponent> base;
  std::vector<double> tau;

  double& at(int row, int column) { return c[size_of(column) * size_of(rows) + size_of(row)]; }

  /// Pivots and factorises columns first .. last - 1 below row `first`, whose sizes in J are 2^exponent.
  void eliminate(int first, int last, const std::vector<Exponent>& exponent) {
    for (int p = first; p < last; ++p) {
      base[size_of(p)] = exponent[size_of(first)];
      const double factor = scaled(1.0, exponent[size_of(p)] - exponent[size_of(first)]);
      cblas_dscal(rows, factor, &at(0, p), 1);
    }
    const int m = rows - first, n = last - first;
    std::vector<int> order;
    pivoted_qr(m, n, &at(first, first), rows, order, tau.data() + first);
    // LAPACK moved the part below; what lies above and the columns' names follow.
    std::vector<double> above(size_of(n));
    for (int i = 0; i < first; ++i) {
      for (int p = 0; p < n; ++p) above[size_of(p)] = at(i, first + order[size_of(p)]);
      for (int p = 0; p < n; ++p) at(i, first + p) = above[size_of(p)];
    }
    const std::vector<int> names(origin.begin() + first, origin.begin() + last);
    for (int p = 0; p < n; ++p) origin[size_of(first + p)] = names[size_of(order[size_of(p)])];
    if (last < columns) {
      apply_transposed(m, columns - last, std::min(m, n), &at(first, first), rows, tau.data() + first,
                       &at(first, last));
    }
  }
};

bool is_larger(const ScaledNumber& x, const ScaledNumber& y) {
  if (x.exponent == y.exponent) return std::abs(x.mantissa) > std::abs(y.mantissa);
  const Exponent a = meander::size_of(x), b = meander::size_of(y);
  if (a != b) return a > b;
  return std::abs(scaled(x.mantissa, x.exponent - a)) > std::abs(scaled(y.mantissa, y.exponent - b));
}

/// Scales over a power of two of the order of the first, which is the largest; 2^-parked for those out of reach.
std::vector<double> step_scales(std::span<const ScaledNumber> scale) {
  const Exponent top = meander::size_of(scale.front());
  const double low = std::ldexp(1.0, -static_cast<int>(parked));
  std::vector<double> result;
  for (const ScaledNumber& number : scale) {
    const bool reached = meander::size_of(number) >= top - step;
    result.push_back(reached ? scaled(number.mantissa, number.exponent - top) : std::copysign(low, number.mantissa));
  }
  return result;
}

}  // namespace

GradedProduct::GradedProduct(int columns)
    : columns_(columns), rows_(columns), rank_(columns), exponent_(size_of(columns), 0) {}

/// diag(scale / largest) B Q, column-major (rows, rank_).
std::vector<double> GradedProduct::next_panel(std::span<const double> scale, std::span<const double> b) const {
  const int rows = static_cast<int>(scale.size());
  std::vector<double> scaled_b(b.begin(), b.end());
  for (int i = 0; i < rows; ++i) {
    cblas_dscal(rows_, scale[size_of(i)], scaled_b.data() + size_of(i) * size_of(rows_), 1);
  }
  std::vector<double> c(size_of(rows) * size_of(rank_));
  if (q_.empty()) {
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < rank_; ++j)
        c[size_of(j) * size_of(rows) + size_of(i)] = scaled_b[size_of(i) * size_of(rows_) + size_of(j)];
    }
  } else {
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, rows, rank_, rows_, 1.0, scaled_b.data(), rows_, q_.data(),
                rows_, 0.0, c.data(), rows);
  }
  return c;
}

void GradedProduct::multiply(std::span<const double> scale, std::span<const double> b) {
  std::vector<ScaledNumber> numbers;
  for (const double x : scale) numbers.push_back({x, 0.0});
  multiply(numbers, b);
}

void GradedProduct::multiply(std::span<const ScaledNumber> scale, std::span<const double> b) {
  if (b.size() != scale.size() * size_of(rows_)) {
    throw std::invalid_argument("a factor has " + std::to_string(b.size()) + " entries (needs " +
                                std::to_string(scale.size()) + " x " + std::to_string(rows_) + "), make shapes chain");
  }
  use_one_blas_thread();
  const int rows = static_cast<int>(scale.size());
  if (rows == 0 || rank_ == 0) {
    rows_ = rows;
    rank_ = 0;
    q_.clear();
    t_.clear();
    exponent_.clear();
    return;
  }
  // Rows of similar size stand together, largest first: pivoting alone is stable only column by column.
  std::vector<std::size_t> order(scale.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return is_larger(scale[x], scale[y]); });
  std::vector<ScaledNumber> sorted;
  std::vector<double> sorted_b;
  sorted_b.reserve(b.size());
  for (const std::size_t i : order) {
    sorted.push_back(scale[i]);
    const auto row = b.begin() + static_cast<std::ptrdiff_t>(i * size_of(rows_));
    sorted_b.insert(sorted_b.end(), row, row + rows_);
  }
  Factors factors = factorise(next_panel(step_scales(sorted), sorted_b), rows, exponent_);
  const Exponent shift = meander::size_of(sorted.front());
  for (Exponent& e : factors.exponent) e += shift;
  rows_ = rows;
  take(std::move(factors));
  multiply_far_rows(sorted);
  // Q's rows back in the caller's order.
  std::vector<double> q(q_.size());
  for (int j = 0; j < rank_; ++j) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      q[size_of(j) * size_of(rows) + order[i]] = q_[size_of(j) * size_of(rows) + i];
    }
  }
  q_ = std::move(q);
}

/// Scales out of reach of the first step (sorted like Q's rows): their rows were taken for 2^-step of the largest.
/// There directions in these rows and in those above know of each other by 2^-step only, which is nothing beside what a
/// double holds of either, so that the rest of the scales acts on the former alone.
void GradedProduct::multiply_far_rows(std::span<const ScaledNumber> scale) {
  for (int row = 0;;) {
    const Exponent top = meander::size_of(scale[size_of(row)]);
    while (row < rows_ && meander::size_of(scale[size_of(row)]) >= top - step) ++row;
    if (row == rows_) return;
    const int first = split(row);
    if (first == rank_) return;
    const std::span<const ScaledNumber> rest = scale.subspan(size_of(row));
    const std::vector<double> factor = step_scales(rest);
    const int rows = rows_ - row;
    std::vector<double> c;
    for (int j = first; j < rank_; ++j) {
      for (int i = 0; i < rows; ++i) {
        c.push_back(std::abs(factor[size_of(i)]) * q_[size_of(j) * size_of(rows_) + size_of(row + i)]);
      }
    }
    std::vector<Exponent> exponent(exponent_.begin() + first, exponent_.end());
    // The step before gave each of these rows the sign of its scale, and 2^-parked.
    for (Exponent& e : exponent) e += meander::size_of(rest.front()) - (top - parked);
    Factors factors = factorise(std::move(c), rows, exponent);
    Factors below{{}, std::move(factors.r), std::move(factors.exponent)};
    for (std::size_t j = 0; j < below.exponent.size(); ++j) {
      below.q.insert(below.q.end(), size_of(row), 0.0);
      const auto column = factors.q.begin() + static_cast<std::ptrdiff_t>(j * size_of(rows));
      below.q.insert(below.q.end(), column, column + rows);
    }
    take(std::move(below), first);
  }
}

/// Makes directions of Q live in rows before `row`, or in the others; gives the number of the former, which come first.
int GradedProduct::split(int row) {
  int first = 0;
  for (int j = 0; j < rank_; ++j) {
    double* const column = q_.data() + size_of(j) * size_of(rows_);
    const bool above = std::any_of(column, column + row, [](double x) { return std::abs(x) > elsewhere; });
    if (above && first == j) {
      ++first;
      std::fill(column + row, column + rows_, 0.0);
    } else {
      std::fill(column, column + row, 0.0);
    }
  }
  return first;
}

/// Puts factors of directions first .. of Q in their place.
void GradedProduct::take(Factors factors, int first) {
  const int before = rank_ - first, found = static_cast<int>(factors.exponent.size());
  if (t_.empty()) {
    t_ = std::move(factors.r);
  } else {
    std::vector<double> t(size_of(found) * size_of(columns_));
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, found, columns_, before, 1.0, factors.r.data(), before,
                t_.data() + size_of(first) * size_of(columns_), columns_, 0.0, t.data(), columns_);
    t_.resize(size_of(first) * size_of(columns_));
    t_.insert(t_.end(), t.begin(), t.end());
  }
  q_.resize(size_of(first) * size_of(rows_));
  q_.insert(q_.end(), factors.q.begin(), factors.q.end());
  exponent_.resize(size_of(first));
  exponent_.insert(exponent_.end(), factors.exponent.begin(), factors.exponent.end());
  rank_ = first + found;
}

GradedProduct::Factors GradedProduct::factorise(std::vector<double> c, int rows,
                                                const std::vector<Exponent>& exponent) {
  const int before = static_cast<int>(exponent.size());
  Panel panel{c,
              rows,
              before,
              std::vector<int>(size_of(before)),
              std::vector<Exponent>(size_of(before), 0),
              std::vector<double>(size_of(before), 0.0)};
  std::iota(panel.origin.begin(), panel.origin.end(), 0);
  int factorised = 0;
  while (factorised < std::min(rows, before)) {
    int last = factorised + 1;
    while (last < before && exponent[size_of(last)] >= exponent[size_of(factorised)] - window) ++last;
    panel.eliminate(factorised, last, exponent);
    factorised = last;
  }
  // Columns that no row was left for still hold their own scale.
  for (int p = factorised; p < before; ++p) panel.base[size_of(p)] = exponent[size_of(p)];

  Factors result;  // R with its columns in their old order
  std::vector<int> kept;
  const int most = std::min(rows, before);
  constexpr Exponent none = -std::numeric_limits<Exponent>::infinity();
  for (int i = 0; i < most; ++i) {
    Exponent largest = none;
    for (int p = i; p < before; ++p) {
      if (panel.at(i, p) != 0.0) largest = std::max(largest, std::ilogb(panel.at(i, p)) + panel.base[size_of(p)]);
    }
    if (largest == none) continue;  // an exact zero
    kept.push_back(i);
    result.exponent.push_back(largest);
    result.r.resize(result.r.size() + size_of(before), 0.0);
    double* row = result.r.data() + result.r.size() - size_of(before);
    for (int p = i; p < before; ++p) {
      row[panel.origin[size_of(p)]] = scaled(panel.at(i, p), panel.base[size_of(p)] - largest);
    }
  }
  c.resize(size_of(rows) * size_of(most));
  form_orthogonal(rows, most, c.data(), panel.tau.data());
  if (kept.size() < size_of(most)) {
    for (const int i : kept) {
      result.q.insert(result.q.end(), c.begin() + i * std::ptrdiff_t{rows}, c.begin() + (i + 1) * std::ptrdiff_t{rows});
    }
  } else {
    result.q = std::move(c);
  }
  return result;
}

GradedProduct::Spectrum GradedProduct::singular_values() const {
  Spectrum spectrum;
  if (t_.empty()) {
    spectrum.log.assign(size_of(rank_), 0.0);
    return spectrum;
  }
  spectrum.converged = graded_singular_values({rank_, columns_, t_, exponent_}, spectrum.log);
  spectrum.log.resize(size_of(rank_), -std::numeric_limits<double>::infinity());
  return spectrum;
}

}  // namespace meander
