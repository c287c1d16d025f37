// Dense linear algebra on a square matrix of which each rank holds some rows: LAPACK on one rank, ScaLAPACK on several.
#pragma once

#include <mpi.h>

#include <vector>

namespace meander {

/// `rows`, row-major (any number of rows of this rank, n), of a matrix A (n, n) whose rows follow each other from rank
/// to rank, become the same rows of A^-1, from A's factors L U with row pivots (dgetrf and dgetri; pdgetrf and
/// pdgetri). Returns |A| |A^-1| in the norm of largest row sums, infinity where a pivot is exactly zero (`rows` are
/// then of no use). A^-1 is right to N epsilon times that, and so is every product with it: as a solution by the
/// factors themselves would be (Du Croz and Higham 1992; Druinsky and Toledo 2012; through ten Gaussian layers of width
/// 256 the errors of J^-1's values were those of solutions or smaller), but all ranks work on it at once, and wait for
/// each other once rather than N / 64 times. Collective. Throws std::invalid_argument where a rank's part
/// exceeds 2^31 - 1 numbers, which ScaLAPACK counts; what fails on one rank (no memory) is thrown there,
/// std::runtime_error on others.
double invert_rows(std::vector<double>& rows, int n, MPI_Comm comm);

/// All singular values, descending, of the matrix of which each rank holds `rows` (any number of rows, n), which are
/// lost (dgesdd; pdgesvd); each right to about n epsilon times the largest. Collective; throws as above, and
/// std::overflow_error where an entry is not finite, std::runtime_error where the iteration does not converge.
std::vector<double> singular_values_of_rows(std::vector<double> rows, int n, MPI_Comm comm);

}  // namespace meander
