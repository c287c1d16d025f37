// Mean-field theory of two signals, their gradients and perturbations in every layer of a wide random network.
#pragma once

#include <vector>

#include "kernels/mean_field/correlation_state.hpp"
#include "kernels/networks/activation.hpp"

namespace meander {

struct PropagationParameters {
  std::vector<int> widths;
  double sigma_w = 1.0;
  double sigma_b = 0.0;
  /// Dropout's keep probability; masks of the two inputs are independent, the input layer is not masked.
  double keep = 1.0;
};

/// Predictions for layers 1..depth at infinite width.
struct PropagationTheory {
  /// Layers before the first whose q is beyond the range of numbers, or undefined: those that q and c have. Where it is
  /// not all of them, gradient and perturbation_growth are empty.
  int finite_layers = 0;
  /// False where an average that is defined was not found: what needs it is NaN.
  bool converged = true;
  /// Mean of the two inputs' q: q^1 = sigma_w^2 q^0 + sigma_b^2, q^l = (sigma_w^2 / keep) E phi^2 + sigma_b^2 (Poole et
  /// al. 2016, equation 3; Schoenholz et al. 2017, section 5).
  std::vector<double> q;
  /// q01 / sqrt(q00 q11), NaN where a length is 0, iterated as correlation_state.hpp says: 1 and -1 stay what they are
  /// where they are fixed.
  std::vector<double> c;
  /// Product over k = l..L-1 of chi^k = (sigma_w^2 / keep) E phi'^2 at the first input's q^k: the squared gradient of
  /// layer l over that of the last one, L.
  std::vector<double> gradient;
  /// The same product times N_L / N_l: the squared growth of a perturbation of layer l.
  std::vector<double> perturbation_growth;
};

PropagationTheory propagation_theory(const Activation& activation, const PropagationParameters& parameters,
                                     const InputCovariance& inputs);

}  // namespace meander
