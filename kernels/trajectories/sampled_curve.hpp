// Lengths, transitions, sign changes and activation patterns of a curve's image in every layer,
// counted between samples of the curve.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

enum class Precision { single, double_ };

struct SampledOptions {
  /// Points on the curve, both ends of an open one included; at least 2 (line, arc) or 3 (circle).
  long samples = 1000;
  Precision precision = Precision::double_;
  /// Count switches between linear pieces, pieces and patterns (needs a piecewise-linear activation).
  bool transitions = true;
};

/// Counts over the intervals between neighbouring samples; a circle's last sample is joined to its
/// first. Vectors run over layers 1..depth. A layer from which on values overflow
/// (`finite_layers` < depth) and everything after it is meaningless and must not be used.
struct SampledCounts {
  /// Number of leading layers whose pre- and post-activations are all finite and whose length is.
  int finite_layers = 0;
  /// Length of the input polygon through the samples, and of each layer's post-activations x^l: from the first layer on
  /// whose sides are near rounding of its values, by `polygon_by_differences`.
  double input_length = 0.0;
  std::vector<double> length;
  /// The same lengths measured with every second sample only.
  double input_length_half = 0.0;
  std::vector<double> length_half;
  /// Switches of linear piece summed over the layer's neurons (Raghu et al. 2017, section 2.1). A
  /// jump over a piece counts each threshold crossed. Piece of h: number of breakpoints below h.
  std::vector<std::int64_t> transitions;
  std::vector<std::int64_t> transitions_half;
  /// Crossings of h = 0 summed over the layer's neurons; the sign of h is (h > 0).
  std::vector<std::int64_t> sign_changes;
  std::vector<std::int64_t> sign_changes_half;
  /// Linear pieces of layers 1..l along the curve: intervals between samples in which any neuron of
  /// layers 1..l switches, plus one on an open curve, at least one on a closed one.
  std::vector<std::int64_t> pieces;
  /// Distinct activation patterns of layers 1..l among the samples.
  std::vector<std::int64_t> patterns;
  /// Sign changes of the first readout output; empty where the network has none.
  std::optional<std::int64_t> readout_sign_changes;
};

/// The fused kernel: panels of samples, one gemm a layer, everything else in one pass over its
/// output. Same results as the plain twin up to rounding in gemm.
SampledCounts sample_curve(const Network& network, const Curve& curve, const SampledOptions& options);

/// Bytes that `sample_curve` holds at most (what drawing a weight matrix needs besides is the
/// network's affair).
double sampled_curve_bytes(int input_dimension, std::span<const int> widths, const SampledOptions& options);

/// The plain twin: one sample at a time in double, straight from the definitions.
SampledCounts sample_curve_plain(const Network& network, const Curve& curve, const SampledOptions& options);

}  // namespace meander
