// What is known of a curve without evaluating it neuron by neuron: its image under a matrix, and the
// length of a polygon through its points.
#pragma once

#include "kernels/base/row_arithmetic.hpp"
#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

#include <array>

namespace meander {

/// The image of the curve under layer 1's weights, without the bias: again a line, circle or arc (of
/// dimension width(1)), so that layer 1 needs no product with every sample.
Curve first_layer_image(const Network& network, const Curve& curve);

/// Length of the polygon through a curve's samples, and through every second one: joined to the end of an open curve
/// and to the beginning of a closed one.
class SampledPolygon {
 public:
  /// `curve` has to outlive this.
  SampledPolygon(const Curve& curve, long samples);
  /// Goes on to the next sample, of which the caller knows the coefficients.
  void take(Curve::Coefficients at);
  /// Takes the samples that are left, and the closing side.
  void finish();

  double length() const { return all_.value(); }
  double length_half() const { return half_.value(); }

 private:
  using Point = std::array<double, 2>;

  const Curve& curve_;
  long samples_;
  /// The same curve in its own plane.
  Curve planar_;
  long taken_ = 0;
  Point first_{}, last_{}, last_even_{};
  CompensatedSum all_, half_;
};

}  // namespace meander
