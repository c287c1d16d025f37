// Exact dichotomies: every point's swept pre-activations are a circle, so the exact engine gives the
// parameters at which its label flips.
#include "kernels/linear_regions/dichotomies.hpp"
#include "kernels/linear_regions/exact_curve.hpp"

#include <utility>

namespace meander {

DichotomyCounts exact_dichotomies(const Network& network, const WeightSweep& sweep,
                                  std::span<const std::vector<double>> points) {
  const std::vector<Curve> curves = swept_pre_activations(network, sweep, points);
  const ExactNetwork engine(network, sweep.layer);
  ExactOptions options;
  options.patterns = false;
  options.lengths = false;
  options.readout_events = true;
  std::vector<std::vector<double>> flips;
  std::uint64_t first = 0;
  bool finite = true;
  for (std::size_t p = 0; p < curves.size(); ++p) {
    ExactCounts counts = engine.walk(curves[p], options);
    finite = finite && counts.readout_sign_changes.has_value();
    first |= std::uint64_t{counts.readout_starts_positive} << p;
    flips.push_back(std::move(counts.readout_events));
  }
  DichotomyCounts counts = merge_flips(flips, first);
  counts.finite = finite;
  return counts;
}

}  // namespace meander
