// Products with a Jacobian of Haar-orthogonal layers, spread over ranks as reflectors, against the same formed densely.
#include "kernels/jacobian/orthogonal_jacobian.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/jacobian/jacobian_product.hpp"
#include "kernels/spectra/jacobian_extremes.hpp"
#include "tests/support/jacobian_fixture.hpp"

namespace meander {
namespace {

constexpr WeightStorage storages[] = {WeightStorage::double_, WeightStorage::single, WeightStorage::regenerated};

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

RandomNetwork::Parameters parameters_of(const std::string& phi, int n, int depth, double sigma_w = 1.1) {
  auto parameters = square_network(phi, n, depth, sigma_w, {WeightLaw::Kind::orthogonal, 0.0});
  parameters.sigma_b = 0.3;
  return parameters;
}

OrthogonalJacobian spread(const RandomNetwork::Parameters& parameters, WeightStorage storage) {
  return {parameters, network_key, input_point(parameters.input_dimension), storage, MPI_COMM_WORLD};
}

/// N epsilon is 5e-14 for N = 203, and each of a few layers adds as much.
constexpr double rounding = 1e-12;

/// Widths of less than the ranks, of less than a block of reflectors, of one more than two blocks, and of several.
TEST(OrthogonalJacobian, EqualsTheDenseProductForEveryStorage) {
  for (const int n : {1, 2, 61, 129, 203}) {
    for (const char* phi : {"tanh", "hard_tanh"}) {
      const auto parameters = parameters_of(phi, n, 3);
      const std::vector<double> twin = plain_jacobian(parameters).j;
      for (const WeightStorage storage : storages) {
        const OrthogonalJacobian j = spread(parameters, storage);
        for (const bool transposed : {false, true}) {
          for (const int vectors : {1, 5}) {
            const auto x = some_vectors(n, vectors, 7);
            const auto reference = expected_product(j, twin, transposed, x, vectors);
            EXPECT_LE(
                largest_difference_over_ranks(product(j, transposed, own_part(j, x, vectors), vectors), reference),
                rounding * largest_over_ranks(reference))
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
  RandomNetwork(parameters, network_key).weight(1, std::span<double>(w));
  const OrthogonalJacobian j = spread(parameters, WeightStorage::regenerated);
  const auto x = some_vectors(n, vectors, 7);
  for (const bool transposed : {false, true}) {
    const auto reference = expected_product(j, w, transposed, x, vectors);
    EXPECT_LE(largest_difference_over_ranks(product(j, transposed, own_part(j, x, vectors), vectors), reference),
              rounding * largest_over_ranks(reference));
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
    EXPECT_NEAR(dot_over_ranks(jx, y), dot_over_ranks(x, jty),
                rounding * std::sqrt(dot_over_ranks(jx, jx) * dot_over_ranks(y, y)));
  }
}

TEST(OrthogonalJacobian, GatesAreThoseOfTheWholeSpectrum) {
  constexpr int n = 203;
  for (const char* phi : {"tanh", "relu", "hard_tanh"}) {
    const auto parameters = parameters_of(phi, n, 6);
    const OrthogonalJacobian j = spread(parameters, WeightStorage::regenerated);
    const auto whole = jacobian_spectrum(RandomNetwork(parameters, network_key), input_point(n));
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
    const auto whole = jacobian_spectrum(RandomNetwork(parameters, network_key), input_point(n));
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
          EXPECT_LE(largest_difference_over_ranks(product(inverse, transposed, there, vectors), x),
                    1e3 * rounding * largest_over_ranks(x));
          const auto back = product(inverse, transposed, x, vectors);
          EXPECT_LE(largest_difference_over_ranks(product(j, transposed, back, vectors), x),
                    1e3 * rounding * largest_over_ranks(x));
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
  const auto whole = jacobian_spectrum(RandomNetwork(parameters, network_key), input_point(n));
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
    return OrthogonalJacobian(parameters, network_key, input_point(input), WeightStorage::regenerated, MPI_COMM_WORLD);
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
