// Where one neuron, affine in the curve's functions on a piece, passes its thresholds.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/linear_regions/exact_states.hpp"

namespace meander {

/// A place on a stretch of the curve, by its distance in t from the stretch's beginning. Circles: first = sin,
/// second = 1 - cos of the distance; lines: first = distance, second = 0. In these coordinates short stretches lose no
/// digits.
struct Place {
  double distance = 0.0;
  double first = 0.0;
  double second = 0.0;

  static Place on_circle(double distance);
  static Place on_line(double distance) { return {distance, distance, 0.0}; }
};

/// h = p + q first + r second; r = 0 on lines.
struct LocalMap {
  double p = 0.0, q = 0.0, r = 0.0;
};

struct Crossing {
  Place place;
  /// How far rounding may have moved the place.
  double blur = 0.0;
  std::int32_t neuron = 0;
  std::int32_t threshold = 0;
  bool upwards = false;
};

/// One neuron on one piece: its map, the values `from_value` and `to_value` at the two ends and how much of
/// them, and of the values between, is rounding.
struct NeuronPiece {
  LocalMap map;
  Place from, to;
  double from_value, to_value;
  double from_tolerance, tolerance, to_tolerance;
  std::int32_t neuron;
};

/// Appends the crossings in order and returns the state at the end. A threshold counts as passed where a value
/// at an end of the piece, or at the extremum inside it, lies beyond it by more than the tolerance.
template <bool curved>
int find_crossings(const StateTable& table, const NeuronPiece& piece, int state, std::vector<Crossing>& crossings);

}  // namespace meander
