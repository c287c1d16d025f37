// Principal curvatures by SLEPc's products against the dense Hessian's.
#include "kernels/decision_boundary/boundary_curvature.hpp"
#include "kernels/decision_boundary/boundary_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace meander {
namespace {

TEST(PrincipalCurvatures, BothSolversAgree) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 150;
  parameters.widths = {60, 80, 70};
  parameters.activation = Activation::named("tanh");
  parameters.sigma_w = 3.0;
  parameters.sigma_b = 0.3;
  const StreamKey key = stream_key(11, 0);
  const RandomNetwork network(parameters, key);
  const BoundaryFunction boundary(network, gaussian_point(key, 7, 70), 0.0);
  std::vector<double> x = gaussian_point(key, 0, 150), y = gaussian_point(key, 1, 150);
  const auto hit = boundary_on_curve(boundary, curve_between(CurveKind::circle, x, y), {});
  ASSERT_TRUE(hit && hit->converged);
  const auto dense = principal_curvatures(boundary, hit->point, {4, CurvatureSolver::dense});
  const auto krylov = principal_curvatures(boundary, hit->point, {4, CurvatureSolver::slepc});
  for (std::size_t l = 0; l < dense.size(); ++l) {
    ASSERT_TRUE(krylov[l].converged && !krylov[l].dense && dense[l].dense) << l;
    EXPECT_TRUE(std::isnan(krylov[l].rms));
    ASSERT_EQ(krylov[l].largest.size(), 4U);
    const double norm = std::max(dense[l].largest[0], -dense[l].smallest[0]);
    for (std::size_t k = 0; k < 4; ++k) {
      // An eigenvalue lies within each residual; products of 150 terms round by 1e-13 of the norm at most.
      EXPECT_NEAR(krylov[l].largest[k], dense[l].largest[k], krylov[l].residual_largest[k] + 1e-13 * norm) << l;
      EXPECT_NEAR(krylov[l].smallest[k], dense[l].smallest[k], krylov[l].residual_smallest[k] + 1e-13 * norm) << l;
      EXPECT_LT(krylov[l].residual_largest[k], 2e-11 * norm);
    }
  }
}

TEST(PrincipalCurvatures, BothSolversAgreeInEverySmallSpaceForEveryCount) {
  for (int size = 2; size <= 9; ++size) {
    RandomNetwork::Parameters parameters;
    parameters.input_dimension = size;
    parameters.widths = {size, size};
    parameters.activation = Activation::named("tanh");
    parameters.sigma_w = 2.0;
    parameters.sigma_b = 0.3;
    const StreamKey key = stream_key(12, static_cast<std::uint32_t>(size));
    const RandomNetwork network(parameters, key);
    const BoundaryFunction boundary(network, gaussian_point(key, 7, size), 0.0);
    const auto point = boundary.at(gaussian_point(key, 0, size));  // curvatures of the level set through it
    for (int count = 1; count <= size; ++count) {
      const auto dense = principal_curvatures(boundary, point, {count, CurvatureSolver::dense});
      const auto krylov = principal_curvatures(boundary, point, {count, CurvatureSolver::slepc});
      for (std::size_t l = 0; l < dense.size(); ++l) {
        ASSERT_TRUE(krylov[l].converged) << size << " " << count;
        ASSERT_EQ(krylov[l].largest.size(), dense[l].largest.size());
        ASSERT_EQ(krylov[l].smallest.size(), dense[l].smallest.size());
        const double norm = std::max(std::abs(dense[l].largest[0]), std::abs(dense[l].smallest[0]));
        for (std::size_t k = 0; k < dense[l].largest.size(); ++k) {
          EXPECT_NEAR(krylov[l].largest[k], dense[l].largest[k], 1e-10 * norm) << size << " " << count << " " << l;
          EXPECT_NEAR(krylov[l].smallest[k], dense[l].smallest[k], 1e-10 * norm) << size << " " << count << " " << l;
        }
      }
    }
  }
}

}  // namespace
}  // namespace meander
