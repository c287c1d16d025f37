// How the sampled kernel divides its samples, for its tests: results beyond rounding do not depend
// on it.
#pragma once

#include "kernels/trajectories/sampled_curve.hpp"

namespace meander {

/// Activations of `panel` samples are held at a time, in rows `stride` elements apart; each layer is
/// multiplied with `block` of them at a time. Both are even, so that every second sample of the curve is
/// every second one of the panel. All layers' weights are kept, or drawn anew for each panel.
struct PanelPlan {
  long stride = 0;
  long panel = 0;
  long block = 0;
  bool keep_weights = true;
};

/// Elements from one row to the next where rows of `width` elements are to be multiplied fast.
long row_stride(long width);

/// A function of the shapes and the number of samples only, so that no rank count or memory of a
/// machine changes a result.
PanelPlan plan_panels(std::span<const int> widths, long samples, Precision precision);

SampledCounts sample_curve(const Network& network, const Curve& curve, const SampledOptions& options,
                           const PanelPlan& plan);

/// Throws std::invalid_argument where the curve does not fit the network or the samples are too few.
void check_sampled_curve(const Network& network, const Curve& curve, const SampledOptions& options);

}  // namespace meander
