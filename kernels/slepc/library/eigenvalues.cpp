// SLEPc's Krylov-Schur on a shell matrix.
#include "kernels/slepc/library/eigenvalues.hpp"

#include "kernels/slepc/library/petsc.hpp"

#include <slepceps.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

using EpsOwner = Owner<EPS, EPSDestroy>;

/// What the callbacks of one search share.
struct Search {
  const QuietProduct* apply = nullptr;
  Products made;
  int products = 0;
  double largest = 0.0;
};

PetscErrorCode multiply(Mat shell, Vec x, Vec y) {
  Search* search = nullptr;
  if (const PetscErrorCode code = MatShellGetContext(shell, static_cast<void*>(&search)); code != 0) return code;
  if (!search->made.failed) ++search->products;
  return search->made.apply(*search->apply, x, y);
}

/// Relative to the largest eigenvalue, not to each its own: one of them may be nearly zero.
PetscErrorCode relative_residual(EPS, PetscScalar value, PetscScalar, PetscReal residual, PetscReal* error,
                                 void* context) {
  auto& largest = static_cast<Search*>(context)->largest;
  largest = std::max(largest, std::abs(value));
  *error = largest > 0.0 ? residual / largest : residual;
  return 0;
}

/// At every restart: as usual, and when a product has failed.
PetscErrorCode stop(EPS eps, PetscInt iterations, PetscInt most, PetscInt converged, PetscInt wanted,
                    EPSConvergedReason* reason, void* context) {
  const PetscErrorCode code = EPSStoppingBasic(eps, iterations, most, converged, wanted, reason, nullptr);
  if (static_cast<Search*>(context)->made.failed) *reason = EPS_CONVERGED_USER;
  return code;
}

/// A vector with a part in every direction: the fractional parts of multiples of the golden ratio, by global
/// row, less a half.
VecOwner starting_vector(Mat shell) {
  Vec created = nullptr;
  require(MatCreateVecs(shell, &created, nullptr));
  VecOwner vector(created);
  PetscInt first = 0, last = 0;
  require(VecGetOwnershipRange(created, &first, &last));
  double* values = nullptr;
  require(VecGetArrayWrite(created, &values));
  for (PetscInt row = first; row < last; ++row) {
    const double multiple = (static_cast<double>(row) + 1.0) * 0.6180339887498949;
    values[row - first] = multiple - std::floor(multiple) - 0.5;
  }
  require(VecRestoreArrayWrite(created, &values));
  return vector;
}

void set_up(EPS eps, Mat shell, SpectrumEnd end, const EigenvalueSearch& search, int size, Search& context) {
  require(EPSSetOperators(eps, shell, nullptr));
  require(EPSSetProblemType(eps, EPS_HEP));
  require(EPSSetType(eps, EPSKRYLOVSCHUR));
  require(EPSSetWhichEigenpairs(eps, end == SpectrumEnd::largest ? EPS_LARGEST_REAL : EPS_SMALLEST_REAL));
  const int basis = std::min(size, 2 * search.count + 30);
  require(EPSSetDimensions(eps, search.count, basis, PETSC_DEFAULT));
  require(EPSSetTolerances(eps, search.tolerance, search.max_iterations));
  require(EPSSetConvergenceTestFunction(eps, relative_residual, &context, nullptr));
  require(EPSSetStoppingTestFunction(eps, stop, &context, nullptr));
  VecOwner start_vector = starting_vector(shell);
  Vec raw = start_vector.get();
  require(EPSSetInitialSpace(eps, 1, &raw));
}

ExtremeEigenvalues read(EPS eps, int count) {
  ExtremeEigenvalues found;
  PetscInt converged = 0, iterations = 0;
  require(EPSGetConverged(eps, &converged));
  require(EPSGetIterationNumber(eps, &iterations));
  found.iterations = static_cast<int>(iterations);
  found.converged = converged >= count;
  for (PetscInt i = 0; i < std::min<PetscInt>(converged, count); ++i) {
    double value = 0.0, residual = 0.0;
    require(EPSGetEigenvalue(eps, i, &value, nullptr));
    require(EPSComputeError(eps, i, EPS_ERROR_ABSOLUTE, &residual));
    found.values.push_back(value);
    found.residuals.push_back(residual);
  }
  return found;
}

}  // namespace

ExtremeEigenvalues search_eigenvalues(int local_size, const QuietProduct& apply, SpectrumEnd end,
                                      const EigenvalueSearch& search, MPI_Comm comm) {
  start_petsc();
  int size = 0;
  MPI_Allreduce(&local_size, &size, 1, MPI_INT, MPI_SUM, comm);
  if (search.count < 1 || search.count > size) {
    throw std::invalid_argument("asked for " + std::to_string(search.count) + " eigenvalues (the operator has " +
                                std::to_string(size) + "), ask for 1 to " + std::to_string(size));
  }
  Search context{&apply, {}, 0, 0.0};
  Mat created = nullptr;
  require(MatCreateShell(comm, local_size, local_size, size, size, &context, &created));
  const MatOwner shell(created);
  require(MatShellSetOperation(created, MATOP_MULT, reinterpret_cast<void (*)()>(multiply)));
  EPS eps = nullptr;
  require(EPSCreate(comm, &eps));
  const EpsOwner owner(eps);
  set_up(eps, created, end, search, size, context);
  require(EPSSolve(eps));
  if (context.made.failed) return {};
  ExtremeEigenvalues found = read(eps, search.count);
  found.products = context.products;
  return found;
}

}  // namespace meander
