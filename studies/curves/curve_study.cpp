// Networks and curves of tasks, whether drawn or stored.
#include "studies/curves/curve_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "pipeline/inputs/arrays.hpp"
#include "studies/curves/sampling_cost.hpp"
#include "studies/networks/activation_value.hpp"
#include "studies/networks/random_networks.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr double tolerated_change = 0.01;

NamedArrays stored_arrays(const StudyFile& file) {
  return read_arrays(*file.bytes, file.path);
}

std::shared_ptr<const StoredNetwork> stored_network(const Study& study, Diagnostics& diagnostics) {
  const StudyFile* file = study.file("network.file");
  if (file == nullptr || file->bytes == nullptr) return nullptr;
  try {
    return std::make_shared<StoredNetwork>(network_from(stored_arrays(*file), file->path));
  } catch (const BadInput& error) {
    diagnostics.error(study.place("network.file"), error.what());
    return nullptr;
  }
}

std::vector<int> widths_of(const Network& network) {
  std::vector<int> widths;
  for (int layer = 1; layer <= network.depth(); ++layer) widths.push_back(network.width(layer));
  return widths;
}

}  // namespace

CurveStudy::CurveStudy(const Study& study, Diagnostics& diagnostics)
    : CurveStudy(study, diagnostics, stored_network(study, diagnostics)) {}

CurveStudy::CurveStudy(const Study& study, Diagnostics& diagnostics, std::shared_ptr<const StoredNetwork> stored)
    : stored_(std::move(stored)),
      input_(study, stored_ ? stored_->input_dimension() : 0, diagnostics),
      random_readout_(meander::has_readout(study)),
      single_(study.single_precision) {
  if (stored_) {
    depth_ = stored_->depth();
    stored_activation_ = stored_arrays(*study.file("network.file")).texts.at("activation");
  } else if (!diagnostics.failed()) {
    depth_ = max_depth(study);
  }
}

CurveStudy CurveStudy::read(const Study& study) {
  Diagnostics diagnostics;
  CurveStudy result(study, diagnostics);
  diagnostics.throw_if_failed();
  return result;
}

std::vector<Key> CurveStudy::keys() {
  std::vector<Key> keys = random_network_keys();
  for (const auto& more : {input_curve_keys(), stored_network_keys()})
    keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

CurveStudy::Subject CurveStudy::subject(const Task& task) const {
  const StreamKey key = stream_key(task.seed, task.realization, task.salt);
  Subject subject{stored_, input_.curve(task.point, key)};
  if (!stored_) {
    subject.network = std::make_shared<RandomNetwork>(network_parameters(task.point, input_.dimension()), key);
  }
  return subject;
}

SampledCounts CurveStudy::sample(const Task& task, const Subject& subject, bool transitions) const {
  SampledOptions options;
  options.samples = static_cast<long>(task.point.integer("samples"));
  options.precision = single_ ? Precision::single : Precision::double_;
  options.transitions = transitions;
  return sample_curve(*subject.network, subject.curve, options);
}

Activation CurveStudy::activation(const Point& point) const {
  return stored_ ? stored_->activation() : activation_from(point.at("activation"));
}

TheoryParameters CurveStudy::theory_parameters(const Point& point) const {
  const auto network = network_parameters(point, input_.dimension());
  TheoryParameters parameters;
  parameters.input_dimension = network.input_dimension;
  parameters.widths = network.widths;
  parameters.sigma_w = network.sigma_w;
  parameters.sigma_b = network.sigma_b;
  parameters.gaussian_weights = network.law.kind == WeightLaw::Kind::gaussian;
  return parameters;
}

std::optional<CurveTheory> CurveStudy::theory(const Point& point, const Curve* curve) const {
  if (stored_) return std::nullopt;
  return curve_theory(activation(point), theory_parameters(point),
                      curve != nullptr ? *curve : input_.typical_curve(point));
}

std::vector<int> CurveStudy::widths(const Point& point) const {
  return stored_ ? widths_of(*stored_) : meander::widths_of(point);
}

bool CurveStudy::has_readout() const {
  return stored_ ? stored_->readout_outputs() > 0 : random_readout_;
}

OwnDimension CurveStudy::layer_dimension() const {
  OwnDimension layer;
  layer.name = "layer";
  layer.size = static_cast<std::size_t>(depth_);
  layer.long_name = "layer, counted from 1";
  for (int l = 1; l <= depth_; ++l) layer.coordinates.emplace_back(l);
  return layer;
}

Cost CurveStudy::sampling_cost(const Point& point) const {
  SampledTask task;
  task.input_dimension = input_.dimension();
  task.widths = widths(point);
  task.samples = static_cast<long>(point.integer("samples"));
  task.precision = single_ ? Precision::single : Precision::double_;
  task.stored = stored_ != nullptr;
  if (const Value* weights = stored_ ? nullptr : point.find("weights")) task.law = weight_law_from(*weights).kind;
  return meander::sampling_cost(task);
}

Cost CurveStudy::exact_cost(const Point& point, bool patterns, bool events) const {
  ExactTask task;
  task.input_dimension = input_.dimension();
  task.widths = widths(point);
  task.stored = stored_ != nullptr;
  task.patterns = patterns;
  task.events = events;
  if (const Value* weights = stored_ ? nullptr : point.find("weights")) task.law = weight_law_from(*weights).kind;
  const std::optional<CurveTheory> predicted =
      stored_ || input_.dimension() < 2 ? std::nullopt : theory(point, nullptr);
  double pieces = 1.0;
  for (std::size_t l = 0; l < task.widths.size(); ++l) {
    const double transitions = predicted ? predicted->transitions[l] : std::numeric_limits<double>::quiet_NaN();
    // Where nothing is predicted, a few switches a neuron. The number grows by no more than about sqrt(width) a layer
    // however large sigma_w is (Raghu et al. 2017, theorem 4), which infinite width does not know.
    const double few = 4.0 * task.widths[l];
    const double most = few + 4.0 * std::sqrt(task.widths[l]) * pieces;
    task.transitions.push_back(std::isfinite(transitions) ? std::min(transitions, most) : few);
    pieces += task.transitions.back();
  }
  return meander::exact_cost(task);
}

Cost CurveStudy::theory_cost(const Point& point) const {
  const bool closed_form = activation(point).pieces() != nullptr;
  const double layers = static_cast<double>(meander::widths_of(point).size());
  Cost cost;
  cost.seconds = (closed_form ? 2e-5 : 2e-3) * layers;
  cost.bytes = 1e6;
  return cost;
}

void CurveStudy::check_realizations(const Study& study, Diagnostics& diagnostics) const {
  if (study.realizations == 1 || !stored_ || input_.is_drawn()) return;
  diagnostics.warning(study.place("realizations"),
                      fmt::format("all {} realizations will be the same (network and curve are fixed) one is enough",
                                  study.realizations));
}

void CurveStudy::export_cell(const Task& task, const std::string& path) const {
  const Subject subject_of_task = subject(task);
  NamedArrays arrays;
  add_network(*subject_of_task.network, stored_ ? stored_activation_ : task.point.at("activation").text(), arrays);
  add_curve(subject_of_task.curve, arrays);
  write_arrays(path, arrays);
}

void check_curve_study(const Study& study, Diagnostics& diagnostics) {
  if (study.file("network.file") != nullptr) {
    refuse_random_networks(study, diagnostics);
  } else {
    check_random_networks(study, diagnostics);
  }
  const CurveStudy decoded(study, diagnostics);
  // What follows needs sound parameters.
  if (diagnostics.failed()) return;
  if (study.file("network.file") == nullptr) check_fixed_point(study, diagnostics);
  decoded.check_realizations(study, diagnostics);
}

void report_overflow(int finite_layers, const Network& network, bool single, Results& results) {
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
  change.nonfinite = true;  // of what is zero for the half
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
