// The average of any function built from an activation over a centred Gaussian.
#pragma once

#include <functional>

#include "kernels/networks/activation.hpp"

namespace meander {

/// E f(h), h ~ N(0, q), for f made of phi and its derivatives, to 1e-10 of E |f|. The breakpoints of a piecewise
/// linear `activation` are taken as f's own (short Gauss-Legendre panels between them); elsewhere the trapezoid rule
/// of gaussian_moments, then adaptive quadrature. NaN where f cannot be averaged, and for q that is negative or not
/// finite. q = 0 gives f(0); where 0 is a breakpoint, the mean of f on both sides, which is the limit q -> 0.
double gaussian_average(const Activation& activation, double q, const std::function<double(double)>& f);

}  // namespace meander
