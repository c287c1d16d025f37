// The exponents at which perturbations grow in every layer at infinite width.
#pragma once

#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// Of layers 1 .. finite_layers: those before the first whose q is not finite.
struct LayerExponentTheory {
  int finite_layers = 0;
  /// False where an average that is defined was not found: what needs it is NaN.
  bool converged = true;
  std::vector<double> q, c;
  /// (1/2) ln chi_1(q^l), and its sum over layers 1 to l.
  std::vector<double> exponent, log_growth;
};

/// What LayerExponents of two inputs of mean square q0 and overlap c0 tend to: q and c by the length and correlation
/// maps (Poole et al. 2016, equations 3 and 5).
LayerExponentTheory layer_exponent_theory(const Activation& activation, double sigma_w, double sigma_b, double q0,
                                          double c0, int depth);

}  // namespace meander
