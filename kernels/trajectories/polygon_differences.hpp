// The polygon through a curve's images, by its sides: where layers contract, the sides fall below the rounding of the
// corners and no difference of these is left.
#pragma once

#include <span>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/trajectories/sampled_curve.hpp"

namespace meander {

struct PolygonLengths {
  /// Of the images x^l under layers 1..layers, through all samples and through every second one (see SampledCounts).
  std::vector<double> length, length_half;
};

/// Carries the corners' values and the sides: W d is a layer's side, and phi(h + d) - phi(h) its image
/// (SideImage). In double, from the differences of the curve's own sines and cosines on; a side has the
/// relative precision of its sums, whatever its size. Takes dense layers.
PolygonLengths polygon_by_differences(const Network& network, const Curve& curve, long samples, int layers);

/// Bytes that it holds at most, the first layer's weights aside.
double polygon_by_differences_bytes(std::span<const int> widths, long samples);

/// Whether rounding of values of the given norm, in that precision, may show in the mean of `sides` sides of a polygon
/// of that length: in double where it is more than 1e-6 of them, in single precision more than 2e-3, since it is as
/// good as independent from side to side and its square counts. Values that have vanished below the smallest number are
/// rounding.
bool is_near_rounding(double length, long sides, double norm, Precision precision);

}  // namespace meander
