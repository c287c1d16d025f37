// What jacobian_extremes takes and gives: its own keys, decoded, and its arrays.
#pragma once

#include <string>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"

namespace meander {

/// How singular values are found; `automatic` leaves it to the cost.
enum class ExtremesSolver { automatic, dense, trlanczos, cross, randomized };
enum class ExtremesStorage { automatic, double_, single, regenerated };

/// [jacobian_extremes].
struct ExtremesSettings {
  explicit ExtremesSettings(const Study& study);

  int count = 5;
  int ranks = 1;  // that share one product
  double tolerance = 1e-10;
  ExtremesSolver solver = ExtremesSolver::automatic;
  ExtremesStorage storage = ExtremesStorage::automatic;
  bool largest = true;
  bool smallest = true;
};

/// [jacobian_extremes] count, ranks_per_task, storage, solver, tolerance, ends.
std::vector<Key> extremes_keys();
/// Complains of more values than the narrowest network has, and of a solver that cannot find what is asked.
void check_extremes(const Study& study, Diagnostics& diagnostics);

/// Arrays of a realization; those of an end that is not asked for are left out.
std::vector<ArraySpec> extremes_arrays(bool largest, bool smallest);
/// Arrays of a point.
std::vector<ArraySpec> extremes_theory_arrays();

}  // namespace meander
