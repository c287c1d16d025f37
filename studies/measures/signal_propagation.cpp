// Lengths and correlation of two inputs in every layer, gradients back through the layers and the growth of
// perturbations, against mean-field theory (Poole et al. 2016, sections 2 and 3; Schoenholz et al. 2017).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/curves/curve.hpp"
#include "kernels/mean_field/gaussian_correction.hpp"
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/mean_field/propagation_theory.hpp"
#include "kernels/propagation/signal_propagation.hpp"
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

double mean_product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

/// What a study asks for besides q and c.
struct Wishes {
  bool gradients = false;
  bool perturbations = false;
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
  arrays[1].undefined_where = "the length of one of them is 0";
  for (ArraySpec& spec : arrays) {
    if (spec.name == "gradient") spec.undefined_where = "the last layer's is 0";
  }
  return arrays;
}

std::vector<ArraySpec> theory_arrays(const Wishes& wishes) {
  std::vector<ArraySpec> arrays = layer_arrays(wishes, "_theory", ", infinite width");
  for (ArraySpec spec :
       {undefined("the length map is",
                  infinite("the lengths diverge", array("q_star", ArrayType::float64,
                                                        "attractor of the length map reached from layer 1", {}))),
        undefined("q_star is 0 or infinite, or the correlation map is the identity",
                  array("c_star", ArrayType::float64, "stable fixed point of the correlation map", {})),
        undefined("q_star is infinite", array("xi_q", ArrayType::float64, "depth scale of |q - q_star|", {})),
        undefined("c_star is", array("xi_c", ArrayType::float64, "depth scale of |c - c_star|", {}))}) {
    if (spec.name.front() == 'x') {
      spec.units = "layers";
      spec.infinite_where = "the approach is slower than exponential";
    }
    arrays.push_back(std::move(spec));
  }
  return limited_by_law(std::move(arrays));
}

class Signals final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare);
    NetworkKeys networks;
    InputKeys input;
    Parameter<double> c0, keep;
    Wishes wishes;
  };

  Signals(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : networks_(network_source(study, keys.networks, diagnostics)),
        points_(study, keys.input, networks_, 2, diagnostics),
        q0_(keys.input.q0),
        c0_(keys.c0),
        keep_(keys.keep),
        wishes_(keys.wishes) {
    if (diagnostics.failed()) return;
    check_correlation(study, diagnostics);
    if (diagnostics.failed()) return;
    warn_of_depth(study, diagnostics);
    add(layer_axis(networks_->depth()));
    std::vector<ArraySpec> arrays = layer_arrays(wishes_, "", "");
    if (!has_theory_family()) append(arrays, theory_arrays(wishes_));
    add({.layout = {"measured", std::nullopt, true, std::move(arrays)},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
    if (!has_theory_family()) return;
    add({.layout = {"theory", std::nullopt, false, theory_arrays(wishes_)},
         .cost =
             [this](const Point& point) {
               const double q0 = start_of(point).value_or(1.0);
               return Cost{.seconds = theory_seconds(point, q0, c0_.value_or(point, 0.0)), .bytes = 1e6};
             },
         .run =
             [this](const Task& task, Results& results) {
               const double q0 = start_of(task.point).value_or(1.0);
               set_theory(task.point, inputs_of_correlation(q0, c0_.value_or(task.point, 0.0)),
                          points_.typical_participation(), results);
             }});
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const StreamKey key = task_stream(task);
    NamedArrays arrays;
    add_network(*networks_->network(task.point, key, points_.dimension()), networks_->activation_text(task.point),
                arrays);
    auto [both, x1] = inputs(task.point, key);
    both.insert(both.end(), x1.begin(), x1.end());
    arrays.arrays["/points"] = {{2, x1.size()}, both};
    write_arrays(path, arrays);
  }

 private:
  void check_correlation(const Study& study, Diagnostics& diagnostics) const;
  void warn_of_depth(const Study& study, Diagnostics& diagnostics) const;

  /// Points of given length and correlation, as random ones always are: one theory for all realizations.
  bool has_theory_family() const {
    return networks_->random() != nullptr && (!points_.has_data() || (q0_.is_given() && c0_.is_given()));
  }

  /// The two maps through the layers, each layer's chi_1, and the fixed points.
  double theory_seconds(const Point& point, double q0, double c0) const {
    const auto network = networks_->random()->parameters(point, points_.dimension());
    const AverageCosts& costs = theory_costs_(networks_->activation(point));
    const double gain = network.sigma_w * network.sigma_w, floor = network.sigma_b * network.sigma_b;
    const double q = gain * q0 + floor, c = q > 0.0 ? (gain * q0 * c0 + floor) / q : 0.0;
    const int layers = static_cast<int>(network.widths.size());
    const double masked = network.sigma_w / std::sqrt(keep_(point));
    return machine_rates().task + costs.law_correction(networks_->law(point), layers) +
           3.0 * layers * costs.moments(q) + costs.iteration(network.sigma_w, network.sigma_b, q, c, layers) +
           costs.phase_point(masked, network.sigma_b, q);
  }

  Cost cost_of(const Point& point) const {
    const std::vector<int> widths = networks_->widths(point);
    const double layers = static_cast<double>(widths.size());
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
    const MachineRates& rates = machine_rates();
    double each = rates.draw + rates.streamed;
    if (wishes_.gradients) each += 2.0 * rates.streamed;
    if (wishes_.perturbations) each += 0.5 * layers * 1.5 * rates.product;
    const double each_neuron = 2.0 * row_seconds_with_derivatives(networks_->activation(point)) + 20.0 * rates.step;
    const double tangents = wishes_.perturbations ? layers * *std::max_element(widths.begin(), widths.end()) : 0.0;
    double seconds = rates.task + weights * each + neurons * each_neuron;
    if (!has_theory_family() && networks_->random() != nullptr) seconds += theory_seconds(point, 1.0, 0.5);
    return {.seconds = seconds, .bytes = 8.0 * (largest + 8.0 * neurons + 3.0 * tangents)};
  }

  void measure(const Task& task, Results& results) const {
    const StreamKey key = task_stream(task);
    const auto [x0, x1] = inputs(task.point, key);
    PropagationOptions options;
    options.keep = keep_(task.point);
    options.gradients = wishes_.gradients;
    options.perturbations = wishes_.perturbations;
    const auto network = networks_->network(task.point, key, points_.dimension());
    set_measured(propagate(*network, x0, x1, key, options), *network, results);
    if (has_theory_family() || networks_->random() == nullptr) return;
    const Participation first = participation(x0), second = participation(x1);
    set_theory(task.point, {mean_product(x0, x0), mean_product(x1, x1), mean_product(x0, x1)},
               first.position > second.position ? first : second, results);
  }

  /// q0 of a point. The fixed point is that of the map with dropout.
  std::optional<double> start_of(const Point& point) const {
    const MeanSquare* q0 = q0_.find(point);
    if (q0 == nullptr || !q0->fixed_point) return points_.scale()(point);
    const RandomNetworks& networks = *networks_->random();
    return fixed_point_scale(networks.activation(point), networks.sigma_w(point), networks.sigma_b(point),
                             keep_(point));
  }

  std::pair<std::vector<double>, std::vector<double>> inputs(const Point& point, StreamKey key) const {
    std::vector<std::vector<double>> drawn = points_.draw(point, key, 2);
    const double* c0 = c0_.find(point);
    if (c0 != nullptr || !points_.has_data()) {
      const double own0 = mean_product(drawn[0], drawn[0]);
      const double own1 = mean_product(drawn[1], drawn[1]);
      const std::optional<double> q0 = start_of(point);
      const double otherwise = points_.has_data() ? own0 : 1.0;
      correlate(drawn[0], drawn[1], q0.value_or(otherwise), c0 == nullptr ? 0.0 : *c0);
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
    if (wishes_.perturbations) {
      // Differences of infinities are what becomes of tangents that overflow.
      std::vector<double> growth = found.perturbation_growth;
      for (double& value : growth) value = std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
      results.set("perturbation_growth", std::span<const double>(growth));
    }
  }

  void set_theory(const Point& point, const InputCovariance& inputs, const Participation& share,
                  Results& results) const {
    const auto network = networks_->random()->parameters(point, points_.dimension());
    const PropagationParameters parameters{network.widths, network.sigma_w, network.sigma_b, keep_(point)};
    PropagationTheory theory = propagation_theory(network.activation, parameters, inputs);
    const GaussianCorrection law = gaussian_correction(network, 0.5 * (inputs.q00 + inputs.q11), share, keep_(point));
    const double first_q = theory.q.empty() ? nan : theory.q.front();
    law.mask_moments(theory.q);
    law.mask_moments(theory.c);
    law.mask_products_before_last(theory.gradient);
    law.mask_products_before_last(theory.perturbation_growth);
    results.set("gaussian_correction", std::span<const double>(law.layers));
    results.set("q_theory", std::span<const double>(theory.q));
    results.set("c_theory", std::span<const double>(theory.c));
    const auto depth = static_cast<int>(parameters.widths.size());
    if (theory.finite_layers == depth) {
      if (wishes_.gradients) results.set("gradient_theory", std::span<const double>(theory.gradient));
      if (wishes_.perturbations)
        results.set("perturbation_growth_theory", std::span<const double>(theory.perturbation_growth));
    }
    bool converged = theory.converged;
    if (theory.finite_layers > 0 && law.deep_layers_hold()) {
      const PhasePoint found =
          phase_point(network.activation, {network.sigma_w, network.sigma_b, first_q, parameters.keep});
      results.set("q_star", found.q_star);
      results.set("c_star", found.c_star);
      results.set("xi_q", found.xi_q);
      results.set("xi_c", found.xi_c);
      converged = converged && found.converged;
    }
    report_theory(theory.finite_layers, depth, converged, results);
  }

  std::shared_ptr<const NetworkSource> networks_;
  InputPoints points_;
  Parameter<MeanSquare> q0_;
  Parameter<double> c0_, keep_;
  Wishes wishes_;
  TheoryCosts theory_costs_;
};

/// Two inputs in one dimension are parallel.
void Signals::check_correlation(const Study& study, Diagnostics& diagnostics) const {
  if (points_.dimension() != 1) return;
  for (const Point& point : distinct_points(study, {"c0"})) {
    const double* c0 = c0_.find(point);
    const double wanted = c0 == nullptr ? 0.0 : *c0;
    if (std::abs(wanted) == 1.0 || (c0 == nullptr && points_.has_data())) continue;
    diagnostics.error(study.place(is_swept(study, "c0") ? "sweep.c0" : "input.c0"),
                      fmt::format("'c0' is {} but the input has dimension 1 (its two points are parallel there, c0 = 1 "
                                  "or -1) raise 'dimension' to 2 or more",
                                  wanted));
    return;
  }
}

/// Rare networks dominate a mean of squared gradients where the depth is not small against the width.
void Signals::warn_of_depth(const Study& study, Diagnostics& diagnostics) const {
  if (!wishes_.gradients && !wishes_.perturbations) return;
  for (const Point& point : distinct_points(study, {"width", "depth", "widths"})) {
    const std::vector<int> widths = networks_->widths(point);
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

Signals::Keys::Keys(Declaration& declare)
    : networks(declare, {.readout = false}), input(declare, [] {
        InputKeys::Wanted wanted = points_wanted();
        wanted.q0_description =
            "mean square of the inputs' components, met exactly: a number (1 for random points if left out; data keep "
            "their own scale) or \"fixed_point\", which starts layer 1 at q*";
        return wanted;
      }()) {
  declare(c0, {.section = "input",
               .name = "c0",
               .description = "correlation of the two inputs, x0.x1 / (|x0| |x1|), met exactly: the second is turned "
                              "towards the first; 0 for random points if left out, data keep their own",
               .minimum = -1,
               .maximum = 1});
  declare(keep, {.section = "signal_propagation",
                 .name = "keep",
                 .description = "dropout's keep probability: post-activations are kept with it and divided by it, with "
                                "masks of their own for each of the two inputs; inputs are not masked",
                 .default_value = Value(1.0),
                 .minimum = 0,
                 .maximum = 1,
                 .minimum_exclusive = true});
  declare(wishes.gradients, {.section = "signal_propagation",
                             .name = "gradients",
                             .description = "squared gradients of a random readout, back through the layers",
                             .default_value = Value(false)});
  declare(wishes.perturbations,
          {.section = "signal_propagation",
           .name = "perturbations",
           .description = "growth of an infinitesimal perturbation put into each layer in a random direction",
           .default_value = Value(false)});
}

}  // namespace

std::unique_ptr<Measure> make_signal_propagation() {
  const Wishes everything{true, true};
  return bound_measure<Signals>({.name = "signal_propagation",
                                 .version = 3,
                                 .description = "mean square and correlation of two inputs of given length and "
                                                "correlation in every layer, with dropout, gradients back through the "
                                                "layers and growth of perturbations, and what mean-field theory "
                                                "predicts",
                                 .arrays = joined(layer_arrays(everything, "", ""), theory_arrays(everything))});
}

}  // namespace meander
