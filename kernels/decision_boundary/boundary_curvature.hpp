// Principal curvatures of a decision boundary, at the input and in the space of every layer (Poole et al. 2016,
// section 5).
#pragma once

#include <vector>

#include "kernels/decision_boundary/boundary_function.hpp"

namespace meander {

enum class CurvatureSolver { automatic, dense, slepc };

struct CurvatureOptions {
  /// Curvatures at either end of the spectrum; all N - 1, where a layer has fewer.
  int count = 4;
  CurvatureSolver solver = CurvatureSolver::automatic;
};

/// The boundary {G = 0}, G taken as a function of one layer's pre-activations h^l, or of the input. The normal is
/// n = +grad G / |grad G|; the principal curvatures are the N - 1 eigenvalues of P (d2G) P / |grad G| in the tangent
/// space, P = 1 - n n'. In units of one over the length of h^l (or of the input).
struct LayerCurvatures {
  double gradient_norm = 0.0;
  std::vector<double> largest;   // descending
  std::vector<double> smallest;  // ascending
  /// |A v - kappa v| of the eigenvector: an eigenvalue lies at least so near.
  std::vector<double> residual_largest, residual_smallest;
  double rms = 0.0;  // over all N - 1; NaN where the Hessian was not formed
  bool dense = true;
  bool converged = true;
};

/// Index 0 is the input, index l layer l. With `slepc` (which needs MPI started) the Hessian is known by its exact
/// products only; `automatic` takes the solver that `choose_dense` gives. Throws std::domain_error where a gradient
/// vanishes or is not finite.
std::vector<LayerCurvatures> principal_curvatures(const BoundaryFunction& boundary, const BoundaryPoint& point,
                                                  const CurvatureOptions& options);

/// Which layers are solved dense; sizes are those of the input and of every layer. Dense Hessians come from the
/// last layer downwards, so that once one is not formed, none before it is.
std::vector<bool> choose_dense(const std::vector<int>& sizes, const CurvatureOptions& options);

/// Expected seconds on one current core, and bytes beside the network's weights, of `principal_curvatures`.
struct CurvatureCost {
  double seconds = 0.0, bytes = 0.0;
};
CurvatureCost curvature_cost(const std::vector<int>& sizes, const CurvatureOptions& options);

}  // namespace meander
