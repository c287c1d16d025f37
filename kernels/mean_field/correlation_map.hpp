// One step of the mean-field correlation map, for two inputs of any lengths.
#pragma once

#include "kernels/networks/activation.hpp"

namespace meander {

/// The next layer's covariance sigma_w^2 E phi(u1) phi(u2) + sigma_b^2 for pre-activations (u1, u2) of variances q11,
/// q22 >= 0 and covariance q12 (Poole et al. 2016, equation 5, with q11 and q22 apart). |q12| above sqrt(q11 q22) is
/// taken as rounding up to 1e-9 of it and is NaN beyond. Accuracy 1e-12 of sqrt(V(q11) V(q22)).
double covariance_map(const Activation& activation, double sigma_w, double sigma_b, double q11, double q22, double q12);

/// sigma_w^2 E phi'(u1) phi'(u2): the map's derivative with respect to q12. Where a variance is zero, the limit from
/// independent small ones (at a kink in zero: the mean slope).
double covariance_slope(const Activation& activation, double sigma_w, double q11, double q22, double q12);

}  // namespace meander
