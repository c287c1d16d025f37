// One layer along one stretch of the curve: the affine map of every neuron is carried from piece to
// piece by adding rank-1 jumps, and its crossings become new piece boundaries.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/exact_crossing.hpp"
#include "kernels/image_length.hpp"

namespace meander {

/// A row-major matrix to be written before it is read; changing its shape forgets its values.
class RowBuffer {
 public:
  void resize(std::size_t rows, std::size_t columns) {
    columns_ = columns;
    if (rows * columns <= size_) return;
    size_ = std::max(rows * columns, size_ + size_ / 2);
    values_ = std::make_unique_for_overwrite<double[]>(size_);
  }
  double* row(std::size_t i) { return values_.get() + i * columns_; }
  const double* row(std::size_t i) const { return values_.get() + i * columns_; }
  double* data() { return values_.get(); }
  std::size_t stride() const { return columns_; }

 private:
  std::unique_ptr<double[]> values_;
  std::size_t size_ = 0;
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
  /// Whether the post-activations of the layer passed last stay constant from here to the next boundary.
  bool frozen = false;
  /// Speed of those post-activations there; 0 where nobody asks.
  double speed = 0.0;
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
  std::int64_t moving = 0;         // neurons with a slope now
  double shift = 0.0;              // rounding of places, in t
  double scale = 1.0;              // keeps squares of q and r in range

  void resize(int width);
  void set_state(std::size_t neuron, std::int32_t state, const StateTable& table);
  /// Tolerance of a value at a place: rounding of the start and of the largest maps since (`noise`), and of the map.
  double tolerance(std::size_t neuron, const Place& place) const;
  static constexpr double rounding = 32.0 * 2.220446049250313e-16;
};

struct LayerTally {
  std::int64_t transitions = 0;
  std::int64_t sign_changes = 0;
  double length = 0.0;
  bool finite = true;
  bool starts_frozen = false;  // the layer's output
  double starts_speed = 0.0;
  std::size_t places = 0;  // with boundaries of this layer or one before
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
  /// Whether the layer's input stays constant on the stretch's first piece.
  bool starts_frozen;
  double starts_speed;
  /// Norms of the rows of weights where the layer's input may vanish at a switch, with no bias left: then all its
  /// neurons meet zero there, and each is on it within the norm times the input's motion over rounding of t. Null else.
  const double* tied_norm;
  /// Whether the layer after this one asks for speeds.
  bool speeds;
  /// Gives up with boundaries at more places than this.
  std::size_t most_places;
};

/// Walks `state` from the stretch's beginning to its end. Appends to `merged` the old and the new boundaries in order,
/// the old ones with `row` into `passed`, where their vectors stand multiplied by this layer's slopes; to `signs` the
/// crossings of zero where it is not null. False where it gave up.
template <bool curved>
bool pass_layer(const LayerPass& pass, LayerState& state, RowBuffer& passed, std::vector<Boundary>& merged,
                std::vector<Place>* signs, LayerTally& tally);

}  // namespace meander
