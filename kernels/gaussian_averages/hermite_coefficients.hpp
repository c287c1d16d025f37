// Activations in the basis of Hermite polynomials: what the correlation map's power series is made of.
#pragma once

#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// f_n(q) = E[phi(sqrt(q) z) He_n(z) / sqrt(n!)], z ~ N(0, 1), n = 0 .. count-1 (He_n: the probabilists' Hermite
/// polynomials). Mehler: E phi(u1) phi(u2) = sum_n f_n(q11) f_n(q22) c^n for correlated Gaussians; Parseval:
/// sum f_n^2 = E phi^2. Error below 1e-12 of sqrt(E phi^2).
/// Piecewise linear: closed forms, since phi'' is a sum of deltas. Hermite series: exact, zero beyond their degree.
/// With breaks or narrow stretches (Activation::features): Gauss-Legendre panels that follow them. Others: trapezoid
/// rule, halved until it stands. NaN where that fails, and for q that is negative or not finite.
std::vector<double> hermite_coefficients(const Activation& activation, double q, int count);

}  // namespace meander
