// SLEPc's SVD solvers on a shell matrix that has products with its transpose.
#include "kernels/slepc/library/singular_values.hpp"

#include "kernels/slepc/library/petsc.hpp"

#include <slepcsvd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace meander {
namespace {

using SvdOwner = Owner<SVD, SVDDestroy>;

/// What the callbacks of one search share.
struct Search {
  const QuietProduct *apply = nullptr, *apply_transposed = nullptr;
  Products made;
  int products = 0;
  double largest = 0.0, rounding = 0.0;
};

PetscErrorCode multiply(Mat shell, Vec x, Vec y) {
  Search* search = nullptr;
  if (const PetscErrorCode code = MatShellGetContext(shell, static_cast<void*>(&search)); code != 0) return code;
  if (!search->made.failed) ++search->products;
  return search->made.apply(*search->apply, x, y);
}

PetscErrorCode multiply_transposed(Mat shell, Vec x, Vec y) {
  Search* search = nullptr;
  if (const PetscErrorCode code = MatShellGetContext(shell, static_cast<void*>(&search)); code != 0) return code;
  return search->made.apply(*search->apply_transposed, x, y);
}

/// Relative to each value its own, but for values that rounding hides.
PetscErrorCode relative_residual(SVD, PetscReal value, PetscReal residual, PetscReal* error, void* context) {
  auto& search = *static_cast<Search*>(context);
  search.largest = std::max(search.largest, value);
  const bool hidden = value + residual <= search.rounding * search.largest;
  *error = hidden ? 0.0 : residual / value;
  return 0;
}

/// At every restart: as usual, and when a product has failed.
PetscErrorCode stop(SVD svd, PetscInt iterations, PetscInt most, PetscInt converged, PetscInt wanted,
                    SVDConvergedReason* reason, void* context) {
  const PetscErrorCode code = SVDStoppingBasic(svd, iterations, most, converged, wanted, reason, nullptr);
  if (static_cast<Search*>(context)->made.failed) *reason = SVD_CONVERGED_USER;
  return code;
}

VecOwner vector_of(Mat shell) {
  Vec created = nullptr;
  require(MatCreateVecs(shell, &created, nullptr));
  return VecOwner(created);
}

void set_up(SVD svd, Mat shell, std::span<const double> start, const SingularValueSearch& search, Search& context) {
  require(SVDSetOperators(svd, shell, nullptr));
  require(SVDSetProblemType(svd, SVD_STANDARD));
  // Products with the transpose are the shell's own.
  require(SVDSetImplicitTranspose(svd, PETSC_TRUE));
  require(SVDSetWhichSingularTriplets(svd, SVD_LARGEST));
  PetscInt size = 0;
  require(MatGetSize(shell, &size, nullptr));
  require(SVDSetDimensions(svd, search.count, std::min<PetscInt>(size, 2 * search.count + 30), PETSC_DEFAULT));
  require(SVDSetTolerances(svd, search.tolerance, search.max_iterations));
  if (search.solver == SingularValueSolver::trlanczos) {
    require(SVDSetType(svd, SVDTRLANCZOS));
    require(SVDSetConvergenceTestFunction(svd, relative_residual, &context, nullptr));
    require(SVDSetStoppingTestFunction(svd, stop, &context, nullptr));
  } else {
    // Takes no tests of ours; its own is relative to each eigenvalue of A'A.
    require(SVDSetType(svd, SVDCROSS));
    require(SVDSetConvergenceTest(svd, SVD_CONV_REL));
  }
  const VecOwner first = vector_of(shell);
  double* values = nullptr;
  require(VecGetArrayWrite(first.get(), &values));
  std::copy(start.begin(), start.end(), values);
  require(VecRestoreArrayWrite(first.get(), &values));
  Vec raw = first.get();
  require(SVDSetInitialSpaces(svd, 1, &raw, 0, nullptr));
}

/// |A x - s y|, or with A'.
double distance(Mat shell, bool transposed, Vec x, double s, Vec y, Vec work) {
  require(transposed ? MatMultTranspose(shell, x, work) : MatMult(shell, x, work));
  require(VecAXPY(work, -s, y));
  double norm = 0.0;
  require(VecNorm(work, NORM_2, &norm));
  return norm;
}

void append(std::vector<double>& to, Vec vector) {
  PetscInt local = 0;
  const double* values = nullptr;
  require(VecGetLocalSize(vector, &local));
  require(VecGetArrayRead(vector, &values));
  to.insert(to.end(), values, values + local);
  require(VecRestoreArrayRead(vector, &values));
}

/// Converged values as the solver counts them, as long as their residuals bear it out.
void read(SVD svd, Mat shell, const SingularValueSearch& search, const Search& context, SingularTriplets& found) {
  PetscInt converged = 0;
  require(SVDGetConverged(svd, &converged));
  const VecOwner u = vector_of(shell), v = vector_of(shell), work = vector_of(shell);
  double largest = 0.0;
  for (PetscInt i = 0; i < std::min<PetscInt>(converged, search.count); ++i) {
    double value = 0.0;
    const PetscErrorCode code = SVDGetSingularTriplet(svd, i, &value, u.get(), v.get());
    // Of an operator of low rank the vectors of zeros, computed with the others, may not be found.
    if (code == PETSC_ERR_CONV_FAILED) break;
    require(code);
    const double residual = std::max(distance(shell, false, v.get(), value, u.get(), work.get()),
                                     distance(shell, true, u.get(), value, v.get(), work.get()));
    largest = std::max(largest, value);
    if (!(residual <= 2.0 * search.tolerance * value + context.rounding * largest)) break;
    const bool hidden = value + residual <= context.rounding * largest;
    found.values.push_back(hidden ? 0.0 : value);
    found.residuals.push_back(residual + (hidden ? value : 0.0));
    if (hidden) continue;
    append(found.left, u.get());
    append(found.right, v.get());
  }
}

}  // namespace

SingularTriplets search_singular_values(const QuietProduct& apply, const QuietProduct& apply_transposed,
                                        std::span<const double> start, const SingularValueSearch& search,
                                        MPI_Comm comm) {
  start_petsc();
  const int local = static_cast<int>(start.size());
  int size = 0;
  MPI_Allreduce(&local, &size, 1, MPI_INT, MPI_SUM, comm);
  Search context{&apply, &apply_transposed,
                 {},     0,
                 0.0,    16.0 * std::numeric_limits<double>::epsilon() * std::sqrt(static_cast<double>(size))};
  Mat created = nullptr;
  require(MatCreateShell(comm, local, local, size, size, &context, &created));
  const MatOwner shell(created);
  const auto set = [&](MatOperation operation, PetscErrorCode (*product)(Mat, Vec, Vec)) {
    require(MatShellSetOperation(created, operation, reinterpret_cast<void (*)()>(product)));
  };
  set(MATOP_MULT, multiply);
  set(MATOP_MULT_TRANSPOSE, multiply_transposed);
  set(MATOP_MULT_HERMITIAN_TRANSPOSE, multiply_transposed);
  SVD svd = nullptr;
  require(SVDCreate(comm, &svd));
  const SvdOwner owner(svd);
  set_up(svd, created, start, search, context);
  const PetscErrorCode solved = SVDSolve(svd);
  if (context.made.failed) return {};
  SingularTriplets found;
  found.products = context.products;
  // Single vectors of an operator of low rank run out of directions, and SLEPc divides by the length of the last.
  if (solved == PETSC_ERR_FP) return found;
  require(solved);
  PetscInt iterations = 0;
  require(SVDGetIterationNumber(svd, &iterations));
  found.iterations = static_cast<int>(iterations);
  read(svd, created, search, context, found);
  if (context.made.failed) return {};
  found.converged = static_cast<int>(found.values.size()) == search.count;
  return found;
}

}  // namespace meander
