// Mean-field theory of a curve's image in a wide random network: length growth, transitions and
// sign changes per layer, and bounds on the growth.
#pragma once

#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/networks/activation.hpp"

namespace meander {

/// Predictions for layers 1..depth at infinite width, for the given widths where a count sums over neurons. NaN where a
/// quantity is not defined.
struct CurveTheory {
  /// Layers before the first whose q is beyond the range of numbers, or undefined, somewhere on the curve:
  /// those that growth and counts are known of.
  int finite_layers = 0;
  /// False where an average or an integral along the curve that is defined was not found: it is NaN.
  bool converged = true;
  std::vector<double> growth;        // length(l) / length(l-1) of post-activations, with the width ratio
  std::vector<double> transitions;   // summed over the layer's neurons; NaN if not piecewise linear
  std::vector<double> sign_changes;  // summed over the layer's neurons
  /// sigma_w s k p / sqrt(k_in (k p + 3 - p)) bounds the expected growth from below, k = width(l),
  /// k_in = width(l-1), p = P(|phi'| = s). It corrects Raghu et al. 2017, theorem 3, whose
  /// constant does not hold at small width: E sqrt(X) >= (E X)^(3/2) / (E X^2)^(1/2), X the sum of
  /// the k neurons' squared slopes. Defined for Gaussian weights and activations whose slopes are
  /// 0 and +-s only, where |x(t)| is constant, so that the path stays perpendicular to its
  /// position; without biases also on any curve if every breakpoint is zero.
  std::vector<double> growth_lower_bound;
  /// sigma_w max|phi'| sqrt(k / k_in) (Jensen); any weight law. NaN where the slope is unbounded or
  /// not known.
  std::vector<double> growth_upper_bound;
};

struct TheoryParameters {
  int input_dimension = 0;
  std::vector<int> widths;
  double sigma_w = 1.0;
  double sigma_b = 0.0;
  /// The lower bound needs Gaussian weights.
  bool gaussian_weights = true;
};

/// Carries q = E h^2, r = E h h', g = E h'^2 (a prime is d/dt) through the layers at points of the
/// actual curve and integrates along it to 1e-9: generalises Poole et al. 2016, equations 3 and 6,
/// to curves on which |x(t)| and the speed vary. Neither overflow nor underflow of q ends the
/// recursion where the activation is asymptotically linear. Throws std::invalid_argument where the
/// curve's dimension is not `input_dimension`.
CurveTheory curve_theory(const Activation& activation, const TheoryParameters& parameters, const Curve& curve);

}  // namespace meander
