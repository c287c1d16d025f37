// What jacobian_extremes takes and gives: its own keys, decoded, and its arrays.
#pragma once

#include <string>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "studies/declare/declaration.hpp"
#include "studies/jacobians/jacobian_point.hpp"

namespace meander {

/// How singular values are found; `automatic` leaves it to the cost.
enum class ExtremesSolver { automatic, dense, trlanczos, cross, randomized };
enum class ExtremesStorage { automatic, double_, single, regenerated };

enum class SpectrumEnds { both, largest, smallest };

template <>
constexpr std::array<std::string_view, 5> choice_names<ExtremesSolver>{"auto", "dense", "trlanczos", "cross",
                                                                       "randomized"};
template <>
constexpr std::array<std::string_view, 4> choice_names<ExtremesStorage>{"auto", "double", "single", "regenerated"};
template <>
constexpr std::array<std::string_view, 3> choice_names<SpectrumEnds>{"both", "largest", "smallest"};

/// [jacobian_extremes] count, ranks_per_task, storage, solver, tolerance, ends.
struct ExtremesSettings {
  explicit ExtremesSettings(Declaration& declare);

  int count = 5;
  int ranks = 1;  // that share one product
  double tolerance = 1e-10;
  ExtremesSolver solver = ExtremesSolver::automatic;
  ExtremesStorage storage = ExtremesStorage::automatic;
  SpectrumEnds ends = SpectrumEnds::both;

  bool largest() const { return ends != SpectrumEnds::smallest; }
  bool smallest() const { return ends != SpectrumEnds::largest; }
};

/// Complains of more values than the narrowest network has, and of a solver that cannot find what is asked.
void check_extremes(const Study& study, const ExtremesSettings& settings, const NetworkKeys& networks,
                    Diagnostics& diagnostics);

/// Arrays of a realization; those of an end that is not asked for are left out.
std::vector<ArraySpec> extremes_arrays(bool largest, bool smallest);
/// Arrays of a point.
std::vector<ArraySpec> extremes_theory_arrays();

}  // namespace meander
