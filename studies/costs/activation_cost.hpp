// What an activation takes, a number at a time and in rows.
#pragma once

#include "kernels/networks/activation.hpp"

namespace meander {

/// Seconds of one phi(x), phi'(x) or phi''(x) asked for alone, as quadrature over one Gaussian does, with its share of
/// the quadrature; and of one of the three in rows of some hundred nodes, as over two.
double evaluation_seconds(const Activation& activation);
double node_seconds(const Activation& activation);

/// Seconds of phi for one neuron and sample, in long rows; and with its first and second derivatives.
double row_seconds(const Activation& activation);
double row_seconds_with_derivatives(const Activation& activation);

}  // namespace meander
