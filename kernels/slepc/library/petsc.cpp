// Starting PETSc, and keeping C++ exceptions out of it.
#include "kernels/slepc/library/petsc.hpp"

#include <mutex>
#include <string>

#include "kernels/base/blas.hpp"

namespace meander {

void require(PetscErrorCode code) {
  if (code == 0) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw std::runtime_error("the eigenvalue solver failed (PETSc error " + std::to_string(code) + ": " +
                           (text != nullptr ? text : "of unknown kind") + "), report this");
}

void start_petsc() {
  static std::once_flag once;
  std::call_once(once, [] {
    int running = 0;
    MPI_Initialized(&running);
    if (running == 0) throw std::logic_error("PETSc needs MPI (it has not been started)");
    // Starting is collective over this communicator, but ranks come here each in its own time.
    PETSC_COMM_WORLD = MPI_COMM_SELF;
    require(PetscOptionsSetValue(nullptr, "-no_signal_handler", "true"));
    require(PetscOptionsSetValue(nullptr, "-skip_petscrc", "true"));
    require(SlepcInitializeNoArguments());
    require(PetscPushErrorHandler(PetscIgnoreErrorHandler, nullptr));
  });
  use_one_blas_thread();
}

PetscErrorCode Products::apply(const QuietProduct& product, Vec x, Vec y) {
  const double* in = nullptr;
  double* out = nullptr;
  PetscInt local = 0;
  PetscErrorCode code = VecGetLocalSize(x, &local);
  if (code == 0) code = VecGetArrayRead(x, &in);
  if (code == 0) code = VecGetArrayWrite(y, &out);
  if (code != 0) return code;
  const auto size = static_cast<std::size_t>(local);
  if (!failed) failed = !product(std::span(in, size), std::span(out, size));
  if (failed) std::fill(out, out + size, 0.0);
  static_cast<void>(VecRestoreArrayRead(x, &in));
  static_cast<void>(VecRestoreArrayWrite(y, &out));
  return code;
}

}  // namespace meander
