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

#include "kernels/linear_regions/cube_walk.hpp"
#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/mean_field/curve_theory.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/inputs/input_curve.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/measures/dichotomies/weight_sweeps.hpp"
#include "studies/networks/network_choice.hpp"
#include "studies/networks/random_networks.hpp"
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
  arrays.back().nonfinite = true;  // where there are no two flips
  for (ArraySpec& spec : sampling_arrays("label flips")) {
    if (!spec.dimensions.empty()) spec.dimensions = {"swept_layer"};
    if (!spec.warning.empty()) {
      spec.warning = "label flips differ by more than 1 % between all and half of the steps; raise [dichotomies] steps";
    }
    spec.long_name = spec.name == "sampling_change"
                         ? "relative change of label flips when only every second step is used"
                         : "1 where sampling_change exceeds 1 % for a swept layer";
    arrays.push_back(std::move(spec));
  }
  return arrays;
}

Key own_key(std::string name, KeyType type, std::string description) {
  Key key;
  key.section = "dichotomies";
  key.name = std::move(name);
  key.type = type;
  key.description = std::move(description);
  return key;
}

std::vector<Key> own_keys() {
  Key points =
      own_key("points", KeyType::integer,
              "points to label, random or drawn from [input] images; 15 if left out, unless a file gives them");
  points.optional = true;
  points.sweepable = true;
  points.units = "points";
  points.minimum = 1;
  points.maximum = most_points;
  Key layers =
      own_key("layers", KeyType::integers,
              "layers to sweep, one after another, counted from 1 and ascending; all (or all of the file's) if "
              "left out");
  layers.optional = true;
  layers.minimum = 1;
  layers.maximum = 1 << 20;
  Key method = own_key("method", KeyType::string,
                       "auto: exact where the activation has linear pieces, else sampled; or exact; or sampled");
  method.choices = {"auto", "exact", "sampled"};
  method.default_value = Value("auto");
  Key steps = own_key("steps", KeyType::integer, "steps around the sweep between which sampled labels are compared");
  steps.units = "steps";
  steps.minimum = 3;
  steps.maximum = 1e9;
  steps.default_value = Value(4000);
  steps.sweepable = true;
  Key file = own_key("file", KeyType::file,
                     "HDF5 file with a sweep of your own, for [network] file (it may be the same): /points (s, inputs) "
                     "and, for each swept layer, /sweep/0/weight (out, in), counted like /layers");
  file.hint = "points and second weights of your own in HDF5; `meander export` writes them as an example";
  file.optional = true;
  return {points, layers, method, steps, file};
}

constexpr std::size_t default_points = 15;

std::size_t point_count(const Point& point) {
  return point.find("points") == nullptr ? default_points : static_cast<std::size_t>(point.integer("points"));
}

class Labelings final : public Measurement {
 public:
  Labelings(const Study& study, Diagnostics& diagnostics)
      : networks_(study, diagnostics), method_(*study.setting("dichotomies.method")->get_if<std::string>()) {
    if (study.file("dichotomies.file") != nullptr) {
      read_file(study, diagnostics);
    } else {
      read_input(study, diagnostics);
    }
    read_layers(study, diagnostics);
  }

  const NetworkChoice& networks() const { return networks_; }
  bool is_drawn() const { return !stored_; }

  Layout layout() const override {
    OwnDimension swept{.name = "swept_layer", .size = layers_.size(), .long_name = "swept layer, counted from 1"};
    for (const int layer : layers_) swept.coordinates.emplace_back(layer);
    Layout layout;
    layout.dimensions = {swept};
    layout.families = {{"measured", std::nullopt, true, measured_arrays()}};
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override;
  void run(const Task& task, Results& results) const override;
  void export_cell(const Task& task, const std::string& path) const override;

 private:
  void read_file(const Study& study, Diagnostics& diagnostics);
  void read_input(const Study& study, Diagnostics& diagnostics);
  void read_layers(const Study& study, Diagnostics& diagnostics);
  StoredSweeps subject(const Task& task, std::shared_ptr<const Network>& network) const;
  bool is_exact(const Activation& activation) const { return method_ != "sampled" && activation.pieces() != nullptr; }
  double exact_seconds(const Point& point, const std::vector<int>& widths, int swept) const;

  NetworkChoice networks_;
  std::string method_;
  std::optional<InputPoints> inputs_;
  std::optional<StoredSweeps> stored_;
  std::vector<int> layers_;
};

void Labelings::read_file(const Study& study, Diagnostics& diagnostics) {
  const StudyFile& file = *study.file("dichotomies.file");
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
  if (file.bytes == nullptr || !networks_.stored()) return;
  try {
    stored_ = sweeps_from(read_arrays(*file.bytes, file.path), file.path, *networks_.stored());
  } catch (const BadInput& error) {
    diagnostics.error(study.place("dichotomies.file"), error.what());
  }
}

void Labelings::read_input(const Study& study, Diagnostics& diagnostics) {
  if (study.file("network.file") != nullptr) {
    diagnostics.error(study.place("network.file"),
                      "a stored network has no law to draw a sweep from (its second weights must be given) name them: "
                      "[dichotomies] file = \"FILE\"");
    return;
  }
  std::size_t most = 1;
  for (const Point& point : distinct_points(study, {"points"})) most = std::max(most, point_count(point));
  inputs_.emplace(study, 0, most, diagnostics);
}

void Labelings::read_layers(const Study& study, Diagnostics& diagnostics) {
  const Place place = study.place("dichotomies.layers");
  const auto has = [&](int layer) {
    if (!stored_) return layer <= networks_.depth();
    return std::any_of(stored_->sweeps.begin(), stored_->sweeps.end(),
                       [&](const WeightSweep& sweep) { return sweep.layer == layer; });
  };
  const Value* chosen = study.setting("dichotomies.layers");
  if (chosen == nullptr) {
    for (int layer = 1; layer <= networks_.depth(); ++layer) {
      if (has(layer)) layers_.push_back(layer);
    }
    return;
  }
  for (const Value& value : *chosen->get_if<List>()) {
    const int layer = static_cast<int>(value.number());
    if (!layers_.empty() && layer <= layers_.back()) {
      diagnostics.error(place, fmt::format("'layers' is {} (layers are named once and in order) write them ascending",
                                           chosen->toml()));
      return;
    }
    layers_.push_back(layer);
    if (has(layer) || networks_.depth() == 0) continue;
    diagnostics.error(
        place, stored_ ? fmt::format("'layers' names layer {} ({} has no /sweep/{}/weight for it) choose another",
                                     layer, study.file("dichotomies.file")->path, layer - 1)
                       : fmt::format("'layers' names layer {} (the deepest network has {} layers) choose another",
                                     layer, networks_.depth()));
  }
  if (layers_.empty()) diagnostics.error(place, "'layers' is empty (a sweep needs a layer) name one, or leave it out");
}

/// A swept layer's circle has the law of an orthonormal one, so theory for as many layers as follow tells
/// how many pieces the engine will meet.
double Labelings::exact_seconds(const Point& point, const std::vector<int>& widths, int swept) const {
  TheoryParameters parameters;
  parameters.input_dimension = 2;
  parameters.widths.assign(widths.begin() + (swept - 1), widths.end());
  parameters.sigma_w = networks_.stored() ? 2.0 : point.number("sigma_w");
  const Value* sigma_b = point.find("sigma_b");
  parameters.sigma_b = sigma_b != nullptr ? sigma_b->number() : 0.0;
  const double radius = std::sqrt(2.0);  // q0 = 1 in two dimensions
  const auto theory =
      curve_theory(networks_.activation(point), parameters,
                   curve_between(CurveKind::circle, std::vector{radius, 0.0}, std::vector{0.0, radius}));
  double seconds = 0.0;
  for (std::size_t l = 0; l < parameters.widths.size(); ++l) {
    const double width = parameters.widths[l];
    const double transitions = theory.transitions[l];
    seconds += 5e-9 * width * (std::isfinite(transitions) ? transitions : 4.0 * width);
  }
  return seconds;
}

Cost Labelings::cost(std::size_t, const Point& point) const {
  const std::vector<int> widths = networks_.widths(point);
  const int inputs = stored_ ? static_cast<int>(stored_->points.front().size()) : inputs_->dimension();
  const double points = stored_ ? static_cast<double>(stored_->points.size()) : static_cast<double>(point_count(point));
  double weights = 0.0, widest = inputs;
  for (std::size_t l = 0; l < widths.size(); ++l) {
    weights += static_cast<double>(widths[l]) * (l == 0 ? inputs : widths[l - 1]);
    widest = std::max(widest, static_cast<double>(widths[l]));
  }
  const bool exact = is_exact(networks_.activation(point));
  Cost cost;
  cost.bytes = 1e7 + 16.0 * weights + 8.0 * points * widest;
  cost.bytes += exact ? exact_curve_bytes(2, widths) : 8.0 * 3 * 512 * widest;
  for (const int layer : layers_) {
    if (layer > static_cast<int>(widths.size())) break;
    const double drawn = 4e-9 * weights;
    cost.seconds += drawn + (exact ? points * exact_seconds(point, widths, layer)
                                   : points * static_cast<double>(point.integer("steps")) * 1e-10 * weights);
  }
  return cost;
}

StoredSweeps Labelings::subject(const Task& task, std::shared_ptr<const Network>& network) const {
  if (stored_) {
    network = networks_.stored();
    return *stored_;
  }
  const StreamKey key = stream_key(task.seed, task.realization, task.salt);
  RandomNetwork::Parameters parameters = network_parameters(task.point, inputs_->dimension());
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

void Labelings::run(const Task& task, Results& results) const {
  std::shared_ptr<const Network> network;
  const StoredSweeps subject_of_task = subject(task, network);
  const auto& points = subject_of_task.points;
  const bool exact = is_exact(network->activation());
  const int s = static_cast<int>(points.size());
  std::vector<std::int64_t> dichotomies, flips;
  std::vector<double> bounds, gaps, change;
  for (const WeightSweep& sweep : subject_of_task.sweeps) {
    if (std::find(layers_.begin(), layers_.end(), sweep.layer) == layers_.end()) continue;
    const DichotomyCounts counts =
        exact ? exact_dichotomies(*network, sweep, points)
              : sampled_dichotomies(*network, sweep, points, static_cast<long>(task.point.integer("steps")));
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
  add_network(*network, networks_.activation_text(task.point), arrays);
  add_sweeps(subject_of_task, *network, arrays);
  write_arrays(path, arrays);
}

class Dichotomies final : public Measure {
 public:
  std::string name() const override { return "dichotomies"; }
  int version() const override { return 2; }
  std::string description() const override {
    return "distinct labelings of points while one layer's weights sweep a great circle W cos t + W' sin t, their "
           "label "
           "flips, and a random walk of as many flips";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = NetworkChoice::keys();
    for (Key& key : keys) {
      if (key.section != "readout") continue;
      key.description =
          "standard deviation of the readout's weights times sqrt(fan_in); 1 for random networks if left out (labels "
          "are signs, so it changes none)";
    }
    for (const auto& more : {input_points_keys(), own_keys()}) keys.insert(keys.end(), more.begin(), more.end());
    return keys;
  }
  std::vector<ArraySpec> arrays() const override { return measured_arrays(); }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    check_networks(study, diagnostics);
    const Labelings decoded(study, diagnostics);
    if (diagnostics.failed()) return;
    if (*study.setting("dichotomies.method") == Value("exact")) {
      require_linear_pieces(study, decoded.networks(), "method = \"exact\" needs them", diagnostics);
    }
    if (!decoded.networks().stored()) check_fixed_point(study, diagnostics);
    if (!decoded.is_drawn()) warn_of_repetition(study, diagnostics);
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override {
    Diagnostics diagnostics;
    auto measurement = std::make_unique<Labelings>(study, diagnostics);
    diagnostics.throw_if_failed();
    return measurement;
  }
};

}  // namespace

std::unique_ptr<Measure> make_dichotomies() {
  return std::make_unique<Dichotomies>();
}

}  // namespace meander
