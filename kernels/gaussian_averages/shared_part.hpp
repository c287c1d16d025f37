// Averages over two correlated Gaussians by what they share: given that part they are independent, so that a plane
// becomes a line of squares of one-dimensional averages.
#pragma once

#include <optional>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/networks/activation.hpp"

namespace meander {

/// pair_averages for c in [-1, 1]: u1 = s1 (sqrt(r) x + sqrt(1 - r) y1), u2 = +-s2 (sqrt(r) x + sqrt(1 - r) y2), r =
/// |c|, x, y1, y2 independent standard normals, so that E phi(u1) phi(u2) = E_x g1(x) g2(x), g(x) = E_y phi, and the
/// same of phi'. Gauss-Legendre panels on both lines, which end at kinks and shorten towards zero, where activations
/// bend; with more and more nodes until two results differ by less than 1e-10 of sqrt(E phi(u1)^2 E phi(u2)^2) (and of
/// phi'), so that the last is right to about 1e-14. Nothing where they never do.
std::optional<PairAverages> pair_by_shared_part(const Activation& activation, double q11, double q22, double c);

/// correlation_chord for epsilon in (0, 1]: E (phi(u1) - phi(u2))^2 / 2 is the mean over x of the variance over y.
std::optional<CorrelationChord> chord_by_shared_part(const Activation& activation, double q, double epsilon);

}  // namespace meander
