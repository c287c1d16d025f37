// In how many directions a curve's image spreads, layer by layer.
#pragma once

#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

/// Of layers 1 .. finite_layers: those before the first with a number that is not finite.
struct ParticipationRatio {
  int finite_layers = 0;
  /// (sum s^2)^2 / sum s^4 of the singular values s of the samples of x^l about their mean: the number of principal
  /// components with equal variance that would give the same ratio, between 1 and min(samples - 1, width). NaN where
  /// the image is a single point, or so small about its place that rounding of that place is what spreads it.
  std::vector<double> ratio;
};

/// At `samples` points of the curve, equally spaced in t as its other measures take them; a layer's image is what it
/// hands on, of whatever kind it is. sum s^2 and sum s^4 are the trace and the squared Frobenius norm of the samples'
/// or the neurons' Gram matrix, whichever is smaller: no singular value is lost to a decomposition's rounding of the
/// largest. Throws std::invalid_argument for fewer than two samples or a curve of another dimension than the network's.
ParticipationRatio participation_ratio(const Network& network, const Curve& curve, long samples);

/// Bytes that it holds at most.
double participation_ratio_bytes(const Network& network, long samples);

}  // namespace meander
