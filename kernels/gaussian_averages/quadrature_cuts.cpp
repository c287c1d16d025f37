// Cuts from an activation's features.
#include "kernels/gaussian_averages/quadrature_cuts.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/gaussian_quadrature.hpp"

namespace meander {

std::vector<double> quadrature_cuts(const Activation& activation, double q) {
  const double edge = farthest_deviation * std::sqrt(q);
  std::vector<double> cuts = activation.features().ends(-edge, edge);
  cuts.erase(cuts.begin());
  if (!cuts.empty()) cuts.pop_back();
  // A caller's function may tell its kinks alone.
  for (const double kink : activation.kinks().value_or(std::vector<double>{})) {
    if (std::abs(kink) < edge) cuts.push_back(kink);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

}  // namespace meander
