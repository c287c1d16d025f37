// How fast a sequence falls: least squares in the logarithm, for Hermite coefficients against their order and for a
// correlation against the layer.
#pragma once

#include <span>

namespace meander {

/// |f_n| ~ n^-rate (an activation with kinks: rate 5/4), e^(-rate sqrt(n)) (poles at a distance d from the real axis:
/// rate d / sqrt(q)), or e^(-rate n) (entire, such as erf: rate (1/2) ln(1 + 1 / (2 q))), up to slower factors.
enum class DecayLaw { power, stretched, geometric };

struct DecayFit {
  double rate = 0.0;      // NaN with fewer than three terms
  double residual = 0.0;  // of ln |f_n| about the fit, as a root mean square; NaN with fewer than three terms
};

/// Fits the law to the orders of one parity (0 even, 1 odd) from `first` (>= 1) on, leaving out terms with
/// |f_n| <= floor. Coefficients of an activation with kinks oscillate through zero, so energies f_n^2 are taken as
/// scattered about their mean m_n like a gamma variate (as a periodogram is in Whittle's likelihood): the sum of
/// ln m_n + f_n^2 / m_n is smallest, which no dip can pull down. Residual: (1/2) root of the mean deviance, the root
/// mean square of ln |f_n| - fit where that is small.
DecayFit fit_decay(std::span<const double> coefficients, int parity, int first, double floor, DecayLaw law);

/// The length xi of |c^l - c_star| ~ e^(-l / xi), by least squares over layers first .. last (counted from 1, within
/// `c`). NaN where the range holds fewer than two layers, a layer has reached c_star, or c_star is not finite;
/// negative where the distance grows.
double decay_length(std::span<const double> c, double c_star, int first, int last);

}  // namespace meander
