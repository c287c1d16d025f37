// One layer along one stretch of the curve: the affine map of every neuron is carried from piece to
// piece by adding rank-1 jumps, and its crossings become new piece boundaries.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/linear_regions/exact_step.hpp"

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

/// Where a boundary lies on a stretch that was walked with more digits than `Place` has: its place's number, below zero
/// where there were none, and distances in t.
struct FinePlace {
  std::int32_t rank = -1;
  double to_last = 0.0;  // boundary before it
  double to_begin = 0.0;
  double to_end = 0.0;
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
  /// Whether they vanish here, all of them, because what they are made of does; one for all boundaries at one place.
  bool at_zero = false;
  /// Whether it lies at such a place for the layer that it is of: with others there for a reason, not by chance.
  bool structural = false;
  FinePlace fine;
  /// Its row in the matrix of pushed vectors u; below zero where u is still the unit vector of the layer just passed.
  std::int32_t row = -1;
};

struct LayerTally {
  std::int64_t transitions = 0;
  std::int64_t sign_changes = 0;
  /// Neurons that leave a zero of the input so slowly that rounding may have chosen their state.
  std::int64_t undecided = 0;
  /// Values within rounding of a threshold, on a side that rounding may have chosen, and places taken for one.
  std::int64_t touches = 0;
  /// The largest speed of the output, where lengths are asked for.
  double fastest = 0.0;
  double length = 0.0;
  bool finite = true;
  bool starts_frozen = false;  // the layer's output
  std::size_t places = 0;      // with boundaries of this layer or one before
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
  /// The neurons' values where the input vanishes, which are the biases, and whether the output vanishes with it.
  const double* at_zero;
  bool keeps_zero;
  /// Whether the input vanishes at the stretch's end.
  bool ends_at_zero;
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
