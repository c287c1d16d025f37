// The declaration of arrays, a line each: what the layouts of measures are made of.
#pragma once

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

/// The same array, which has no value where `where` says, or an infinite one (ArraySpec).
inline ArraySpec undefined(std::string where, ArraySpec spec) {
  spec.undefined_where = std::move(where);
  return spec;
}
inline ArraySpec infinite(std::string where, ArraySpec spec) {
  spec.infinite_where = std::move(where);
  return spec;
}

/// `more` behind `arrays`.
inline void append(std::vector<ArraySpec>& arrays, std::vector<ArraySpec> more) {
  for (ArraySpec& spec : more) arrays.push_back(std::move(spec));
}
inline std::vector<ArraySpec> joined(std::vector<ArraySpec> arrays, std::vector<ArraySpec> more) {
  append(arrays, std::move(more));
  return arrays;
}

}  // namespace meander
