// One tridiagonalisation serves both ends. Column-major and row-major are the same for symmetric matrices.
#include "kernels/spectra/symmetric_extremes.hpp"

#include "kernels/base/blas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

extern "C" {
void dsytrd_(const char* uplo, const int* n, double* a, const int* lda, double* d, double* e, double* tau, double* work,
             const int* lwork, int* info);
void dstemr_(const char* jobz, const char* range, const int* n, double* d, double* e, const double* vl,
             const double* vu, const int* il, const int* iu, int* m, double* w, double* z, const int* ldz,
             const int* nzc, int* isuppz, int* tryrac, double* work, const int* lwork, int* iwork, const int* liwork,
             int* info);
void dormtr_(const char* side, const char* uplo, const char* trans, const int* m, const int* n, const double* a,
             const int* lda, const double* tau, double* c, const int* ldc, double* work, const int* lwork, int* info);
}

namespace meander {
namespace {

void require(int info, const char* routine) {
  if (info == 0) return;
  throw std::runtime_error(std::string("LAPACK's ") + routine + " failed (info = " + std::to_string(info) +
                           "), report this");
}

/// A = Q T Q' with T tridiagonal: below the diagonal of `a` lies Q, above it A itself, as before.
struct Tridiagonal {
  std::vector<double> a, diagonal, off_diagonal, tau;
  int n;

  Tridiagonal(std::vector<double> matrix, int size) : a(std::move(matrix)), n(size) {
    const auto extent = static_cast<std::size_t>(n);
    std::vector<double> own(extent);
    for (std::size_t i = 0; i < extent; ++i) own[i] = a[i * (extent + 1)];
    diagonal.resize(extent);
    off_diagonal.resize(extent);
    tau.resize(extent);
    int info = 0, query = -1;
    double wanted = 0.0;
    dsytrd_("L", &n, a.data(), &n, diagonal.data(), off_diagonal.data(), tau.data(), &wanted, &query, &info);
    std::vector<double> work(static_cast<std::size_t>(wanted));
    const int length = static_cast<int>(work.size());
    dsytrd_("L", &n, a.data(), &n, diagonal.data(), off_diagonal.data(), tau.data(), work.data(), &length, &info);
    require(info, "dsytrd");
    for (std::size_t i = 0; i < extent; ++i) a[i * (extent + 1)] = own[i];
  }

  /// Eigenvalues first .. last (from 1, ascending) and their residuals.
  std::pair<std::vector<double>, std::vector<double>> eigenvalues(int first, int last) const {
    const int wanted = last - first + 1;
    std::vector<double> d = diagonal, e = off_diagonal, values(static_cast<std::size_t>(n));
    std::vector<double> vectors(static_cast<std::size_t>(n) * static_cast<std::size_t>(wanted));
    std::vector<int> support(2 * static_cast<std::size_t>(wanted)), iwork(10 * static_cast<std::size_t>(n));
    std::vector<double> work(18 * static_cast<std::size_t>(n));
    const int length = static_cast<int>(work.size()), ilength = static_cast<int>(iwork.size());
    int found = 0, robust = 1, info = 0;
    const double unused = 0.0;
    dstemr_("V", "I", &n, d.data(), e.data(), &unused, &unused, &first, &last, &found, values.data(), vectors.data(),
            &n, &wanted, support.data(), &robust, work.data(), &length, iwork.data(), &ilength, &info);
    require(info, "dstemr");
    values.resize(static_cast<std::size_t>(found));
    rotate(vectors, found);
    return {values, residuals(values, vectors)};
  }

 private:
  void rotate(std::vector<double>& vectors, int count) const {
    int info = 0, query = -1;
    double wanted = 0.0;
    dormtr_("L", "L", "N", &n, &count, a.data(), &n, tau.data(), vectors.data(), &n, &wanted, &query, &info);
    std::vector<double> work(static_cast<std::size_t>(wanted));
    const int length = static_cast<int>(work.size());
    dormtr_("L", "L", "N", &n, &count, a.data(), &n, tau.data(), vectors.data(), &n, work.data(), &length, &info);
    require(info, "dormtr");
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
