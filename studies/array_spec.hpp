// The declaration of one array, in a line: what every measure's list of arrays is made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pipeline/layout.hpp"

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

}  // namespace meander
