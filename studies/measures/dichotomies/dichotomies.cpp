// Labelings of fixed points while one layer's weights sweep a great circle, every layer in its turn
// (Raghu et al. 2017, section 2.2), beside the random walk on the cube and what VC theory allows.
#include "kernels/linear_regions/dichotomies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/linear_regions/cube_walk.hpp"
#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/mean_field/curve_theory.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/curves/count_method.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/curves/sampling_cost.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/measures/dichotomies/weight_sweeps.hpp"
#include "studies/networks/network_source.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> measured_arrays() {
  std::vector<ArraySpec> arrays{
      array("exact", ArrayType::int8, "1 where counts are exact, 0 where they were taken between steps", {}),
      array("dichotomies", ArrayType::int64, "distinct labelings of the points along the sweep", {"swept_layer"}),
      array("label_flips", ArrayType::int64, "label changes along the closed sweep, summed over the points",
            {"swept_layer"}),
      array("random_walk", ArrayType::float64,
            "expected distinct labelings of a random walk on the cube with that many flips", {"swept_layer"}),
      array("sauer_shelah_bound", ArrayType::float64,
            "most labelings of a class with the VC dimension that the flips of one point allow", {"swept_layer"}),
      array("all_labelings", ArrayType::float64, "2 to the number of points", {}),
      array("smallest_gap", ArrayType::float64,
            "smallest distance in t between flips of two points, where counts are exact", {"swept_layer"})};
  arrays.back().units = "rad";
  arrays.back().undefined_where = "no two flips of different points are neighbours, and where labelings are sampled";
  for (ArraySpec& spec : sampling_arrays("label flips")) {
    if (!spec.dimensions.empty()) spec.dimensions = {"swept_layer"};
    if (!spec.warning.empty()) {
      spec.warning = "label flips differ by more than 1 % between all and half of the steps; raise [dichotomies] steps";
    }
    spec.undefined_where = "labelings are counted exactly";
    spec.long_name = spec.name == "sampling_change"
                         ? "relative change of label flips when only every second step is used"
                         : "1 where sampling_change exceeds 1 % for a swept layer";
    arrays.push_back(std::move(spec));
  }
  return arrays;
}

constexpr std::size_t default_points = 15;

class Labelings final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare);
    NetworkKeys networks;
    InputKeys input;
    Parameter<std::size_t> points;
    std::optional<std::vector<int>> layers;
    CountMethod method = CountMethod::automatic;
    Parameter<long> steps;
    const StudyFile* file = nullptr;
  };

  Labelings(const Study& study, const Keys& keys, Diagnostics& diagnostics);

  void export_cell(const Task& task, const std::string& path) const override;

 private:
  void read_file(const Study& study, const StudyFile& file, Diagnostics& diagnostics);
  void read_input(const Study& study, const Keys& keys, Diagnostics& diagnostics);
  void read_layers(const Study& study, const Keys& keys, Diagnostics& diagnostics);
  std::size_t point_count(const Point& point) const { return points_.value_or(point, default_points); }
  StoredSweeps subject(const Task& task, std::shared_ptr<const Network>& network) const;
  double exact_seconds(const Point& point, const std::vector<int>& widths, int swept) const;
  Cost cost_of(const Point& point) const;
  void measure(const Task& task, Results& results) const;

  std::shared_ptr<const NetworkSource> networks_;
  CountMethod method_;
  Parameter<std::size_t> points_;
  Parameter<long> steps_;
  std::optional<InputPoints> inputs_;
  std::optional<StoredSweeps> stored_;
  std::vector<int> layers_;
};

Labelings::Keys::Keys(Declaration& declare)
    : networks(declare,
               {.readout_description = "standard deviation of the readout's weights times sqrt(fan_in); 1 for random "
                                       "networks if left out (labels are signs, so it changes none)"}),
      input(declare, points_wanted()) {
  declare(points, {.section = "dichotomies",
                   .name = "points",
                   .units = "points",
                   .description = "points to label, random or drawn from [input] images; 15 if left out, unless a file "
                                  "gives them",
                   .minimum = 1,
                   .maximum = most_points});
  declare(layers,
          {.section = "dichotomies",
           .name = "layers",
           .description = "layers to sweep, one after another, counted from 1 and ascending; all (or all of the "
                          "file's) if left out",
           .minimum = 1,
           .maximum = 1 << 20});
  declare(method, {.section = "dichotomies",
                   .name = "method",
                   .description = "auto: exact where the activation has linear pieces, else sampled; or exact; or "
                                  "sampled",
                   .default_value = Value("auto")});
  declare(steps, {.section = "dichotomies",
                  .name = "steps",
                  .units = "steps",
                  .description = "steps around the sweep between which sampled labels are compared",
                  .default_value = Value(4000),
                  .minimum = 3,
                  .maximum = 1e9});
  declare(file, {.section = "dichotomies",
                 .name = "file",
                 .description =
                     "HDF5 file with a sweep of your own, for [network] file (it may be the same): /points (s, inputs) "
                     "and, for each swept layer, /sweep/0/weight (out, in), counted like /layers",
                 .hint = "points and second weights of your own in HDF5; `meander export` writes them as an example"});
}

Labelings::Labelings(const Study& study, const Keys& keys, Diagnostics& diagnostics)
    : networks_(network_source(study, keys.networks, diagnostics)),
      method_(keys.method),
      points_(keys.points),
      steps_(keys.steps) {
  if (keys.file != nullptr) {
    read_file(study, *keys.file, diagnostics);
  } else {
    read_input(study, keys, diagnostics);
  }
  read_layers(study, keys, diagnostics);
  if (diagnostics.failed()) return;
  if (method_ == CountMethod::exact) {
    require_linear_pieces(study, *networks_, "method = \"exact\" needs them", diagnostics);
  }
  if (stored_) warn_of_repetition(study, "network and points are fixed", diagnostics);
  OwnDimension swept{.name = "swept_layer", .size = layers_.size(), .long_name = "swept layer, counted from 1"};
  for (const int layer : layers_) swept.coordinates.emplace_back(layer);
  add(std::move(swept));
  add({.layout = {"measured", std::nullopt, true, measured_arrays()},
       .cost = [this](const Point& point) { return cost_of(point); },
       .run = [this](const Task& task, Results& results) { measure(task, results); }});
}

void Labelings::read_file(const Study& study, const StudyFile& file, Diagnostics& diagnostics) {
  for (const std::string path : {"dichotomies.points", "input.dimension", "input.images", "input.q0"}) {
    const std::string name = path.substr(path.find('.') + 1);
    if (study.setting(path) == nullptr && study.file(path) == nullptr && !is_swept(study, name)) continue;
    diagnostics.error(
        study.place(is_swept(study, name) ? "sweep." + name : path),
        fmt::format("'{}' has no meaning here ([dichotomies] file fixes the points) remove one of them", name));
  }
  if (study.file("network.file") == nullptr) {
    diagnostics.error(study.place("dichotomies.file"),
                      "'file' stands without [network] file (its weights belong to a stored network) name the network");
  }
  const auto network = networks_ ? networks_->stored() : nullptr;
  if (file.bytes == nullptr || network == nullptr) return;
  try {
    stored_ = sweeps_from(read_arrays(*file.bytes, file.path), file.path, *network);
  } catch (const BadInput& error) {
    diagnostics.error(study.place("dichotomies.file"), error.what());
  }
}

void Labelings::read_input(const Study& study, const Keys& keys, Diagnostics& diagnostics) {
  if (keys.networks.file != nullptr) {
    diagnostics.error(study.place("network.file"),
                      "a stored network has no weight distribution to draw a sweep from (its second weights must be "
                      "given) name them: "
                      "[dichotomies] file = \"FILE\"");
    return;
  }
  std::size_t most = points_.is_given() ? 1 : default_points;
  for (const std::size_t count : points_.values()) most = std::max(most, count);
  inputs_.emplace(study, keys.input, networks_, most, diagnostics);
}

void Labelings::read_layers(const Study& study, const Keys& keys, Diagnostics& diagnostics) {
  const Place place = study.place("dichotomies.layers");
  const int depth = networks_ ? networks_->depth() : 0;
  const auto has = [&](int layer) {
    if (!stored_) return layer <= depth;
    return std::any_of(stored_->sweeps.begin(), stored_->sweeps.end(),
                       [&](const WeightSweep& sweep) { return sweep.layer == layer; });
  };
  if (!keys.layers) {
    for (int layer = 1; layer <= depth; ++layer) {
      if (has(layer)) layers_.push_back(layer);
    }
    return;
  }
  for (const int layer : *keys.layers) {
    if (!layers_.empty() && layer <= layers_.back()) {
      diagnostics.error(place, fmt::format("'layers' is {} (layers are named once and in order) write them ascending",
                                           study.setting("dichotomies.layers")->toml()));
      return;
    }
    layers_.push_back(layer);
    if (has(layer) || depth == 0) continue;
    diagnostics.error(
        place, stored_ ? fmt::format("'layers' names layer {} ({} has no /sweep/{}/weight for it) choose another",
                                     layer, keys.file->path, layer - 1)
                       : fmt::format("'layers' names layer {} (the deepest network has {} layers) choose another",
                                     layer, depth));
  }
  if (layers_.empty()) diagnostics.error(place, "'layers' is empty (a sweep needs a layer) name one, or leave it out");
}

/// A swept layer's circle has the law of an orthonormal one, so theory for as many layers as follow tells
/// how many pieces the engine will meet.
double Labelings::exact_seconds(const Point& point, const std::vector<int>& widths, int swept) const {
  TheoryParameters parameters;
  parameters.input_dimension = 2;
  parameters.widths.assign(widths.begin() + (swept - 1), widths.end());
  const RandomNetworks* random = networks_->random();
  parameters.sigma_w = random != nullptr ? random->sigma_w(point) : 2.0;
  parameters.sigma_b = random != nullptr ? random->sigma_b(point) : 0.0;
  const double radius = std::sqrt(2.0);  // q0 = 1 in two dimensions
  const Activation activation = networks_->activation(point);
  const auto theory = curve_theory(
      activation, parameters, curve_between(CurveKind::circle, std::vector{radius, 0.0}, std::vector{0.0, radius}));
  const std::vector<double> transitions = expected_transitions(theory.transitions, parameters.widths, &activation);
  const MachineRates& rates = machine_rates();
  double seconds = 0.0, pieces = 0.0;
  for (std::size_t l = 0; l < parameters.widths.size(); ++l) {
    const double width = parameters.widths[l], fan_in = l == 0 ? 0.0 : parameters.widths[l - 1];
    seconds += pieces * width * (0.6 * fan_in * rates.product + 1.4 * rates.step) + 350.0 * rates.step * transitions[l];
    pieces += transitions[l];
  }
  return seconds;
}

Cost Labelings::cost_of(const Point& point) const {
  const std::vector<int> widths = networks_->widths(point);
  const int inputs = stored_ ? static_cast<int>(stored_->points.front().size()) : inputs_->dimension();
  const double points = stored_ ? static_cast<double>(stored_->points.size()) : static_cast<double>(point_count(point));
  const MachineRates& rates = machine_rates();
  const double element = row_seconds(networks_->activation(point)) + 2.0 * rates.step;
  double weights = 0.0, widest = inputs;
  std::vector<double> from;  // seconds of a point and step from each layer on: what is before it does not move
  for (std::size_t l = 0; l < widths.size(); ++l) {
    weights += static_cast<double>(widths[l]) * (l == 0 ? inputs : widths[l - 1]);
    widest = std::max(widest, static_cast<double>(widths[l]));
    const double fan_in = l == 0 ? inputs : widths[l - 1];
    for (double& seconds : from) seconds += widths[l] * (1.5 * rates.product * fan_in + 0.6 * element);
    from.push_back(widths[l] * 0.6 * element);
  }
  const bool exact = counts_exactly(method_, networks_->activation(point));
  Cost cost;
  cost.bytes = 1e7 + 16.0 * weights + 8.0 * points * widest;
  cost.bytes += exact ? exact_curve_bytes(2, widths) : 8.0 * 3 * 512 * widest;
  for (const int layer : layers_) {
    if (layer > static_cast<int>(widths.size())) break;
    const double drawn = 3.0 * rates.draw * weights + rates.task * (1.0 + points);
    cost.seconds +=
        drawn + (exact ? points * exact_seconds(point, widths, layer)
                       : points * static_cast<double>(steps_(point)) * from[static_cast<std::size_t>(layer - 1)]);
  }
  return cost;
}

StoredSweeps Labelings::subject(const Task& task, std::shared_ptr<const Network>& network) const {
  if (stored_) {
    network = networks_->stored();
    return *stored_;
  }
  const StreamKey key = task_stream(task);
  RandomNetwork::Parameters parameters = networks_->random()->parameters(task.point, inputs_->dimension());
  if (parameters.readout_sigma < 0.0) parameters.readout_sigma = 1.0;
  const auto random = std::make_shared<RandomNetwork>(std::move(parameters), key);
  StoredSweeps subject{inputs_->draw(task.point, key, point_count(task.point)), {}};
  for (const int layer : layers_) {
    if (layer > random->depth()) break;
    WeightSweep sweep{layer, {}};
    sweep.weight.resize(static_cast<std::size_t>(random->width(layer)) *
                        static_cast<std::size_t>(random->fan_in(layer)));
    random->second_weight(layer, sweep.weight);
    subject.sweeps.push_back(std::move(sweep));
  }
  network = random;
  return subject;
}

void Labelings::measure(const Task& task, Results& results) const {
  std::shared_ptr<const Network> network;
  const StoredSweeps subject_of_task = subject(task, network);
  const auto& points = subject_of_task.points;
  const bool exact = counts_exactly(method_, network->activation());
  const int s = static_cast<int>(points.size());
  std::vector<std::int64_t> dichotomies, flips;
  std::vector<double> bounds, gaps, change;
  for (const WeightSweep& sweep : subject_of_task.sweeps) {
    if (std::find(layers_.begin(), layers_.end(), sweep.layer) == layers_.end()) continue;
    const DichotomyCounts counts = exact ? exact_dichotomies(*network, sweep, points)
                                         : sampled_dichotomies(*network, sweep, points, steps_(task.point));
    if (!counts.finite) {
      results.status(Status::out_of_range,
                     fmt::format("values overflow double precision when layer {} of {} is swept (they grow with depth "
                                 "beyond the largest number) take a smaller sigma_w or depth",
                                 sweep.layer, network->depth()));
      break;
    }
    dichotomies.push_back(counts.dichotomies);
    flips.push_back(counts.label_flips);
    bounds.push_back(sauer_shelah_bound(s, vc_dimension_bound(s, counts.most_flips_of_a_point)));
    gaps.push_back(std::isfinite(counts.smallest_gap) ? counts.smallest_gap : std::numeric_limits<double>::quiet_NaN());
    const auto all = static_cast<double>(counts.label_flips);
    change.push_back(counts.label_flips == 0 ? 0.0
                                             : std::abs(all - static_cast<double>(counts.label_flips_half)) / all);
  }
  results.set("exact", std::int64_t{exact});
  results.set("dichotomies", std::span<const std::int64_t>(dichotomies));
  results.set("label_flips", std::span<const std::int64_t>(flips));
  results.set("random_walk", std::span<const double>(expected_corners(s, flips)));
  results.set("sauer_shelah_bound", std::span<const double>(bounds));
  results.set("all_labelings", std::ldexp(1.0, s));
  if (exact) {
    results.set("smallest_gap", std::span<const double>(gaps));
  } else {
    set_sampling(change, results);
  }
}

void Labelings::export_cell(const Task& task, const std::string& path) const {
  std::shared_ptr<const Network> network;
  const StoredSweeps subject_of_task = subject(task, network);
  NamedArrays arrays;
  add_network(*network, networks_->activation_text(task.point), arrays);
  add_sweeps(subject_of_task, *network, arrays);
  write_arrays(path, arrays);
}

}  // namespace

std::unique_ptr<Measure> make_dichotomies() {
  return bound_measure<Labelings>({.name = "dichotomies",
                                   .version = 2,
                                   .description =
                                       "distinct labelings of points while one layer's weights sweep a great "
                                       "circle W cos t + W' sin t, their label flips, and a random walk of "
                                       "as many flips",
                                   .arrays = measured_arrays()});
}

}  // namespace meander
