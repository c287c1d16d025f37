// Points of a decision boundary: where G changes its sign along a curve through input space, or near a given input.
#pragma once

#include <optional>
#include <span>

#include "kernels/curves/curve.hpp"
#include "kernels/decision_boundary/boundary_function.hpp"

namespace meander {

struct BoundarySearch {
  /// Of |G| relative to BoundaryPoint::scale.
  double tolerance = 1e-12;
  /// Most samples of the curve among which a change of sign is looked for.
  long samples = 512;
};

/// The point with the smallest |G| found; `converged` where it meets the tolerance. In a chaotic network of depth D
/// the last bit of the input is amplified to sqrt(chi_1)^D of it, which bounds what can be met.
struct BoundaryHit {
  BoundaryPoint point;
  double residual = 0.0;  // |G| / scale
  bool converged = false;
  int newton_steps = 0;  // within the bracket, or from the given start
};

/// The first change of sign among the samples of `curve`, which are doubled from 32 until there is one, then Newton's
/// method along the curve, with the exact derivative, kept within the bracket by bisection; at last Newton steps
/// along the gradient, whose components round each for itself. Nothing where the sign never changes. At most
/// samples + 200 evaluations.
std::optional<BoundaryHit> boundary_on_curve(const BoundaryFunction& boundary, const Curve& curve,
                                             const BoundarySearch& search);

/// Newton steps along the gradient from `start`, each at most a tenth of |start| long and halved until |G| falls; at
/// most 100. Nothing where they lead nowhere.
std::optional<BoundaryHit> boundary_near(const BoundaryFunction& boundary, std::span<const double> start,
                                         const BoundarySearch& search);

}  // namespace meander
