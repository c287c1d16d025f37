// What eigenvalues and singular values share: PETSc is started at first use, without its signal handlers, without
// reading options of files, and for this rank alone; products of callables are lent to it as shell matrices.
#pragma once

#include <slepcsys.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
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

/// Products that a search has made, until one fails on any rank: from there on they are zero.
struct SafeProducts {
  MPI_Comm comm = MPI_COMM_SELF;
  std::exception_ptr thrown;
  bool failed = false;  // on any rank

  using Product = std::function<void(std::span<const double>, std::span<double>)>;
  /// An exception must not cross PETSc's frames, which are C; an error code would leave PETSc's memory behind.
  PetscErrorCode apply(const Product& product, Vec x, Vec y);
  /// After the search: throws what was caught.
  void rethrow() const;
};

}  // namespace meander
