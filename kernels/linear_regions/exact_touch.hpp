// Values of a neuron that rounding may have put on either side of a threshold.
#pragma once

#include "kernels/linear_regions/exact_crossing.hpp"

namespace meander {

/// Whether the neuron's value at an end of the piece, or at the extremum inside it, is a threshold within the
/// tolerance there, so that `find_crossings` may have seen a crossing too many or too few. Where the tolerance is 0 the
/// value is known.
template <bool curved>
bool touches_threshold(const StateTable& table, const NeuronPiece& piece);

}  // namespace meander
