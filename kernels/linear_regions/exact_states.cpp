// Thresholds merged in ascending order.
#include "kernels/linear_regions/exact_states.hpp"

#include <algorithm>
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
  for (Threshold& threshold : thresholds) threshold.image = image(threshold.value);
}

StateTable StateTable::of_sign() {
  return StateTable(LinearPieces{{}, {1.0}, {0.0}});
}

double StateTable::image(double h) const {
  const auto value = [h](const State& state) { return state.slope * h + state.intercept; };
  std::size_t state = 0;
  while (state < thresholds.size() && thresholds[state].value < h) ++state;
  // On a breakpoint the two sides agree but for rounding; a flat one knows better.
  const bool on_it = state < thresholds.size() && thresholds[state].value == h;
  return value(states[on_it && states[state + 1].slope == 0.0 ? state + 1 : state]);
}

bool StateTable::keeps_zero(std::span<const double> bias) const {
  return std::all_of(bias.begin(), bias.end(), [&](double b) { return image(b) == 0.0; });
}

bool StateTable::is_threshold(double h) const {
  return std::any_of(thresholds.begin(), thresholds.end(), [&](const Threshold& t) { return t.value == h; });
}

bool StateTable::is_within(double tolerance, double h) const {
  return std::any_of(thresholds.begin(), thresholds.end(),
                     [&](const Threshold& t) { return std::abs(h - t.value) <= tolerance; });
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
