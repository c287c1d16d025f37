// What the layers of a network do to the volume of a small piece of a smooth manifold.
#pragma once

#include <span>
#include <vector>

#include "kernels/networks/network.hpp"
#include "kernels/random/random_stream.hpp"

namespace meander {

/// Of layers 1 .. finite_layers: those before the first in which a pre-activation or a slope is not finite.
struct ManifoldVolume {
  int finite_layers = 0;
  /// ln of sqrt(det g^l) / sqrt(det g^0), g^l_ab = d_a x^l . d_b x^l the metric of the manifold's image among the
  /// post-activations, in the coordinates of the tangents. -infinity where the image has lost a dimension.
  std::vector<double> log_volume;
};

/// The manifold is known by `point`, x^0 (network.input_dimension()), and by its tangents there, row-major (k,
/// input_dimension): the exact Jacobian carries them on, and after each layer they are made orthonormal again and the
/// volume that they spanned is kept as a logarithm, as growth rates of dynamical systems are computed (Benettin et al.
/// 1980), so that neither depth nor k can over- or underflow and near-parallel tangents lose no digits from layer to
/// layer. Dense layers only. Throws std::invalid_argument where sizes do not match, tangents are dependent or there are
/// more than inputs.
ManifoldVolume manifold_volume(const Network& network, std::span<const double> point, std::span<const double> tangents);

/// k Gaussian directions (purpose `perturbation`, layer 0, rows 0 .. k-1), made perpendicular to `point` and
/// orthonormal: row-major (k, point.size()). Throws std::invalid_argument where k exceeds point.size() - 1.
std::vector<double> perpendicular_tangents(StreamKey key, std::span<const double> point, int k);

}  // namespace meander
