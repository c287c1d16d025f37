// What the ways to the extreme singular values of a Jacobian take, and which of them a task goes.
#pragma once

#include <string>

#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/spectra/jacobian_extremes.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/measures/jacobian_extremes/jacobian_extremes_keys.hpp"

namespace meander {

enum class ExtremesWay {
  graded,  // the whole spectrum to full relative accuracy, by the group's first rank
  matrix,  // the whole spectrum of the formed product, by all ranks of the group
  krylov   // products with J for the largest values, with the inverses of the layers for the smallest
};

/// The way that a study's settings say, or the cheaper one; graded too where nothing else finds the smallest values.
ExtremesWay extremes_way(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

/// Widest product whose whole spectrum is computed without being asked for by name.
inline constexpr int widest_graded = 4096;

/// The solver of a search by products, in the study's words and in the kernel's.
ExtremesSolver used_solver(const ExtremesSettings& settings);
SingularValueSolver kernel_solver(const ExtremesSettings& settings);

/// The storage that a study's settings say; for `automatic` double where what a rank keeps takes at most a core's part
/// of this machine's memory, else regenerated: the same numbers.
WeightStorage extremes_storage(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

/// Whether the factorised layers, for the smallest values, take at most a core's part of this machine's memory; and how
/// many ranks would do, as a setting.
bool factors_fit(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);
std::string enough_ranks(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

/// Of one rank's part of a task.
Cost extremes_cost(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);
/// What would need less memory, and how much of it.
std::string less_memory(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings);

}  // namespace meander
