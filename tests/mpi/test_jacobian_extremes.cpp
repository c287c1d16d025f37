// The largest singular values of Jacobians spread over ranks against all of them, found densely on one.
#include "kernels/jacobian_extremes.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/curve.hpp"
#include "kernels/jacobian_operator.hpp"
#include "kernels/jacobian_product.hpp"

namespace meander {
namespace {

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

JacobianOperator spread(const RandomNetwork::Parameters& parameters, WeightStorage storage) {
  return {parameters, key, point(parameters.input_dimension), storage, MPI_COMM_WORLD};
}

struct Case {
  const char* phi;
  double sigma_w;
  int depth;
  WeightStorage storage;
  double tolerance;
};

TEST(LargestSingularValues, AgreeWithTheWholeSpectrum) {
  constexpr int n = 256, count = 10;
  // Weights rounded to single precision move a singular value by the sum over layers of 6e-8 |W| over the rest of the
  // product, some 1e-6 of it.
  for (const Case& c :
       {Case{"tanh", 1.1, 10, WeightStorage::double_, 1e-10}, Case{"tanh", 1.1, 10, WeightStorage::regenerated, 1e-10},
        Case{"tanh", 1.1, 10, WeightStorage::single, 2e-6}, Case{"relu", 1.4, 6, WeightStorage::regenerated, 1e-10},
        Case{"hard_tanh", 1.2, 6, WeightStorage::double_, 1e-10},
        // s^2 would be below the range of double precision.
        Case{"linear", 1e-30, 8, WeightStorage::double_, 1e-10}}) {
    const auto parameters = parameters_of(c.phi, n, c.depth, c.sigma_w);
    const auto all = jacobian_spectrum(RandomNetwork(parameters, key), point(n)).values;
    const JacobianOperator j = spread(parameters, c.storage);
    const auto found = largest_singular_values(j, {count, 1e-12, 500});
    ASSERT_TRUE(found.converged) << c.phi;
    ASSERT_EQ(found.values.size(), static_cast<std::size_t>(count));
    for (std::size_t k = 0; k < count; ++k) {
      EXPECT_NEAR(found.values[k], all[k], c.tolerance * all[k]) << c.phi << " " << k;
      EXPECT_LE(found.residuals[k], 1.1e-12 * found.values[0] / found.values[k] * found.values[0]);
    }
    // N times depth epsilon is 6e-13.
    EXPECT_LT(found.adjoint_error, 1e-11);
  }
}

TEST(LargestSingularValues, AnUnfinishedSearchSaysSo) {
  const JacobianOperator j = spread(parameters_of("tanh", 400, 1, 1.0), WeightStorage::double_);
  const auto found = largest_singular_values(j, {5, 1e-13, 1});
  EXPECT_FALSE(found.converged);
  EXPECT_LT(found.values.size(), 5U);
}

TEST(LargestSingularValues, AClosedNetworkHasZeros) {
  auto parameters = parameters_of("relu", 20, 2, 1.0);
  parameters.activation = Activation::piecewise_linear({1e6}, {0.0, 1.0}, 0.0, 0.0);
  const auto found = largest_singular_values(spread(parameters, WeightStorage::regenerated), {3, 1e-10, 50});
  ASSERT_TRUE(found.converged);
  EXPECT_EQ(found.values, std::vector<double>(3, 0.0));
  EXPECT_EQ(found.residuals, std::vector<double>(3, 0.0));
}

TEST(LargestSingularValues, NoMoreThanThereAre) {
  const JacobianOperator j = spread(parameters_of("tanh", 12, 2, 1.0), WeightStorage::double_);
  EXPECT_THROW(largest_singular_values(j, {13, 1e-10, 50}), std::invalid_argument);
  EXPECT_THROW(largest_singular_values(j, {0, 1e-10, 50}), std::invalid_argument);
}

}  // namespace
}  // namespace meander
