// Apart from the crossings themselves, whose bits are to stay as they are.
#include "kernels/linear_regions/exact_touch.hpp"

#include <algorithm>
#include <cmath>

namespace meander {

template <bool curved>
bool touches_threshold(const StateTable& table, const NeuronPiece& piece) {
  if (piece.from_tolerance > 0.0 && table.is_within(piece.from_tolerance, piece.from_value)) return true;
  if (piece.to_tolerance > 0.0 && table.is_within(piece.to_tolerance, piece.to_value)) return true;
  if constexpr (!curved) return false;
  const LocalMap& map = piece.map;
  const auto slope = [&](const Place& place) { return map.q * (1.0 - place.second) + map.r * place.first; };
  if (!(slope(piece.from) * slope(piece.to) < 0.0)) return false;
  // p + r - r cos + q sin is p + r up or down by the amplitude.
  const double amplitude = std::copysign(std::hypot(map.q, map.r), slope(piece.from));
  return table.is_within(piece.tolerance, map.p + map.r + amplitude);
}

template bool touches_threshold<false>(const StateTable&, const NeuronPiece&);
template bool touches_threshold<true>(const StateTable&, const NeuronPiece&);

}  // namespace meander
