// Products with a Jacobian spread over ranks against the same Jacobian formed densely.
#include "kernels/jacobian/jacobian_operator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/jacobian_fixture.hpp"

namespace meander {
namespace {

constexpr WeightStorage storages[] = {WeightStorage::double_, WeightStorage::single, WeightStorage::regenerated};

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

RandomNetwork::Parameters parameters_of(const std::string& phi, int n, int depth,
                                        WeightLaw law = {WeightLaw::Kind::gaussian, 0.0}, double sigma_w = 1.5) {
  auto parameters = square_network(phi, n, depth, sigma_w, law);
  parameters.sigma_b = 0.3;
  return parameters;
}

JacobianOperator spread(const RandomNetwork::Parameters& parameters, WeightStorage storage) {
  return {parameters, network_key, input_point(parameters.input_dimension), storage, MPI_COMM_WORLD};
}

/// This rank's rows of the product with whole vectors.
std::vector<double> spread_product(const DistributedOperator& j, bool transposed, const std::vector<double>& all,
                                   int vectors) {
  return product(j, transposed, own_part(j, all, vectors), vectors);
}

/// Depth times N epsilon is 5e-14; the twin's own rounding of h^l, which moves its slopes, grows by a factor of about
/// two a layer.
constexpr double rounding = 1e-12;

TEST(JacobianOperator, EqualsTheDenseProductForEveryStorage) {
  // Widths that no rank count divides, and fewer rows than ranks.
  for (const int n : {61, 2}) {
    for (const char* phi : {"tanh", "relu", "hard_tanh"}) {
      const auto parameters = parameters_of(phi, n, 4);
      for (const WeightStorage storage : storages) {
        const PlainJacobian twin = plain_jacobian(parameters, storage == WeightStorage::single);
        const JacobianOperator j = spread(parameters, storage);
        EXPECT_EQ(j.open(), twin.open) << phi;
        for (std::size_t l = 0; l < 4; ++l) EXPECT_NEAR(j.slope_square()[l], twin.slope_square[l], rounding);
        for (const bool transposed : {false, true}) {
          for (const int vectors : {1, 5}) {
            const auto x = some_vectors(n, vectors, 7);
            const auto reference = expected_product(j, twin.j, transposed, x, vectors);
            EXPECT_LE(largest_difference_over_ranks(spread_product(j, transposed, x, vectors), reference),
                      rounding * largest_over_ranks(reference))
                << phi << " " << n << " " << transposed << " " << vectors;
          }
        }
      }
    }
  }
}

TEST(JacobianOperator, RanksHoldAllRowsOnceInOrder) {
  const JacobianOperator j = spread(parameters_of("relu", 61, 1), WeightStorage::regenerated);
  int before = 0, all = 0;
  const int mine = j.local_size();
  MPI_Exscan(&mine, &before, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  EXPECT_EQ(all, 61);
  for (int k = 0; k < mine; ++k) EXPECT_EQ(j.rows()[size_of(k)], before + k);
}

/// In a single linear layer the product with a unit vector is a column of W, every other term being an exact zero.
TEST(JacobianOperator, RegeneratedWeightsAreThoseStoredBitByBit) {
  constexpr int n = 1100;  // more columns than are drawn at a time
  constexpr int units[] = {0, 31, 32, 1023, 1024, 1099};
  constexpr int vectors = 6;
  using Kind = WeightLaw::Kind;
  for (const WeightLaw law :
       {WeightLaw{Kind::gaussian, 0.0}, WeightLaw{Kind::uniform, 0.0}, WeightLaw{Kind::rademacher, 0.0},
        WeightLaw{Kind::student_t, 5.0}, WeightLaw{Kind::sparse, 0.3}}) {
    const auto parameters = parameters_of("linear", n, 1, law);
    std::vector<double> w(size_of(n) * size_of(n));
    RandomNetwork(parameters, network_key).weight(1, std::span<double>(w));
    std::vector<double> unit_block(size_of(n) * vectors), columns(unit_block.size()), rows(unit_block.size());
    for (std::size_t v = 0; v < vectors; ++v) {
      unit_block[size_of(units[v]) * vectors + v] = 1.0;
      for (std::size_t i = 0; i < size_of(n); ++i) {
        columns[i * vectors + v] = w[i * size_of(n) + size_of(units[v])];
        rows[i * vectors + v] = w[size_of(units[v]) * size_of(n) + i];
      }
    }
    for (const WeightStorage storage : {WeightStorage::double_, WeightStorage::regenerated}) {
      const JacobianOperator j = spread(parameters, storage);
      EXPECT_EQ(spread_product(j, false, unit_block, vectors), own_part(j, columns, vectors));
      EXPECT_EQ(spread_product(j, true, unit_block, vectors), own_part(j, rows, vectors));
    }
  }
}

TEST(JacobianOperator, RegeneratedGatesAreThoseOfStoredWeights) {
  const auto parameters = parameters_of("tanh", 150, 6);
  const JacobianOperator stored = spread(parameters, WeightStorage::double_);
  const JacobianOperator drawn = spread(parameters, WeightStorage::regenerated);
  EXPECT_EQ(stored.slope_square(), drawn.slope_square());
  EXPECT_EQ(drawn.stored_bytes(), 0U);
}

TEST(JacobianOperator, OnlyRowsThatPassSomethingOnAreStored) {
  constexpr int n = 61;
  for (const auto& [storage, bytes] : {std::pair{WeightStorage::double_, 8}, std::pair{WeightStorage::single, 4}}) {
    const JacobianOperator j = spread(parameters_of("relu", n, 3), storage);
    std::int64_t stored = static_cast<std::int64_t>(j.stored_bytes());
    MPI_Allreduce(MPI_IN_PLACE, &stored, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    const std::int64_t open = std::accumulate(j.open().begin(), j.open().end(), std::int64_t{0});
    EXPECT_EQ(stored, open * n * bytes);
    EXPECT_LT(open, 3 * n);
  }
}

TEST(JacobianOperator, DeadRowsGiveZerosAndTakeNothing) {
  constexpr int n = 61;
  const auto parameters = parameters_of("relu", n, 1);
  const PlainJacobian twin = plain_jacobian(parameters);
  for (const WeightStorage storage : storages) {
    const JacobianOperator j = spread(parameters, storage);
    const auto y = spread_product(j, false, some_vectors(n, 1, 7), 1);
    std::vector<double> dead(n);
    for (std::size_t i = 0; i < size_of(n); ++i) {
      const bool open = std::any_of(twin.j.begin() + static_cast<std::ptrdiff_t>(i) * n,
                                    twin.j.begin() + static_cast<std::ptrdiff_t>(i + 1) * n,
                                    [](double entry) { return entry != 0.0; });
      dead[i] = open ? 0.0 : 1.0;
    }
    const auto own_dead = own_part(j, dead, 1);
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i] == 0.0, own_dead[i] == 1.0);
    EXPECT_EQ(largest_over_ranks(spread_product(j, true, dead, 1)), 0.0);
    EXPECT_GT(largest_over_ranks(dead), 0.0);
  }
}

TEST(JacobianOperator, TransposedIsTheAdjoint) {
  constexpr int n = 203;
  for (const char* phi : {"tanh", "relu"}) {
    for (const WeightStorage storage : storages) {
      const JacobianOperator j = spread(parameters_of(phi, n, 7), storage);
      const auto x = some_vectors(n, 1, 7), y = some_vectors(n, 1, 8);
      const auto jx = spread_product(j, false, x, 1), jty = spread_product(j, true, y, 1);
      const double scale = std::sqrt(dot_over_ranks(jx, jx) * dot_over_ranks(own_part(j, y, 1), own_part(j, y, 1)));
      // Both sides round N depth times.
      EXPECT_NEAR(dot_over_ranks(jx, own_part(j, y, 1)), dot_over_ranks(own_part(j, x, 1), jty), 1e-12 * scale);
    }
  }
}

TEST(JacobianOperator, SeveralVectorsAreOneAtATime) {
  constexpr int n = 150, vectors = 9;
  const auto all = some_vectors(n, vectors, 7);
  for (const WeightStorage storage : storages) {
    const JacobianOperator j = spread(parameters_of("hard_tanh", n, 3), storage);
    for (const bool transposed : {false, true}) {
      const auto together = spread_product(j, transposed, all, vectors);
      for (std::size_t v = 0; v < vectors; ++v) {
        std::vector<double> alone(n), part;
        for (std::size_t i = 0; i < size_of(n); ++i) alone[i] = all[i * vectors + v];
        for (std::size_t i = v; i < together.size(); i += vectors) part.push_back(together[i]);
        const auto y = spread_product(j, transposed, alone, 1);
        EXPECT_LE(largest_difference_over_ranks(part, y), rounding * largest_over_ranks(y));
      }
    }
  }
}

/// Rows are summed over columns in one order, wherever they are and whatever is multiplied beside them.
TEST(JacobianOperator, ProductsHaveTheSameBitsOnAnyRanksAndForDrawnAndStoredWeights) {
  constexpr int n = 2100, vectors = 11;  // more columns than a block has
  const auto parameters = parameters_of("hard_tanh", n, 2);
  const auto x = some_vectors(n, vectors, 7);
  const JacobianOperator stored = spread(parameters, WeightStorage::double_);
  const JacobianOperator drawn = spread(parameters, WeightStorage::regenerated);
  const JacobianOperator alone(parameters, network_key, input_point(n), WeightStorage::regenerated);
  const auto y = spread_product(drawn, false, x, vectors);
  EXPECT_EQ(y, spread_product(stored, false, x, vectors));
  EXPECT_EQ(spread_product(drawn, true, x, vectors), spread_product(stored, true, x, vectors));
  EXPECT_EQ(y, own_part(drawn, spread_product(alone, false, x, vectors), vectors));
  EXPECT_EQ(drawn.open(), alone.open());
}

/// J = 0 where a whole layer is closed.
TEST(JacobianOperator, AClosedLayerPassesNothing) {
  auto parameters = parameters_of("relu", 20, 3);
  parameters.activation = Activation::piecewise_linear({1e6}, {0.0, 1.0}, 0.0, 0.0);
  for (const WeightStorage storage : storages) {
    const JacobianOperator j = spread(parameters, storage);
    EXPECT_EQ(j.open(), std::vector<std::int64_t>(3, 0));
    EXPECT_EQ(largest_over_ranks(spread_product(j, false, some_vectors(20, 2, 7), 2)), 0.0);
    EXPECT_EQ(largest_over_ranks(spread_product(j, true, some_vectors(20, 2, 7), 2)), 0.0);
  }
}

TEST(JacobianOperator, RefusesWhatItCannotDo) {
  const auto make = [](const RandomNetwork::Parameters& parameters, int input) {
    return JacobianOperator(parameters, network_key, input_point(input), WeightStorage::regenerated, MPI_COMM_WORLD);
  };
  auto uneven = parameters_of("tanh", 8, 3);
  uneven.widths[1] = 9;
  EXPECT_THROW(make(uneven, 8), std::invalid_argument);
  EXPECT_THROW(make(parameters_of("tanh", 8, 3), 7), std::invalid_argument);
  EXPECT_THROW(make(parameters_of("tanh", 8, 3, {WeightLaw::Kind::orthogonal, 0.0}), 8), std::invalid_argument);
  // Beyond 1e308 in the second layer, on every rank.
  EXPECT_THROW(make(parameters_of("linear", 8, 3, {WeightLaw::Kind::gaussian, 0.0}, 1e200), 8), std::overflow_error);
  const JacobianOperator j = spread(parameters_of("tanh", 8, 3), WeightStorage::regenerated);
  std::vector<double> right(size_of(j.local_size())), wrong(right.size() + 1);
  EXPECT_THROW(j.apply(right, wrong), std::invalid_argument);
  EXPECT_THROW(j.apply_transposed(wrong, right), std::invalid_argument);
  EXPECT_THROW(j.apply(right, right, 0), std::invalid_argument);
  EXPECT_THROW(j.apply(right, right, 1 << 30), std::invalid_argument);
}

}  // namespace
}  // namespace meander
