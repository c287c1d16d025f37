// Singular values of long matrix products to high relative accuracy, the smallest included, over any range.
#pragma once

#include "kernels/base/scaled_number.hpp"

#include <span>
#include <vector>

namespace meander {

/// A product J = A_L ... A_1 kept as Q diag(2^e) T: Q with orthonormal columns, T with rows of order one, and
/// exponents that no depth overflows (graded QR of products, Stewart 1995; Drmac and Veselic 2008 for the rest).
///
/// Why the small singular values are right. A step factorises A_l Q = Q' R, columns pivoted by their size in J and
/// rows sorted by size, which is stable row by row and column by column (Cox and Higham 1998): it is exact for
/// factors A_l changed by rounding relative to each of their rows, however small. The new T = diag(2^-e') R diag(2^e) T
/// has entries of order one and, thanks to the pivoting, stays well conditioned, and errors of T relative to its rows
/// change every singular value of diag(2^e) T relatively alike. One-sided Jacobi on its rows keeps that. So the error
/// of each singular value is about N epsilon times the condition numbers of a factor and of T, never that of J.
class GradedProduct {
 public:
  /// The identity of `columns` columns.
  explicit GradedProduct(int columns);

  /// J <- A J, A = diag(scale) B, B row-major (scale.size(), rows()). Rows with scale 0 stay in J as zeros, which is
  /// exact rank loss: give only the others, in any order, and leave their columns out of the next factor.
  void multiply(std::span<const ScaledNumber> scale, std::span<const double> b);
  void multiply(std::span<const double> scale, std::span<const double> b);

  /// Rows of J that are not zero; the columns of the next factor.
  int rows() const { return rows_; }
  /// The rank of J where every factor has full rank.
  int rank() const { return rank_; }

  struct Spectrum {
    /// Natural logarithms, descending; rank() of them.
    std::vector<double> log;
    bool converged = true;
  };
  Spectrum singular_values() const;

 private:
  using Exponent = double;  // of whole numbers: beyond 2^53 they are as right as a logarithm can be

  /// Q (rows, rank), exponents and R (rank, columns) of C diag(2^exponent), for that.
  struct Factors {
    std::vector<double> q, r;
    std::vector<Exponent> exponent;
  };
  static Factors factorise(std::vector<double> c, int rows, const std::vector<Exponent>& exponent);

  std::vector<double> next_panel(std::span<const double> scale, std::span<const double> b) const;
  void multiply_far_rows(std::span<const ScaledNumber> scale);
  int split(int row);
  void take(Factors factors, int first = 0);

  int columns_ = 0;
  int rows_ = 0;
  int rank_ = 0;
  std::vector<double> q_;           // column-major (rows_, rank_); empty for the identity
  std::vector<double> t_;           // row-major (rank_, columns_); empty for the identity
  std::vector<Exponent> exponent_;  // (rank_)
};

}  // namespace meander
