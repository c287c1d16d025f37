// Exact counts along a line, circle or arc through a network with a piecewise-linear activation:
// within a linear piece every pre-activation is a cos t + b sin t + c (or a t + c), so that each
// switch of a neuron has a closed form.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

/// Policy. A neuron's state is the number of breakpoints below its h. It changes only where h passes a breakpoint, at
/// the closed-form crossing inside the piece, or where h comes to stay on one (a dead layer without biases): then it is
/// not above, as for a sampled h. A touch without crossing counts nothing, and a start on a breakpoint takes the state
/// right after it. Signs obey the same rules about 0. A circle ends in the state in which it began, so that every
/// threshold is crossed an even number of times. Events at one place count once each and as one piece boundary.
/// Weights, biases and the curve's vectors are the doubles that they are: what the counts mean is exact arithmetic on
/// them.
///
/// Zeros. A layer's input vanishes for a reason, not by chance, where the curve passes the origin (a line through it,
/// or one dimension; vectors parallel within rounding are parallel), where every neuron before is flat at zero or, at
/// this very t, at a breakpoint at which phi is 0 (a layer of one neuron, or with one left alive), and where layers
/// without biases and with phi(0) = 0 carry such a zero on. There h is the bias exactly, whatever rounding says, and a
/// neuron whose bias is on a threshold takes the state right after: it counts there, at that one place, if its state
/// before was another.
///
/// Certificate. A stretch of the curve on which double precision may have chosen - two events closer together than its
/// errors, a value within them of a threshold at the end or extremum of a piece, a length of which they are more than
/// 1e-9 - is walked again with 256 bits, and with 1024 and 4096 where the network is so steep that ties are not told
/// with these (`WideWalk`). `unresolved_events` counts the neighbouring events that are left at one place: exact ties,
/// as where a layer's input vanishes, two neurons are alike or a layer dies. They count as the policy says, and which
/// comes first has no meaning. Errors are estimated, as 32 standard deviations of sums of products that are rounded one
/// by one, not bounded. A curve on which this would take longer than about 10^9 weights times pieces, because ties are
/// everywhere, keeps the rest of its stretches as double precision sees them: there `unresolved_events` counts the
/// events and values in doubt as well, and counts may be off.
struct ExactOptions {
  /// Count distinct patterns on circles and arcs, at 16 bytes each and layer. On a line a pattern
  /// cannot recur: patterns are pieces and cost nothing.
  bool patterns = true;
  /// Keep every switch of piece.
  bool events = false;
  /// Integrate the images' lengths.
  bool lengths = true;
  /// Keep the parameters at which the readout changes sign.
  bool readout_events = false;
  /// The curve is walked in stretches with about this many piece boundaries each; 0 chooses. No
  /// count depends on it.
  int live_boundaries = 0;
};

/// Neuron `neuron` (from 0) of layer `layer` (from 1) leaves linear piece `before` for `after` at t.
struct ExactEvent {
  double t = 0.0;
  std::int32_t layer = 0;
  std::int32_t neuron = 0;
  std::int32_t before = 0;
  std::int32_t after = 0;
};

/// Vectors run over layers 1..depth. Layers from the first one on whose values overflow hold zeros.
struct ExactCounts {
  /// Number of leading layers with finite values.
  int finite_layers = 0;
  double input_length = 0.0;
  /// Length of the post-activations' curve x^l: a sum on lines, within 1e-12 relative on circles; either up to what
  /// rounding of piece boundaries and velocities amounts to (`exact_curve_plain`), which matters where a network hardly
  /// moves.
  std::vector<double> length;
  /// Switches of linear piece and crossings of h = 0, summed over the layer's neurons.
  std::vector<std::int64_t> transitions;
  std::vector<std::int64_t> sign_changes;
  /// Linear pieces of layers 1..l: distinct positions of their switches, plus one on an open curve, at
  /// least one on a closed one.
  std::vector<std::int64_t> pieces;
  /// Distinct activation patterns of layers 1..l; empty where they were not asked for on a circle or arc.
  std::vector<std::int64_t> patterns;
  /// Of the readout's first output; nothing where the network has none or its values overflow.
  std::optional<std::int64_t> readout_sign_changes;
  /// Smallest distance in t between neighbouring events of all layers; NaN where there are fewer than two.
  double smallest_gap = 0.0;
  /// Neighbouring events at one place, and what was left to rounding (see above).
  std::int64_t unresolved_events = 0;
  /// In order of t; only where asked for.
  std::vector<ExactEvent> events;
  /// Parameters at which the readout's first output changes sign, ascending; only where asked for.
  std::vector<double> readout_events;
  /// Sign of the readout's first output at the beginning of the curve (h > 0).
  bool readout_starts_positive = false;
};

/// The layers first_layer..depth and the readout of a network, made ready for walks along many curves.
/// Holds their weights in double. Immutable, and safe to share between threads.
class ExactNetwork {
 public:
  /// Throws std::invalid_argument where the activation has no linear pieces.
  explicit ExactNetwork(const Network& network, int first_layer = 1);

  /// Along `preactivations`, the curve h(t) = center + u cos t + v sin t (or center + t u) of
  /// first_layer's pre-activations, bias included: `center`, `u` and `v` have that layer's width. Counts of layers
  /// before first_layer are zero and `input_length` is that of the given curve. This is a weight sweep: with W cos t +
  /// W' sin t and a fixed x, center = b, u = W x, v = W' x.
  ExactCounts walk(const Curve& preactivations, const ExactOptions& options = {}) const;

  struct Prepared;

 private:
  std::shared_ptr<const Prepared> prepared_;
};

/// Exact counts along a curve in input space. Throws std::invalid_argument where its dimension is not the
/// network's or the activation has no linear pieces.
ExactCounts exact_curve(const Network& network, const Curve& curve, const ExactOptions& options = {});

/// Bytes that `exact_curve` holds at most, the pattern set and kept events aside.
double exact_curve_bytes(int input_dimension, const std::vector<int>& widths, const ExactOptions& options = {});

/// The plain twin, in long double: every piece of every layer with its own three columns pushed through the weights,
/// states taken at the middle of each piece. `smallest_gap` and `unresolved_events` are not filled in. To
/// `length_rounding`, where it is not null: by layer, how far rounding in double may move the length. A piece boundary
/// moves by rounding of t (`rounding_of_place`) and by that of the switching neuron's h over its slope (or the square
/// root over its curvature, beside a touch), which counts times the velocity's jump; rounding of the velocity counts
/// times the extent of its piece, and shows where narrow layers cancel most of it. Rounding of h and of velocities is
/// 32 standard deviations of sums of products that are rounded one by one (Higham and Mary 2019, SIAM J. Sci. Comput.
/// 41, A2815).
ExactCounts exact_curve_plain(const Network& network, const Curve& curve, const ExactOptions& options = {},
                              std::vector<double>* length_rounding = nullptr);

}  // namespace meander
