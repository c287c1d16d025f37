// The largest singular values of a wide Jacobian from its products alone.
#pragma once

#include "kernels/distributed_operator.hpp"

#include <vector>

namespace meander {

struct SingularValueSearch {
  int count = 1;
  /// Of |J'J v - s^2 v| for |v| = 1, relative to s_1^2.
  double tolerance = 1e-10;
  /// Restarts of the Krylov space.
  int max_iterations = 500;
};

struct LargestSingularValues {
  /// Descending; fewer than `count` where the search did not converge within its bound.
  std::vector<double> values;
  /// |J' u - s v| for the unit vectors u = J v / s and v; 0 where s = 0. A singular value of J is at most this far off.
  std::vector<double> residuals;
  int iterations = 0;
  /// With J by the solver, and as many with J'.
  int products = 0;
  /// |<J x, y> - <x, J' y>| / (|J x| |y|) for two vectors, measured before the search.
  double adjoint_error = 0.0;
  bool converged = false;
};

/// Thick-restart Lanczos on J'J, one vector at a time: each singular value is right to about s_1^2 / s^2 epsilon,
/// enough for the upper end of a spectrum and never for its lower one, whose values it would replace by rounding. J is
/// divided by |J x| / |x| of a vector first, so that s^2 stays in range where s does. Collective over j.communicator().
/// Throws std::invalid_argument where `count` is less than 1 or more than N, std::runtime_error where the adjoint
/// identity fails by more than 1e-8 or the solver fails (see extreme_eigenvalues).
LargestSingularValues largest_singular_values(const DistributedOperator& j, const SingularValueSearch& search);

}  // namespace meander
