// Seconds from operation counts and the machine's rates; bytes from the kernel's own panel rule.
#include "studies/curves/sampling_cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/machine_rates.hpp"
#include "kernels/trajectories/polygon_differences.hpp"
#include "kernels/trajectories/sampled_curve_panels.hpp"
#include "studies/networks/weight_cost.hpp"

namespace meander {
namespace {

constexpr double half_rate_width = 40;  // inputs at which the product reaches half of its rate

}  // namespace

Cost sampling_cost(const SampledTask& task) {
  const double element = task.precision == Precision::single ? 4.0 : 8.0;
  const MachineRates& rates = machine_rates();
  const double product = task.precision == Precision::single ? rates.product_single : rates.product;
  const double samples = static_cast<double>(task.samples);
  const auto plan = plan_panels(task.widths, task.samples, task.precision);
  const double panels =
      plan.keep_weights ? 1.0 : (samples + static_cast<double>(plan.panel) - 1) / static_cast<double>(plan.panel);

  Cost cost;
  cost.seconds = rates.task;
  double largest = 0.0;
  double all_weights = 0.0;
  double packed = 0.0;
  double inputs = task.input_dimension;
  for (std::size_t l = 0; l < task.widths.size(); ++l) {
    const double outputs = task.widths[l];
    const double weights = outputs * inputs;
    const WeightCost preparation = weight_cost(task.law, weights, inputs);
    // A layer's weights are drawn once or anew for each panel; layer 1 acts on the curve's vectors, not on samples.
    cost.seconds += preparation.seconds * (l == 0 ? 1.0 : panels);
    cost.seconds +=
        l == 0 ? 2.0 * rates.step * weights : weights * samples * product * (1.0 + half_rate_width / inputs);
    cost.seconds += (rates.step + task.element) * outputs * samples;
    const double copies = preparation.copies;
    largest = std::max(largest, weights * (l == 0 || copies > 1.0 ? 8.0 : element) * copies);
    all_weights += weights;
    if (l > 0) packed = plan.keep_weights ? packed + weights : std::max(packed, weights);
    inputs = outputs;
  }
  const double layers = static_cast<double>(task.widths.size());
  cost.bytes = largest + element * packed +
               2.0 * element * static_cast<double>(plan.stride) * static_cast<double>(plan.panel) +
               40.0 * samples * (layers + 1.0) + 24.0 * task.input_dimension + (task.law ? 0.0 : 8.0 * all_weights);
  // Where layers contract, lengths are taken again by differences.
  cost.bytes = std::max(cost.bytes, largest + polygon_by_differences_bytes(task.widths, task.samples));
  return cost;
}

std::vector<double> expected_transitions(const std::vector<double>& theory, const std::vector<int>& widths,
                                         const Activation* activation) {
  std::vector<double> expected;
  double laps = 1.0;
  if (activation != nullptr && activation->pieces() != nullptr) {
    const std::vector<double>& slopes = activation->pieces()->slopes;
    // Neighbours that rise, or fall, together are one.
    const auto sign = [](double slope) { return (slope > 0.0) - (slope < 0.0); };
    double runs = 0.0;
    for (std::size_t k = 0; k < slopes.size(); ++k) {
      if (slopes[k] != 0.0 && (k == 0 || sign(slopes[k]) != sign(slopes[k - 1]))) runs += 1.0;
    }
    laps = std::max(1.0, runs);
  }
  for (std::size_t l = 0; l < widths.size(); ++l) {
    const double few = 4.0 * widths[l];
    const double here = l < theory.size() ? theory[l] : std::numeric_limits<double>::quiet_NaN();
    if (!std::isfinite(here) || l == 0 || !(theory[l - 1] > 0.0)) {
      expected.push_back(std::isfinite(here) ? here : few);
      continue;
    }
    const double wider = static_cast<double>(widths[l]) / widths[l - 1];
    const double wide = here / theory[l - 1] / wider;
    const double most = laps * (0.12 + 0.58 * std::sqrt(static_cast<double>(widths[l - 1])));
    const double growth = wide > 0.0 ? std::pow(std::pow(wide, -3.0) + std::pow(most, -3.0), -1.0 / 3.0) : 0.0;
    expected.push_back(expected.back() * growth * wider);
  }
  return expected;
}

/// Every boundary passes every later layer: a product with the neurons that have a slope on the stretch, about two in
/// five, and one step of all neurons.
Cost exact_cost(const ExactTask& task) {
  constexpr double live_share = 0.4;
  const MachineRates& rates = machine_rates();
  const double step_seconds = 1.4 * rates.step;     // per neuron and boundary
  const double event_seconds = 500.0 * rates.step;  // root, length, bookkeeping
  Cost cost;
  cost.seconds = rates.task;
  double inputs = task.input_dimension;
  double boundaries = 0.0;
  double patterns = 0.0;
  for (std::size_t l = 0; l < task.widths.size(); ++l) {
    const double outputs = task.widths[l];
    const double weights = outputs * inputs;
    cost.seconds += weight_cost(task.law, weights, inputs).seconds;
    cost.seconds += l == 0 ? 2.0 * rates.step * weights : boundaries * live_share * weights * rates.product * 3.0;
    cost.seconds += step_seconds * outputs * (boundaries + 1.0) + event_seconds * task.transitions[l];
    boundaries += task.transitions[l];
    if (task.patterns) patterns += boundaries;
    inputs = outputs;
  }
  cost.seconds += 30.0 * rates.step * patterns;
  // Rounding grows with the steepness, and what it may have decided is walked again with 256 bits: of narrow networks
  // all of it, where neurons are open together or not at all; of wide ones single stretches.
  constexpr double narrow = 16.0, doubtful = 5e6, dearer = 80.0;
  const double widest = *std::max_element(task.widths.begin(), task.widths.end());
  if (widest <= narrow && std::pow(task.steepness, static_cast<double>(task.widths.size())) > doubtful) {
    cost.seconds *= dearer;
  }
  cost.bytes =
      exact_curve_bytes(task.input_dimension, task.widths) + 48.0 * patterns + (task.events ? 80.0 * boundaries : 0.0);
  return cost;
}

}  // namespace meander
