// Inverses of Jacobians against the Jacobians, against full relative accuracy, and against quadruple precision.
#include "kernels/jacobian/factored_inverse.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/jacobian/jacobian_product.hpp"
#include "kernels/spectra/dense_extremes.hpp"
#include "kernels/spectra/jacobian_extremes.hpp"
#include "tests/support/jacobian_fixture.hpp"
#include "tests/support/quadruple_spectrum.hpp"

namespace meander {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

JacobianOperator spread(const RandomNetwork::Parameters& parameters, WeightStorage storage) {
  return {parameters, network_key, input_point(parameters.input_dimension), storage, MPI_COMM_WORLD};
}

std::vector<double> whole_spectrum(const RandomNetwork::Parameters& parameters) {
  return jacobian_spectrum(RandomNetwork(parameters, network_key), input_point(parameters.input_dimension)).values;
}

/// One over the largest singular values of the inverse: the smallest of J, ascending.
std::vector<double> smallest(const FactoredInverse& inverse) {
  std::vector<double> values = dense_singular_values(inverse).values;
  for (double& value : values) value = 1.0 / value;
  return values;
}

TEST(FactoredInverse, UndoesTheJacobian) {
  // Widths that no rank count divides, blocks of ScaLAPACK that are not full, more than one, and ranks without a row.
  for (const int n : {1, 3, 61, 270}) {
    for (const char* phi : {"linear", "tanh"}) {
      const auto parameters = square_network(phi, n, 3, 1.2);
      const auto s = whole_spectrum(parameters);
      for (const WeightStorage storage : {WeightStorage::regenerated, WeightStorage::single}) {
        const JacobianOperator j = spread(parameters, storage);
        const FactoredInverse inverse(j);
        ASSERT_EQ(inverse.rows(), j.rows());
        for (const int vectors : {1, 5}) {
          const auto x = own_vectors(j, vectors, 7);
          std::vector<double> jx(x.size()), back(x.size(), std::nan(""));
          // What J's product rounds, J^-1 enlarges by J's condition; twice that is for the inverse's own.
          const double bound = 2.0 * n * 3 * epsilon * s.front() / s.back() * 5.0;
          j.apply(x, jx, vectors);
          inverse.apply(jx, back, vectors);
          EXPECT_LE(largest_difference_over_ranks(back, x), bound) << phi << " " << n;
          j.apply_transposed(x, jx, vectors);
          inverse.apply_transposed(jx, back, vectors);
          EXPECT_LE(largest_difference_over_ranks(back, x), bound) << phi << " " << n;
        }
      }
    }
  }
}

TEST(FactoredInverse, IsThatOfTheSameNetworkWithoutAJacobian) {
  const auto parameters = square_network("tanh", 61, 3, 1.2);
  const FactoredInverse from_j(spread(parameters, WeightStorage::double_));
  const FactoredInverse from_parameters(parameters, network_key, input_point(61), MPI_COMM_WORLD);
  const auto x = own_vectors(from_j, 1, 7);
  std::vector<double> a(x.size()), b(x.size());
  from_j.apply(x, a);
  from_parameters.apply(x, b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(from_j.condition(), from_parameters.condition());
}

TEST(FactoredInverse, TransposedIsTheAdjoint) {
  const FactoredInverse inverse(spread(square_network("tanh", 203, 5, 1.2), WeightStorage::regenerated));
  const auto x = own_vectors(inverse, 1, 7), y = own_vectors(inverse, 1, 8);
  std::vector<double> ax(x.size()), aty(x.size());
  inverse.apply(x, ax);
  inverse.apply_transposed(y, aty);
  // Both sides round N depth times; products of the five norms exceed |J^-1 x| by a few powers of ten.
  EXPECT_NEAR(dot_over_ranks(ax, y), dot_over_ranks(x, aty),
              1e-10 * std::sqrt(dot_over_ranks(ax, ax) * dot_over_ranks(y, y)));
}

/// How far off one of the inverse's large singular values may be, relative to itself: rounding of the layers' inverses,
/// N epsilon times a condition of 1e3 to 1e4 each, and of the decomposition, relative to the largest of all.
double allowance(double s, double smallest_of_all) {
  return 1e-10 + epsilon * s / smallest_of_all;
}

/// Ten layers of condition 1e3 or so make 1e23, of which a product that is formed keeps 1e16.
TEST(FactoredInverse, SmallestSingularValuesOfADeepGaussianNetwork) {
  const auto parameters = square_network("tanh", 256, 10, 1.5);
  const auto all = whole_spectrum(parameters);
  const JacobianOperator j = spread(parameters, WeightStorage::double_);
  const FactoredInverse inverse(j);
  const auto found = smallest(inverse);
  ASSERT_GT(all.front() / all.back(), 1e21);
  for (std::size_t k = 0; k < 10; ++k) {
    const double expected = all[all.size() - 1 - k], allowed = allowance(expected, all.back());
    EXPECT_NEAR(found[k], expected, allowed * expected) << k;
    EXPECT_TRUE(allowed < 1e-8 || k >= 6);
  }
  for (const SingularValueSolver solver : {SingularValueSolver::trlanczos, SingularValueSolver::randomized}) {
    const auto searched = smallest_singular_values(j, inverse, {6, 1e-12, 100, solver});
    ASSERT_TRUE(searched.converged);
    for (std::size_t k = 0; k < 6; ++k) {
      const double expected = all[all.size() - 1 - k];
      EXPECT_NEAR(searched.values[k], expected, allowance(expected, all.back()) * expected) << k;
    }
  }
  // What the formed product has in their place.
  EXPECT_GT(std::abs(dense_singular_values(j).values.back() / all.back() - 1.0), 1.0);
}

TEST(FactoredInverse, AgreesWithTheDenseProductWhereThatIsRight) {
  const JacobianOperator j = spread(square_network("tanh", 1024, 2, 1.0), WeightStorage::double_);
  const auto dense = dense_singular_values(j).values;
  const auto found = smallest(FactoredInverse(j));
  for (std::size_t k = 0; k < 10; ++k) {
    const double expected = dense[dense.size() - 1 - k];
    // The dense product is right to epsilon times the largest singular value, 1e-9 of the very smallest.
    EXPECT_NEAR(found[k], expected, 1e-10 * expected + epsilon * dense.front()) << k;
    EXPECT_LT(epsilon * dense.front() / expected, k == 0 ? 1e-8 : 1e-9);
  }
}

/// With the very slopes and weights that the inverse is made of.
std::vector<PlainLayer> layers_of(const JacobianOperator& j) {
  const auto n = static_cast<std::size_t>(j.size());
  std::vector<PlainLayer> layers;
  for (int l = 1; l <= j.depth(); ++l) {
    PlainLayer layer{std::vector<double>(n * n), j.slope(l)};
    for (std::size_t i = 0; i < n; ++i) {
      j.weight(l, static_cast<int>(i), std::span(layer.weight).subspan(i * n, n));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

TEST(FactoredInverse, AgreesWithQuadruplePrecision) {
  for (const auto& [n, depth] : {std::pair{32, 5}, std::pair{24, 10}}) {
    const auto parameters = square_network("tanh", n, depth, 1.5);
    const JacobianOperator alone(parameters, network_key, input_point(n), WeightStorage::regenerated, MPI_COMM_SELF);
    std::vector<double> exact = quadruple_logs(layers_of(alone));
    for (double& value : exact) value = std::exp(value);
    const auto found = smallest(FactoredInverse(spread(parameters, WeightStorage::double_)));
    const auto graded = whole_spectrum(parameters);
    ASSERT_GT(exact.front() / exact.back(), 1e9);
    for (std::size_t k = 0; k < exact.size(); ++k) {
      const double expected = exact[exact.size() - 1 - k];
      EXPECT_NEAR(found[k], expected, allowance(expected, exact.back()) * expected) << n << " " << k;
      // Which finds h^l in another order: slopes differ by its rounding, growing from layer to layer.
      EXPECT_NEAR(graded[exact.size() - 1 - k], expected, 1e-12 * expected) << n << " " << k;
    }
  }
}

TEST(FactoredInverse, RefusesWhatHasNoInverse) {
  const auto make = [](const RandomNetwork::Parameters& parameters) {
    return FactoredInverse(spread(parameters, WeightStorage::regenerated));
  };
  EXPECT_THROW(make(square_network("relu", 20, 3, 1.4)), std::invalid_argument);
  EXPECT_THROW(make(square_network("hard_tanh", 20, 3, 3.0)), std::invalid_argument);
  // Layers with rows of zeros.
  EXPECT_THROW(make(square_network("linear", 20, 2, 1.0, {WeightLaw::Kind::sparse, 0.05})), std::invalid_argument);
  // 2 x 2 signs: half of the layers have a pivot that is exactly zero.
  EXPECT_THROW(make(square_network("linear", 2, 20, 1.0, {WeightLaw::Kind::rademacher, 0.0})), std::invalid_argument);
  EXPECT_NO_THROW(make(square_network("tanh", 20, 3, 1.4)));
}

}  // namespace
}  // namespace meander
