// Two inputs through one network, layer by layer: their lengths and correlation, gradients back through the layers, and
// the growth of a perturbation put into one layer.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "kernels/networks/network.hpp"
#include "kernels/random/random_stream.hpp"

namespace meander {

struct PropagationOptions {
  /// Probability that dropout keeps a post-activation, which is then divided by it; 1: no dropout. The two inputs have
  /// independent masks (purpose `dropout`, the layer, row 0 or 1, the neuron's column: kept where the uniform is below
  /// `keep`). The input layer is not masked.
  double keep = 1.0;
  bool gradients = false;
  bool perturbations = false;
};

/// Vectors run over layers 1..depth.
struct Propagation {
  /// Number of leading layers whose q of both inputs is finite; what follows them is meaningless.
  int finite_layers = 0;
  /// |h^l|^2 / N_l, mean of the two inputs.
  std::vector<double> q;
  /// h^l(x0).h^l(x1) / (|h^l(x0)| |h^l(x1)|); NaN where one of them is zero.
  std::vector<double> c;
  /// |dy/dh^l|^2 / |dy/dh^L|^2 at x0, L the last layer, y a random readout of x^L (purpose `readout`). Empty unless
  /// every layer is finite.
  std::vector<double> gradient;
  /// |dh^L|^2 / |dh^l|^2 for an infinitesimal perturbation of h^l(x0) in a random direction (purpose `perturbation`,
  /// layer l). Empty unless every layer is finite.
  std::vector<double> perturbation_growth;
};

/// Inputs x0 and x1 (input_dimension) through `network`, in double. `key` is the stream of masks, readout and
/// directions. Lengths and correlations are taken through any layers, the rest through dense ones. Throws
/// std::invalid_argument where the layers are others, the dimensions differ or keep is outside (0, 1].
Propagation propagate(const Network& network, std::span<const double> x0, std::span<const double> x1, StreamKey key,
                      const PropagationOptions& options);

/// The plain twin: whole Jacobians multiplied together.
Propagation propagate_plain(const Network& network, std::span<const double> x0, std::span<const double> x1,
                            StreamKey key, const PropagationOptions& options);

/// The points x0 and x0' c0 + perpendicular sqrt(1 - c0^2) of mean square q0: correlation c0 exactly (to rounding).
/// Throws std::invalid_argument where |c0| > 1, or where x1 is parallel to x0 and |c0| < 1 (one dimension).
void correlate(std::span<double> x0, std::span<double> x1, double q0, double c0);

}  // namespace meander
