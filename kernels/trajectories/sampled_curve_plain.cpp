// The plain twin of the sampled-curve kernel: every state of every neuron at every sample, counted
// as the definitions say.
#include "kernels/trajectories/sampled_curve_panels.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <span>
#include <utility>

namespace meander {

namespace {

using Vector = std::vector<double>;
using Interval = std::pair<std::size_t, std::size_t>;

/// The layer's states at every sample.
struct LayerStates {
  std::vector<Vector> h, x;
  std::vector<std::vector<int>> piece;
};

std::vector<Interval> intervals_of(long samples, long step, bool closed) {
  std::vector<std::size_t> used;
  for (long i = 0; i < samples; i += step) used.push_back(static_cast<std::size_t>(i));
  const auto last = static_cast<std::size_t>(samples - 1);
  if (!closed && used.back() != last) used.push_back(last);
  std::vector<Interval> intervals;
  for (std::size_t i = 1; i < used.size(); ++i) intervals.emplace_back(used[i - 1], used[i]);
  if (closed) intervals.emplace_back(used.back(), 0);
  return intervals;
}

double length_of(const std::vector<Vector>& points, const std::vector<Interval>& intervals) {
  double length = 0.0;
  for (const auto& [i, k] : intervals) {
    double distance = 0.0;
    for (std::size_t j = 0; j < points[i].size(); ++j) distance = std::hypot(distance, points[k][j] - points[i][j]);
    length += distance;
  }
  return length;
}

std::int64_t sign_changes_of(const std::vector<Vector>& h, const std::vector<Interval>& intervals) {
  std::int64_t changes = 0;
  for (const auto& [i, k] : intervals) {
    for (std::size_t j = 0; j < h[i].size(); ++j) changes += (h[i][j] > 0) != (h[k][j] > 0) ? 1 : 0;
  }
  return changes;
}

std::int64_t transitions_of(const std::vector<std::vector<int>>& piece, const std::vector<Interval>& intervals) {
  std::int64_t switches = 0;
  for (const auto& [i, k] : intervals) {
    for (std::size_t j = 0; j < piece[i].size(); ++j) switches += std::abs(piece[i][j] - piece[k][j]);
  }
  return switches;
}

std::vector<Vector> affine_image(const std::vector<Vector>& x, const Vector& weight, const Vector& bias) {
  std::vector<Vector> h(x.size(), bias);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t row = 0; row < bias.size(); ++row) {
      double sum = 0.0;
      for (std::size_t j = 0; j < x[i].size(); ++j) sum += weight[row * x[i].size() + j] * x[i][j];
      h[i][row] += sum;
    }
  }
  return h;
}

LayerStates layer_states(const Network& network, int layer, const std::vector<Vector>& input) {
  const auto width = static_cast<std::size_t>(network.width(layer));
  Vector weight(width * static_cast<std::size_t>(network.fan_in(layer)));
  Vector bias(width);
  network.weight(layer, std::span<double>(weight));
  network.bias(layer, bias);
  LayerStates states;
  states.h = affine_image(input, weight, bias);
  states.x = states.h;
  const LinearPieces* pieces = network.activation(layer).pieces();
  for (Vector& x : states.x) {
    std::vector<int>& piece = states.piece.emplace_back(width, 0);
    for (std::size_t j = 0; j < width; ++j) {
      for (const double threshold : pieces != nullptr ? pieces->breakpoints : Vector{}) piece[j] += x[j] > threshold;
      x[j] = network.activation(layer)(x[j]);
    }
  }
  return states;
}

bool all_finite(const std::vector<Vector>& points) {
  for (const Vector& point : points) {
    for (const double value : point) {
      if (!std::isfinite(value)) return false;
    }
  }
  return true;
}

/// The patterns of layers 1..l, sample by sample, and the intervals in which one of them changes.
class PatternCounts {
 public:
  PatternCounts(std::size_t samples, std::vector<Interval> intervals, bool closed)
      : patterns_(samples), intervals_(std::move(intervals)), closed_(closed) {}

  void add_layer(const LayerStates& states, SampledCounts& counts, std::size_t layer) {
    for (std::size_t i = 0; i < patterns_.size(); ++i)
      patterns_[i].insert(patterns_[i].end(), states.piece[i].begin(), states.piece[i].end());
    counts.patterns[layer] =
        static_cast<std::int64_t>(std::set<std::vector<int>>(patterns_.begin(), patterns_.end()).size());
    std::int64_t switching = 0;
    for (const auto& [i, k] : intervals_) switching += patterns_[i] != patterns_[k] ? 1 : 0;
    counts.pieces[layer] = closed_ ? std::max<std::int64_t>(1, switching) : switching + 1;
  }

 private:
  std::vector<std::vector<int>> patterns_;
  std::vector<Interval> intervals_;
  bool closed_;
};

void resize_counts(SampledCounts& counts, const Network& network, bool transitions) {
  const auto depth = static_cast<std::size_t>(network.depth());
  for (Vector* lengths : {&counts.length, &counts.length_half})
    lengths->assign(depth, std::numeric_limits<double>::quiet_NaN());
  for (std::vector<std::int64_t>* signs : {&counts.sign_changes, &counts.sign_changes_half}) signs->assign(depth, 0);
  if (!transitions) return;
  for (std::vector<std::int64_t>* values :
       {&counts.transitions, &counts.transitions_half, &counts.pieces, &counts.patterns})
    values->assign(depth, 0);
}

std::int64_t readout_sign_changes(const Network& network, const std::vector<Vector>& x,
                                  const std::vector<Interval>& intervals) {
  const auto outputs = static_cast<std::size_t>(network.readout_outputs());
  Vector weight(outputs * x.front().size());
  Vector bias(outputs);
  network.readout_weight(weight);
  network.readout_bias(bias);
  weight.resize(x.front().size());
  bias.resize(1);
  return sign_changes_of(affine_image(x, weight, bias), intervals);
}

}  // namespace

SampledCounts sample_curve_plain(const Network& network, const Curve& curve, const SampledOptions& options) {
  check_sampled_curve(network, curve, options);
  const bool transitions = options.transitions && has_linear_pieces(network);
  const std::vector<Interval> all = intervals_of(options.samples, 1, curve.closed());
  const std::vector<Interval> half = intervals_of(options.samples, 2, curve.closed());
  std::vector<Vector> x(static_cast<std::size_t>(options.samples), Vector(curve.u.size()));
  for (long i = 0; i < options.samples; ++i)
    curve.point(curve.parameter(i, options.samples), x[static_cast<std::size_t>(i)]);

  SampledCounts counts;
  resize_counts(counts, network, transitions);
  counts.input_length = length_of(x, all);
  counts.input_length_half = length_of(x, half);
  PatternCounts patterns(x.size(), all, curve.closed());
  for (std::size_t l = 0; l < counts.length.size(); ++l) {
    LayerStates states = layer_states(network, static_cast<int>(l) + 1, x);
    const double length = length_of(states.x, all);
    const double length_half = length_of(states.x, half);
    if (!all_finite(states.h) || !all_finite(states.x) || !std::isfinite(length) || !std::isfinite(length_half)) break;
    counts.finite_layers = static_cast<int>(l) + 1;
    counts.length[l] = length;
    counts.length_half[l] = length_half;
    counts.sign_changes[l] = sign_changes_of(states.h, all);
    counts.sign_changes_half[l] = sign_changes_of(states.h, half);
    if (transitions) {
      counts.transitions[l] = transitions_of(states.piece, all);
      counts.transitions_half[l] = transitions_of(states.piece, half);
      patterns.add_layer(states, counts, l);
    }
    x = std::move(states.x);
  }
  if (network.readout_outputs() > 0)
    counts.readout_sign_changes = counts.finite_layers == network.depth() ? readout_sign_changes(network, x, all) : 0;
  return counts;
}

}  // namespace meander
