// One tridiagonalisation serves both ends. All eigenvalues are found and the ends chosen from them; only vectors are
// asked for by place, since LAPACK's search by place knows values to 1e-13 of the largest and takes two for ordered by
// size. Column-major and row-major are the same for symmetric matrices.
#include "kernels/spectra/symmetric_extremes.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace meander {
namespace {

/// A = Q T Q' with T tridiagonal: below the diagonal of `a` lies Q, above it A itself, as before.
struct Tridiagonal {
  std::vector<double> a, diagonal, off_diagonal, tau;
  std::vector<double> spectrum;  // ascending
  int n;

  Tridiagonal(std::vector<double> matrix, int size) : a(std::move(matrix)), n(size) {
    const auto extent = static_cast<std::size_t>(n);
    std::vector<double> own(extent);
    for (std::size_t i = 0; i < extent; ++i) own[i] = a[i * (extent + 1)];
    diagonal.resize(extent);
    off_diagonal.resize(extent);
    tau.resize(extent);
    lapack::require(lapack::sytrd("L", n, a.data(), n, diagonal.data(), off_diagonal.data(), tau.data()), "dsytrd");
    for (std::size_t i = 0; i < extent; ++i) a[i * (extent + 1)] = own[i];
    spectrum = diagonal;
    std::vector<double> e = off_diagonal;
    lapack::require(lapack::sterf(n, spectrum.data(), e.data()), "dsterf");
  }

  /// Eigenvalues first .. last (from 1, ascending) and their residuals.
  std::pair<std::vector<double>, std::vector<double>> eigenvalues(int first, int last) const {
    const int wanted = last - first + 1;
    std::vector<double> d = diagonal, e = off_diagonal, rough(static_cast<std::size_t>(n));
    std::vector<double> vectors(static_cast<std::size_t>(n) * static_cast<std::size_t>(wanted));
    lapack::require(lapack::stemr(n, d.data(), e.data(), first, last, rough, vectors.data()), "dstemr");
    if (rough.size() != static_cast<std::size_t>(wanted))
      throw std::runtime_error("dstemr lost an eigenvalue, report this");
    rotate(vectors, wanted);
    std::vector<double> values(spectrum.begin() + (first - 1), spectrum.begin() + last);
    std::vector<double> norms = residuals(values, vectors);
    return {std::move(values), std::move(norms)};
  }

 private:
  void rotate(std::vector<double>& vectors, int count) const {
    lapack::require(lapack::ormtr("L", "L", "N", n, count, a.data(), n, tau.data(), vectors.data(), n), "dormtr");
  }

  std::vector<double> residuals(const std::vector<double>& values, const std::vector<double>& vectors) const {
    std::vector<double> norms;
    std::vector<double> image(static_cast<std::size_t>(n));
    for (std::size_t k = 0; k < values.size(); ++k) {
      const double* v = vectors.data() + k * static_cast<std::size_t>(n);
      std::copy(v, v + n, image.begin());
      cblas_dsymv(CblasColMajor, CblasUpper, n, 1.0, a.data(), n, v, 1, -values[k], image.data(), 1);
      norms.push_back(cblas_dnrm2(n, image.data(), 1));
    }
    return norms;
  }
};

}  // namespace

SymmetricExtremes symmetric_extremes(std::vector<double> a, int n, int count) {
  SymmetricExtremes result;
  count = std::min(count, n);
  if (n == 0) return result;
  use_one_blas_thread();
  double squares = 0.0;
  for (const double entry : a) squares += entry * entry;
  result.frobenius = std::sqrt(squares);
  const Tridiagonal reduced(std::move(a), n);
  std::tie(result.smallest, result.residual_smallest) = reduced.eigenvalues(1, count);
  std::tie(result.largest, result.residual_largest) = reduced.eigenvalues(n - count + 1, n);
  std::reverse(result.largest.begin(), result.largest.end());
  std::reverse(result.residual_largest.begin(), result.residual_largest.end());
  return result;
}

}  // namespace meander
