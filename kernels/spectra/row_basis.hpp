// A matrix whose rank is known, written through some of its own rows.
#pragma once

#include "kernels/base/scaled_number.hpp"

#include <span>
#include <vector>

namespace meander {

/// The rows of diag(scale) M, M row-major (scale.size(), columns), in the order in which a basis is best looked for:
/// large scales first, and among scales within a double's range as QR with pivoting takes them.
std::vector<int> preferred_rows(std::span<const ScaledNumber> scale, std::span<const double> m, int columns);

/// E with diag(scale) M = E (diag(scale) M)[rows], row-major (scale.size(), rows.size()), the identity in `rows`: M
/// through its rows `rows`, which are independent, and of which every other row of M is a combination of those that
/// stand before it in `order` (ModularImage::multiply). So rounding never lets a row lean on one that is much smaller.
std::vector<double> row_basis(std::span<const ScaledNumber> scale, std::span<const double> m, int columns,
                              std::span<const int> order, std::span<const int> rows);

}  // namespace meander
