// What a pass of a curve's samples notes of every hidden layer.
#pragma once

#include "kernels/base/row_arithmetic.hpp"
#include "kernels/trajectories/curve_outputs.hpp"

#include <span>
#include <vector>

namespace meander {

/// Lengths of images as polygons, how far points lie from the first one beside their own size, and the neurons of the
/// last hidden layer that change at all.
class CurveSpread {
 public:
  explicit CurveSpread(const Network& network);

  /// x^l of the next `count` samples, (count, N_l).
  void take(int layer, std::span<const double> x, long count);
  /// The whole, with the last layer's values, which the samples of `curve` gave.
  CurveOutputs outputs(std::vector<double> outputs, const Curve& curve) const;

 private:
  struct Layer {
    std::vector<double> first, last;
    CompensatedSum length;
    double value = 0.0, difference = 0.0;  // the largest sizes
  };
  int rank_bound(const Curve& curve) const;

  const Network& network_;
  std::vector<Layer> layers_;
  std::vector<bool> changes_;
};

/// Samples that are pushed together, of networks so wide.
long curve_block(int widest, long samples);

}  // namespace meander
