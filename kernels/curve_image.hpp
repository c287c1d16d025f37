// What is known of a curve without evaluating it neuron by neuron: its image under a matrix, and the
// length of a polygon through its points.
#pragma once

#include "kernels/curve.hpp"
#include "kernels/network.hpp"

namespace meander {

/// The image of the curve under layer 1's weights, without the bias: again a line, circle or arc (of
/// dimension width(1)), so that layer 1 needs no product with every sample.
Curve first_layer_image(const Network& network, const Curve& curve);

/// Length of the polygon through every `step`-th of the curve's `samples` samples, joined to the end of an
/// open curve and to the beginning of a closed one.
double polygon_length(const Curve& curve, long samples, long step);

}  // namespace meander
