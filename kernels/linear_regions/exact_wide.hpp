// One stretch of a curve walked with so many digits that only exact ties are left: for what the walk in double cannot
// tell apart.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/base/wide_float.hpp"
#include "kernels/linear_regions/exact_walk.hpp"

namespace meander {

/// A stretch to walk: from t to `next`, or to the end of the circle.
struct WideRequest {
  double t = 0.0, next = 0.0;
  bool closes = false;
  bool lengths = true;
  /// Leading layers whose values a double holds.
  int finite_layers = 0;
  /// By pass, the readout last where there is one: states with which the neurons enter, empty at the beginning of a
  /// curve; and those in which a closed curve has to end.
  const std::vector<std::vector<std::int32_t>>* entry = nullptr;
  const std::vector<std::vector<std::int32_t>>* initial = nullptr;
};

struct WideStretch {
  StretchTally tally;
  /// In order, with their fine places.
  std::vector<Boundary> boundaries;
  /// By pass.
  std::vector<std::vector<std::int32_t>> entry, exit;
  /// Whether all places that count as one agree to so many digits that they are one.
  bool certain = true;
};

/// The first layer's curve for as many digits as it is walked with.
template <int words>
struct WideFirstLayer {
  /// h = center + u cos t + v sin t (or center + t u); or bias + vector (center + ...), where the curve lies on a line
  /// through the origin.
  std::vector<WideFloat<words>> center, u, v, vector;
  /// Errors of the components, in units of the walk's rounding, but for what t adds.
  std::vector<double> error;
};

/// Walks with 256 bits; and with 1024 and 4096 where a network is so steep that these do not do.
class WideWalk {
 public:
  WideWalk(const ExactNetwork::Prepared& network, const FirstLayer& first) : network_(network), first_(first) {}

  /// The policy is `ExactOptions`'. Every layer's affine map is computed anew on each piece, in the order in which a
  /// reader would, and states are taken in the middle of pieces; roots in z = tan(x / 2), x the angle from the
  /// stretch's beginning, need no more than a square root. The stretch is shorter than half a turn.
  WideStretch walk(const WideRequest& request);

 private:
  template <int words>
  WideStretch walk_with(const WideRequest& request, WideFirstLayer<words>& kept);

  const ExactNetwork::Prepared& network_;
  const FirstLayer& first_;
  WideFirstLayer<4> four_;
  WideFirstLayer<16> sixteen_;
  WideFirstLayer<64> most_;
};

}  // namespace meander
