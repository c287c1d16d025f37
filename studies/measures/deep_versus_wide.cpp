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

#include "kernels/base/machine_rates.hpp"
#include "kernels/mean_field/curve_theory.hpp"
#include "kernels/mean_field/gaussian_correction.hpp"
#include "kernels/trajectories/curve_differences.hpp"
#include "kernels/trajectories/curve_outputs.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/costs/average_costs.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/declare/theory_status.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/inputs/law_limits.hpp"
#include "studies/networks/network_source.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_angles = 500;  // of the activities that are kept
/// Layers whose values are so many times their differences along the curve are passed again, by differences.
constexpr double most_contraction = 32.0;
/// Smaller ones may have lost digits, and squares of theirs are zero.
constexpr double smallest_difference = 1e-150;

std::vector<ArraySpec> measured_arrays(bool activities) {
  std::vector<ArraySpec> arrays{
      array("angular_error", ArrayType::float64,
            "1 - cos of the angle between a sine or cosine and its fit by the outputs", {"frequency", "phase"}),
      array("mean_angular_error", ArrayType::float64, "mean of angular_error over all frequencies and phases", {}),
      array("rank", ArrayType::int64,
            "singular values of the centred outputs that the regression uses: no more than the last hidden layer has "
            "neurons that change along the curve, and those above rounding",
            {}),
      array("condition", ArrayType::float64, "largest over smallest of those singular values", {}),
      array("input_length", ArrayType::float64, "length of the curve in input space", {}),
      undefined("the layer is that of the outputs",
                array("length", ArrayType::float64, "length of the hidden layer's image x^l", {"layer"})),
      array("shallow_bound", ArrayType::float64,
            "N_1 (1 + s) R, which the length of one hidden layer cannot pass: s = 1 change of sign of a tangent's "
            "component, R the activation's range",
            {})};
  arrays.back().undefined_where =
      "there is not exactly one hidden layer, and where the activation is not known to rise between two bounds";
  if (activities) {
    arrays.push_back(array("activity", ArrayType::float64, "output of the network", {"neuron", "angle"}));
  }
  return arrays;
}

std::vector<ArraySpec> theory_arrays() {
  return limited_by_law({undefined(
      "the layer is that of the outputs",
      array("length_theory", ArrayType::float64, "length of the hidden layer's image at infinite width", {"layer"}))});
}

enum class CircleSpan { half, full };

}  // namespace

template <>
constexpr std::array<std::string_view, 2> choice_names<CircleSpan>{"half", "full"};

namespace {

/// [deep_versus_wide]
struct RegressionKeys {
  explicit RegressionKeys(Declaration& declare);

  std::optional<int> outputs;
  int frequencies = 199;
  long samples = 10000;
  CircleSpan curve = CircleSpan::half;
  double rank_tolerance = 0.0;
  int neurons = 0;
};

RegressionKeys::RegressionKeys(Declaration& declare) {
  declare(outputs, {.section = "deep_versus_wide",
                    .name = "outputs",
                    .units = "neurons",
                    .description = "neurons of the last layer, which is linear: a network of depth d has d - 1 hidden "
                                   "layers of `width` neurons; 500 if left out, and the last of `widths` where those "
                                   "are given",
                    .minimum = 1,
                    .maximum = 1 << 20});
  declare(frequencies, {.section = "deep_versus_wide",
                        .name = "frequencies",
                        .description = "sines and cosines of 1, 2, ... times the curve's angle",
                        .default_value = Value(199),
                        .minimum = 1,
                        .maximum = 1e6});
  declare(samples, {.section = "deep_versus_wide",
                    .name = "samples",
                    .units = "samples",
                    .description = "points of the curve",
                    .default_value = Value(10000),
                    .minimum = 3,
                    .maximum = 1e7});
  declare(curve, {.section = "deep_versus_wide",
                  .name = "curve",
                  .description = "half a great circle through random inputs (the paper's), or all of it",
                  .default_value = Value("half")});
  declare(rank_tolerance,
          {.section = "deep_versus_wide",
           .name = "rank_tolerance",
           .description = "singular values of the outputs below this share of the largest are no part of the "
                          "regression: 0 for the rounding of double precision (samples times epsilon; where layers "
                          "contract the curve, of the differences between its points), 1e-6 for what "
                          "single precision would see",
           .default_value = Value(0.0),
           .minimum = 0,
           .maximum = 1});
  declare(neurons, {.section = "deep_versus_wide",
                    .name = "neurons",
                    .description = "outputs whose activity along the curve is kept, at up to 500 angles",
                    .default_value = Value(0),
                    .minimum = 0,
                    .maximum = 1e4});
}

class DepthAgainstWidth final : public Measurement {
 public:
  using Keys = PointStudyKeys<RegressionKeys>;

  DepthAgainstWidth(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : networks_(network_source(study, keys.networks, diagnostics)),
        inputs_(study, keys.input, networks_, 2, diagnostics),
        outputs_(keys.own.outputs.value_or(500)),
        frequencies_(keys.own.frequencies),
        samples_(keys.own.samples),
        tolerance_(keys.own.rank_tolerance),
        neurons_(keys.own.neurons),
        half_(keys.own.curve == CircleSpan::half) {
    if (diagnostics.failed()) return;
    check(study, keys.own, diagnostics);
    add_dimensions();
    add({.layout = {"measured", std::nullopt, true, measured_arrays(neurons_ > 0)},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
    if (networks_->random() == nullptr || inputs_.has_data()) return;
    add({.layout = {"theory", std::nullopt, false, theory_arrays()},
         .cost =
             [this](const Point& point) {
               const double layers = static_cast<double>(all_widths(point).size());
               const AverageCosts& costs = theory_costs_(networks_->activation(point));
               const double each = costs.moments(1.0);
               const double law = costs.law_correction(networks_->law(point), static_cast<int>(layers));
               return Cost{.seconds = machine_rates().task + layers * each + law, .bytes = 1e6};
             },
         .run = [this](const Task& task, Results& results) { set_theory(task.point, results); }});
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const auto [network, through] = subject(task);
    NamedArrays arrays;
    add_network(*network, networks_->activation_text(task.point), arrays);
    add_curve(through, arrays);
    write_arrays(path, arrays);
  }

 private:
  void check(const Study& study, const RegressionKeys& keys, Diagnostics& diagnostics) const;

  void add_dimensions() {
    add(layer_axis(networks_->depth()));
    add(counted_axis("frequency", "multiple of the curve's angle", 1, static_cast<std::size_t>(frequencies_)));
    add({.name = "phase", .size = 2, .long_name = "basis function", .coordinates = {Value("sine"), Value("cosine")}});
    if (neurons_ == 0) return;
    add({.name = "neuron", .size = static_cast<std::size_t>(neurons_), .long_name = "output of the network"});
    OwnDimension angle{.name = "angle", .units = "rad", .long_name = "angle along the curve"};
    const Curve circle = curve({1.0, 0.0}, {0.0, 1.0});
    for (const long i : kept_samples()) angle.coordinates.emplace_back(circle.parameter(i, samples_));
    angle.size = angle.coordinates.size();
    add(std::move(angle));
  }

  Cost cost_of(const Point& point) const {
    const std::vector<int> widths = all_widths(point);
    Cost cost;
    const double samples = static_cast<double>(samples_), count = widths.back(), functions = 2.0 * frequencies_;
    double before = 0.0;
    const MachineRates& rates = machine_rates();
    const double element = row_seconds(networks_->activation(point)) + rates.step;
    for (const double width : widths) {
      cost.seconds +=
          samples * before * width * rates.product + element * samples * width + rates.draw * before * width;
      before = width;
    }
    cost.seconds += (samples * count * count + 2.0 * samples * count * functions) * 1.3 * rates.product +
                    10.0 * count * count * count * rates.factorisation + 4.0 * rates.function * samples * functions;
    cost.bytes = 1e6 + std::max(curve_outputs_bytes(inputs_.dimension(), widths, samples_),
                                8.0 * (2.0 * samples * count + samples * functions + 6.0 * count * count));
    return cost;
  }

  void measure(const Task& task, Results& results) const {
    const auto [network, path] = subject(task);
    CurveOutputs found = curve_outputs(*network, path, samples_);
    if (neurons_ > 0) set_activity(found.outputs, results);
    if (found.contraction > most_contraction) {
      found = {};  // before the memory is needed again
      found = curve_differences(*network, path, samples_);
    }
    std::vector<double> t;
    for (long i = 0; i < samples_; ++i) t.push_back(path.parameter(i, samples_));
    results.set("input_length", input_length(path));
    results.set("length", std::span<const double>(found.length));
    results.set("shallow_bound", shallow_bound(*network));
    if (found.least_difference < smallest_difference) {
      results.status(Status::out_of_range,
                     "layers contract the curve until its points differ by less than the range of double precision (by "
                     "more with every layer) take fewer layers or a larger sigma_w");
      return;
    }
    const RegressionLimits limits{tolerance_, found.rank_bound, rounding_of(*network, found.contraction)};
    try {
      const FourierRegression regression =
          fourier_regression(std::move(found.outputs), network->width(network->depth()), t, frequencies_, limits);
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

  /// Sums of so many terms, four times.
  static double rounding_of(const Network& network, double contraction) {
    return 4.0 * std::sqrt(static_cast<double>(network.max_width())) * std::numeric_limits<double>::epsilon() *
           contraction;
  }

  struct Subject {
    std::shared_ptr<const Network> network;
    Curve path;
  };

  /// Hidden layers and the outputs.
  std::vector<int> all_widths(const Point& point) const {
    std::vector<int> widths = networks_->widths(point);
    if (networks_->random() != nullptr && point.find("widths") == nullptr) widths.back() = outputs_;
    return widths;
  }

  Curve curve(const std::vector<double>& x0, const std::vector<double>& x1) const {
    Curve path = curve_between(half_ ? CurveKind::arc : CurveKind::circle, x0, x1);
    if (half_) path.end = std::numbers::pi;
    return path;
  }

  Subject subject(const Task& task) const {
    const StreamKey key = task_stream(task);
    auto points = inputs_.draw(task.point, key, 2);
    make_orthonormal(points[0], points[1]);
    const Curve path = curve(points[0], points[1]);
    if (networks_->random() == nullptr) return {networks_->stored(), path};
    RandomNetwork::Parameters parameters = networks_->random()->parameters(task.point, inputs_.dimension());
    parameters.widths = all_widths(task.point);
    return {std::make_shared<RandomNetwork>(std::move(parameters), key), path};
  }

  double input_length(const Curve& path) const {
    double square = 0.0;
    for (const double component : path.u) square += component * component;
    return (half_ ? 1.0 : 2.0) * std::numbers::pi * std::sqrt(square);
  }

  /// Of an activation that never falls, between two bounds.
  static double shallow_bound(const Network& network) {
    const auto range = network.activation().range();
    const bool bounded = range && range->rises && std::isfinite(range->high - range->low);
    return network.depth() == 2 && bounded ? network.width(1) * 2.0 * (range->high - range->low) : nan;
  }

  void set_theory(const Point& point, Results& results) const {
    auto network = networks_->random()->parameters(point, inputs_.dimension());
    TheoryParameters parameters;
    parameters.input_dimension = network.input_dimension;
    parameters.widths = all_widths(point);
    parameters.sigma_w = network.sigma_w;
    parameters.sigma_b = network.sigma_b;
    std::vector<double> x0(static_cast<std::size_t>(inputs_.dimension()), 0.0), x1 = x0;
    x0[0] = x1[1] = std::sqrt(inputs_.scale()(point).value_or(1.0) * inputs_.dimension());
    const Curve path = curve(x0, x1);
    const CurveTheory growth = curve_theory(network.activation, parameters, path);
    std::vector<double> lengths;
    double length = input_length(path);
    const auto hidden = static_cast<int>(parameters.widths.size()) - 1;
    const int known = std::min(hidden, growth.finite_layers);
    for (int l = 0; l < known; ++l) {
      if (length > 0.0) length *= growth.growth[static_cast<std::size_t>(l)];  // a point stays one
      lengths.push_back(length);
    }
    network.widths = parameters.widths;
    const GaussianCorrection law =
        gaussian_correction(network, mean_square(path), random_curve_participation(network.input_dimension));
    law.mask_averages(lengths);
    results.set("length_theory", std::span<const double>(lengths));
    results.set("gaussian_correction", std::span<const double>(law.layers).first(static_cast<std::size_t>(hidden)));
    report_theory(known, hidden, growth.converged, results);
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

  std::shared_ptr<const NetworkSource> networks_;
  InputPoints inputs_;
  int outputs_;
  int frequencies_;
  long samples_;
  double tolerance_;
  int neurons_;
  bool half_;
  TheoryCosts theory_costs_;
};

void DepthAgainstWidth::check(const Study& study, const RegressionKeys& keys, Diagnostics& diagnostics) const {
  if (inputs_.dimension() == 1) {
    diagnostics.error(study.place("input"),
                      "the input has dimension 1 (no circle about the origin lies in it) take at least 2");
  }
  const bool has_widths = study.points() > 0 && study.point(0).find("widths") != nullptr;
  if (keys.outputs && (has_widths || networks_->random() == nullptr)) {
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

}  // namespace

std::unique_ptr<Measure> make_deep_versus_wide() {
  return bound_measure<DepthAgainstWidth>(
      {.name = "deep_versus_wide",
       .version = 4,
       .description = "errors of the regression of a network's linear outputs along a great circle on sines and "
                      "cosines, and the length of hidden layers' images against the bound on shallow ones",
       .arrays = joined(measured_arrays(true), theory_arrays())});
}

}  // namespace meander
