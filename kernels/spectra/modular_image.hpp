// The rank of a product of matrices as they are drawn, decided exactly: rounding has no part in it.
#pragma once

#include "kernels/base/scaled_number.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace meander {

/// The image (column space) of J = A_L ... A_1 modulo the prime 2^61 - 45. A double is a whole number times a power of
/// two, so that it has a residue, and so has every minor of J. A minor that is zero stays zero: the rank found is never
/// above that of the product of the doubles. It is below only where the prime divides all the minors that matter, which
/// for weights that know nothing of it happens with a probability of about rows times layers over the prime, 1e-14 for
/// a hundred layers of width 200.
class ModularImage {
 public:
  /// Of the identity.
  explicit ModularImage(int columns) : rows_(columns), rank_(columns) {}

  /// J <- diag(scale) B J, B row-major (scale.size(), rows()), no scale zero. Gives the rows of J that are no
  /// combination of rows earlier in `order` (all of them, in the order in which they are preferred), in that order.
  std::vector<int> multiply(std::span<const ScaledNumber> scale, std::span<const double> b, std::span<const int> order);

  int rows() const { return rows_; }
  int rank() const { return rank_; }

 private:
  using Word = std::uint64_t;

  std::vector<Word> product(std::span<const double> b, std::size_t rows) const;

  int rows_;
  int rank_;
  std::vector<Word> basis_;  // of the image, (rank_, rows_); empty for the identity
};

}  // namespace meander
