// One layer along one stretch of the curve: the affine map of every neuron is carried from piece to
// piece by adding rank-1 jumps, and its crossings become new piece boundaries.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/exact_crossing.hpp"
#include "kernels/image_length.hpp"

namespace meander {

/// Row-major matrix without initialisation of what is grown.
class RowBuffer {
 public:
  void resize(std::size_t rows, std::size_t columns) {
    columns_ = columns;
    if (values_.size() < rows * columns) values_.resize(rows * columns);
  }
  double* row(std::size_t i) { return values_.data() + i * columns_; }
  const double* row(std::size_t i) const { return values_.data() + i * columns_; }
  double* data() { return values_.data(); }
  std::size_t stride() const { return columns_; }

 private:
  std::vector<double> values_;
  std::size_t columns_ = 0;
};

/// A switch of piece of one neuron in a layer passed already. Across it the map of the post-activations jumps by u (p,
/// q, r), with u the neuron's unit vector in its own layer, and pushed through the weights and slopes between, in later
/// ones.
struct Boundary {
  Place place;
  LocalMap jump;
  double blur = 0.0;
  std::int32_t layer = 0;
  std::int32_t neuron = 0;
  std::int32_t before = 0;  // pieces
  std::int32_t after = 0;
  /// Its row in the matrix of pushed vectors u; below zero where u is still the unit vector of the layer just passed.
  std::int32_t row = -1;
};

/// Values of the neurons of one layer, padded with neurons that never move to a multiple of `lane_count`.
struct LayerState {
  static constexpr std::size_t lane_count = 8;
  static std::size_t padded(int width) {
    return (static_cast<std::size_t>(width) + lane_count - 1) / lane_count * lane_count;
  }

  std::vector<double> p, q, r, value, value_before, lower, upper, slope, noise;
  std::vector<std::int32_t> state;
  std::vector<std::uint8_t> live;  // had a slope somewhere on this stretch
  double scale = 1.0;              // keeps squares of q and r in range

  void resize(int width);
  void set_state(std::size_t neuron, std::int32_t state, const StateTable& table);
  /// Tolerance of a value at a place: rounding of the start and of the map.
  double tolerance(std::size_t neuron, const Place& place) const;
  static constexpr double rounding = 4.0 * 2.220446049250313e-16;
};

struct LayerTally {
  std::int64_t transitions = 0;
  std::int64_t sign_changes = 0;
  double length = 0.0;
  bool finite = true;
};

/// What a layer needs to pass along a stretch.
struct LayerPass {
  const StateTable* table;
  int layer, width;
  Place end;
  bool lengths;
  /// The states in which a closed curve must end; null anywhere but on its last stretch.
  const std::vector<std::int32_t>* closing;
  /// The vectors u of `boundaries` pushed through this layer's weights.
  const std::vector<const double*>* pushed;
  const std::vector<Boundary>* boundaries;
  /// Gives up with more boundaries than this.
  std::size_t most_boundaries;
};

/// Walks `state` from the stretch's beginning to its end. Appends to `merged` the old and the new boundaries in order,
/// the old ones with `row` into `passed`, where their vectors stand multiplied by this layer's slopes; to `signs` the
/// crossings of zero where it is not null. False where it gave up.
template <bool curved>
bool pass_layer(const LayerPass& pass, LayerState& state, RowBuffer& passed, std::vector<Boundary>& merged,
                std::vector<Place>* signs, LayerTally& tally);

}  // namespace meander
