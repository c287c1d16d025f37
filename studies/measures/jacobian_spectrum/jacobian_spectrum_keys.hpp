// What jacobian_spectrum takes and gives: its own keys and its arrays.
#pragma once

#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/values/keys.hpp"

namespace meander {

/// Arrays of a realization.
std::vector<ArraySpec> jacobian_arrays();
/// Arrays of a point; `universal` adds the limits.
std::vector<ArraySpec> jacobian_theory_arrays(bool universal);
/// [jacobian_spectrum] bins, range, eps, universal.
std::vector<Key> jacobian_keys();

}  // namespace meander
