// Lengths and correlation of two inputs in every layer, gradients back through the layers and the growth of
// perturbations, against mean-field theory (Poole et al. 2016, sections 2 and 3; Schoenholz et al. 2017).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/mean_field/propagation_theory.hpp"
#include "kernels/propagation/signal_propagation.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/inputs/input_curve.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/networks/network_choice.hpp"
#include "studies/networks/random_networks.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

bool flag(const Study& study, const char* key) {
  const Value* value = study.setting(key);
  return value != nullptr && *value == Value(true);
}

double keep_of(const Point& point) {
  return point.number("keep");
}

/// q0 of a point. The fixed point is that of the map with dropout.
std::optional<double> start_of(const Point& point) {
  const Value* q0 = point.find("q0");
  if (q0 == nullptr || q0->is_number() || keep_of(point) == 1.0) return q0_of(point);
  const auto parameters = network_parameters(point, 1);
  const double q_star =
      attractor(parameters.activation, parameters.sigma_w / std::sqrt(keep_of(point)), parameters.sigma_b);
  return (q_star - parameters.sigma_b * parameters.sigma_b) / (parameters.sigma_w * parameters.sigma_w);
}

double mean_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

/// What a study asks for besides q and c.
struct Wishes {
  bool gradients = false;
  bool perturbations = false;

  static Wishes of(const Study& study) {
    return {flag(study, "signal_propagation.gradients"), flag(study, "signal_propagation.perturbations")};
  }
};

std::vector<ArraySpec> layer_arrays(const Wishes& wishes, const std::string& suffix, const std::string& where) {
  std::vector<ArraySpec> arrays{
      array("q" + suffix, ArrayType::float64, "mean square of the pre-activations" + where, {"layer"}),
      array("c" + suffix, ArrayType::float64, "correlation of the two inputs' pre-activations" + where, {"layer"})};
  if (wishes.gradients) {
    arrays.push_back(
        array("gradient" + suffix, ArrayType::float64, "squared gradient over the last layer's" + where, {"layer"}));
  }
  if (wishes.perturbations) {
    arrays.push_back(array("perturbation_growth" + suffix, ArrayType::float64,
                           "squared growth up to the last layer" + where, {"layer"}));
  }
  // Undefined where an input's length is zero, infinite where growth leaves the range of numbers.
  for (ArraySpec& spec : arrays) spec.nonfinite = true;
  return arrays;
}

std::vector<ArraySpec> theory_arrays(const Wishes& wishes) {
  std::vector<ArraySpec> arrays = layer_arrays(wishes, "_theory", ", infinite width");
  for (ArraySpec spec : {array("q_star", ArrayType::float64, "attractor of the length map reached from layer 1", {}),
                         array("c_star", ArrayType::float64, "stable fixed point of the correlation map", {}),
                         array("xi_q", ArrayType::float64, "depth scale of |q - q_star|", {}),
                         array("xi_c", ArrayType::float64, "depth scale of |c - c_star|", {})}) {
    if (spec.name.front() == 'x') spec.units = "layers";
    spec.nonfinite = true;  // diverging at criticality, undefined where there is nothing to approach
    arrays.push_back(std::move(spec));
  }
  return arrays;
}

class Signals final : public Measurement {
 public:
  Signals(const Study& study, Diagnostics& diagnostics)
      : networks_(study, diagnostics),
        points_(study, networks_.input_dimension(), 2, diagnostics),
        wishes_(Wishes::of(study)),
        lengths_given_(is_swept(study, "q0") || study.setting("input.q0") != nullptr),
        correlation_given_(is_swept(study, "c0") || study.setting("input.c0") != nullptr) {}

  const NetworkChoice& networks() const { return networks_; }
  int dimension() const { return points_.dimension(); }
  bool has_data() const { return points_.has_data(); }

  Layout layout() const override {
    Layout layout;
    OwnDimension layer;
    layer.name = "layer";
    layer.size = static_cast<std::size_t>(networks_.depth());
    layer.long_name = "layer, counted from 1";
    for (int l = 1; l <= networks_.depth(); ++l) layer.coordinates.emplace_back(l);
    layout.dimensions = {layer};
    layout.families = with_theory(layer_arrays(wishes_, "", ""), theory_arrays(wishes_), has_theory_family());
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    const std::vector<int> widths = networks_.widths(point);
    const double layers = static_cast<double>(widths.size());
    if (family == 1) return {.seconds = 0.01 + 5e-4 * layers, .bytes = 1e6};
    double weights = 0.0;
    double largest = 0.0;
    double neurons = 0.0;
    double inputs = points_.dimension();
    for (const int width : widths) {
      largest = std::max(largest, inputs * width);
      weights += inputs * width;
      neurons += width;
      inputs = width;
    }
    // Drawing a weight, two products with it, the way back, and a tangent for each layer before it.
    double each = 2.5e-9;
    if (wishes_.gradients) each += 2e-9;
    if (wishes_.perturbations) each += 0.5 * layers * 1e-10;
    const double tangents = wishes_.perturbations ? layers * *std::max_element(widths.begin(), widths.end()) : 0.0;
    return {.seconds = 1e-4 + weights * each, .bytes = 8.0 * (largest + 8.0 * neurons + 3.0 * tangents)};
  }

  void run(const Task& task, Results& results) const override {
    if (task.family == 1) {
      const double q0 = start_of(task.point).value_or(1.0);
      const Value* c0 = task.point.find("c0");
      set_theory(task.point, {q0, q0, c0 == nullptr ? 0.0 : c0->number() * q0}, results);
      return;
    }
    const StreamKey key = stream_key(task.seed, task.realization, task.salt);
    const auto [x0, x1] = inputs(task.point, key);
    PropagationOptions options;
    options.keep = keep_of(task.point);
    options.gradients = wishes_.gradients;
    options.perturbations = wishes_.perturbations;
    const std::shared_ptr<const Network> network = network_of(task.point, key);
    set_measured(propagate(*network, x0, x1, key, options), *network, results);
    if (has_theory_family() || networks_.stored()) return;
    set_theory(task.point, {mean_product(x0, x0), mean_product(x1, x1), mean_product(x0, x1)}, results);
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const StreamKey key = stream_key(task.seed, task.realization, task.salt);
    NamedArrays arrays;
    add_network(*network_of(task.point, key), networks_.activation_text(task.point), arrays);
    auto [both, x1] = inputs(task.point, key);
    both.insert(both.end(), x1.begin(), x1.end());
    arrays.arrays["/points"] = {{2, x1.size()}, both};
    write_arrays(path, arrays);
  }

 private:
  /// Points of given length and correlation, as random ones always are: one theory for all realizations.
  bool has_theory_family() const {
    return !networks_.stored() && (!points_.has_data() || (lengths_given_ && correlation_given_));
  }

  std::shared_ptr<const Network> network_of(const Point& point, StreamKey key) const {
    if (networks_.stored()) return networks_.stored();
    return std::make_shared<RandomNetwork>(network_parameters(point, points_.dimension()), key);
  }

  std::pair<std::vector<double>, std::vector<double>> inputs(const Point& point, StreamKey key) const {
    std::vector<std::vector<double>> drawn = points_.draw(point, key, 2);
    const Value* c0 = point.find("c0");
    if (c0 != nullptr || !points_.has_data()) {
      const double own0 = mean_product(drawn[0], drawn[0]);
      const double own1 = mean_product(drawn[1], drawn[1]);
      const std::optional<double> q0 = start_of(point);
      const double otherwise = points_.has_data() ? own0 : 1.0;
      correlate(drawn[0], drawn[1], q0.value_or(otherwise), c0 == nullptr ? 0.0 : c0->number());
      if (points_.has_data() && !q0) rescale(drawn[1], own1);  // turned, at its own scale
    }
    return {drawn[0], drawn[1]};
  }

  void set_measured(const Propagation& found, const Network& network, Results& results) const {
    results.set("q", std::span<const double>(found.q));
    results.set("c", std::span<const double>(found.c));
    if (found.finite_layers < network.depth()) {
      results.status(Status::out_of_range,
                     fmt::format("values overflow double precision in layer {} of {} (they grow with depth beyond the "
                                 "largest number); layers before it are kept, take a smaller sigma_w or depth",
                                 found.finite_layers + 1, network.depth()));
      return;
    }
    if (wishes_.gradients) results.set("gradient", std::span<const double>(found.gradient));
    if (wishes_.perturbations) results.set("perturbation_growth", std::span<const double>(found.perturbation_growth));
  }

  void set_theory(const Point& point, const InputCovariance& inputs, Results& results) const {
    const auto network = network_parameters(point, points_.dimension());
    const PropagationParameters parameters{network.widths, network.sigma_w, network.sigma_b, keep_of(point)};
    const PropagationTheory theory = propagation_theory(network.activation, parameters, inputs);
    results.set("q_theory", std::span<const double>(theory.q));
    results.set("c_theory", std::span<const double>(theory.c));
    if (wishes_.gradients) results.set("gradient_theory", std::span<const double>(theory.gradient));
    if (wishes_.perturbations)
      results.set("perturbation_growth_theory", std::span<const double>(theory.perturbation_growth));
    MeanFieldParameters phase;
    phase.sigma_w = network.sigma_w;
    phase.sigma_b = network.sigma_b;
    phase.q0 = theory.q.front();
    phase.keep = parameters.keep;
    const PhasePoint found = phase_point(network.activation, phase);
    results.set("q_star", found.q_star);
    results.set("c_star", found.c_star);
    results.set("xi_q", found.xi_q);
    results.set("xi_c", found.xi_c);
  }

  NetworkChoice networks_;
  InputPoints points_;
  Wishes wishes_;
  bool lengths_given_;
  bool correlation_given_;
};

Key switch_key(const char* name, const char* description) {
  Key key;
  key.section = "signal_propagation";
  key.name = name;
  key.type = KeyType::boolean;
  key.description = description;
  key.default_value = Value(false);
  return key;
}

/// Two inputs in one dimension are parallel.
void check_correlation(const Study& study, const Signals& decoded, Diagnostics& diagnostics) {
  if (decoded.dimension() != 1) return;
  for (const Point& point : distinct_points(study, {"c0"})) {
    const Value* c0 = point.find("c0");
    const double wanted = c0 == nullptr ? 0.0 : c0->number();
    if (std::abs(wanted) == 1.0 || (c0 == nullptr && decoded.has_data())) continue;
    diagnostics.error(study.place(is_swept(study, "c0") ? "sweep.c0" : "input.c0"),
                      fmt::format("'c0' is {} but the input has dimension 1 (its two points are parallel there, c0 = 1 "
                                  "or -1) raise 'dimension' to 2 or more",
                                  wanted));
    return;
  }
}

/// Rare networks dominate a mean of squared gradients where the depth is not small against the width.
void warn_of_depth(const Study& study, const Signals& decoded, Diagnostics& diagnostics) {
  const Wishes wishes = Wishes::of(study);
  if (!wishes.gradients && !wishes.perturbations) return;
  for (const Point& point : distinct_points(study, {"width", "depth", "widths"})) {
    const std::vector<int> widths = decoded.networks().widths(point);
    const int narrowest = *std::min_element(widths.begin(), widths.end());
    if (10 * static_cast<int>(widths.size()) <= narrowest) continue;
    diagnostics.warning(study.place("signal_propagation"),
                        fmt::format("gradients or perturbations over {} layers of {} neurons (beyond a tenth of the "
                                    "width, few networks carry the mean, and theory is met by very many only) take "
                                    "wider or shallower networks to compare with theory",
                                    widths.size(), narrowest));
    return;
  }
}

class SignalPropagation final : public Measure {
 public:
  std::string name() const override { return "signal_propagation"; }
  int version() const override { return 2; }
  std::string description() const override {
    return "mean square and correlation of two inputs of given length and correlation in every layer, with dropout, "
           "gradients back through the layers and growth of perturbations, and what mean-field theory predicts";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = NetworkChoice::keys();
    std::erase_if(keys, [](const Key& key) { return key.section == "readout"; });
    for (Key& key : input_points_keys()) {
      if (key.name == "q0") {
        key.description =
            "mean square of the inputs' components, met exactly: a number (1 for random points if left out; data keep "
            "their own scale) or \"fixed_point\", which starts layer 1 at q*";
      }
      keys.push_back(std::move(key));
    }
    Key c0;
    c0.section = "input";
    c0.name = "c0";
    c0.description =
        "correlation of the two inputs, x0.x1 / (|x0| |x1|), met exactly: the second is turned towards the first; 0 "
        "for "
        "random points if left out, data keep their own";
    c0.minimum = -1;
    c0.maximum = 1;
    c0.optional = true;
    c0.sweepable = true;
    keys.push_back(c0);
    Key keep;
    keep.section = "signal_propagation";
    keep.name = "keep";
    keep.description =
        "dropout's keep probability: post-activations are kept with it and divided by it, with masks of their own for "
        "each of the two inputs; inputs are not masked";
    keep.default_value = Value(1.0);
    keep.minimum = 0;
    keep.minimum_exclusive = true;
    keep.maximum = 1;
    keep.sweepable = true;
    keys.push_back(keep);
    keys.push_back(switch_key("gradients", "squared gradients of a random readout, back through the layers"));
    keys.push_back(switch_key("perturbations",
                              "growth of an infinitesimal perturbation put into each layer in a random direction"));
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    const Wishes everything{true, true};
    std::vector<ArraySpec> arrays = layer_arrays(everything, "", "");
    for (ArraySpec& spec : theory_arrays(everything)) arrays.push_back(std::move(spec));
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    check_networks(study, diagnostics);
    const Signals decoded(study, diagnostics);
    if (diagnostics.failed()) return;
    check_correlation(study, decoded, diagnostics);
    if (study.file("network.file") == nullptr) check_fixed_point(study, diagnostics);
    if (diagnostics.failed()) return;
    warn_of_depth(study, decoded, diagnostics);
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override {
    Diagnostics diagnostics;
    auto measurement = std::make_unique<Signals>(study, diagnostics);
    diagnostics.throw_if_failed();
    return measurement;
  }
};

}  // namespace

std::unique_ptr<Measure> make_signal_propagation() {
  return std::make_unique<SignalPropagation>();
}

}  // namespace meander
