// LAPACK's routines in double precision, with their workspaces asked for and taken. Matrices are column-major with a
// distance `ld` between columns; what a routine does to its arguments is what LAPACK's own page says.
#pragma once

#include <span>
#include <vector>

namespace meander::lapack {

/// All give LAPACK's `info`: 0, below it the place of a wrong argument, above it what did not work out. Callers keep
/// OpenBLAS to one thread (use_one_blas_thread): more would change the last bits.

/// A = Q R: R on and above the diagonal, reflectors below it, their factors in tau (min(m, n)).
int geqrf(int m, int n, double* a, int lda, double* tau);
/// The same with columns exchanged, the longest first; order[j] (from 1) becomes column j. An order[j] that is not 0
/// moves column j to the front.
int geqp3(int m, int n, double* a, int lda, int* order, double* tau);
/// C (m, n) <- Q C, Q' C, C Q or C Q' of k reflectors ("L" or "R", "N" or "T").
int ormqr(const char* side, const char* trans, int m, int n, int k, const double* a, int lda, const double* tau,
          double* c, int ldc);
/// k reflectors in columns (of geqrf) or in rows (of gelqf) <- the first n columns, or m rows, of their product.
int orgqr(int m, int n, int k, double* a, int lda, const double* tau);
int orglq(int m, int n, int k, double* a, int lda, const double* tau);

/// Singular values s (min(m, n)), descending; with "S" the thin U and V', with "A" all of them, with "N" neither.
int gesdd(const char* jobz, int m, int n, double* a, int lda, double* s, double* u, int ldu, double* vt, int ldvt);
/// Of "N".
int gesdd_values(int m, int n, double* a, int lda, double* s);

/// A = P L U, pivots from 1; the inverse from there, with the workspace of the caller (n times the widest block).
int getrf(int m, int n, double* a, int lda, int* pivots);
int getri(int n, double* a, int lda, const int* pivots, std::span<double> work);

/// A = Q T Q' of a symmetric matrix, of which `uplo` says the half that is read.
int sytrd(const char* uplo, int n, double* a, int lda, double* diagonal, double* off_diagonal, double* tau);
/// C <- Q C and so on, Q of sytrd.
int ormtr(const char* side, const char* uplo, const char* trans, int m, int n, const double* a, int lda,
          const double* tau, double* c, int ldc);
/// All eigenvalues of T, ascending, in place of its diagonal; the other diagonal is destroyed.
int sterf(int n, double* diagonal, double* off_diagonal);
/// Eigenvalues first .. last (from 1, ascending) of T and their vectors (n, last - first + 1); `values` has room for n
/// and is cut to those found. Both diagonals have n elements and are overwritten. Residuals are up to 1e-12 of |T|, and
/// so are errors of values at the upper end; of n = 2 dstemr itself would give them in the order of their sizes.
int stemr(int n, double* diagonal, double* off_diagonal, int first, int last, std::vector<double>& values,
          double* vectors);

/// Throws std::runtime_error where `info` is not 0, naming `routine` ("dgesdd").
void require(int info, const char* routine);

}  // namespace meander::lapack
