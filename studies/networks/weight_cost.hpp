// What it costs to have a weight matrix, on one core of a current machine.
#pragma once

#include <optional>

#include "kernels/networks/network.hpp"

namespace meander {

struct WeightCost {
  double seconds = 0.0;
  /// Times that the matrix is held as double while it is drawn, itself included.
  double copies = 1.0;
};

/// Of `weights` numbers in rows of `fan_in`, drawn once; without a law they are stored.
WeightCost weight_cost(const std::optional<WeightLaw>& law, double weights, double fan_in);

}  // namespace meander
