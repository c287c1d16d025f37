// What pairs of inputs, and small perturbations of them, become in every layer of one network: lengths,
// correlations and the exponents at which perturbations grow.
#pragma once

#include <span>
#include <vector>

#include "kernels/networks/network.hpp"

namespace meander {

/// Averages over the pairs for layers 1 .. finite_layers (those before the first that overflows or is NaN).
struct LayerExponents {
  int finite_layers = 0;
  /// |h^l|^2 / N_l of the first input.
  std::vector<double> q;
  /// The cosine of the angle between both inputs' h^l.
  std::vector<double> c;
  /// (1/2) ln of the factor by which layer l multiplies the mean square of a perturbation's components, x^(l-1) to
  /// x^l: a mean of logarithms. -inf where a perturbation dies in the layer (no slope anywhere), NaN after that.
  std::vector<double> exponent;
  /// (1/2) ln of the mean over perturbations of the factor from the input to x^l: the logarithm of a mean, whose
  /// expectation at large width is the sum of (1/2) ln chi_1(q^l) (Poole et al. 2016, equation 6).
  std::vector<double> log_growth;
};

/// `first`, `second` and `perturbation` are row-major (pairs, network.input_dimension()), a perturbation being a
/// tangent vector at the pair's first input, carried by the exact Jacobian. Throws std::invalid_argument where their
/// sizes differ or hold no whole pairs.
LayerExponents layer_exponents(const Network& network, std::span<const double> first, std::span<const double> second,
                               std::span<const double> perturbation);

/// A pair of inputs and a perturbation.
struct ProbePair {
  std::vector<double> first, second, perturbation;
};

/// Pair `index` of a realization (pair 0 is that of signal_propagation): Gaussian points 2 index and 2 index + 1,
/// scaled to mean square q0 and turned to overlap c0 = x0.x1 / (|x0| |x1|) exactly (-1 <= c0 <= 1, dimension >= 2),
/// with a Gaussian perturbation perpendicular to the first (purpose `perturbation`, layer 0), so that it turns the
/// input without changing its length.
ProbePair probe_pair(StreamKey key, int index, int dimension, double q0, double c0);

}  // namespace meander
