// The mean-field length map q -> V(q) and where it leads.
#pragma once

#include "kernels/activation.hpp"

namespace meander {

/// V(q) = sigma_w^2 E phi(h)^2 + sigma_b^2, h ~ N(0, q) (Poole et al. 2016, equation 3).
double length_map(const Activation& activation, double sigma_w, double sigma_b, double q);

/// The length map's attractor reached from q0 >= 0: 0 where it collapses, +inf where it diverges,
/// NaN where the iteration has no limit (a cycle) or the map is undefined. Where every q is a fixed
/// point (bias-free ReLU at sigma_w^2 = 2), q0 itself.
double attractor(const Activation& activation, double sigma_w, double sigma_b, double q0 = 1.0);

}  // namespace meander
