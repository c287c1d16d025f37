// All singular values of an operator spread over ranks, from its matrix: for widths where that costs less than a
// search.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"

#include <vector>

namespace meander {

struct DenseSingularValues {
  /// All N, descending; infinity where they exceed a double's range.
  std::vector<double> values;
  /// N epsilon s_1: how far off each of them may be, apart from the rounding of the products themselves. Values of that
  /// size and smaller say nothing but that they are small.
  double error = 0.0;
};

/// Forms the matrix by multiplying the unit vectors, some at a time, and has LAPACK (dgesdd) or, with several ranks,
/// ScaLAPACK (pdgesvd) find its singular values; entries are scaled, so that their squares stay in range. Takes
/// dense_bytes(N, ranks) on each rank besides the operator. Collective over j.communicator(). Throws
/// std::overflow_error where a product is not finite, std::runtime_error where the iteration does not converge; see
/// also singular_values_of_rows.
DenseSingularValues dense_singular_values(const DistributedOperator& j);

/// Bytes that dense_singular_values takes on each of so many ranks.
double dense_bytes(int n, int ranks);
/// Seconds for a Jacobian of so many layers whose weights are stored, on cores that multiply-add 25e9 numbers a second
/// (3 GHz, AVX2): measured to a factor of two from N = 256 to 2048 on up to four ranks (bench_extremes_costs).
double dense_seconds(int n, int depth, int ranks);

}  // namespace meander
