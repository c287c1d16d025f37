// Averages of an activation and its slope over a centred Gaussian: what every mean-field map is made of.
#pragma once

#include "kernels/networks/activation.hpp"

namespace meander {

/// Averages over h ~ N(0, q): E phi^2, E phi phi' h, E phi'^2, E phi'^2 h^2, E phi''^2. From them
/// follow the length map sigma_w^2 phi2 + sigma_b^2, its slope sigma_w^2 phi_dphi_h / q (Gaussian
/// integration by parts), chi_1 = sigma_w^2 dphi2 and chi_2 = sigma_w^2 d2phi2 (Poole et al. 2016,
/// equations 3, 6 and 9). d2phi2 is +inf where phi' jumps (the square of a delta), 0 where phi is
/// linear.
struct GaussianMoments {
  double phi2 = 0.0;
  double phi_dphi_h = 0.0;
  double dphi2 = 0.0;
  double dphi2_h2 = 0.0;
  double d2phi2 = 0.0;
};

/// Relative error below 1e-10. Piecewise-linear activations: partial Gaussian moments in closed
/// form (short Gauss-Legendre panels where those would cancel). Others: trapezoid rule in u, with
/// h = min(1, sqrt(q)) sinh u, whose nodes keep a fixed distance from the activation's poles
/// however wide the Gaussian is, halved until it stands; adaptive Gauss-Kronrod in the same
/// variable where it does not (kinks, steep features). NaN where that fails too, and for q that is
/// negative or not finite; d2phi2 alone is NaN where only that fails. q = 0 gives the limit q -> 0.
GaussianMoments gaussian_moments(const Activation& activation, double q);

}  // namespace meander
