// Where panels of a quadrature over a Gaussian end because of what an activation does there.
#pragma once

#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// For h ~ N(0, q): the activation's kinks and breaks and the panels of its narrow stretches, ascending, as far as the
/// Gaussian's density is a number.
std::vector<double> quadrature_cuts(const Activation& activation, double q);

}  // namespace meander
