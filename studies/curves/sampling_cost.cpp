// Seconds from operation counts and rates measured on a 3 GHz core with AVX2; bytes from the
// kernel's own panel rule.
#include "studies/curves/sampling_cost.hpp"

#include <algorithm>

#include "kernels/trajectories/sampled_curve_panels.hpp"
#include "studies/networks/weight_cost.hpp"

namespace meander {
namespace {

constexpr double flops_double = 42e9;  // large matrix product, one core
constexpr double flops_single = 84e9;
constexpr double half_rate_width = 40;      // inputs at which the product reaches half of that
constexpr double pass_seconds = 0.9e-9;     // per neuron and sample: activation, counts, length
constexpr double overhead_seconds = 20e-6;  // a task, whatever its size

}  // namespace

Cost sampling_cost(const SampledTask& task) {
  const double element = task.precision == Precision::single ? 4.0 : 8.0;
  const double flops = task.precision == Precision::single ? flops_single : flops_double;
  const double samples = static_cast<double>(task.samples);
  const auto plan = plan_panels(task.widths, task.samples, task.precision);
  const double panels =
      plan.keep_weights ? 1.0 : (samples + static_cast<double>(plan.panel) - 1) / static_cast<double>(plan.panel);

  Cost cost;
  cost.seconds = overhead_seconds;
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
        l == 0 ? 6.0 * weights / 4e9 : 2.0 * weights * samples / (flops * inputs / (inputs + half_rate_width));
    cost.seconds += pass_seconds * outputs * samples;
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
  return cost;
}

/// Every boundary passes every later layer: a product with the neurons that have a slope on the stretch, about two in
/// five, and one step of all neurons.
Cost exact_cost(const ExactTask& task) {
  constexpr double live_share = 0.4;
  constexpr double step_seconds = 1.0e-9;    // per neuron and boundary
  constexpr double event_seconds = 0.25e-6;  // root, length, bookkeeping
  Cost cost;
  cost.seconds = overhead_seconds;
  double inputs = task.input_dimension;
  double boundaries = 0.0;
  double patterns = 0.0;
  for (std::size_t l = 0; l < task.widths.size(); ++l) {
    const double outputs = task.widths[l];
    const double weights = outputs * inputs;
    cost.seconds += weight_cost(task.law, weights, inputs).seconds;
    cost.seconds += l == 0 ? 6.0 * weights / 4e9 : boundaries * 2.0 * live_share * weights / flops_double;
    cost.seconds += step_seconds * outputs * (boundaries + 1.0) + event_seconds * task.transitions[l];
    boundaries += task.transitions[l];
    if (task.patterns) patterns += boundaries;
    inputs = outputs;
  }
  cost.seconds += 20e-9 * patterns;
  cost.bytes =
      exact_curve_bytes(task.input_dimension, task.widths) + 48.0 * patterns + (task.events ? 80.0 * boundaries : 0.0);
  return cost;
}

}  // namespace meander
