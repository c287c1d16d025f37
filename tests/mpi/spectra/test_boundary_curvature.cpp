// Principal curvatures by SLEPc's products against the dense Hessian's.
#include "kernels/decision_boundary/boundary_curvature.hpp"
#include "kernels/decision_boundary/boundary_search.hpp"

#include <gtest/gtest.h>

#include <cmath>
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

}  // namespace
}  // namespace meander
