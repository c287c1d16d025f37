// Order and chaos at infinite width: fixed points of the length and correlation maps, their stability, depth scales
// and the critical line (Poole et al. 2016; Schoenholz et al. 2017).
#pragma once

#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// One point of the phase diagram. `keep` is dropout's keep probability rho, its masks being drawn anew for every
/// input and unit, and kept units scaled by 1 / rho.
struct MeanFieldParameters {
  double sigma_w = 1.0;
  double sigma_b = 0.0;
  /// Where the length map starts: a mean square of pre-activations.
  double q0 = 1.0;
  double keep = 1.0;
};

struct PhasePoint {
  /// The attractor of V(q) = (sigma_w^2 / rho) E phi^2 + sigma_b^2 reached from q0: 0 where it collapses, +inf where
  /// it diverges, NaN where V is undefined.
  double q_star = 0.0;
  /// Mean squared singular value of one layer's Jacobian, (sigma_w^2 / rho) E phi'^2, and the same of phi''. Limits
  /// where q* is 0 or infinite; chi_2 is +inf where phi' jumps.
  double chi_1 = 0.0;
  double chi_2 = 0.0;
  /// The stable fixed point in [0, 1] of C(c) = (sigma_w^2 E phi phi + sigma_b^2) / q*. NaN where q* is 0 or
  /// infinite, and where C is the identity.
  double c_star = 0.0;
  /// Depth scales -1 / ln |V'(q*)| and -1 / ln C'(c*): +inf where the approach is algebraic (or, with C the identity,
  /// there is none), NaN where there is nothing to approach.
  double xi_q = 0.0;
  double xi_c = 0.0;
  /// False where an iteration ran into its bound: what it should have given, and what follows from it, is NaN.
  bool converged = true;
};

/// Relative accuracy 1e-9 or better for sigma_w <= 8, sigma_b <= 4 (c_star, xi_c: as far as 1 - C'(c*) can be told from
/// rounding). Every average by quadrature: milliseconds. MeanFieldTable gives the same in microseconds.
PhasePoint phase_point(const Activation& activation, const MeanFieldParameters& parameters);
PhasePoint phase_point(const Activation& activation, double sigma_w, double sigma_b, double q0 = 1.0);

/// The smallest sigma_w at which chi_1 = 1 on the attractor reached from q0; NaN if there is none. `parameters.sigma_w`
/// is ignored. Along the line q = q*, sigma_w^2 = rho / E phi'^2 and sigma_b^2 = q - E phi^2 / E phi'^2: the last
/// equation is solved for q.
double sigma_w_critical(const Activation& activation, const MeanFieldParameters& parameters);
double sigma_w_critical(const Activation& activation, double sigma_b, double q0 = 1.0);

/// A fixed point q = V(q) and V'(q) there: stable where |V'| < 1.
struct LengthFixedPoint {
  double q = 0.0;
  double slope = 0.0;
};

/// Every isolated fixed point of the length map with 1e-12 < q < 1e6 at which V(q) - q changes its sign, ascending,
/// and q = 0 where it is one. Between neighbours the map leads to one of them: an unstable one is the edge of two
/// basins. Empty where every q is fixed, and where V is undefined.
std::vector<LengthFixedPoint> length_fixed_points(const Activation& activation, const MeanFieldParameters& parameters);

/// The starting q0 that lead to where parameters.q0 leads: from the nearest fixed point below to the nearest one
/// above that repel; 0 and +inf where there are none. Both NaN where V is undefined, and q0 where every q is fixed.
struct Basin {
  double low = 0.0;
  double high = 0.0;
};

Basin length_basin(const std::vector<LengthFixedPoint>& fixed_points, double q_star);

}  // namespace meander
