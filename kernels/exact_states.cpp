// Thresholds merged in ascending order.
#include "kernels/exact_states.hpp"

#include <cmath>
#include <limits>

namespace meander {

StateTable::StateTable(const LinearPieces& pieces) {
  bool zero_is_in = false;
  for (const double breakpoint : pieces.breakpoints) {
    if (!zero_is_in && breakpoint > 0.0) thresholds.push_back({0.0, true, false});
    thresholds.push_back({breakpoint, breakpoint == 0.0, true});
    zero_is_in = zero_is_in || breakpoint >= 0.0;
  }
  if (!zero_is_in) thresholds.push_back({0.0, true, false});
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::size_t piece = 0;
  for (std::size_t s = 0; s <= thresholds.size(); ++s) {
    if (s > 0 && thresholds[s - 1].is_breakpoint) ++piece;
    states.push_back({s == 0 ? -infinity : thresholds[s - 1].value,
                      s == thresholds.size() ? infinity : thresholds[s].value, pieces.slopes[piece],
                      pieces.intercepts[piece], static_cast<int>(piece)});
  }
}

StateTable StateTable::of_sign() {
  return StateTable(LinearPieces{{}, {1.0}, {0.0}});
}

bool StateTable::bends_at_zero() const {
  for (std::size_t t = 0; t < thresholds.size(); ++t) {
    if (thresholds[t].is_sign) return thresholds[t].is_breakpoint && states[t].intercept == 0.0;
  }
  return false;
}

int StateTable::at_start(double h, double first, double second, double tolerance) const {
  int state = 0;
  for (const Threshold& threshold : thresholds) {
    const double above = h - threshold.value;
    const bool tied = std::abs(above) <= tolerance;
    if (!tied ? above > 0.0 : first != 0.0 ? first > 0.0 : second > 0.0) ++state;
  }
  return state;
}

}  // namespace meander
