// SLEPc's Krylov-Schur on a shell matrix. PETSc is started at first use, without its signal handlers, without reading
// options of files, and for this rank alone.
#include "kernels/slepc/entries.hpp"

#include <slepceps.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "kernels/blas.hpp"

namespace meander {
namespace {

void require(PetscErrorCode code) {
  if (code == 0) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw std::runtime_error("the eigenvalue solver failed (PETSc error " + std::to_string(code) + ": " +
                           (text != nullptr ? text : "of unknown kind") + "), report this");
}

/// PETSc stays until the process ends: it holds no file, and MPI_Finalize releases its communicators.
void start() {
  static std::once_flag once;
  std::call_once(once, [] {
    int running = 0;
    MPI_Initialized(&running);
    if (running == 0) throw std::logic_error("extreme_eigenvalues needs MPI (it has not been started)");
    // Starting is collective over this communicator, but ranks come here each in its own time.
    PETSC_COMM_WORLD = MPI_COMM_SELF;
    require(PetscOptionsSetValue(nullptr, "-no_signal_handler", "true"));
    require(PetscOptionsSetValue(nullptr, "-skip_petscrc", "true"));
    require(SlepcInitializeNoArguments());
    require(PetscPushErrorHandler(PetscIgnoreErrorHandler, nullptr));
  });
  use_one_blas_thread();
}

template <class Handle, auto destroy>
struct Destroy {
  void operator()(Handle handle) const { static_cast<void>(destroy(&handle)); }
};
template <class Handle, auto destroy>
using Owner = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle, destroy>>;
using MatOwner = Owner<Mat, MatDestroy>;
using VecOwner = Owner<Vec, VecDestroy>;
using EpsOwner = Owner<EPS, EPSDestroy>;

/// What the callbacks of one search share.
struct Search {
  const SymmetricOperator* a = nullptr;
  MPI_Comm comm = MPI_COMM_SELF;
  std::exception_ptr thrown;
  bool failed = false;  // on any rank
  int products = 0;
  double largest = 0.0;
};

PetscErrorCode multiply(Mat shell, Vec x, Vec y) {
  Search* search = nullptr;
  PetscErrorCode code = MatShellGetContext(shell, static_cast<void*>(&search));
  const double* in = nullptr;
  double* out = nullptr;
  if (code == 0) code = VecGetArrayRead(x, &in);
  if (code == 0) code = VecGetArrayWrite(y, &out);
  if (code != 0) return code;
  const auto size = static_cast<std::size_t>(search->a->local_size);
  if (!search->failed) {
    try {
      ++search->products;
      search->a->apply(std::span(in, size), std::span(out, size));
    } catch (...) {  // must not cross PETSc's frames, which are C; an error code would leave PETSc's memory behind
      search->thrown = std::current_exception();
    }
    // Whoever goes on alone would wait for the others in the next product.
    int failed = search->thrown != nullptr ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, search->comm);
    search->failed = failed != 0;
  }
  if (search->failed) std::fill(out, out + size, 0.0);
  static_cast<void>(VecRestoreArrayRead(x, &in));
  static_cast<void>(VecRestoreArrayWrite(y, &out));
  return code;
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
  if (static_cast<Search*>(context)->failed) *reason = EPS_CONVERGED_USER;
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

ExtremeEigenvalues search_eigenvalues(const SymmetricOperator& a, SpectrumEnd end, const EigenvalueSearch& search,
                                      MPI_Comm comm) {
  start();
  int size = 0;
  MPI_Allreduce(&a.local_size, &size, 1, MPI_INT, MPI_SUM, comm);
  if (search.count < 1 || search.count > size) {
    throw std::invalid_argument("asked for " + std::to_string(search.count) + " eigenvalues (the operator has " +
                                std::to_string(size) + "), ask for 1 to " + std::to_string(size));
  }
  Search context{&a, comm, nullptr, false, 0, 0.0};
  Mat created = nullptr;
  require(MatCreateShell(comm, a.local_size, a.local_size, size, size, &context, &created));
  const MatOwner shell(created);
  require(MatShellSetOperation(created, MATOP_MULT, reinterpret_cast<void (*)()>(multiply)));
  EPS eps = nullptr;
  require(EPSCreate(comm, &eps));
  const EpsOwner owner(eps);
  set_up(eps, created, end, search, size, context);
  require(EPSSolve(eps));
  if (context.thrown) std::rethrow_exception(context.thrown);
  if (context.failed) throw std::runtime_error("a product with the operator failed on another rank");
  ExtremeEigenvalues found = read(eps, search.count);
  found.products = context.products;
  return found;
}

}  // namespace
}  // namespace meander

const meander::SlepcEntries* meander_slepc_entries() {
  static const meander::SlepcEntries entries{meander::search_eigenvalues};
  return &entries;
}
