// What the ways to the extreme singular values of a Jacobian take, and which of them a task takes.
#pragma once

#include <string>

#include "kernels/jacobian_operator.hpp"
#include "kernels/network.hpp"
#include "pipeline/measure.hpp"
#include "studies/jacobian_extremes_keys.hpp"

namespace meander {

/// How a task finds its values.
enum class ExtremesWay {
  graded,  // the whole spectrum to full relative accuracy, on the group's first rank
  krylov   // products with J for the largest, with the inverses of the layers for the smallest
};

/// True where phi' is zero nowhere but at single points, so that layers have inverses.
bool has_slopes_everywhere(const Activation& activation);

/// The way that a study's settings say, or the cheaper one: graded too where nothing else finds the smallest values.
ExtremesWay extremes_way(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

/// The storage that a study's settings say; for `automatic` double where a rank's rows of all layers take at most a
/// core's part of this machine's memory, else regenerated: the same numbers.
WeightStorage extremes_storage(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

/// Of one rank's part of a task.
Cost extremes_cost(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

/// What would need less memory, and how much of it.
std::string less_memory(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

/// Widest product whose whole spectrum is computed without being asked for by name.
inline constexpr int widest_graded = 4096;

}  // namespace meander
