// A matrix diag(2^e) T whose rows differ by more than a double's range, and its singular values.
#pragma once

#include <vector>

namespace meander {

struct GradedRows {
  int rows = 0;
  int columns = 0;
  std::vector<double> t;         // row-major (rows, columns)
  std::vector<double> exponent;  // (rows), whole numbers
};

/// Replaces the matrix by the triangular factor of the transpose's QR factorisation, which has the same singular
/// values and larger differences between its rows' sizes (one step of QR iteration). Zero rows are dropped.
void transpose_triangular(GradedRows& matrix);

/// Natural logarithms of the singular values, descending (-infinity for zero): one-sided Jacobi rotations of rows,
/// with tangents divided by the rows' ratio, so that no ratio over- or underflows. False where 40 sweeps are too few.
bool jacobi_singular_values(GradedRows& matrix, std::vector<double>& log);

/// The same through LAPACK's divide and conquer (absolute accuracy: for rows of similar size only). All exponents
/// within a double's range of each other.
bool dense_singular_values(const GradedRows& matrix, std::vector<double>& log);

/// All of them, descending, each by the way that its matrix needs: what is graded by rotations, after two steps of QR.
/// False where they did not converge.
bool graded_singular_values(GradedRows matrix, std::vector<double>& log);

}  // namespace meander
