// The declaration of one array, in a line, and of measured arrays with theory beside them: what the layouts of
// measures are made of.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/measure/layout.hpp"

namespace meander {

/// A dimensionless array over the cells and its own `dimensions`; further members are set by the caller.
inline ArraySpec array(std::string name, ArrayType type, std::string long_name, std::vector<std::string> dimensions) {
  ArraySpec spec;
  spec.name = std::move(name);
  spec.long_name = std::move(long_name);
  spec.type = type;
  spec.dimensions = std::move(dimensions);
  return spec;
}

/// The families of a measure with theory beside it: theory in one of its own, without realization, where all draws
/// share it (`theory_apart`), else among what was measured.
inline std::vector<Family> with_theory(std::vector<ArraySpec> measured, std::vector<ArraySpec> theory,
                                       bool theory_apart) {
  Family first{"measured", std::nullopt, true, std::move(measured)};
  if (theory_apart) return {std::move(first), Family{"theory", std::nullopt, false, std::move(theory)}};
  for (ArraySpec& spec : theory) first.arrays.push_back(std::move(spec));
  return {std::move(first)};
}

}  // namespace meander
