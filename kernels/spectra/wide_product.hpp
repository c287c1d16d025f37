// Singular values of a product of matrices of known rank in extended precision, for products that double precision
// cannot resolve.
#pragma once

#include "kernels/base/scaled_number.hpp"

#include <functional>
#include <vector>

namespace meander {

/// Calls its argument with each factor diag(scale) B of J in turn, the first one first (GradedProduct::multiply).
using Factor = std::function<void(const std::vector<ScaledNumber>& scale, const std::vector<double>& b)>;
using EachFactor = std::function<void(const Factor&)>;

/// Natural logarithms of the singular values of J (columns, or fewer, columns), descending: `rank` of them. J is formed
/// with ever more digits, up to 8192 binary ones, and taken apart by QR with pivots; where two precisions in turn give
/// the same values to 1e-8, those are right. Empty where none do, where numbers are beyond 2^(2^60), or where it would
/// take more than about `seconds`.
std::vector<double> wide_singular_values(int columns, int rank, const EachFactor& each_factor, double seconds);

}  // namespace meander
