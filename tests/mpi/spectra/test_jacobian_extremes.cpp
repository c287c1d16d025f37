// The largest singular values of Jacobians spread over ranks against all of them, found densely on one, and the
// smallest from inverses.
#include "kernels/spectra/jacobian_extremes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/agreement/agreement.hpp"
#include "kernels/curves/curve.hpp"
#include "kernels/jacobian/factored_inverse.hpp"
#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "tests/support/dense_operator.hpp"

namespace meander {
namespace {

using enum SingularValueSolver;
constexpr SingularValueSolver solvers[] = {trlanczos, cross, randomized};

const StreamKey key = stream_key(5, 1);

RandomNetwork::Parameters parameters_of(const std::string& phi, int n, int depth, double sigma_w) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = n;
  parameters.widths.assign(static_cast<std::size_t>(depth), n);
  parameters.activation = Activation::named(phi);
  parameters.sigma_w = sigma_w;
  return parameters;
}

std::vector<double> point(int n) {
  std::vector<double> x = gaussian_point(key, 0, n);
  rescale(x, 1.0);
  return x;
}

JacobianOperator spread(const RandomNetwork::Parameters& parameters, WeightStorage storage,
                        MPI_Comm comm = MPI_COMM_WORLD) {
  return {parameters, key, point(parameters.input_dimension), storage, comm};
}

/// Of the matrix itself; found on rank 0 for all, since it takes a while.
std::vector<double> all_values(const RandomNetwork::Parameters& parameters) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const int n = parameters.input_dimension;
  std::vector<double> values(static_cast<std::size_t>(n));
  if (rank == 0) values = jacobian_spectrum(RandomNetwork(parameters, key), point(n)).values;
  MPI_Bcast(values.data(), n, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  return values;
}

struct Case {
  const char* phi;
  double sigma_w;
  int depth;
  WeightStorage storage;
  double tolerance;
};

TEST(LargestSingularValues, AgreeWithTheWholeSpectrum) {
  constexpr int n = 160, count = 10;
  // Weights rounded to single precision move a singular value by the sum over layers of 6e-8 |W| over the rest of the
  // product, some 1e-6 of it.
  for (const Case& c :
       {Case{"tanh", 1.1, 10, WeightStorage::double_, 1e-10}, Case{"tanh", 1.1, 10, WeightStorage::regenerated, 1e-10},
        Case{"tanh", 1.1, 10, WeightStorage::single, 2e-6}, Case{"relu", 1.4, 6, WeightStorage::regenerated, 1e-10},
        Case{"hard_tanh", 1.2, 6, WeightStorage::double_, 1e-10},
        // s^2 would be below the range of double precision.
        Case{"linear", 1e-30, 8, WeightStorage::double_, 1e-10}}) {
    const auto parameters = parameters_of(c.phi, n, c.depth, c.sigma_w);
    const auto all = all_values(parameters);
    const JacobianOperator j = spread(parameters, c.storage);
    for (const SingularValueSolver solver : solvers) {
      SCOPED_TRACE(std::string(c.phi) + ", solver " + std::to_string(static_cast<int>(solver)));
      const auto found = largest_singular_values(j, {count, 1e-11, 500, solver});
      ASSERT_TRUE(found.converged);
      ASSERT_EQ(found.values.size(), static_cast<std::size_t>(count));
      for (std::size_t k = 0; k < count; ++k) {
        EXPECT_NEAR(found.values[k], all[k], c.tolerance * all[k]) << k;
        // SLEPc's residuals are measured: rounding of the product comes to them.
        EXPECT_LE(found.residuals[k], 2e-11 * found.values[k]);
      }
      EXPECT_GT(found.iterations, 0);
      EXPECT_GE(found.products, count);
      // N times depth epsilon is 6e-13.
      EXPECT_LT(found.adjoint_error, 1e-11);
    }
  }
}

TEST(LargestSingularValues, AreRightAtWidth1024) {
  constexpr int n = 1024, count = 5;
  const auto parameters = parameters_of("tanh", n, 3, 1.2);
  const auto all = all_values(parameters);
  const JacobianOperator j = spread(parameters, WeightStorage::double_);
  for (const SingularValueSolver solver : solvers) {
    const auto found = largest_singular_values(j, {count, 1e-7, 500, solver});
    ASSERT_TRUE(found.converged);
    // The value is off by the square of the residual over the gap to the next, which is 1e-3 of it.
    for (std::size_t k = 0; k < count; ++k) EXPECT_NEAR(found.values[k], all[k], 1e-10 * all[k]) << k;
  }
}

TEST(LargestSingularValues, TheRoadDoesNotDependOnTheRanks) {
  const auto parameters = parameters_of("tanh", 200, 4, 1.3);
  const JacobianOperator together = spread(parameters, WeightStorage::double_);
  const JacobianOperator alone = spread(parameters, WeightStorage::double_, MPI_COMM_SELF);
  for (const SingularValueSolver solver : solvers) {
    for (const double tolerance : {1e-3, 1e-9}) {
      const SingularValueSearch search{4, tolerance, 500, solver, 8};
      const auto one = largest_singular_values(alone, search), many = largest_singular_values(together, search);
      EXPECT_EQ(one.iterations, many.iterations);
      EXPECT_EQ(one.products, many.products);
      ASSERT_EQ(one.values.size(), many.values.size());
      // Rounding of the products is the only difference.
      for (std::size_t k = 0; k < one.values.size(); ++k)
        EXPECT_NEAR(one.values[k], many.values[k], 1e-12 * one.values[0]);
    }
  }
}

TEST(LargestSingularValues, AnUnfinishedSearchSaysSo) {
  const JacobianOperator j = spread(parameters_of("tanh", 400, 1, 1.0), WeightStorage::double_);
  for (const SingularValueSolver solver : solvers) {
    const auto found = largest_singular_values(j, {5, 1e-13, 1, solver});
    EXPECT_FALSE(found.converged);
    EXPECT_LT(found.values.size(), 5U);
    EXPECT_EQ(found.iterations, 1);
  }
}

TEST(LargestSingularValues, AClosedNetworkHasZeros) {
  auto parameters = parameters_of("relu", 20, 2, 1.0);
  parameters.activation = Activation::piecewise_linear({1e6}, {0.0, 1.0}, 0.0, 0.0);
  for (const SingularValueSolver solver : solvers) {
    const auto found = largest_singular_values(spread(parameters, WeightStorage::regenerated), {3, 1e-10, 50, solver});
    ASSERT_TRUE(found.converged);
    EXPECT_EQ(found.values, std::vector<double>(3, 0.0));
    EXPECT_EQ(found.residuals, std::vector<double>(3, 0.0));
  }
}

TEST(LargestSingularValues, NoMoreThanThereAre) {
  const JacobianOperator j = spread(parameters_of("tanh", 12, 2, 1.0), WeightStorage::double_);
  EXPECT_THROW(largest_singular_values(j, {13, 1e-10, 50}), std::invalid_argument);
  EXPECT_THROW(largest_singular_values(j, {0, 1e-10, 50}), std::invalid_argument);
  EXPECT_THROW(largest_singular_values(j, {3, 1e-10, 50, randomized, 0}), std::invalid_argument);
}

/// H diag(s) G with the reflections H and G of two vectors: singular values s, if they are not negative.
std::vector<double> with_values(const std::vector<double>& s) {
  const auto n = s.size();
  std::vector<double> h(n), g(n), a(n * n);
  double hh = 0.0, gg = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    h[i] = std::sin(1.0 + static_cast<double>(i)), g[i] = std::cos(2.0 * static_cast<double>(i) + 0.3);
    hh += h[i] * h[i], gg += g[i] * g[i];
  }
  double middle = 0.0;
  for (std::size_t i = 0; i < n; ++i) middle += h[i] * s[i] * g[i];
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      a[i * n + k] = (i == k ? s[i] : 0.0) - 2.0 / hh * h[i] * h[k] * s[k] - 2.0 / gg * s[i] * g[i] * g[k] +
                     4.0 / (hh * gg) * h[i] * middle * g[k];
    }
  }
  return a;
}

TEST(BlockKrylov, EqualValuesAreSeenAsOftenAsTheyAre) {
  std::vector<double> values(60, 1.0);
  const DenseOperator orthogonal(with_values(values), 60);
  const auto equal = largest_singular_values(orthogonal, {20, 1e-12, 10, randomized, 4});
  ASSERT_TRUE(equal.converged);
  for (const double value : equal.values) EXPECT_NEAR(value, 1.0, 1e-13);
  // Seven twos and then a slope, with blocks of which one would not hold them all.
  for (std::size_t i = 0; i < 60; ++i) values[i] = i < 7 ? 2.0 : 1.9 - 0.01 * static_cast<double>(i);
  const auto some = largest_singular_values(DenseOperator(with_values(values), 60), {9, 1e-10, 100, randomized, 2});
  ASSERT_TRUE(some.converged);
  for (std::size_t k = 0; k < 9; ++k) EXPECT_NEAR(some.values[k], values[k], 1e-12);
}

/// What one vector's Krylov space holds of equal values is one of them.
TEST(SingleVectors, EqualValuesAreSeenAsOftenAsTheyAre) {
  std::vector<double> values(60);
  for (std::size_t i = 0; i < 60; ++i) values[i] = i < 7 ? 2.0 : 1.9 - 0.01 * static_cast<double>(i);
  values[8] = values[9];
  std::sort(values.rbegin(), values.rend());
  const DenseOperator a(with_values(values), 60);
  for (const SingularValueSolver solver : {trlanczos, cross}) {
    for (const int count : {1, 3, 7, 8, 12}) {
      const auto found = largest_singular_values(a, {count, 1e-8, 100, solver});
      ASSERT_TRUE(found.converged) << count;
      for (std::size_t k = 0; k < found.values.size(); ++k) EXPECT_NEAR(found.values[k], values[k], 1e-10) << k;
    }
  }
}

TEST(BlockKrylov, ZerosOfAMatrixAreZeros) {
  std::vector<double> values(40, 0.0);
  for (std::size_t i = 0; i < 5; ++i) values[i] = 1.0 / (1.0 + static_cast<double>(i));
  const DenseOperator a(with_values(values), 40);
  for (const int block : {1, 8, 16, 40}) {
    const auto found = largest_singular_values(a, {9, 1e-10, 100, randomized, block});
    ASSERT_TRUE(found.converged) << block;
    for (std::size_t k = 0; k < 5; ++k) EXPECT_NEAR(found.values[k], values[k], 1e-13);
    for (std::size_t k = 5; k < 9; ++k) {
      EXPECT_EQ(found.values[k], 0.0);
      EXPECT_LT(found.residuals[k], 1e-13);
    }
  }
  // Single vectors find what is there, and no zeros that they cannot tell from rounding.
  for (const SingularValueSolver solver : {trlanczos, cross}) {
    const auto found = largest_singular_values(a, {9, 1e-10, 100, solver});
    for (std::size_t k = 0; k < found.values.size(); ++k) EXPECT_NEAR(found.values[k], values[k], 1e-13);
  }
}

TEST(BlockKrylov, AllValuesOfASmallMatrix) {
  // Down to where rounding of the largest begins; each as right as that allows.
  std::vector<double> values(12);
  for (std::size_t i = 0; i < 12; ++i) values[i] = std::pow(10.0, -static_cast<double>(i));
  const auto found = largest_singular_values(DenseOperator(with_values(values), 12), {12, 1e-3, 100});
  ASSERT_TRUE(found.converged);
  for (std::size_t k = 0; k < 12; ++k) EXPECT_NEAR(found.values[k], values[k], 1e-14);
}

TEST(BlockKrylov, WhatRoundingHidesIsBounded) {
  // Three values, seven small ones, and some through where rounding begins, 16 sqrt(200) epsilon.
  std::vector<double> values(200, 0.0);
  for (std::size_t i = 0; i < 40; ++i) {
    values[i] =
        i < 3 ? 3.0 - static_cast<double>(i) : std::pow(10.0, (i < 10 ? -8.0 : -12.5) - 0.1 * static_cast<double>(i));
  }
  const auto found = largest_singular_values(DenseOperator(with_values(values), 200), {40, 1e-2, 500});
  ASSERT_TRUE(found.converged);
  for (std::size_t k = 0; k < 40; ++k) {
    // Beside the residual, rounding of the matrix itself: 3 sqrt(200) epsilon.
    EXPECT_NEAR(found.values[k], values[k], found.residuals[k] + 1e-14) << k;
    EXPECT_LT(found.residuals[k], 1e-12);
    EXPECT_EQ(found.values[k] > 0.0, k < 10) << k;
  }
}

TEST(BlockKrylov, RestartsKeepWhatIsFound) {
  // Of 500 values the basis holds 384 at most; narrow gaps need more passes than that. The second difference's largest
  // are 2 - 2 cos.
  constexpr int n = 500;
  std::vector<double> a(static_cast<std::size_t>(n) * n), exact;
  for (int i = 0; i < n; ++i) {
    double* const row = a.data() + static_cast<std::ptrdiff_t>(i) * n;
    row[i] = 2.0;
    if (i > 0) row[i - 1] = -1.0;
    if (i + 1 < n) row[i + 1] = -1.0;
  }
  const auto found = largest_singular_values(DenseOperator(std::move(a), n), {3, 1e-7, 2000, randomized, 12});
  ASSERT_TRUE(found.converged);
  EXPECT_GT(found.products, 384);
  for (int k = 0; k < 3; ++k) {
    // The residual squared over the gap, 1e-4.
    EXPECT_NEAR(found.values[static_cast<std::size_t>(k)], 2.0 - 2.0 * std::cos((n - k) * M_PI / (n + 1)), 1e-8);
  }
}

/// What may be wrong with an operator.
class Broken final : public DenseOperator {
 public:
  enum Fault { other_transpose, failure, nonfinite };
  Broken(Fault fault, int after, MPI_Comm comm = MPI_COMM_WORLD)
      : DenseOperator(with_values(slope()), n, comm), fault_(fault), left_(after) {
    MPI_Comm_rank(comm, &rank_);
  }

 private:
  static constexpr int n = 50;
  static std::vector<double> slope() {
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = 1.0 - 0.01 * static_cast<double>(i);
    return values;
  }
  void reserve(int) const override {
    if (fault_ == failure && rank_ == 0 && --left_ < 0) throw std::bad_alloc();
  }
  void multiply(std::span<const double> x, std::span<double> y, int vectors) const override {
    DenseOperator::multiply(x, y, vectors);
    if (fault_ == nonfinite && rank_ == 0 && --left_ < 0) y[0] = std::numeric_limits<double>::infinity();
  }
  void multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const override {
    DenseOperator::multiply_transposed(x, y, vectors);
    // One entry of the matrix is another.
    if (fault_ == other_transpose && rank_ == 0) y[0] += 1e-5 * x[1];
  }

  Fault fault_;
  int rank_ = 0;
  mutable int left_;
};

TEST(LargestSingularValues, AWrongTransposeIsCaught) {
  for (const SingularValueSolver solver : solvers) {
    EXPECT_THROW(largest_singular_values(Broken(Broken::other_transpose, 0), {3, 1e-10, 50, solver}),
                 std::runtime_error);
  }
}

TEST(LargestSingularValues, AProductThatFailsOnOneRankEndsOnAll) {
  for (const SingularValueSolver solver : solvers) {
    for (const int after : {0, 1, 2, 3}) {
      const SingularValueSearch search{3, 1e-13, 50, solver, 4};
      EXPECT_THROW(largest_singular_values(Broken(Broken::failure, after), search), Agreed<std::bad_alloc>);
    }
    EXPECT_THROW(largest_singular_values(Broken(Broken::nonfinite, 3), {3, 1e-13, 50, solver, 4}), std::runtime_error);
  }
}

/// Gauss and Jordan's, with row pivots.
std::vector<double> inverse_of(std::vector<double> a, int size) {
  const auto n = static_cast<std::size_t>(size);
  std::vector<double> inverse(n * n);
  for (std::size_t i = 0; i < n; ++i) inverse[i * (n + 1)] = 1.0;
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column; row < n; ++row) {
      if (std::abs(a[row * n + column]) > std::abs(a[pivot * n + column])) pivot = row;
    }
    const double divisor = a[pivot * n + column];
    for (std::vector<double>* matrix : {&a, &inverse}) {
      double* const m = matrix->data();
      std::swap_ranges(m + pivot * n, m + (pivot + 1) * n, m + column * n);
      for (std::size_t k = 0; k < n; ++k) m[column * n + k] /= divisor;
    }
    for (std::size_t row = 0; row < n; ++row) {
      const double factor = row == column ? 0.0 : a[row * n + column];
      for (std::size_t k = 0; k < n; ++k) {
        a[row * n + k] -= factor * a[column * n + k];
        inverse[row * n + k] -= factor * inverse[column * n + k];
      }
    }
  }
  return inverse;
}

TEST(SmallestSingularValues, FromTheInverse) {
  constexpr int n = 150, count = 6;
  const auto parameters = parameters_of("tanh", n, 2, 1.5);
  const JacobianOperator alone = spread(parameters, WeightStorage::double_, MPI_COMM_SELF);
  std::vector<double> unit(n * n), a(n * n);
  for (std::size_t i = 0; i < n; ++i) unit[i * (n + 1)] = 1.0;
  alone.apply(unit, a, n);
  const DenseOperator j(a, n), j_inverse(inverse_of(a, n), n);
  const auto all = all_values(parameters);
  for (const SingularValueSolver solver : {trlanczos, randomized}) {
    const auto found = smallest_singular_values(j, j_inverse, {count, 1e-10, 500, solver});
    ASSERT_TRUE(found.converged);
    ASSERT_EQ(found.values.size(), static_cast<std::size_t>(count));
    for (std::size_t k = 0; k < count; ++k) {
      // The inverse is right to epsilon times the condition number, 1e4, and then some.
      EXPECT_NEAR(found.values[k], all[n - 1 - k], 1e-9 * all[n - 1 - k]) << k;
      // Residuals of J u = s v: what the search left, 1e-10 s, times |J| / s at worst.
      EXPECT_LT(found.residuals[k], 1e-10 * all[0]);
    }
  }
  EXPECT_THROW(smallest_singular_values(j, j_inverse, {count, 1e-10, 500, cross}), std::invalid_argument);
  EXPECT_THROW(smallest_singular_values(j, j_inverse, {n + 1, 1e-10, 500, randomized}), std::invalid_argument);
  // J' is no inverse.
  EXPECT_THROW(smallest_singular_values(j, j, {count, 1e-10, 500, randomized}), std::runtime_error);
  const auto unfinished = smallest_singular_values(j, j_inverse, {count, 1e-13, 1, randomized, 6});
  EXPECT_FALSE(unfinished.converged);
}

TEST(SmallestSingularValues, OfADeepGaussianNetworkThroughItsFactors) {
  // Condition 1e16 to 1e18: products with J know nothing of the smallest values.
  constexpr int n = 120, count = 4;
  const auto parameters = parameters_of("tanh", n, 10, 1.2);
  const auto all = all_values(parameters);
  ASSERT_LT(all[n - 1], 1e-15 * all[0]);
  const JacobianOperator j = spread(parameters, WeightStorage::double_);
  const FactoredInverse inverse(j);
  for (const SingularValueSolver solver : {trlanczos, randomized}) {
    const auto found = smallest_singular_values(j, inverse, {count, 1e-10, 500, solver});
    ASSERT_TRUE(found.converged);
    for (std::size_t k = 0; k < count; ++k) {
      // Eight digits: each factor's inverse is right to N epsilon times its condition, 1e3, and layers add up.
      EXPECT_NEAR(found.values[k], all[n - 1 - k], 1e-8 * all[n - 1 - k]) << k;
    }
  }
}

}  // namespace
}  // namespace meander
