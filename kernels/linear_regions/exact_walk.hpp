// All layers along one stretch of a curve.
#pragma once

#include <optional>
#include <vector>

#include "kernels/curves/curve_direction.hpp"
#include "kernels/linear_regions/exact_layer.hpp"
#include "kernels/linear_regions/exact_prepared.hpp"

namespace meander {

/// Tallies of one stretch: layers, and the readout last where there is one.
struct StretchTally {
  std::vector<LayerTally> layers;
  std::vector<Place> readout_signs;
  int finite_layers = 0;  // of those walked
};

/// The curve of the first layer's pre-activations, bias included.
struct FirstLayer {
  Curve preactivations;
  /// Standard deviations of what rounding makes of them, where they were computed.
  std::vector<double> noise = {};
  std::vector<double> bias = {};
  /// W x(t) = vector f(t) for an input curve on a line through the origin, and the zeros of f.
  std::optional<CurveDirection> factor = {};
  std::vector<double> zeros = {};
  /// Whether the layer's output vanishes where its input does.
  bool keeps_zero = false;
  /// The input's curve, and its direction where there is a factor, and the layer's weights; empty where the first layer
  /// is given by its pre-activations alone.
  Curve input = {};
  std::vector<double> input_direction = {}, weight = {};
};

/// Carries the states of all neurons from stretch to stretch.
template <bool curved>
class ExactWalk {
 public:
  ExactWalk(const ExactNetwork::Prepared& network, const FirstLayer& first, bool lengths);

  /// Walks [t, t + length]; `closing` on the last stretch of a circle. False where boundaries would lie at more than
  /// `most_places`. Nothing is changed until the stretch is accepted.
  bool stretch(double t, double length, bool closing, std::size_t most_places);
  /// Whether any count of the stretch walked, or a length beyond 1e-9 of itself, may depend on rounding. What happens
  /// together for a reason does not.
  bool doubtful() const;
  /// Whether one of its lengths may depend on rounding beyond 1e-9 of itself.
  bool has_rough_lengths() const;
  double rounding_of_places() const { return shift_; }
  /// What the stretch begins and ends with, by pass; empty at the beginning of a curve.
  const std::vector<std::vector<std::int32_t>>& entry_states() const { return entry_; }
  const std::vector<std::vector<std::int32_t>>& exit_states() const { return exit_; }
  const std::vector<std::vector<std::int32_t>>& initial_states() const { return initial_; }
  bool has_begun() const { return begun_; }
  /// What the same stretch is with more digits, instead.
  void replace(StretchTally tally, std::vector<Boundary> boundaries, std::vector<std::vector<std::int32_t>> entry,
               std::vector<std::vector<std::int32_t>> exit);
  /// Nothing on the stretch was left to rounding after all.
  void trust();
  /// Goes on to the next stretch.
  void accept();
  /// Of the last stretch walked: its tally and the boundaries of all finite layers, in order.
  const StretchTally& tally() const { return tally_; }
  const std::vector<Boundary>& boundaries() const { return boundaries_; }
  std::vector<Boundary>& boundaries() { return boundaries_; }
  /// State of the readout at the curve's beginning.
  bool readout_starts_positive() const;

 private:
  using Layer = ExactNetwork::Prepared::Layer;

  std::size_t passes() const;
  bool is_readout(std::size_t pass) const { return pass == network_.layers.size(); }
  const Layer& layer_of(std::size_t pass) const { return is_readout(pass) ? network_.readout : network_.layers[pass]; }
  const std::vector<double>& at_zero(std::size_t pass) const { return pass == 0 ? first_.bias : layer_of(pass).bias; }
  bool keeps_zero(std::size_t pass) const { return pass == 0 ? first_.keeps_zero : layer_of(pass).keeps_zero; }
  void start_from_curve(double t, double length);
  void start_from_layer_before(const Layer& layer, double length);
  void multiply_start(const Layer& layer);
  void enter(std::size_t pass);
  void keep_start(const StateTable& table);
  bool pass_through(std::size_t pass, const Place& end, bool closing, std::size_t most_places);
  void push(const Layer& layer);
  void mark_zeros(double t, double length);
  void keep_noise(const StateTable& table);
  void push_noise(const Layer& layer);

  const ExactNetwork::Prepared& network_;
  const FirstLayer& first_;
  bool lengths_;
  bool begun_ = false;
  int finite_layers_;
  /// By pass: states at the curve's beginning, at the stretch's and at its end.
  std::vector<std::vector<std::int32_t>> initial_, entry_, exit_;
  LayerState state_;
  RowBuffer start_, start_image_;  // rows p, q, r of the layer's x at the stretch's beginning, and its image
  RowBuffer passed_, pushed_, live_vectors_, live_columns_;
  std::vector<std::size_t> live_;
  std::vector<Boundary> boundaries_, merged_;
  std::vector<const double*> rows_;
  std::vector<double> nothing_;  // a vector u of zeros
  /// Rounding of the layer's output, by neuron, and what it makes of the next layer's values.
  std::vector<double> noise_, noise_image_;
  double length_ = 0.0, shift_ = 0.0;
  /// Of the stretches accepted, by pass.
  std::vector<double> lengths_before_;
  /// Whether the pass's input vanishes at the stretch's beginning and end.
  bool starts_at_zero_ = false, ends_at_zero_ = false;
  bool starts_structural_ = false;  // the curve does so
  StretchTally tally_;
};

}  // namespace meander
