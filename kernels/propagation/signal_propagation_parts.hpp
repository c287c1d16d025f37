// What the propagation of signals draws besides the network, shared with the plain twin and its tests.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/networks/activation.hpp"
#include "kernels/random/random_stream.hpp"

namespace meander {

/// 1 where dropout keeps the neuron, else 0 (width). `input` is 0 or 1.
std::vector<double> dropout_mask(StreamKey key, int layer, std::uint32_t input, int width, double keep);

/// phi'(h) mask / keep.
std::vector<double> masked_slopes(const Activation& activation, std::span<const double> h, std::span<const double> mask,
                                  double keep);

/// Standard normals: the readout whose gradient is taken.
std::vector<double> readout_direction(StreamKey key, int width);

/// A random unit vector.
std::vector<double> perturbation_direction(StreamKey key, int layer, int width);

}  // namespace meander
