// The mean-field length map q -> V(q) and where it leads.
#pragma once

#include <functional>

#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/networks/activation.hpp"

namespace meander {

/// V(q) = sigma_w^2 E phi(h)^2 + sigma_b^2, h ~ N(0, q) (Poole et al. 2016, equation 3).
double length_map(const Activation& activation, double sigma_w, double sigma_b, double q);

/// The length map's attractor reached from q0 >= 0: 0 where it collapses, +inf where it diverges,
/// NaN where the map is undefined. Where every q is a fixed point (bias-free ReLU at
/// sigma_w^2 = 2), q0 itself. There is always a limit: d ln V / d ln q > -1/2 for any activation
/// (q^(1/2) times a Gaussian average rises with q), so that V has no cycle of two, hence none.
double attractor(const Activation& activation, double sigma_w, double sigma_b, double q0 = 1.0);

/// Whether linear pieces make V(q) - q a positive constant or positive multiple of sqrt(q) in the limit of large q, the
/// gain being exactly critical there: E phi^2 = A q + B sqrt(q) + C + O(q^(-1/2)) with A the mean square of the outer
/// slopes, sigma_w^2 A = 1 up to the rounding of sigma_w. No fixed point lies out there, however rounding has it.
bool drifts_to_infinity(const Activation& activation, double sigma_w, double sigma_b);

/// The same with the activation's moments from elsewhere (an interpolation).
using MomentSource = std::function<GaussianMoments(double q)>;
double attractor(const Activation& activation, double sigma_w, double sigma_b, double q0, const MomentSource& moments);

}  // namespace meander
