#include "studies/networks/weight_cost.hpp"

#include <algorithm>

namespace meander {
namespace {

constexpr double flops_factorisation = 6e9;

}  // namespace

WeightCost weight_cost(const std::optional<WeightLaw>& law, double weights, double fan_in) {
  if (!law) return {0.3e-9 * weights, 1.0};
  WeightCost cost{(law->kind == WeightLaw::Kind::student_t ? 12e-9 : 1.5e-9) * weights, 1.0};
  if (law->kind != WeightLaw::Kind::orthogonal) return cost;
  cost.seconds += 2.0 * weights * std::min(weights / fan_in, fan_in) / flops_factorisation;
  cost.copies = 4.0;
  return cost;
}

}  // namespace meander
