// Monotone parts of a piece, and the half-angle quadratic for the crossing on each.
#include "kernels/linear_regions/exact_crossing.hpp"

#include <algorithm>
#include <cmath>

namespace meander {

namespace {

struct Derivatives {
  double first, second;
};

template <bool curved>
Derivatives derivatives(const LocalMap& map, const Place& place) {
  if constexpr (!curved) return {map.q, 0.0};
  const double cosine = 1.0 - place.second;
  return {map.q * cosine + map.r * place.first, map.r * cosine - map.q * place.first};
}

/// A monotone part of a piece, rising or falling.
struct Part {
  Place from, to;
  double from_value, to_value;
  double from_tolerance, to_tolerance;
  double slope, curvature;  // at `from`
};

/// h - threshold = g + slope sin x + curvature (1 - cos x), x the angle from the part's beginning, is a quadratic in z
/// = tan(x / 2): (g + 2 curvature) z^2 + 2 slope z + g = 0. Its first root in the direction of motion, without
/// cancellation.
Place crossing_on_circle(const Part& part, double g, double direction) {
  const double leading = g + 2.0 * part.curvature;
  const double root = std::sqrt(std::max(0.0, part.slope * part.slope - g * leading));
  const double denominator = part.slope + std::copysign(root, direction);
  const double z = -g / denominator;
  if (!(z > 0.0)) return part.from;
  const double angle = 2.0 * std::atan(z);
  const double distance = part.from.distance + angle;
  if (!(distance < part.to.distance)) return part.to;
  const double scale = 1.0 / (1.0 + z * z);
  const double sine = 2.0 * z * scale;
  const double versine = 2.0 * z * z * scale;
  const double cosine = 1.0 - versine;
  return {distance, part.from.first * cosine + (1.0 - part.from.second) * sine,
          versine + cosine * part.from.second + part.from.first * sine};
}

Place crossing_on_line(const Part& part, double g) {
  const double step = -g / part.slope;
  if (!(step > 0.0)) return part.from;
  const double distance = part.from.distance + step;
  return distance < part.to.distance ? Place::on_line(distance) : part.to;
}

/// How far a place moves when the value changes by the tolerance.
double blur_of(const Derivatives& at, double tolerance) {
  const double by_slope = tolerance / std::abs(at.first);
  const double by_curvature = std::sqrt(2.0 * tolerance / std::abs(at.second));
  return at.second == 0.0 ? by_slope : std::fmin(by_slope, by_curvature);
}

template <bool curved>
int cross(const StateTable& table, const NeuronPiece& piece, const Part& part, int state,
          std::vector<Crossing>& crossings) {
  const auto record = [&](int threshold, bool upwards) {
    const double g = part.from_value - table.thresholds[static_cast<std::size_t>(threshold)].value;
    Place place;
    if (upwards ? g >= -part.from_tolerance : g <= part.from_tolerance) {
      place = part.from;  // it was there already, but for rounding
    } else {
      place = curved ? crossing_on_circle(part, g, upwards ? 1.0 : -1.0) : crossing_on_line(part, g);
    }
    const double blur = blur_of(derivatives<curved>(piece.map, place), piece.tolerance);
    crossings.push_back({place, blur, piece.neuron, threshold, upwards});
  };
  while (part.to_value - part.to_tolerance > table[state].upper) record(state++, true);
  while (part.to_value + part.to_tolerance < table[state].lower) record(--state, false);
  return state;
}

/// The place inside the piece where the derivative q cos + r sin vanishes.
Place extremum(const LocalMap& map) {
  const double size = std::hypot(map.q, map.r);
  const double sine = -std::copysign(1.0, map.r) * map.q / size;
  const double cosine = std::abs(map.r) / size;
  return {std::atan2(sine, cosine), sine, sine * sine / (1.0 + cosine)};
}

}  // namespace

Place Place::on_circle(double distance) {
  const double half = std::sin(0.5 * distance);
  return {distance, std::sin(distance), 2.0 * half * half};
}

template <bool curved>
int find_crossings(const StateTable& table, const NeuronPiece& piece, int state, std::vector<Crossing>& crossings) {
  const Derivatives from = derivatives<curved>(piece.map, piece.from);
  Part part{piece.from,           piece.to,           piece.from_value, piece.to_value,
            piece.from_tolerance, piece.to_tolerance, from.first,       from.second};
  if constexpr (curved) {
    const Derivatives to = derivatives<curved>(piece.map, piece.to);
    // A stretch is shorter than half a turn: one extremum at most.
    if (from.first * to.first < 0.0) {
      const Place top = extremum(piece.map);
      const LocalMap& map = piece.map;
      part.to = top;
      part.to_tolerance = piece.tolerance;
      part.to_value = map.p + map.q * top.first + map.r * top.second;
      state = cross<curved>(table, piece, part, state, crossings);
      part = {top,
              piece.to,
              part.to_value,
              piece.to_value,
              piece.tolerance,
              piece.to_tolerance,
              0.0,
              derivatives<curved>(map, top).second};
    }
  }
  return cross<curved>(table, piece, part, state, crossings);
}

template int find_crossings<false>(const StateTable&, const NeuronPiece&, int, std::vector<Crossing>&);
template int find_crossings<true>(const StateTable&, const NeuronPiece&, int, std::vector<Crossing>&);

}  // namespace meander
