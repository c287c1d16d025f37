// Curvature of a network's decision boundary at the input and in every layer, against mean-field theory (Poole et al.
// 2016, section 5 and figure 4G).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/decision_boundary/boundary_curvature.hpp"
#include "kernels/decision_boundary/boundary_search.hpp"
#include "kernels/mean_field/boundary_theory.hpp"
#include "kernels/mean_field/gaussian_correction.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/costs/average_costs.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/theory_status.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/inputs/law_limits.hpp"
#include "studies/measures/decision_boundary/boundary_choice.hpp"
#include "studies/networks/network_source.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// An array of every layer and its companion for the input, which is no layer.
void add_pair(std::vector<ArraySpec>& arrays, const std::string& name, const std::string& long_name,
              std::vector<std::string> before, const std::vector<std::string>& after,
              const std::string& undefined_where = "", const std::string& suffix = "") {
  std::vector<std::string> input = before, layers = std::move(before);
  layers.push_back("layer");
  for (const std::string& dimension : after) {
    input.push_back(dimension);
    layers.push_back(dimension);
  }
  arrays.push_back(array(name + "_input" + suffix, ArrayType::float64, long_name + ", in the space of inputs", input));
  arrays.push_back(array(name + suffix, ArrayType::float64, long_name + ", in the space of layer l's pre-activations",
                         std::move(layers)));
  for (auto spec = arrays.end() - 2; spec != arrays.end(); ++spec) spec->undefined_where = undefined_where;
}

std::vector<ArraySpec> measured_arrays() {
  std::vector<ArraySpec> arrays{array("boundary_residual", ArrayType::float64,
                                      "|G| at the point found, relative to sum |beta_i x_i| + |beta_0|",
                                      {"boundary_point"})};
  add_pair(arrays, "gradient_norm", "length of the gradient of G", {"boundary_point"}, {});
  add_pair(arrays, "curvature_rms",
           "root mean square of the boundary's N - 1 principal curvatures (missing where the Hessian was not formed)",
           {"boundary_point"}, {}, "the Hessian was not formed, or the layer has one neuron");
  const std::string fewer = "the layer has fewer curvatures";
  add_pair(arrays, "curvature_largest", "largest principal curvatures of the boundary, descending", {"boundary_point"},
           {"index"}, fewer);
  add_pair(arrays, "curvature_smallest", "smallest principal curvatures of the boundary, ascending", {"boundary_point"},
           {"index"}, fewer);
  add_pair(arrays, "residual_largest", "residual |A v - kappa v| of curvature_largest", {"boundary_point"}, {"index"},
           fewer);
  add_pair(arrays, "residual_smallest", "residual |A v - kappa v| of curvature_smallest", {"boundary_point"}, {"index"},
           fewer);
  return arrays;
}

std::vector<ArraySpec> theory_arrays() {
  std::vector<ArraySpec> arrays;
  add_pair(arrays, "gradient_norm", "length of the gradient of G at infinite width", {}, {}, "", "_theory");
  add_pair(arrays, "curvature_rms", "root mean square of the principal curvatures at infinite width", {}, {},
           "the layer has one neuron, or the activation's slope is 0 everywhere", "_theory");
  return limited_by_law(std::move(arrays));
}

/// The values of every boundary point, layer and index, filled in point by point.
class Table {
 public:
  Table(int points, int depth, int count)
      : points_(static_cast<std::size_t>(points)),
        depth_(static_cast<std::size_t>(depth)),
        count_(static_cast<std::size_t>(count)),
        residual_(points_, nan) {
    for (auto* scalars : {&gradient_, &rms_}) scalars->assign(points_ * (depth_ + 1), nan);
    for (auto* lists : {&largest_, &smallest_, &residual_largest_, &residual_smallest_})
      lists->assign(points_ * (depth_ + 1) * count_, nan);
  }

  void set_residual(std::size_t point, double residual) { residual_[point] = residual; }
  void set(std::size_t point, const std::vector<LayerCurvatures>& layers) {
    for (std::size_t l = 0; l <= depth_; ++l) {
      const std::size_t at = point * (depth_ + 1) + l;
      gradient_[at] = layers[l].gradient_norm;
      if (!layers[l].largest.empty()) rms_[at] = layers[l].rms;
      const auto copy = [&](const std::vector<double>& from, std::vector<double>& to) {
        std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(at * count_));
      };
      copy(layers[l].largest, largest_);
      copy(layers[l].smallest, smallest_);
      copy(layers[l].residual_largest, residual_largest_);
      copy(layers[l].residual_smallest, residual_smallest_);
    }
  }

  void fill(Results& results) const {
    results.set("boundary_residual", std::span<const double>(residual_));
    set_pair("gradient_norm", gradient_, 0, results);
    set_pair("curvature_rms", rms_, 0, results);
    set_pair("curvature_largest", largest_, count_, results);
    set_pair("curvature_smallest", smallest_, count_, results);
    set_pair("residual_largest", residual_largest_, count_, results);
    set_pair("residual_smallest", residual_smallest_, count_, results);
  }

 private:
  /// Takes layer 0 out; `count` is 0 for an array without `index`.
  void set_pair(const std::string& name, const std::vector<double>& all, std::size_t count, Results& results) const {
    const std::size_t row = std::max<std::size_t>(count, 1);
    std::vector<double> input, layers;
    for (std::size_t p = 0; p < points_; ++p) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(p * (depth_ + 1) * row);
      const auto first = begin + static_cast<std::ptrdiff_t>(row);
      input.insert(input.end(), begin, first);
      layers.insert(layers.end(), first, begin + static_cast<std::ptrdiff_t>((depth_ + 1) * row));
    }
    std::vector<std::size_t> of_input{points_}, of_layers{points_, depth_};
    if (count > 0) {
      of_input.push_back(count);
      of_layers.push_back(count);
    }
    results.set(name + "_input", input, of_input);
    results.set(name, layers, of_layers);
  }

  std::size_t points_, depth_, count_;
  std::vector<double> residual_, gradient_, rms_, largest_, smallest_, residual_largest_, residual_smallest_;
};

class Boundaries final : public Measurement {
 public:
  using Keys = PointStudyKeys<BoundaryKeys>;

  Boundaries(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : networks_(network_source(study, keys.networks, diagnostics)),
        choice_(study, keys.own, keys.input, networks_, diagnostics) {
    if (diagnostics.failed()) return;
    require_smooth(study, *networks_, diagnostics);
    if (networks_->random() == nullptr && choice_.is_fixed()) {
      warn_of_repetition(study, "network and points are fixed", diagnostics);
    }
    add(layer_axis(networks_->depth()));
    add({.name = "boundary_point",
         .size = static_cast<std::size_t>(choice_.points()),
         .long_name = "point of the decision boundary"});
    add({.name = "index",
         .size = static_cast<std::size_t>(choice_.curvatures()),
         .long_name = "principal curvature, counted from the end of the spectrum"});
    add({.layout = {"measured", std::nullopt, true, measured_arrays()},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
    if (networks_->random() == nullptr || !choice_.has_random_points()) return;
    add({.layout = {"theory", std::nullopt, false, theory_arrays()},
         .cost =
             [this](const Point& point) {
               const double layers = static_cast<double>(networks_->widths(point).size());
               const AverageCosts& costs = theory_costs_(networks_->activation(point));
               const double each = costs.moments(1.0);
               const double law = costs.law_correction(networks_->law(point), static_cast<int>(layers));
               return Cost{.seconds = machine_rates().task + 3.0 * layers * each + law, .bytes = 1e6};
             },
         .run = [this](const Task& task, Results& results) { set_theory(task.point, results); }});
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const auto network = networks_->network(task.point, task_stream(task), choice_.dimension());
    NamedArrays arrays;
    add_network(*network, networks_->activation_text(task.point), arrays);
    choice_.add_boundary(*network, task, arrays);
    write_arrays(path, arrays);
  }

 private:
  Cost cost_of(const Point& point) const {
    Cost cost;
    std::vector<int> sizes = networks_->widths(point);
    sizes.insert(sizes.begin(), choice_.dimension());
    double weights = 0.0;
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) weights += static_cast<double>(sizes[l]) * sizes[l + 1];
    const CurvatureCost one = curvature_cost(sizes, choice_.curvature_options());
    // About sixty evaluations find a bracket, ten more a point.
    const MachineRates& rates = machine_rates();
    double neurons = 0.0;
    for (const int size : sizes) neurons += size;
    const Activation& activation = networks_->activation(point);
    // A curve through a network that is not odd may miss the boundary, and is looked at closely before the next.
    const double tries = activation.odd() == true ? 70.0 : 70.0 + 0.22 * static_cast<double>(choice_.search().samples);
    const double each = weights * rates.streamed + neurons * (evaluation_seconds(activation) + 2.0 * rates.step);
    const double search = tries * (each + 1000.0 * rates.step);
    cost.seconds = machine_rates().draw * weights + choice_.points() * (search + one.seconds);
    cost.bytes = 1e6 + 8.0 * weights * (networks_->random() == nullptr ? 2.0 : 1.0) + one.bytes +
                 32.0 * choice_.points() * choice_.curvatures() * static_cast<double>(sizes.size());
    return cost;
  }

  void measure(const Task& task, Results& results) const {
    const StreamKey key = task_stream(task);
    const auto network = networks_->network(task.point, key, choice_.dimension());
    const BoundaryFunction boundary = choice_.function(*network, task.point, key);
    Table table(choice_.points(), network->depth(), choice_.curvatures());
    int missed = 0;
    std::string first_reason;
    Status status = Status::done;
    const auto miss = [&](Status kind, const std::string& reason) {
      if (missed++ == 0) first_reason = reason;
      status = kind;
    };
    for (int p = 0; p < choice_.points(); ++p) {
      const auto at = static_cast<std::size_t>(p);
      const std::optional<BoundaryHit> hit = choice_.find(boundary, task.point, key, p);
      if (!hit && choice_.overflows(boundary, task.point, key, p)) {
        miss(
            Status::out_of_range,
            "values overflow double precision (they grow with depth beyond the largest number), take a smaller sigma_w "
            "or depth");
        continue;
      }
      if (!hit) {
        miss(Status::not_converged, choice_.no_boundary());
        continue;
      }
      table.set_residual(at, hit->residual);
      if (!hit->converged) {
        miss(Status::not_converged,
             fmt::format("|G| stays at {:.1e} of its terms (the last bit of the input makes that much), raise "
                         "[decision_boundary] tolerance from {:g}",
                         hit->residual, choice_.search().tolerance));
        continue;
      }
      try {
        const auto layers = principal_curvatures(boundary, hit->point, choice_.curvature_options());
        table.set(at, layers);
        if (!std::all_of(layers.begin(), layers.end(), [](const LayerCurvatures& l) { return l.converged; })) {
          miss(Status::not_converged,
               "SLEPc did not find the asked-for curvatures within its bound of restarts, take "
               "solver = \"dense\" or fewer curvatures");
        }
      } catch (const std::domain_error& error) {
        miss(Status::out_of_range, error.what());
      }
    }
    table.fill(results);
    if (missed > 0) results.status(status, fmt::format("{} of {} points: {}", missed, choice_.points(), first_reason));
  }

  void set_theory(const Point& point, Results& results) const {
    const auto network = networks_->random()->parameters(point, choice_.dimension());
    const double q0 = choice_.scale()(point).value_or(1.0);
    BoundaryTheory theory = boundary_theory(network.activation, network.input_dimension, network.widths,
                                            network.sigma_w, network.sigma_b, q0);
    const GaussianCorrection law =
        gaussian_correction(network, q0, random_point_participation(network.input_dimension));
    results.set("gaussian_correction", std::span<const double>(law.layers));
    const auto depth = static_cast<int>(network.widths.size());
    report_theory(theory.finite_layers, depth, theory.converged, results);
    if (theory.finite_layers < depth) return;
    law.mask_products(theory.gradient_norm);
    law.mask_products(theory.curvature_rms);
    results.set("gradient_norm_input_theory", theory.gradient_norm.front());
    results.set("gradient_norm_theory", std::span(theory.gradient_norm).subspan(1));
    results.set("curvature_rms_input_theory", theory.curvature_rms.front());
    results.set("curvature_rms_theory", std::span(theory.curvature_rms).subspan(1));
  }

  std::shared_ptr<const NetworkSource> networks_;
  BoundaryChoice choice_;
  TheoryCosts theory_costs_;
};

}  // namespace

std::unique_ptr<Measure> make_decision_boundary() {
  return bound_measure<Boundaries>(
      {.name = "decision_boundary",
       .version = 4,
       .description = "principal curvatures of the decision boundary beta . x^D = beta_0 of smooth networks, at the "
                      "input and in the space of every layer, and their root mean square at infinite width",
       .arrays = joined(measured_arrays(), theory_arrays())});
}

}  // namespace meander
