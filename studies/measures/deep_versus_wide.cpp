// How well linear readouts of a network's outputs along a curve give sines and cosines, for depth against width, and
// the bound on the length of a shallow network's image (Poole et al. 2016, theorem 1 and figure 5).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/mean_field/curve_theory.hpp"
#include "kernels/trajectories/curve_outputs.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/inputs/input_curve.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/networks/network_choice.hpp"
#include "studies/networks/random_networks.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_angles = 500;  // of the activities that are kept

std::vector<ArraySpec> measured_arrays(bool activities) {
  std::vector<ArraySpec> arrays{
      array("angular_error", ArrayType::float64,
            "1 - cos of the angle between a sine or cosine and its fit by the outputs", {"frequency", "phase"}),
      array("mean_angular_error", ArrayType::float64, "mean of angular_error over all frequencies and phases", {}),
      array("rank", ArrayType::int64, "singular values of the centred outputs that the regression uses", {}),
      array("condition", ArrayType::float64, "largest over smallest of those singular values", {}),
      array("input_length", ArrayType::float64, "length of the curve in input space", {}),
      array("length", ArrayType::float64, "length of the hidden layer's image x^l", {"layer"}),
      array("shallow_bound", ArrayType::float64,
            "N_1 (1 + s) R, which the length of one hidden layer cannot pass: s = 1 change of sign of a tangent's "
            "component, R the activation's range",
            {})};
  arrays.back().nonfinite = true;  // with another number of hidden layers; where the range is not bounded
  if (activities) {
    arrays.push_back(array("activity", ArrayType::float64, "output of the network", {"neuron", "angle"}));
  }
  return arrays;
}

std::vector<ArraySpec> theory_arrays() {
  std::vector<ArraySpec> arrays{
      array("length_theory", ArrayType::float64, "length of the hidden layer's image at infinite width", {"layer"})};
  arrays.back().nonfinite = true;
  return arrays;
}

Key whole_number(std::string name, std::string description, double least, double most) {
  Key key;
  key.section = "deep_versus_wide";
  key.name = std::move(name);
  key.type = KeyType::integer;
  key.description = std::move(description);
  key.minimum = least;
  key.maximum = most;
  return key;
}

std::vector<Key> own_keys() {
  Key outputs = whole_number("outputs",
                             "neurons of the last layer, which is linear: a network of depth d has d - 1 hidden layers "
                             "of `width` neurons; 500 if left out, and the last of `widths` where those are given",
                             1, 1 << 20);
  outputs.optional = true;
  outputs.units = "neurons";
  Key frequencies = whole_number("frequencies", "sines and cosines of 1, 2, ... times the curve's angle", 1, 1e6);
  frequencies.default_value = Value(199);
  Key samples = whole_number("samples", "points of the curve", 3, 1e7);
  samples.default_value = Value(10000);
  samples.units = "samples";
  Key span;
  span.section = "deep_versus_wide";
  span.name = "curve";
  span.type = KeyType::string;
  span.description = "half a great circle through random inputs (the paper's), or all of it";
  span.choices = {"half", "full"};
  span.default_value = Value("half");
  Key tolerance;
  tolerance.section = "deep_versus_wide";
  tolerance.name = "rank_tolerance";
  tolerance.description =
      "singular values of the outputs below this share of the largest are no part of the regression: 0 for the "
      "rounding of double precision (samples times epsilon), 1e-6 for what single precision would see";
  tolerance.minimum = 0;
  tolerance.maximum = 1;
  tolerance.default_value = Value(0.0);
  Key neurons = whole_number("neurons", "outputs whose activity along the curve is kept, at up to 500 angles", 0, 1e4);
  neurons.default_value = Value(0);
  return {outputs, frequencies, samples, span, tolerance, neurons};
}

double number(const Study& study, const char* name) {
  return study.setting(std::string("deep_versus_wide.") + name)->number();
}

/// sup phi - inf phi of an activation that never falls; nothing for the others.
std::optional<double> range_of(const Activation& activation, const std::string& name) {
  if (const LinearPieces* pieces = activation.pieces()) {
    const auto& slopes = pieces->slopes;
    const bool rises = std::all_of(slopes.begin(), slopes.end(), [](double s) { return s >= 0.0; });
    if (!rises || slopes.front() != 0.0 || slopes.back() != 0.0) return std::nullopt;
    return pieces->intercepts.back() - pieces->intercepts.front();
  }
  if (name == "tanh" || name == "erf") return 2.0;
  if (name == "sigmoid") return 1.0;
  return std::nullopt;
}

class DepthAgainstWidth final : public Measurement {
 public:
  DepthAgainstWidth(const Study& study, Diagnostics& diagnostics)
      : networks_(study, diagnostics),
        inputs_(study, networks_.input_dimension(), 2, diagnostics),
        outputs_given_(study.setting("deep_versus_wide.outputs") != nullptr),
        outputs_(outputs_given_ ? static_cast<int>(number(study, "outputs")) : 500),
        frequencies_(static_cast<int>(number(study, "frequencies"))),
        samples_(static_cast<long>(number(study, "samples"))),
        tolerance_(number(study, "rank_tolerance")),
        neurons_(static_cast<int>(number(study, "neurons"))),
        half_(*study.setting("deep_versus_wide.curve") == Value("half")) {}

  const NetworkChoice& networks() const { return networks_; }
  const InputPoints& inputs() const { return inputs_; }
  bool has_theory() const { return !networks_.stored() && !inputs_.has_data(); }

  Layout layout() const override {
    OwnDimension layer{
        .name = "layer", .size = static_cast<std::size_t>(networks_.depth()), .long_name = "layer, counted from 1"};
    for (int l = 1; l <= networks_.depth(); ++l) layer.coordinates.emplace_back(l);
    OwnDimension frequency{.name = "frequency",
                           .size = static_cast<std::size_t>(frequencies_),
                           .long_name = "multiple of the curve's angle"};
    for (int w = 1; w <= frequencies_; ++w) frequency.coordinates.emplace_back(w);
    OwnDimension phase{.name = "phase", .size = 2, .long_name = "basis function"};
    phase.coordinates = {Value("sine"), Value("cosine")};
    Layout layout;
    layout.dimensions = {layer, frequency, phase};
    if (neurons_ > 0) {
      layout.dimensions.push_back(
          {.name = "neuron", .size = static_cast<std::size_t>(neurons_), .long_name = "output of the network"});
      OwnDimension angle{.name = "angle", .units = "rad", .long_name = "angle along the curve"};
      const Curve circle = curve({1.0, 0.0}, {0.0, 1.0});
      for (const long i : kept_samples()) angle.coordinates.emplace_back(circle.parameter(i, samples_));
      angle.size = angle.coordinates.size();
      layout.dimensions.push_back(angle);
    }
    layout.families = {{"measured", std::nullopt, true, measured_arrays(neurons_ > 0)}};
    if (has_theory()) layout.families.push_back({"theory", std::nullopt, false, theory_arrays()});
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    const std::vector<int> widths = all_widths(point);
    Cost cost;
    if (family == 1) {
      cost.seconds = 4e-3 * static_cast<double>(widths.size());
      cost.bytes = 1e6;
      return cost;
    }
    const double samples = static_cast<double>(samples_), count = widths.back(), functions = 2.0 * frequencies_;
    double before = 0.0;
    for (const double width : widths) {
      // Products at 42 Gflop/s; a smooth activation and the length take 15 ns an element.
      cost.seconds += 2.0 * samples * before * width / 42e9 + 15e-9 * samples * width + 1.5e-9 * before * width;
      before = width;
    }
    cost.seconds += (2.0 * samples * count * count + 4.0 * samples * count * functions) / 25e9 +
                    20.0 * count * count * count / 6e9 + 40e-9 * samples * functions;
    cost.bytes = 1e6 + std::max(curve_outputs_bytes(inputs_.dimension(), widths, samples_),
                                8.0 * (2.0 * samples * count + samples * functions + 6.0 * count * count));
    return cost;
  }

  void run(const Task& task, Results& results) const override {
    if (task.family == 1) {
      const std::vector<double> lengths = theory(task.point);
      results.set("length_theory", std::span<const double>(lengths));
      return;
    }
    const auto [network, path] = subject(task);
    CurveOutputs found = curve_outputs(*network, path, samples_);
    std::vector<double> t;
    for (long i = 0; i < samples_; ++i) t.push_back(path.parameter(i, samples_));
    results.set("input_length", input_length(path));
    results.set("length", std::span<const double>(found.length));
    results.set("shallow_bound", shallow_bound(*network, networks_.activation_text(task.point)));
    if (neurons_ > 0) set_activity(found.outputs, results);
    try {
      const FourierRegression regression =
          fourier_regression(std::move(found.outputs), network->width(network->depth()), t, frequencies_, tolerance_);
      double sum = 0.0;
      for (const double error : regression.error) sum += error;
      results.set("angular_error", regression.error, {static_cast<std::size_t>(frequencies_), 2});
      results.set("mean_angular_error", sum / static_cast<double>(regression.error.size()));
      results.set("rank", std::int64_t{regression.rank});
      results.set("condition", regression.condition);
    } catch (const std::domain_error& error) {
      results.status(Status::out_of_range, error.what());
    }
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const auto [network, through] = subject(task);
    NamedArrays arrays;
    add_network(*network, networks_.activation_text(task.point), arrays);
    add_curve(through, arrays);
    write_arrays(path, arrays);
  }

  void check(const Study& study, Diagnostics& diagnostics) const;

 private:
  struct Subject {
    std::shared_ptr<const Network> network;
    Curve path;
  };

  /// Hidden layers and the outputs.
  std::vector<int> all_widths(const Point& point) const {
    std::vector<int> widths = networks_.widths(point);
    if (!networks_.stored() && point.find("widths") == nullptr) widths.back() = outputs_;
    return widths;
  }

  Curve curve(const std::vector<double>& x0, const std::vector<double>& x1) const {
    Curve path = curve_between(half_ ? CurveKind::arc : CurveKind::circle, x0, x1);
    if (half_) path.end = std::numbers::pi;
    return path;
  }

  Subject subject(const Task& task) const {
    const StreamKey key = stream_key(task.seed, task.realization, task.salt);
    auto points = inputs_.draw(task.point, key, 2);
    make_orthonormal(points[0], points[1]);
    Subject result{networks_.stored(), curve(points[0], points[1])};
    if (result.network) return result;
    RandomNetwork::Parameters parameters = network_parameters(task.point, inputs_.dimension());
    parameters.widths = all_widths(task.point);
    result.network = std::make_shared<RandomNetwork>(parameters, key);
    return result;
  }

  double input_length(const Curve& path) const {
    double square = 0.0;
    for (const double component : path.u) square += component * component;
    return (half_ ? 1.0 : 2.0) * std::numbers::pi * std::sqrt(square);
  }

  static double shallow_bound(const Network& network, const std::string& name) {
    const std::optional<double> range = range_of(network.activation(), name);
    return network.depth() == 2 && range ? network.width(1) * 2.0 * *range : nan;
  }

  std::vector<double> theory(const Point& point) const {
    const auto network = network_parameters(point, inputs_.dimension());
    TheoryParameters parameters;
    parameters.input_dimension = network.input_dimension;
    parameters.widths = all_widths(point);
    parameters.sigma_w = network.sigma_w;
    parameters.sigma_b = network.sigma_b;
    std::vector<double> x0(static_cast<std::size_t>(inputs_.dimension()), 0.0), x1 = x0;
    x0[0] = x1[1] = std::sqrt(q0_of(point).value_or(1.0) * inputs_.dimension());
    const Curve path = curve(x0, x1);
    const CurveTheory growth = curve_theory(network.activation, parameters, path);
    std::vector<double> lengths;
    double length = input_length(path);
    for (std::size_t l = 0; l + 1 < parameters.widths.size(); ++l) lengths.push_back(length *= growth.growth[l]);
    return lengths;
  }

  std::vector<long> kept_samples() const {
    const long step = (samples_ + static_cast<long>(most_angles) - 1) / static_cast<long>(most_angles);
    std::vector<long> kept;
    for (long i = 0; i < samples_; i += step) kept.push_back(i);
    return kept;
  }

  void set_activity(const std::vector<double>& outputs, Results& results) const {
    const std::vector<long> kept = kept_samples();
    std::vector<double> activity;
    for (long neuron = 0; neuron < neurons_; ++neuron) {
      for (const long i : kept) activity.push_back(outputs[static_cast<std::size_t>(neuron * samples_ + i)]);
    }
    results.set("activity", activity, {static_cast<std::size_t>(neurons_), kept.size()});
  }

  NetworkChoice networks_;
  InputPoints inputs_;
  bool outputs_given_;
  int outputs_;
  int frequencies_;
  long samples_;
  double tolerance_;
  int neurons_;
  bool half_;
};

void DepthAgainstWidth::check(const Study& study, Diagnostics& diagnostics) const {
  if (inputs_.dimension() == 1) {
    diagnostics.error(study.place("input"),
                      "the input has dimension 1 (no circle about the origin lies in it) take at least 2");
  }
  const bool has_widths = study.points() > 0 && study.point(0).find("widths") != nullptr;
  if (outputs_given_ && (has_widths || networks_.stored())) {
    diagnostics.error(
        study.place("deep_versus_wide.outputs"),
        fmt::format("'outputs' has no meaning here ({}) remove it",
                    has_widths ? "the last of 'widths' is the outputs" : "the network's last layer is the outputs"));
  }
  if (frequencies_ >= samples_ / 2) {
    diagnostics.error(study.place("deep_versus_wide.frequencies"),
                      fmt::format("'frequencies' is {} (of {} samples, functions of {} times the angle cannot be told "
                                  "from slower ones) take fewer than {}",
                                  frequencies_, samples_, frequencies_, samples_ / 2));
  }
  for (const Point& point : distinct_points(study, {"width", "depth", "widths"})) {
    const int count = all_widths(point).back();
    if (samples_ <= count + 1) {
      diagnostics.error(study.place("deep_versus_wide.samples"),
                        fmt::format("'samples' is {} (a regression on {} outputs fits anything on so few) take several "
                                    "times as many as outputs",
                                    samples_, count));
    } else if (neurons_ > count) {
      diagnostics.error(
          study.place("deep_versus_wide.neurons"),
          fmt::format("'neurons' is {} (a network has {} outputs) take no more than that", neurons_, count));
    }
    if (diagnostics.failed()) return;  // one example is enough
  }
}

class DeepVersusWide final : public Measure {
 public:
  std::string name() const override { return "deep_versus_wide"; }
  int version() const override { return 2; }
  std::string description() const override {
    return "errors of the regression of a network's linear outputs along a great circle on sines and cosines, and the "
           "length of hidden layers' images against the bound on shallow ones";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = NetworkChoice::keys();
    std::erase_if(keys, [](const Key& key) { return key.section == "readout"; });
    for (const auto& more : {input_points_keys(), own_keys()}) keys.insert(keys.end(), more.begin(), more.end());
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    std::vector<ArraySpec> arrays = measured_arrays(true);
    for (ArraySpec& spec : theory_arrays()) arrays.push_back(std::move(spec));
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    check_networks(study, diagnostics);
    const DepthAgainstWidth decoded(study, diagnostics);
    if (diagnostics.failed()) return;
    if (study.file("network.file") == nullptr) check_fixed_point(study, diagnostics);
    if (!diagnostics.failed()) decoded.check(study, diagnostics);
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override {
    Diagnostics diagnostics;
    auto measurement = std::make_unique<DepthAgainstWidth>(study, diagnostics);
    diagnostics.throw_if_failed();
    return measurement;
  }
};

}  // namespace

std::unique_ptr<Measure> make_deep_versus_wide() {
  return std::make_unique<DeepVersusWide>();
}

}  // namespace meander
