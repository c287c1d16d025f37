#include "studies/networks/weight_cost.hpp"

#include <algorithm>

#include "kernels/base/machine_rates.hpp"

namespace meander {
WeightCost weight_cost(const std::optional<WeightLaw>& law, double weights, double fan_in) {
  const MachineRates& rates = machine_rates();
  if (!law) return {rates.streamed * weights, 1.0};
  WeightCost cost{(law->kind == WeightLaw::Kind::student_t ? 9.0 : 1.0) * rates.draw * weights, 1.0};
  if (law->kind != WeightLaw::Kind::orthogonal) return cost;
  cost.seconds += weights * std::min(weights / fan_in, fan_in) * rates.factorisation;
  cost.copies = 4.0;
  return cost;
}

}  // namespace meander
