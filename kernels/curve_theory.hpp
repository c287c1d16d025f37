// Mean-field theory of a curve's image in a wide random network: length growth, transitions and
// sign changes per layer, and bounds on the growth.
#pragma once

#include <vector>

#include "kernels/activation.hpp"
#include "kernels/curve.hpp"

namespace meander {

/// Gaussian averages that the recursion needs, h ~ N(0, q):
/// E phi^2, E phi phi' h, E phi'^2, E phi'^2 h^2. Closed forms for piecewise-linear activations,
/// otherwise a trapezoid rule whose step shrinks like 1/sqrt(q) (relative error below 1e-10).
struct GaussianMoments {
  double phi2 = 0.0;
  double phi_dphi_h = 0.0;
  double dphi2 = 0.0;
  double dphi2_h2 = 0.0;
};
GaussianMoments gaussian_moments(const Activation& activation, double q);

/// The length map's attractor reached from q0: 0 where it collapses, +inf where it diverges.
double attractor(const Activation& activation, double sigma_w, double sigma_b, double q0 = 1.0);

/// Predictions for layers 1..depth at infinite width, for the given widths where a count sums over
/// neurons. NaN where a quantity is not defined.
struct CurveTheory {
  std::vector<double> growth;        // E length(l) / length(l-1), with the width ratio
  std::vector<double> transitions;   // summed over the layer's neurons; NaN if not piecewise linear
  std::vector<double> sign_changes;  // summed over the layer's neurons
  std::vector<double> growth_lower_bound;
  std::vector<double> growth_upper_bound;
};

struct TheoryParameters {
  int input_dimension = 0;
  std::vector<int> widths;
  double sigma_w = 1.0;
  double sigma_b = 0.0;
  /// The rigorous lower bound needs Gaussian weights.
  bool gaussian_weights = true;
};
CurveTheory curve_theory(const Activation& activation, const TheoryParameters& parameters, const Curve& curve);

}  // namespace meander
