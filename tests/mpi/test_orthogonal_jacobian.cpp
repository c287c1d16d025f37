// Products with a Jacobian of Haar-orthogonal layers, spread over ranks as reflectors, against the same formed densely.
#include "kernels/orthogonal_jacobian.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/curve.hpp"
#include "kernels/jacobian_extremes.hpp"
#include "kernels/jacobian_product.hpp"

namespace meander {
namespace {

const StreamKey key = stream_key(11, 3);
constexpr WeightStorage storages[] = {WeightStorage::double_, WeightStorage::single, WeightStorage::regenerated};

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

RandomNetwork::Parameters parameters_of(const std::string& phi, int n, int depth, double sigma_w = 1.1) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = n;
  parameters.widths.assign(size_of(depth), n);
  parameters.activation = Activation::named(phi);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = 0.3;
  parameters.law = {WeightLaw::Kind::orthogonal, 0.0};
  return parameters;
}

std::vector<double> point(int n) {
  std::vector<double> x = gaussian_point(key, 0, n);
  rescale(x, 1.0);
  return x;
}

/// The plain twin: J (n, n), from the weights that every other measure sees.
std::vector<double> dense(const RandomNetwork::Parameters& parameters) {
  const RandomNetwork network(parameters, key);
  const std::size_t n = size_of(parameters.input_dimension);
  std::vector<double> x = point(parameters.input_dimension), j(n * n);
  for (std::size_t i = 0; i < n; ++i) j[i * n + i] = 1.0;
  for (int l = 1; l <= network.depth(); ++l) {
    std::vector<double> w(n * n), h(n), next(n * n);
    network.weight(l, std::span<double>(w));
    network.bias(l, h);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) h[i] += w[i * n + k] * x[k];
      const double slope = network.activation().derivative(h[i]);
      for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t c = 0; c < n; ++c) next[i * n + c] += slope * w[i * n + k] * j[k * n + c];
      }
    }
    network.activation().apply(std::span<double>(h));
    x = h;
    j = next;
  }
  return j;
}

OrthogonalJacobian spread(const RandomNetwork::Parameters& parameters, WeightStorage storage) {
  return {parameters, key, point(parameters.input_dimension), storage, MPI_COMM_WORLD};
}

/// Any vectors (n, vectors), the same on every rank.
std::vector<double> some_vectors(int n, int vectors, std::uint32_t index) {
  return gaussian_point(key, index, n * vectors);
}

std::vector<double> own_part(const DistributedOperator& j, const std::vector<double>& all, int vectors) {
  std::vector<double> part;
  for (const int row : j.rows()) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(row) * vectors;
    part.insert(part.end(), first, first + vectors);
  }
  return part;
}

std::vector<double> product(const DistributedOperator& j, bool transposed, const std::vector<double>& x, int vectors) {
  // Whatever stands in the result's place must go.
  std::vector<double> y(x.size(), std::nan(""));
  transposed ? j.apply_transposed(x, y, vectors) : j.apply(x, y, vectors);
  return y;
}

/// Rows of the dense product that belong to this rank.
std::vector<double> expected(const DistributedOperator& j, const std::vector<double>& matrix, bool transposed,
                             const std::vector<double>& all, int vectors) {
  const std::size_t n = size_of(j.size()), columns = size_of(vectors);
  std::vector<double> y(n * columns);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      const double entry = transposed ? matrix[k * n + i] : matrix[i * n + k];
      for (std::size_t v = 0; v < columns; ++v) y[i * columns + v] += entry * all[k * columns + v];
    }
  }
  return own_part(j, y, vectors);
}

double largest(const std::vector<double>& values) {
  double most = 0.0;
  for (const double value : values) most = std::isnan(value) ? value : std::max(most, std::abs(value));
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return most;
}

double largest_difference(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return largest(a);
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

/// N epsilon is 5e-14 for N = 203, and each of a few layers adds as much.
constexpr double rounding = 1e-12;

/// Widths of less than the ranks, of less than a block of reflectors, of one more than two blocks, and of several.
TEST(OrthogonalJacobian, EqualsTheDenseProductForEveryStorage) {
  for (const int n : {1, 2, 61, 129, 203}) {
    for (const char* phi : {"tanh", "hard_tanh"}) {
      const auto parameters = parameters_of(phi, n, 3);
      const std::vector<double> twin = dense(parameters);
      for (const WeightStorage storage : storages) {
        const OrthogonalJacobian j = spread(parameters, storage);
        for (const bool transposed : {false, true}) {
          for (const int vectors : {1, 5}) {
            const auto x = some_vectors(n, vectors, 7);
            const auto reference = expected(j, twin, transposed, x, vectors);
            EXPECT_LE(largest_difference(product(j, transposed, own_part(j, x, vectors), vectors), reference),
                      rounding * largest(reference))
                << phi << " " << n << " " << transposed << " " << vectors;
          }
        }
      }
    }
  }
}

/// More components a rank than a piece of a block holds, and runs as they come on several ranks.
TEST(OrthogonalJacobian, ManyBlocksAndPiecesMakeTheSameMatrix) {
  constexpr int n = 1300, vectors = 2;
  const auto parameters = parameters_of("linear", n, 1, 1.0);
  std::vector<double> w(size_of(n) * size_of(n));
  RandomNetwork(parameters, key).weight(1, std::span<double>(w));
  const OrthogonalJacobian j = spread(parameters, WeightStorage::regenerated);
  const auto x = some_vectors(n, vectors, 7);
  for (const bool transposed : {false, true}) {
    const auto reference = expected(j, w, transposed, x, vectors);
    EXPECT_LE(largest_difference(product(j, transposed, own_part(j, x, vectors), vectors), reference),
              rounding * largest(reference));
  }
}

TEST(OrthogonalJacobian, RanksHoldAllComponentsOnceInRunsOfWholeBlocks) {
  constexpr int n = 1000;
  const OrthogonalJacobian j = spread(parameters_of("linear", n, 1), WeightStorage::regenerated);
  std::vector<int> holders(n);
  for (const int row : j.rows()) ++holders[size_of(row)];
  MPI_Allreduce(MPI_IN_PLACE, holders.data(), n, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  EXPECT_EQ(holders, std::vector<int>(n, 1));
  EXPECT_TRUE(std::is_sorted(j.rows().begin(), j.rows().end()));
  for (std::size_t i = 1; i < j.rows().size(); ++i) {
    if (j.rows()[i] != j.rows()[i - 1] + 1) {
      EXPECT_EQ(j.rows()[i] % 64, 0);
    }
  }
}

TEST(OrthogonalJacobian, AllStoragesGiveTheSameBits) {
  constexpr int n = 700;
  const auto parameters = parameters_of("tanh", n, 2);
  const OrthogonalJacobian drawn = spread(parameters, WeightStorage::regenerated);
  EXPECT_EQ(drawn.stored_bytes(), 0U);
  for (const auto& [storage, bytes] : {std::pair{WeightStorage::double_, 8}, std::pair{WeightStorage::single, 4}}) {
    const OrthogonalJacobian stored = spread(parameters, storage);
    EXPECT_EQ(stored.slope_square(), drawn.slope_square());
    for (const int vectors : {1, 16}) {
      const auto x = own_part(drawn, some_vectors(n, vectors, 7), vectors);
      EXPECT_EQ(product(stored, false, x, vectors), product(drawn, false, x, vectors));
      EXPECT_EQ(product(stored, true, x, vectors), product(drawn, true, x, vectors));
    }
    std::int64_t all = static_cast<std::int64_t>(stored.stored_bytes());
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    // Of each layer little more than the half.
    EXPECT_GE(all, bytes * n * (n + 1));
    EXPECT_LE(all, bytes * n * (n + 64));
  }
}

TEST(OrthogonalJacobian, TransposedIsTheAdjoint) {
  constexpr int n = 203;
  for (const char* phi : {"tanh", "relu"}) {
    const OrthogonalJacobian j = spread(parameters_of(phi, n, 7), WeightStorage::single);
    const auto x = own_part(j, some_vectors(n, 1, 7), 1), y = own_part(j, some_vectors(n, 1, 8), 1);
    const auto jx = product(j, false, x, 1), jty = product(j, true, y, 1);
    // Both sides round N depth times.
    EXPECT_NEAR(dot(jx, y), dot(x, jty), rounding * std::sqrt(dot(jx, jx) * dot(y, y)));
  }
}

TEST(OrthogonalJacobian, GatesAreThoseOfTheWholeSpectrum) {
  constexpr int n = 203;
  for (const char* phi : {"tanh", "relu", "hard_tanh"}) {
    const auto parameters = parameters_of(phi, n, 6);
    const OrthogonalJacobian j = spread(parameters, WeightStorage::regenerated);
    const auto whole = jacobian_spectrum(RandomNetwork(parameters, key), point(n));
    for (std::size_t l = 0; l < 6; ++l) EXPECT_NEAR(j.slope_square()[l], whole.slope_square[l], rounding) << phi;
    // A rectifier's squared slopes are its gates.
    if (std::string(phi) == "relu") {
      for (std::size_t l = 0; l < 6; ++l) EXPECT_NEAR(static_cast<double>(j.open()[l]), n * j.slope_square()[l], 1e-9);
    }
  }
}

TEST(OrthogonalJacobian, LargestSingularValuesAreThoseOfTheWholeSpectrum) {
  constexpr int n = 203;
  for (const char* phi : {"tanh", "relu"}) {
    const auto parameters = parameters_of(phi, n, 5);
    SingularValueSearch search;
    search.count = 3;
    search.tolerance = 1e-12;
    const auto found = largest_singular_values(spread(parameters, WeightStorage::single), search);
    const auto whole = jacobian_spectrum(RandomNetwork(parameters, key), point(n));
    ASSERT_TRUE(found.converged);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(found.values[k] / whole.values[k], 1.0, 1e-11) << phi << " " << k;
    }
  }
}

/// Errors of J grow by its condition number in the inverse: at most 1e3 here.
TEST(OrthogonalInverse, TimesTheJacobianIsTheIdentity) {
  for (const int n : {2, 61, 203}) {
    for (const char* phi : {"tanh", "linear"}) {
      const OrthogonalJacobian j = spread(parameters_of(phi, n, 4, 0.8), WeightStorage::regenerated);
      const OrthogonalInverse inverse(j);
      EXPECT_EQ(inverse.rows(), j.rows());
      for (const int vectors : {1, 5}) {
        const auto x = own_part(j, some_vectors(n, vectors, 7), vectors);
        for (const bool transposed : {false, true}) {
          const auto there = product(j, transposed, x, vectors);
          EXPECT_LE(largest_difference(product(inverse, transposed, there, vectors), x), 1e3 * rounding * largest(x));
          const auto back = product(inverse, transposed, x, vectors);
          EXPECT_LE(largest_difference(product(j, transposed, back, vectors), x), 1e3 * rounding * largest(x));
        }
      }
    }
  }
}

/// The whole spectrum has them to full relative accuracy; so has the inverse, whose largest they are.
TEST(OrthogonalInverse, HasTheSmallestSingularValues) {
  constexpr int n = 129;
  const auto parameters = parameters_of("tanh", n, 8, 1.5);
  const OrthogonalJacobian j = spread(parameters, WeightStorage::double_);
  SingularValueSearch search;
  search.count = 2;
  search.tolerance = 1e-12;
  const auto found = smallest_singular_values(j, OrthogonalInverse(j), search);
  const auto whole = jacobian_spectrum(RandomNetwork(parameters, key), point(n));
  ASSERT_TRUE(found.converged);
  EXPECT_LT(whole.values[n - 1], 1e-6 * whole.values[0]);
  for (std::size_t k = 0; k < 2; ++k) EXPECT_NEAR(found.values[k] / whole.values[n - 1 - k], 1.0, 1e-10) << k;
}

TEST(OrthogonalInverse, RefusesWhatHasNone) {
  for (const char* phi : {"relu", "hard_tanh"}) {
    const OrthogonalJacobian j = spread(parameters_of(phi, 61, 3, 2.0), WeightStorage::single);
    EXPECT_THROW(OrthogonalInverse{j}, std::invalid_argument) << phi;
  }
  const OrthogonalJacobian j = spread(parameters_of("tanh", 61, 3, 0.0), WeightStorage::single);
  EXPECT_THROW(OrthogonalInverse{j}, std::invalid_argument);
}

TEST(OrthogonalJacobian, RefusesWhatItCannotDo) {
  const auto make = [](const RandomNetwork::Parameters& parameters, int input) {
    return OrthogonalJacobian(parameters, key, point(input), WeightStorage::regenerated, MPI_COMM_WORLD);
  };
  auto uneven = parameters_of("tanh", 8, 3);
  uneven.widths[1] = 9;
  EXPECT_THROW(make(uneven, 8), std::invalid_argument);
  EXPECT_THROW(make(parameters_of("tanh", 8, 3), 7), std::invalid_argument);
  auto gaussian = parameters_of("tanh", 8, 3);
  gaussian.law = {};
  EXPECT_THROW(make(gaussian, 8), std::invalid_argument);
  // Beyond 1e308 in the second layer, on every rank.
  EXPECT_THROW(make(parameters_of("linear", 8, 3, 1e200), 8), std::overflow_error);
}

}  // namespace
}  // namespace meander
