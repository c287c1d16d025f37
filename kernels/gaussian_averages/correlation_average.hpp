// Averages of an activation over two correlated Gaussians: the plain road to every correlation map.
#pragma once

#include "kernels/networks/activation.hpp"

namespace meander {

/// E phi(u1) phi(u2) and E phi'(u1) phi'(u2).
struct PairAverages {
  double phi_phi = 0.0;
  double dphi_dphi = 0.0;
};

/// For centred Gaussians u1, u2 of variances q11, q22 > 0 and correlation c in [-1, 1], to 1e-12 of
/// sqrt(E phi(u1)^2 E phi(u2)^2) (and the same of phi'). Piecewise linear: the second derivative in c is a sum of
/// bivariate normal densities at the breakpoints (Plackett 1954), integrated over the angle whose sine is c (what they
/// share, where those cancel). Hermite series: Mehler's finite sum. Others: Mehler's series where it converges fast,
/// else what they share (shared_part.hpp), so that |c| near 1 costs less, not more. NaN where nothing converges.
PairAverages pair_averages(const Activation& activation, double q11, double q22, double c);

/// How far two inputs move apart, free of cancellation near c = 1 - epsilon = 1: chord = E (phi(u1) - phi(u2))^2 /
/// (2 q epsilon), which becomes E phi'^2 at epsilon = 0 and is that times a mean slope of the correlation map, and
/// tangent = E phi'(u1) phi'(u2).
struct CorrelationChord {
  double chord = 0.0;
  double tangent = 0.0;
};

/// For q11 = q22 = q > 0 and epsilon in (0, 1]; accuracy and methods as for pair_averages.
CorrelationChord correlation_chord(const Activation& activation, double q, double epsilon);

}  // namespace meander
