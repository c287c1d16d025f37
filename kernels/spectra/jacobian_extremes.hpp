// The largest singular values of a wide Jacobian from its products alone, and the smallest from those of its inverse.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"
#include "kernels/distributed/singular_search.hpp"

#include <stdexcept>
#include <vector>

namespace meander {

/// J x and J'y do not belong together: a fault, or factors whose products cancel and leave rounding.
struct AdjointMismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Fewer than `count` values where the search did not converge within its bound.
struct ExtremeSingularValues {
  std::vector<double> values;
  /// The larger of |J v - s u| and |J'u - s v| for unit vectors u and v: a singular value of J is at most this far off.
  std::vector<double> residuals;
  int iterations = 0;
  /// Vectors multiplied with J (for the smallest, with its inverse) by the solver, and as many with its transpose.
  int products = 0;
  /// |<J x, y> - <x, J'y>| / (|J x| |y|) for two vectors, measured before the search; of the inverse too, the larger.
  double adjoint_error = 0.0;
  bool converged = false;
};

/// Descending. trlanczos and randomized give each value right to rounding of s_1; cross, which squares J, to rounding
/// of s_1^2 / s, and never a value below 1e-8 s_1. trlanczos and cross meet equal values one at a time, and search
/// again for each; where values may be equal (orthogonal weights, slopes of 0 and 1) randomized is the one to take.
/// Zeros of J are given as 0 by randomized; where it could not tell a value from 0, with the bound on it as residual. J
/// is divided by |J x| / |x| of a vector first, so that its squares stay in range where J does. Collective over
/// j.communicator(). Throws std::invalid_argument where `count` is less than 1 or more than N; std::runtime_error where
/// the adjoint identity fails by more than 1e-8 or the solver fails; on all ranks what a product throws.
ExtremeSingularValues largest_singular_values(const DistributedOperator& j, const SingularValueSearch& search);

/// Ascending: reciprocals of the largest singular values of J^-1, each right to about rounding of s / s_N relative to
/// itself; those of which that leaves nothing are not given. `inverse` has J's size, rows and communicator. Residuals
/// are measured with J; where J is ill-conditioned they are rounding of |J| and tell nothing of s, whose convergence
/// was judged with the inverse. Throws as above, std::invalid_argument also for the solver cross, which would replace
/// values by rounding without a sign, and std::runtime_error where a residual shows that `inverse` is not J's.
ExtremeSingularValues smallest_singular_values(const DistributedOperator& j, const DistributedOperator& inverse,
                                               const SingularValueSearch& search);

}  // namespace meander
