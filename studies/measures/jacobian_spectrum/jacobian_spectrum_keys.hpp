// What jacobian_spectrum takes and gives: its own keys and its arrays.
#pragma once

#include <optional>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "studies/declare/declaration.hpp"

namespace meander {

/// Arrays of a realization.
std::vector<ArraySpec> jacobian_arrays();
/// Arrays of a point; `universal` adds the limits.
std::vector<ArraySpec> jacobian_theory_arrays(bool universal);
/// [jacobian_spectrum]
struct SpectrumKeys {
  explicit SpectrumKeys(Declaration& declare);

  int bins = 100;
  std::optional<std::vector<double>> range;
  std::vector<double> eps;
  bool universal = false;
};

}  // namespace meander
