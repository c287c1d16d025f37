// Extreme eigenvalues from products only, on one rank and spread over several.
#include "kernels/slepc/slepc.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <csignal>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace meander {
namespace {

constexpr std::array own_signals{SIGTERM, SIGUSR1, SIGINT, SIGHUP};
void ignore(int) {}
/// Before any test starts the solver, in whatever order they run.
const bool signals_are_set = [] {
  for (const int signal : own_signals) std::signal(signal, ignore);
  return true;
}();

int rank_of(MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  return rank;
}
int ranks_of(MPI_Comm comm) {
  int ranks = 1;
  MPI_Comm_size(comm, &ranks);
  return ranks;
}

/// The second difference with fixed ends, (A x)_i = 2 x_i - x_(i-1) - x_(i+1), its rows spread over `comm`:
/// eigenvalues 2 - 2 cos(k pi / (n + 1)), k = 1 .. n.
SymmetricOperator second_difference(int n, MPI_Comm comm) {
  const int rank = rank_of(comm), ranks = ranks_of(comm);
  const int mine = n / ranks + (rank < n % ranks ? 1 : 0);
  return {mine, [=](std::span<const double> x, std::span<double> y) {
            const int left = rank > 0 ? rank - 1 : MPI_PROC_NULL;
            const int right = rank + 1 < ranks ? rank + 1 : MPI_PROC_NULL;
            double before = 0.0, after = 0.0;
            MPI_Sendrecv(&x.back(), 1, MPI_DOUBLE, right, 0, &before, 1, MPI_DOUBLE, left, 0, comm, MPI_STATUS_IGNORE);
            MPI_Sendrecv(&x.front(), 1, MPI_DOUBLE, left, 1, &after, 1, MPI_DOUBLE, right, 1, comm, MPI_STATUS_IGNORE);
            for (std::size_t i = 0; i < x.size(); ++i) {
              y[i] = 2.0 * x[i] - (i == 0 ? before : x[i - 1]) - (i + 1 == x.size() ? after : x[i + 1]);
            }
          }};
}

double exact(int n, int k) {
  return 2.0 - 2.0 * std::cos(k * std::numbers::pi / (n + 1));
}

TEST(ExtremeEigenvalues, BothEndsOfTheSecondDifference) {
  constexpr int n = 120;
  const SymmetricOperator a = second_difference(n, MPI_COMM_WORLD);
  const EigenvalueSearch search{4, 1e-12, 500};
  for (const SpectrumEnd end : {SpectrumEnd::largest, SpectrumEnd::smallest}) {
    const ExtremeEigenvalues found = extreme_eigenvalues(a, end, search, MPI_COMM_WORLD);
    ASSERT_TRUE(found.converged);
    for (int k = 0; k < 4; ++k) {
      const auto i = static_cast<std::size_t>(k);
      // An eigenvalue is off by no more than its residual, plus the rounding of products of norm 4.
      EXPECT_NEAR(found.values[i], exact(n, end == SpectrumEnd::largest ? n - k : k + 1), found.residuals[i] + 1e-13);
      EXPECT_LT(found.residuals[i], 1.1e-12 * 4.0);
    }
    EXPECT_GT(found.products, 4);
  }
}

TEST(ExtremeEigenvalues, EachRankMayAskAlone) {
  // Ranks that are busy elsewhere must not be waited for.
  if (rank_of(MPI_COMM_WORLD) != 0) return;
  const ExtremeEigenvalues found =
      extreme_eigenvalues(second_difference(30, MPI_COMM_SELF), SpectrumEnd::largest, {30, 1e-12, 100});
  ASSERT_TRUE(found.converged);
  for (int k = 0; k < 30; ++k) EXPECT_NEAR(found.values[static_cast<std::size_t>(k)], exact(30, 30 - k), 1e-11);
}

TEST(ExtremeEigenvalues, RepeatsItselfBitByBit) {
  const SymmetricOperator a = second_difference(200, MPI_COMM_SELF);
  const auto first = extreme_eigenvalues(a, SpectrumEnd::smallest, {2, 1e-9, 500});
  const auto second = extreme_eigenvalues(a, SpectrumEnd::smallest, {2, 1e-9, 500});
  EXPECT_EQ(first.values, second.values);
  EXPECT_EQ(first.residuals, second.residuals);
}

TEST(ExtremeEigenvalues, ZeroHasOnlyZeros) {
  const SymmetricOperator zero{20, [](std::span<const double>, std::span<double> y) {
                                 for (double& value : y) value = 0.0;
                               }};
  const auto found = extreme_eigenvalues(zero, SpectrumEnd::largest, {3, 1e-12, 50});
  ASSERT_TRUE(found.converged);
  EXPECT_EQ(found.values, std::vector<double>(3, 0.0));
}

TEST(ExtremeEigenvalues, AnUnfinishedSearchSaysSo) {
  const auto found = extreme_eigenvalues(second_difference(4000, MPI_COMM_SELF), SpectrumEnd::smallest, {3, 1e-13, 1});
  EXPECT_FALSE(found.converged);
  EXPECT_LT(found.values.size(), 3U);
}

TEST(ExtremeEigenvalues, WhatAProductThrowsComesBack) {
  const SymmetricOperator broken{8,
                                 [](std::span<const double>, std::span<double>) { throw std::domain_error("mine"); }};
  EXPECT_THROW(extreme_eigenvalues(broken, SpectrumEnd::largest, {1, 1e-9, 10}), std::domain_error);
  // On one rank of several the search ends for all.
  const SymmetricOperator whole = second_difference(40, MPI_COMM_WORLD);
  int left = rank_of(MPI_COMM_WORLD) == 0 ? 5 : 1 << 30;
  const SymmetricOperator failing{whole.local_size, [&](std::span<const double> x, std::span<double> y) {
                                    whole.apply(x, y);
                                    if (--left < 0) throw std::runtime_error("enough");
                                  }};
  EXPECT_THROW(extreme_eigenvalues(failing, SpectrumEnd::smallest, {2, 1e-12, 500}, MPI_COMM_WORLD),
               std::runtime_error);
  EXPECT_THROW(extreme_eigenvalues(second_difference(5, MPI_COMM_SELF), SpectrumEnd::largest, {6, 1e-9, 10}),
               std::invalid_argument);
}

TEST(ExtremeEigenvalues, SignalsStayTheProgramsOwn) {
  static_cast<void>(extreme_eigenvalues(second_difference(10, MPI_COMM_SELF), SpectrumEnd::largest, {1, 1e-9, 10}));
  for (const int signal : own_signals) EXPECT_EQ(std::signal(signal, SIG_DFL), &ignore) << signal;
}

}  // namespace
}  // namespace meander
