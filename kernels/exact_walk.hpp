// All layers along one stretch of a curve.
#pragma once

#include <vector>

#include "kernels/exact_layer.hpp"
#include "kernels/exact_prepared.hpp"

namespace meander {

/// Tallies of one stretch: layers, and the readout last where there is one.
struct StretchTally {
  std::vector<LayerTally> layers;
  std::vector<Place> readout_signs;
  int finite_layers = 0;  // of those walked
};

/// Carries the states of all neurons from stretch to stretch.
template <bool curved>
class ExactWalk {
 public:
  ExactWalk(const ExactNetwork::Prepared& network, const Curve& preactivations, bool lengths);

  /// Walks [t, t + length]; `closing` on the last stretch of a circle. False, with nothing changed, where boundaries
  /// would lie at more than `most_places`.
  bool stretch(double t, double length, bool closing, std::size_t most_places);
  /// Of the last stretch walked: its tally and the boundaries of all finite layers, in order.
  const StretchTally& tally() const { return tally_; }
  const std::vector<Boundary>& boundaries() const { return boundaries_; }
  /// State of the readout at the curve's beginning.
  bool readout_starts_positive() const;

 private:
  using Layer = ExactNetwork::Prepared::Layer;

  std::size_t passes() const;
  bool is_readout(std::size_t pass) const { return pass == network_.layers.size(); }
  const Layer& layer_of(std::size_t pass) const { return is_readout(pass) ? network_.readout : network_.layers[pass]; }
  void start_from_curve(double t, double length);
  void start_from_layer_before(const Layer& layer, double length);
  void multiply_start(const Layer& layer);
  void enter(std::size_t pass);
  void keep_start(const StateTable& table);
  bool pass_through(std::size_t pass, const Place& end, bool closing, std::size_t most_places);
  void push(const Layer& layer);
  bool may_tie(std::size_t pass) const;

  const ExactNetwork::Prepared& network_;
  const Curve& curve_;
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
  StretchTally tally_;
};

}  // namespace meander
