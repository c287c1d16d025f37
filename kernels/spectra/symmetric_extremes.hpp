// Both ends of the spectrum of a symmetric matrix in memory, through LAPACK.
#pragma once

#include <vector>

namespace meander {

struct SymmetricExtremes {
  std::vector<double> largest;           // descending
  std::vector<double> smallest;          // ascending
  std::vector<double> residual_largest;  // |A v - lambda v| for |v| = 1
  std::vector<double> residual_smallest;
  double frobenius = 0.0;  // sqrt of the sum of all squared eigenvalues
};

/// `count` eigenvalues (all n, where there are fewer) at either end of the symmetric (n, n) matrix `a`, whose
/// upper and lower halves both hold it; it is destroyed. Householder tridiagonalisation, then relatively robust
/// representations for the residuals' vectors (dsytrd, dsterf, dstemr): backward stable, errors of order n epsilon |A|.
/// Throws std::runtime_error where LAPACK fails.
SymmetricExtremes symmetric_extremes(std::vector<double> a, int n, int count);

}  // namespace meander
