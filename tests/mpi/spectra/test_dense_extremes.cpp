// All singular values of Jacobians spread over ranks against those found on one to full relative accuracy.
#include "kernels/spectra/dense_extremes.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "tests/support/jacobian_fixture.hpp"

namespace meander {
namespace {

JacobianOperator spread(const RandomNetwork::Parameters& parameters) {
  return {parameters, network_key, input_point(parameters.input_dimension), WeightStorage::double_, MPI_COMM_WORLD};
}

TEST(DenseSingularValues, AgreeWithTheGradedProduct) {
  // Fewer rows than ranks, blocks of ScaLAPACK that are not full, more than one of them, and of the unit vectors.
  for (const int n : {1, 2, 3, 4, 5, 7, 9, 61, 64, 130, 270}) {
    for (const char* phi : {"tanh", "relu"}) {
      const auto parameters = square_network(phi, n, 4, 1.4);
      const auto expected = jacobian_spectrum(RandomNetwork(parameters, network_key), input_point(n)).values;
      const auto found = dense_singular_values(spread(parameters));
      ASSERT_EQ(found.values.size(), expected.size());
      EXPECT_LE(found.error, 1e-13 * expected.front());
      for (std::size_t k = 0; k < expected.size(); ++k) {
        // Slopes differ by the rounding of h^l; products of the layers' norms exceed J's by a power of ten.
        EXPECT_NEAR(found.values[k], expected[k], 1e-12 * expected[k] + 10.0 * found.error)
            << phi << " " << n << " " << k;
      }
    }
  }
}

TEST(DenseSingularValues, HoldOverTheWholeRange) {
  constexpr int n = 70;
  for (const double sigma_w : {1e-75, 1e75}) {  // entries of 1e-300, 1e300
    auto parameters = square_network("linear", n, 4, sigma_w), one = square_network("linear", n, 4, 1.0);
    parameters.sigma_b = 0.0;
    // Divided by sigma_w^4, four times over.
    const auto expected = dense_singular_values(spread(one)).values,
               found = dense_singular_values(spread(parameters)).values;
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(found[k] / sigma_w / sigma_w / sigma_w / sigma_w, expected[k], 1e-12 * expected[k]);
    }
  }
}

TEST(DenseSingularValues, AProductBeyondTheRangeIsReported) {
  constexpr int n = 20;
  auto parameters = square_network("linear", n, 3, 1e150);
  parameters.sigma_b = 0.0;
  const JacobianOperator j(parameters, network_key, std::vector<double>(n), WeightStorage::double_, MPI_COMM_WORLD);
  EXPECT_THROW(dense_singular_values(j), std::overflow_error);
}

}  // namespace
}  // namespace meander
