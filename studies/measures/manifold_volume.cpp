// How every layer changes the volume of a small piece of a smooth manifold, against the power of chi_1 that mean-field
// theory gives (Ganguli's lecture; Poole et al. 2016, equation 6, for every pair of directions).
#include "kernels/propagation/manifold_volume.hpp"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/mean_field/gaussian_correction.hpp"
#include "kernels/mean_field/layer_exponent_theory.hpp"
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
#include "studies/networks/weight_cost.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> volume_arrays() {
  return {array("volume", ArrayType::float64, "volume of the post-activations' manifold over the input's, sqrt(det g)",
                {"layer"})};
}

std::vector<ArraySpec> theory_arrays() {
  return limited_by_law({array("volume_theory", ArrayType::float64,
                               "volume at infinite width, the k/2-th power of chi_1 along the layers", {"layer"})});
}

class Volumes final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare) : networks(declare, {.readout = false}), input(declare, points_wanted()) {
      declare(directions, {.section = "manifold_volume",
                           .name = "directions",
                           .description = "k, the dimension of the manifold: its tangents are drawn at random, "
                                          "perpendicular to the input and to each other",
                           .default_value = Value(2),
                           .minimum = 1,
                           .maximum = 1 << 16});
    }
    NetworkKeys networks;
    InputKeys input;
    Parameter<int> directions;
  };

  Volumes(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : networks_(network_source(study, keys.networks, diagnostics)),
        points_(study, keys.input, networks_, 1, diagnostics),
        directions_(keys.directions) {
    check_directions(study, diagnostics);
    if (diagnostics.failed()) return;
    const bool one_theory = networks_->random() != nullptr && (!points_.has_data() || points_.scale().is_given());
    add(layer_axis(networks_->depth()));
    add({.layout = {"measured", std::nullopt, true, volume_arrays()},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
    if (!one_theory) return;
    add({.layout = {"theory", std::nullopt, false, theory_arrays()},
         .cost =
             [this](const Point& point) {
               const RandomNetworks& random = *networks_->random();
               const AverageCosts& costs = theory_costs_(networks_->activation(point));
               const double sigma_w = random.sigma_w(point), sigma_b = random.sigma_b(point);
               const double q = sigma_w * sigma_w + sigma_b * sigma_b;
               const int layers = static_cast<int>(networks_->widths(point).size());
               const double pairs = q > 0.0 ? costs.iteration(sigma_w, sigma_b, q, sigma_b * sigma_b / q, layers) : 0.0;
               return Cost{.seconds = machine_rates().task + 3.0 * layers * costs.moments(q) + pairs +
                                      costs.law_correction(networks_->law(point), layers),
                           .bytes = 1e6};
             },
         .run = [this](const Task& task, Results& results) { set_theory(task.point, results); }});
  }

  void export_cell(const Task& task, const std::string& path) const override {
    NamedArrays arrays;
    const StreamKey key = task_stream(task);
    add_network(*networks_->network(task.point, key, points_.dimension()), networks_->activation_text(task.point),
                arrays);
    const std::vector<double> x = points_.draw(task.point, key, 1).front();
    const std::vector<double> tangents = perpendicular_tangents(key, x, directions_(task.point));
    arrays.arrays["/points"] = {{1, x.size()}, x};
    arrays.arrays["/tangents"] = {{tangents.size() / x.size(), x.size()}, tangents};
    write_arrays(path, arrays);
  }

 private:
  void check_directions(const Study& study, Diagnostics& diagnostics) const {
    for (const int k : directions_.values()) {
      if (points_.dimension() == 0 || k < points_.dimension()) continue;
      diagnostics.error(
          study.place(is_swept(study, "directions") ? "sweep.directions" : "manifold_volume.directions"),
          fmt::format("'directions' is {} (in {} dimensions {} are perpendicular to the input) take at most {}", k,
                      points_.dimension(), points_.dimension() - 1, points_.dimension() - 1));
      return;
    }
  }

  Cost cost_of(const Point& point) const {
    const MachineRates& rates = machine_rates();
    const double element = row_seconds_with_derivatives(networks_->activation(point)) + 5.0 * rates.step;
    double seconds = rates.task, largest = 0.0, widest = points_.dimension(), inputs = points_.dimension();
    const double k = directions_(point);
    for (const double width : networks_->widths(point)) {
      const WeightCost weights = weight_cost(networks_->law(point), inputs * width, inputs);
      seconds += weights.seconds + inputs * width * (rates.streamed + k * rates.product) +
                 (k * k * rates.step + element) * width;
      largest = std::max(largest, weights.copies * inputs * width);
      widest = std::max(widest, width);
      inputs = width;
    }
    return {.seconds = seconds, .bytes = 1e6 + 8.0 * (largest + 3.0 * (k + 1.0) * widest)};
  }

  void measure(const Task& task, Results& results) const {
    const StreamKey key = task_stream(task);
    const auto network = networks_->network(task.point, key, points_.dimension());
    const std::vector<double> x = points_.draw(task.point, key, 1).front();
    const ManifoldVolume found = manifold_volume(*network, x, perpendicular_tangents(key, x, directions_(task.point)));
    std::vector<double> volume;
    for (const double log : found.log_volume) {
      if (!std::isfinite(std::exp(log))) break;
      volume.push_back(std::exp(log));
    }
    results.set("volume", std::span<const double>(volume));
    const auto layers = static_cast<std::size_t>(network->depth());
    if (volume.size() == layers) return;
    results.status(Status::out_of_range,
                   fmt::format("values overflow double precision in layer {} of {} (they grow with depth beyond the "
                               "largest number); layers before it are kept, take a smaller sigma_w or depth, or fewer "
                               "directions",
                               volume.size() + 1, layers));
  }

  /// Tangents perpendicular to the input: each metric component is multiplied by chi_1(q^l) N_l / N_(l-1) in layer l.
  void set_theory(const Point& point, Results& results) const {
    const RandomNetworks& random = *networks_->random();
    const std::vector<int> widths = random.widths(point);
    const double k = directions_(point);
    const LayerExponentTheory theory =
        layer_exponent_theory(random.activation(point), random.sigma_w(point), random.sigma_b(point),
                              points_.scale()(point).value_or(1.0), 0.0, static_cast<int>(widths.size()));
    std::vector<double> volume;
    for (std::size_t l = 0; l < theory.log_growth.size(); ++l) {
      const double wider = 0.5 * std::log(static_cast<double>(widths[l]) / points_.dimension());
      volume.push_back(std::exp(k * (theory.log_growth[l] + wider)));
    }
    const GaussianCorrection law =
        gaussian_correction(random.parameters(point, points_.dimension()), points_.scale()(point).value_or(1.0),
                            points_.typical_participation());
    law.mask_averages(volume);
    results.set("volume_theory", std::span<const double>(volume));
    results.set("gaussian_correction", std::span<const double>(law.layers));
    report_theory(theory.finite_layers, static_cast<int>(widths.size()), theory.converged, results);
  }

  std::shared_ptr<const NetworkSource> networks_;
  InputPoints points_;
  Parameter<int> directions_;
  TheoryCosts theory_costs_;
};

}  // namespace

std::unique_ptr<Measure> make_manifold_volume() {
  return bound_measure<Volumes>({.name = "manifold_volume",
                                 .version = 2,
                                 .description =
                                     "how every layer changes the volume of a small piece of a k-dimensional "
                                     "manifold through a random input, and the power of chi_1 that theory "
                                     "predicts",
                                 .arrays = joined(volume_arrays(), theory_arrays())});
}

}  // namespace meander
