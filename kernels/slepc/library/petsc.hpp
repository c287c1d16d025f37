// What eigenvalues and singular values share: PETSc is started at first use, without its signal handlers, without
// reading options of files, and for this rank alone; products of callables are lent to it as shell matrices.
#pragma once

#include "kernels/slepc/entries.hpp"

#include <slepcsys.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <type_traits>

namespace meander {

void require(PetscErrorCode code);

/// PETSc stays until the process ends: it holds no file, and MPI_Finalize releases its communicators.
void start_petsc();

template <class Handle, auto destroy>
struct Destroy {
  void operator()(Handle handle) const { static_cast<void>(destroy(&handle)); }
};
template <class Handle, auto destroy>
using Owner = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle, destroy>>;
using MatOwner = Owner<Mat, MatDestroy>;
using VecOwner = Owner<Vec, VecDestroy>;

/// Products that a search makes, until one fails on any rank: from there on they are zero. (An error code would leave
/// PETSc's memory behind.)
struct Products {
  bool failed = false;

  PetscErrorCode apply(const QuietProduct& product, Vec x, Vec y);
};

}  // namespace meander
