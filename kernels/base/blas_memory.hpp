// OpenBLAS asks for its workspace at the first product, and where the system refuses, it asks again for ever, deaf to
// signals: so it gets it before there is any work, or the process says that there is none to be had.
#pragma once

namespace meander {

/// Has OpenBLAS take the workspace of this process's one thread that calls it, which it keeps. Throws std::bad_alloc
/// where there is too little memory for it. To be called before the first product, and as often as one likes.
void reserve_blas_memory();

/// Bytes of that workspace (BUFFER_SIZE of OpenBLAS 0.3 on every processor of 64 bits).
constexpr double blas_workspace = 134217728.0;

/// OpenBLAS's further threads ask for theirs even before `main`. Where this process's address space is limited
/// (`ulimit -v`, `ulimit -d`), it begins again without them, in place, with OPENBLAS_NUM_THREADS=1. To be called first
/// of all.
void restart_with_one_blas_thread(char** argv);

}  // namespace meander
