// One typed matrix product over OpenBLAS, always on one thread: ranks share the cores among them.
#pragma once

#include <cblas.h>

namespace meander {

/// Keeps OpenBLAS to the calling thread; takes effect at the first call in a process.
inline void use_one_blas_thread() {
  static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

/// C (m, n) <- A (m, k) B^T, B (n, k); all row-major with the given distances between rows.
inline void multiply_transposed(int m, int n, int k, const double* a, int lda, const double* b, int ldb, double* c,
                                int ldc) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0, a, lda, b, ldb, 0.0, c, ldc);
}
inline void multiply_transposed(int m, int n, int k, const float* a, int lda, const float* b, int ldb, float* c,
                                int ldc) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, a, lda, b, ldb, 0.0F, c, ldc);
}

/// C (m, n) <- A (m, k) B (k, n); all row-major with the given distances between rows.
inline void multiply_matrices(int m, int n, int k, const double* a, int lda, const double* b, int ldb, double* c,
                              int ldc) {
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0, a, lda, b, ldb, 0.0, c, ldc);
}

}  // namespace meander
