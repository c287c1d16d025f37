// The neurons of one layer on one linear piece, and the step that carries all of them to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/curves/image_length.hpp"
#include "kernels/linear_regions/exact_crossing.hpp"

namespace meander {

/// Values of the neurons of one layer, padded with neurons that never move to a multiple of `lane_count`.
struct LayerState {
  static constexpr std::size_t lane_count = 8;
  static std::size_t padded(int width) {
    return (static_cast<std::size_t>(width) + lane_count - 1) / lane_count * lane_count;
  }

  std::vector<double> p, q, r, value, value_before, lower, upper, slope, noise;
  std::vector<std::int32_t> state;
  std::vector<std::uint8_t> live;   // had a slope somewhere on this stretch
  std::vector<std::uint8_t> lifts;  // has none now, at an output other than zero
  std::int64_t moving = 0;          // neurons with a slope now
  std::int64_t lifted = 0;          // neurons that lift
  double shift = 0.0;               // rounding of places, in t
  double scale = 1.0;               // keeps squares of q and r in range

  void resize(int width);
  void set_state(std::size_t neuron, std::int32_t state, const StateTable& table);
  /// Tolerance of a value at a place: rounding of the start and of the largest maps since (`noise`), and of the map.
  double tolerance(std::size_t neuron, const Place& place) const;
  static constexpr double rounding = 32.0 * 2.220446049250313e-16;
};

/// The jump at a piece's beginning and what bounds the values on it.
struct Step {
  const double* u;
  double* passed;
  LocalMap jump;
  Place end;
  /// |h - chord| <= length^2 / 8 |h''|, and rounding, by |q| and |r|.
  double by_q, by_r;
};

/// Adds the jump, where there is one, moves `value` to the piece's end and appends to `suspects` the neurons that may
/// reach a threshold on the way. `form` is that of the post-activations' speed, where asked for.
template <bool curved, bool jumps, bool lengths>
void advance(const Step& step, LayerState& state, SpeedForm& form, std::vector<std::size_t>& suspects);

}  // namespace meander
