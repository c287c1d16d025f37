// LAPACK's Fortran symbols, declared here and nowhere else. A routine that says itself how much room it wants is called
// twice: with a length of -1, and with that room.
#include "kernels/base/lapack.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

extern "C" {
void dgeqrf_(const int* m, const int* n, double* a, const int* lda, double* tau, double* work, const int* lwork,
             int* info);
void dgeqp3_(const int* m, const int* n, double* a, const int* lda, int* jpvt, double* tau, double* work,
             const int* lwork, int* info);
void dormqr_(const char* side, const char* trans, const int* m, const int* n, const int* k, const double* a,
             const int* lda, const double* tau, double* c, const int* ldc, double* work, const int* lwork, int* info);
void dorgqr_(const int* m, const int* n, const int* k, double* a, const int* lda, const double* tau, double* work,
             const int* lwork, int* info);
void dorglq_(const int* m, const int* n, const int* k, double* a, const int* lda, const double* tau, double* work,
             const int* lwork, int* info);
void dgesdd_(const char* jobz, const int* m, const int* n, double* a, const int* lda, double* s, double* u,
             const int* ldu, double* vt, const int* ldvt, double* work, const int* lwork, int* iwork, int* info);
void dgetrf_(const int* m, const int* n, double* a, const int* lda, int* ipiv, int* info);
void dgetri_(const int* n, double* a, const int* lda, const int* ipiv, double* work, const int* lwork, int* info);
void dsytrd_(const char* uplo, const int* n, double* a, const int* lda, double* d, double* e, double* tau, double* work,
             const int* lwork, int* info);
void dormtr_(const char* side, const char* uplo, const char* trans, const int* m, const int* n, const double* a,
             const int* lda, const double* tau, double* c, const int* ldc, double* work, const int* lwork, int* info);
void dsterf_(const int* n, double* d, double* e, int* info);
void dlaev2_(const double* a, const double* b, const double* c, double* rt1, double* rt2, double* cs1, double* sn1);
void dstemr_(const char* jobz, const char* range, const int* n, double* d, double* e, const double* vl,
             const double* vu, const int* il, const int* iu, int* m, double* w, double* z, const int* ldz,
             const int* nzc, int* isuppz, int* tryrac, double* work, const int* lwork, int* iwork, const int* liwork,
             int* info);
}

namespace meander::lapack {
namespace {

/// call(work, length) gives info.
template <class Call>
int with_workspace(const Call& call) {
  double wanted = 0.0;
  if (const int info = call(&wanted, -1); info != 0) return info;
  std::vector<double> work(static_cast<std::size_t>(std::max(1.0, wanted)));
  return call(work.data(), static_cast<int>(work.size()));
}

std::size_t times(int count, int n) {
  return static_cast<std::size_t>(count) * static_cast<std::size_t>(n);
}

}  // namespace

int geqrf(int m, int n, double* a, int lda, double* tau) {
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dgeqrf_(&m, &n, a, &lda, tau, work, &length, &info);
    return info;
  });
}

int geqp3(int m, int n, double* a, int lda, int* order, double* tau) {
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dgeqp3_(&m, &n, a, &lda, order, tau, work, &length, &info);
    return info;
  });
}

int ormqr(const char* side, const char* trans, int m, int n, int k, const double* a, int lda, const double* tau,
          double* c, int ldc) {
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dormqr_(side, trans, &m, &n, &k, a, &lda, tau, c, &ldc, work, &length, &info);
    return info;
  });
}

int orgqr(int m, int n, int k, double* a, int lda, const double* tau) {
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dorgqr_(&m, &n, &k, a, &lda, tau, work, &length, &info);
    return info;
  });
}

int orglq(int m, int n, int k, double* a, int lda, const double* tau) {
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dorglq_(&m, &n, &k, a, &lda, tau, work, &length, &info);
    return info;
  });
}

int gesdd(const char* jobz, int m, int n, double* a, int lda, double* s, double* u, int ldu, double* vt, int ldvt) {
  std::vector<int> integers(times(8, std::min(m, n)));
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dgesdd_(jobz, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work, &length, integers.data(), &info);
    return info;
  });
}

int gesdd_values(int m, int n, double* a, int lda, double* s) {
  double none = 0.0;
  return gesdd("N", m, n, a, lda, s, &none, 1, &none, 1);
}

int getrf(int m, int n, double* a, int lda, int* pivots) {
  int info = 0;
  dgetrf_(&m, &n, a, &lda, pivots, &info);
  return info;
}

int getri(int n, double* a, int lda, const int* pivots, std::span<double> work) {
  int info = 0;
  const int length = static_cast<int>(work.size());
  dgetri_(&n, a, &lda, pivots, work.data(), &length, &info);
  return info;
}

int sytrd(const char* uplo, int n, double* a, int lda, double* diagonal, double* off_diagonal, double* tau) {
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dsytrd_(uplo, &n, a, &lda, diagonal, off_diagonal, tau, work, &length, &info);
    return info;
  });
}

int ormtr(const char* side, const char* uplo, const char* trans, int m, int n, const double* a, int lda,
          const double* tau, double* c, int ldc) {
  return with_workspace([&](double* work, int length) {
    int info = 0;
    dormtr_(side, uplo, trans, &m, &n, a, &lda, tau, c, &ldc, work, &length, &info);
    return info;
  });
}

int sterf(int n, double* diagonal, double* off_diagonal) {
  int info = 0;
  dsterf_(&n, diagonal, off_diagonal, &info);
  return info;
}

namespace {

/// dstemr orders two eigenvalues by their size, whatever their signs, and counts `first` and `last` in that order: here
/// they are ascending. Its own routine for two finds both.
int stemr_of_two(const double* diagonal, const double* off_diagonal, int first, int last, std::vector<double>& values,
                 double* vectors) {
  double larger = 0.0, smaller = 0.0, cosine = 1.0, sine = 0.0;
  dlaev2_(&diagonal[0], &off_diagonal[0], &diagonal[1], &larger, &smaller, &cosine, &sine);
  // (cosine, sine) belongs to the one of larger size.
  std::array<std::array<double, 3>, 2> pairs{{{smaller, -sine, cosine}, {larger, cosine, sine}}};
  if (larger < smaller) std::swap(pairs[0], pairs[1]);
  values.clear();
  for (int k = first; k <= last; ++k) {
    const auto& [value, x, y] = pairs[static_cast<std::size_t>(k - 1)];
    values.push_back(value);
    *vectors++ = x;
    *vectors++ = y;
  }
  return 0;
}

}  // namespace

int stemr(int n, double* diagonal, double* off_diagonal, int first, int last, std::vector<double>& values,
          double* vectors) {
  if (n == 2) return stemr_of_two(diagonal, off_diagonal, first, last, values, vectors);
  const int wanted = last - first + 1;
  std::vector<int> support(times(2, wanted)), integers(times(10, n));
  std::vector<double> work(times(18, n));
  const int length = static_cast<int>(work.size()), integer_length = static_cast<int>(integers.size());
  int found = 0, robust = 1, info = 0;
  const double unused = 0.0;
  dstemr_("V", "I", &n, diagonal, off_diagonal, &unused, &unused, &first, &last, &found, values.data(), vectors, &n,
          &wanted, support.data(), &robust, work.data(), &length, integers.data(), &integer_length, &info);
  values.resize(static_cast<std::size_t>(found));
  return info;
}

void require(int info, const char* routine) {
  if (info == 0) return;
  throw std::runtime_error(std::string("LAPACK's ") + routine + " failed (info = " + std::to_string(info) +
                           "), report this");
}

}  // namespace meander::lapack
