// What a search for the largest singular values of an operator is asked for, and what it finds.
#pragma once

#include <vector>

namespace meander {

enum class SingularValueSolver {
  trlanczos,  // thick-restart Golub-Kahan-Lanczos, one vector at a time (SLEPc)
  cross,      // thick-restart Lanczos on A'A, one vector at a time (SLEPc)
  randomized  // block Golub-Kahan-Lanczos from random vectors (block_krylov.hpp)
};

struct SingularValueSearch {
  int count = 1;
  /// Of the residual |A'u - s v| of unit vectors u = A v / s and v, relative to s; but no value is known better than to
  /// rounding of s_1, whatever is asked for.
  double tolerance = 1e-10;
  /// Of a block solver: products of a block with A and A'. Of the others: restarts of the Krylov space.
  int max_iterations = 500;
  SingularValueSolver solver = SingularValueSolver::randomized;
  /// Vectors that a block solver multiplies at a time; at least `count` are taken.
  int block = 16;
};

struct SingularTriplets {
  /// Descending; fewer than asked for where the search did not converge within its bound.
  std::vector<double> values;
  std::vector<double> residuals;
  /// Of the first values that are not zero, this rank's components of u and v; vector by vector.
  std::vector<double> left, right;
  int iterations = 0;
  /// Vectors multiplied with A, and as many with A'.
  int products = 0;
  bool converged = false;
};

/// Throws std::invalid_argument where `count` is less than 1 or more than N, the operator's size, or `block` less
/// than 1.
void check_search(int n, const SingularValueSearch& search);

}  // namespace meander
