// Extreme eigenvalues of a symmetric operator and largest singular values of any that is known by its products only,
// through SLEPc. A vector may be spread over the ranks of a communicator.
#pragma once

#include "kernels/distributed/singular_search.hpp"

#include <mpi.h>

#include <functional>
#include <span>
#include <vector>

namespace meander {

struct SymmetricOperator {
  /// Components of a vector that this rank holds; all of them where there is one rank.
  int local_size = 0;
  /// y <- A x, both of local_size components. With several ranks each calls it equally often. An exception thrown here
  /// ends the search, and is thrown on every rank.
  std::function<void(std::span<const double> x, std::span<double> y)> apply;
};

enum class SpectrumEnd { largest, smallest };

struct EigenvalueSearch {
  int count = 1;
  /// Of a residual |A v - lambda v|, relative to the largest |lambda| found.
  double tolerance = 1e-10;
  /// Restarts of the Krylov space.
  int max_iterations = 500;
};

/// Fewer than `count` values where the search did not converge within its bound.
struct ExtremeEigenvalues {
  std::vector<double> values;     // descending from the largest, ascending from the smallest
  std::vector<double> residuals;  // |A v - lambda v| for |v| = 1
  int iterations = 0;
  int products = 0;  // calls of `apply`
  bool converged = false;
};

/// Thick-restart Lanczos (SLEPc's Krylov-Schur; Stewart 2001, Wu and Simon 2000) at one end of the spectrum,
/// algebraically. The starting vector is a fixed one, so that a search repeats itself bit by bit on the same
/// number of ranks. Needs MPI started; collective over `comm`. Throws std::invalid_argument where `count` is
/// less than 1 or more than the operator's size, std::runtime_error where SLEPc fails or its library cannot be loaded
/// (which happens at the first call, so that others need not wait for it).
ExtremeEigenvalues extreme_eigenvalues(const SymmetricOperator& a, SpectrumEnd end, const EigenvalueSearch& search,
                                       MPI_Comm comm = MPI_COMM_SELF);

/// A square operator and its transpose; as SymmetricOperator's.
struct SpreadOperator {
  std::function<void(std::span<const double> x, std::span<double> y)> apply, apply_transposed;
};

/// SLEPc's SVD solver trlanczos (Hernandez, Roman, Tomas 2008) or cross, from this rank's part of a starting vector,
/// which says how a vector is spread. Residuals are the larger of |A v - s u| and |A'u - s v|, measured with the
/// vectors found; a value whose residual exceeds twice the tolerance by more than rounding is not given, nor those
/// after it. Needs MPI started; collective over `comm`. Throws what a product throws on any rank, and
/// std::runtime_error where SLEPc fails or its library cannot be loaded. Where PETSc fails on one rank alone (no memory
/// for its own vectors), the others wait inside it: that cannot be told to them.
SingularTriplets largest_singular_triplets(const SpreadOperator& a, std::span<const double> start,
                                           const SingularValueSearch& search, MPI_Comm comm);

}  // namespace meander
