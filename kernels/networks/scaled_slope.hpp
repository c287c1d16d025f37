// Slopes of activations in their tails, where they are below the numbers that a double holds and yet not zero.
#pragma once

#include "kernels/base/scaled_number.hpp"
#include "kernels/networks/activation.hpp"

namespace meander {

/// phi'(x): the derivative itself (exponent 0) where it is a double of full precision, and for tanh, erf, sigmoid,
/// gelu, swish, elu, selu and softplus also below that, from the logarithm of the tail's leading term and its
/// corrections (relative errors epsilon x^2 for erf and gelu, epsilon |x| for the others). The mantissa is zero where
/// the slope is zero; of other activations (series and formulas), whose logarithm is not known, also where it is below
/// 5e-324.
ScaledNumber scaled_slope(const Activation& phi, double x);

}  // namespace meander
