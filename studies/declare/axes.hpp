// Dimensions that many measures have.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "pipeline/measure/layout.hpp"

namespace meander {

/// `size` places counted from `first`, each with its number as coordinate.
inline OwnDimension counted_axis(std::string name, std::string long_name, int first, std::size_t size) {
  OwnDimension axis;
  axis.name = std::move(name);
  axis.long_name = std::move(long_name);
  axis.size = size;
  for (std::size_t i = 0; i < size; ++i) axis.coordinates.emplace_back(first + static_cast<int>(i));
  return axis;
}

/// `layer`, 1 .. depth.
inline OwnDimension layer_axis(int depth) {
  return counted_axis("layer", "layer, counted from 1", 1, static_cast<std::size_t>(depth));
}

}  // namespace meander
