// Networks and curves of tasks, whether drawn or stored.
#include "studies/curves/curve_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/base/machine_rates.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/curves/sampling_cost.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr double tolerated_change = 0.01;

}  // namespace

CurveStudy::CurveStudy(const Study& study, const CurveStudyKeys& keys, Diagnostics& diagnostics, LayersTaken taken)
    : networks_(network_source(study, keys.networks, diagnostics, taken)),
      input_(study, keys.input, keys.curve, networks_, diagnostics),
      samples_(keys.curve.samples),
      precision_(study.single_precision ? Precision::single : Precision::double_) {
  if (diagnostics.failed()) return;
  const bool drawn = networks_->random() != nullptr || input_.is_drawn();
  if (!drawn) warn_of_repetition(study, "network and curve are fixed", diagnostics);
}

CurveStudy::Subject CurveStudy::subject(const Task& task) const {
  const StreamKey key = task_stream(task);
  return {networks_->network(task.point, key, input_.dimension()), input_.curve(task.point, key)};
}

SampledCounts CurveStudy::sample(const Task& task, const Subject& subject, bool transitions) const {
  SampledOptions options;
  options.samples = samples_(task.point);
  options.precision = precision_;
  options.transitions = transitions;
  return sample_curve(*subject.network, subject.curve, options);
}

TheoryParameters CurveStudy::theory_parameters(const Point& point) const {
  const auto network = networks_->random()->parameters(point, input_.dimension());
  TheoryParameters parameters;
  parameters.input_dimension = network.input_dimension;
  parameters.widths = network.widths;
  parameters.sigma_w = network.sigma_w;
  parameters.sigma_b = network.sigma_b;
  parameters.gaussian_weights = network.law.kind == WeightLaw::Kind::gaussian;
  return parameters;
}

CurveTheory CurveStudy::theory(const Point& point, const Curve& curve) const {
  CurveTheory theory = curve_theory(networks_->activation(point), theory_parameters(point), curve);
  const GaussianCorrection law = correction(point, curve);
  law.mask_averages(theory.growth);
  law.mask_averages(theory.sign_changes);
  law.mask_switches(theory.transitions);
  return theory;
}

GaussianCorrection CurveStudy::correction(const Point& point, const Curve& curve) const {
  const auto network = networks_->random()->parameters(point, input_.dimension());
  return gaussian_correction(network, mean_square(curve), input_.participation(curve));
}

Cost CurveStudy::sampling_cost(const Point& point) const {
  Cost cost = sampling_cost(point, row_seconds(networks_->activation(point)));
  // Theory that differs from curve to curve belongs to each task.
  if (networks_->random() != nullptr && !has_theory_family()) cost.seconds += theory_cost(point).seconds;
  return cost;
}

Cost CurveStudy::sampling_cost(const Point& point, double element) const {
  SampledTask task;
  task.input_dimension = input_.dimension();
  task.widths = networks_->widths(point);
  task.samples = samples_(point);
  task.precision = precision_;
  task.law = networks_->law(point);
  task.element = element;
  return meander::sampling_cost(task);
}

Cost CurveStudy::exact_cost(const Point& point, bool patterns, bool events) const {
  ExactTask task;
  task.input_dimension = input_.dimension();
  task.widths = networks_->widths(point);
  task.patterns = patterns;
  task.events = events;
  task.law = networks_->law(point);
  std::optional<CurveTheory> predicted;
  if (networks_->random() != nullptr && input_.dimension() >= 2) {
    predicted = curve_theory(networks_->activation(point), theory_parameters(point), input_.typical_curve(point));
  }
  const Activation activation = networks_->activation(point);
  task.transitions =
      expected_transitions(predicted ? predicted->transitions : std::vector<double>{}, task.widths, &activation);
  if (networks_->random() != nullptr) task.steepness = networks_->random()->sigma_w(point);
  Cost cost = meander::exact_cost(task);
  if (networks_->random() != nullptr && !has_theory_family()) cost.seconds += theory_cost(point).seconds;
  return cost;
}

Cost CurveStudy::theory_cost(const Point& point) const {
  // The recursion of a circle is the same all along it; of other curves it is integrated.
  const double layers = static_cast<double>(networks_->widths(point).size());
  const double places = input_.is_circle() ? 1.0 : 80.0;
  return {.seconds = machine_rates().task + places * layers * average_costs(point).moments(1.0) +
                     average_costs(point).law_correction(networks_->law(point), static_cast<int>(layers)),
          .bytes = 1e6};
}

void CurveStudy::export_cell(const Task& task, const std::string& path) const {
  const Subject subject_of_task = subject(task);
  NamedArrays arrays;
  add_network(*subject_of_task.network, networks_->activation_text(task.point), arrays);
  add_curve(subject_of_task.curve, arrays);
  write_arrays(path, arrays);
}

void report_overflow(int finite_layers, const Network& network, Precision precision, Results& results) {
  const bool single = precision == Precision::single;
  if (finite_layers == network.depth()) return;
  results.status(
      Status::out_of_range,
      fmt::format("values overflow {} precision in layer {} of {} (they grow with depth beyond the largest number); "
                  "layers before it are kept, take a smaller sigma_w or depth{} for the others",
                  single ? "single" : "double", finite_layers + 1, network.depth(),
                  single ? ", or precision = \"double\"," : ""));
}

std::vector<ArraySpec> sampling_arrays(const std::string& what) {
  ArraySpec change;
  change.name = "sampling_change";
  change.long_name = fmt::format("relative change of {} when only every second sample is used", what);
  change.dimensions = {"layer"};
  ArraySpec warning;
  warning.name = "sampling_warning";
  warning.long_name = "1 where sampling_change exceeds 1 % in a layer";
  warning.type = ArrayType::int8;
  warning.warning =
      fmt::format("{} differ by more than 1 % between all and half of the samples; raise [curve] samples", what);
  return {change, warning};
}

void set_sampling(const std::vector<double>& change, Results& results) {
  results.set("sampling_change", std::span<const double>(change));
  const bool warn = std::any_of(change.begin(), change.end(), [](double c) { return !(c <= tolerated_change); });
  results.set("sampling_warning", std::int64_t{warn});
}

}  // namespace meander
