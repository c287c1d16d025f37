// Metric, extrinsic curvature, lengths, autocorrelation and principal components of a curve's image in every layer of
// a network, against mean-field theory (Poole et al. 2016, sections 3 and 4).

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/mean_field/geometry_theory.hpp"
#include "kernels/trajectories/manifold_geometry.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/costs/average_costs.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/theory_status.hpp"
#include "studies/measures/geometry/geometry_choice.hpp"

namespace meander {
namespace {

/// Rows of a table of `columns` columns, one after another.
std::vector<double> flattened(const std::vector<std::vector<double>>& rows) {
  std::vector<double> result;
  for (const auto& row : rows) result.insert(result.end(), row.begin(), row.end());
  return result;
}

class CurveGeometry final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare) : curves(declare), own(declare) {}
    CurveStudyKeys curves;
    GeometryKeys own;
  };

  CurveGeometry(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : curves_(study, keys.curves, diagnostics) {
    if (diagnostics.failed()) return;
    wishes_ = GeometryWishes::of(study, keys.own, curves_, diagnostics);
    add_dimensions();
    std::vector<ArraySpec> arrays = geometry_measured_arrays(wishes_);
    if (!curves_.has_theory_family()) append(arrays, geometry_theory_arrays(wishes_));
    add({.layout = {"measured", std::nullopt, true, std::move(arrays)},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
    if (!curves_.has_theory_family()) return;
    add({.layout = {"theory", std::nullopt, false, geometry_theory_arrays(wishes_)},
         .cost = [this](const Point& point) { return Cost{.seconds = theory_seconds(point), .bytes = 1e6}; },
         .run = [this](const Task& task,
                       Results& results) { set_theory(task.point, curves_.typical_curve(task.point), results); }});
  }

  void export_cell(const Task& task, const std::string& path) const override { curves_.export_cell(task, path); }

 private:
  void add_dimensions() {
    add(layer_axis(curves_.depth()));
    if (wishes_.autocorrelation) {
      OwnDimension delta;
      delta.name = "delta";
      delta.long_name = "distance of two points on the circle, an angle";
      delta.units = "rad";
      for (const double value : wishes_.deltas()) delta.coordinates.emplace_back(value);
      delta.size = delta.coordinates.size();
      add(std::move(delta));
    }
    if (wishes_.component_layers.empty()) return;
    OwnDimension layers;
    layers.name = "component_layer";
    layers.long_name = "layer whose curve is taken apart, counted from 1";
    layers.size = wishes_.component_layers.size();
    for (const int layer : wishes_.component_layers) layers.coordinates.emplace_back(layer);
    add(std::move(layers));
    add(counted_axis("component", "principal component", 1, static_cast<std::size_t>(wishes_.components)));
    add(counted_axis("sample", "sample of the curve, in order", 0, wishes_.most_samples));
    add(counted_axis("index", "singular value, descending", 1, most_fractions));
  }

  double layers_of(const Point& point) const { return static_cast<double>(curves_.networks().widths(point).size()); }

  /// On a circle the same everywhere.
  static double first_mean_square(const Curve& curve) {
    std::vector<double> x(static_cast<std::size_t>(curve.dimension()));
    curve.point(curve.parameter(0, 2), x);
    return std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / static_cast<double>(x.size());
  }

  /// The recursion at points of the curve (one of a circle), and the covariance map of each distance.
  double theory_seconds(const Point& point) const {
    const AverageCosts& costs = curves_.average_costs(point);
    double seconds = curves_.theory_cost(point).seconds;
    if (!wishes_.autocorrelation || !curves_.is_circle()) return seconds;
    const TheoryParameters parameters = curves_.theory_parameters(point);
    const double gain = parameters.sigma_w * parameters.sigma_w, floor = parameters.sigma_b * parameters.sigma_b;
    const double q = gain * first_mean_square(curves_.typical_curve(point)) + floor;
    const std::vector<double> deltas = wishes_.deltas();
    // Neighbouring distances cost the same.
    constexpr std::size_t most = 8;
    const std::size_t asked = std::min(most, deltas.size());
    for (std::size_t k = 0; k < asked; ++k) {
      const double delta = deltas[k * deltas.size() / asked];
      const double c = ((q - floor) * std::cos(delta) + floor) / q;
      seconds += costs.iteration(parameters.sigma_w, parameters.sigma_b, q, c, static_cast<int>(layers_of(point))) *
                 static_cast<double>(deltas.size()) / static_cast<double>(asked);
    }
    return seconds;
  }

  Cost cost_of(const Point& point) const {
    // Three forward passes, the activation with its derivatives.
    const double passes = wishes_.curvature ? 3.0 : 2.0;
    Cost cost =
        curves_.sampling_cost(point, row_seconds_with_derivatives(curves_.networks().activation(point)) / passes);
    cost.seconds *= passes;
    if (wishes_.autocorrelation) {
      // A Fourier transform for two neurons, and one more.
      const double samples = static_cast<double>(curves_.samples()(point));
      double neurons = 0.0;
      for (const int width : curves_.networks().widths(point)) neurons += width + 2.0;
      cost.seconds += 1.2 * machine_rates().step * neurons * samples * std::log2(samples);
    }
    if (curves_.has_theory_of_draws()) cost.seconds += theory_seconds(point);
    cost.bytes = manifold_geometry_bytes(curves_.input_dimension(), curves_.networks().widths(point),
                                         options(point, !wishes_.curvature));
    return cost;
  }

  void measure(const Task& task, Results& results) const {
    const auto subject = curves_.subject(task);
    const GeometryOptions how = options(task.point, subject.network->activation().has_kinks());
    set_measured(manifold_geometry(*subject.network, subject.curve, how), how, *subject.network, results);
    if (curves_.has_theory_of_draws()) set_theory(task.point, subject.curve, results);
  }

  GeometryOptions options(const Point& point, bool kinks) const {
    GeometryOptions options;
    options.samples = curves_.samples()(point);
    options.precision = curves_.precision();
    options.curvature = wishes_.curvature && !kinks;
    options.autocorrelation = wishes_.autocorrelation;
    options.component_layers = wishes_.component_layers;
    options.components = wishes_.components;
    return options;
  }

  void set_measured(const ManifoldGeometry& found, const GeometryOptions& how, const Network& network,
                    Results& results) const {
    const int finite = found.finite_layers;
    results.set("q", std::span<const double>(found.q));
    results.set("metric", std::span<const double>(found.metric));
    // Differences of infinities are what becomes of squares that overflow.
    std::vector<double> metric_sd = found.metric_sd;
    for (double& value : metric_sd) value = std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
    results.set("metric_sd", std::span<const double>(metric_sd));
    results.set("length", std::span<const double>(found.length));
    std::vector<double> change = relative_change(found.length, found.length_half, finite);
    if (how.curvature) {
      results.set("curvature", std::span<const double>(found.curvature));
      results.set("curvature_sd", std::span<const double>(found.curvature_sd));
      results.set("grassmannian_length", std::span<const double>(found.grassmannian_length));
      const auto turned = relative_change(found.grassmannian_length, found.grassmannian_length_half, finite);
      for (std::size_t l = 0; l < change.size(); ++l)
        change[l] = std::isnan(turned[l]) ? change[l] : std::max(change[l], turned[l]);
    }
    if (how.autocorrelation) set_autocorrelation(found, results);
    if (!how.component_layers.empty()) set_components(found, how, results);
    results.set("sampling_change", std::span<const double>(change));
    report_overflow(finite, network, curves_.precision(), results);
  }

  void set_autocorrelation(const ManifoldGeometry& found, Results& results) const {
    const auto stride = static_cast<std::size_t>(wishes_.step);
    const std::size_t count = wishes_.deltas().size();
    std::vector<std::vector<double>> kept;
    for (const auto& layer : found.autocorrelation) {
      auto& row = kept.emplace_back();
      for (std::size_t k = 0; k < count; ++k) row.push_back(layer[k * stride]);
    }
    results.set("autocorrelation", flattened(kept), {kept.size(), count});
  }

  void set_components(const ManifoldGeometry& found, const GeometryOptions& how, Results& results) const {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    std::vector<std::vector<double>> coordinates, fractions;
    for (const PrincipalComponents& layer : found.components) {
      coordinates.push_back(layer.coordinates);
      fractions.push_back(layer.singular_value_fraction);
      fractions.back().resize(most_fractions, nan);
    }
    const std::size_t layers = found.components.size();
    results.set("principal_components", flattened(coordinates),
                {layers, static_cast<std::size_t>(how.components), static_cast<std::size_t>(how.samples)});
    results.set("singular_value_fraction", flattened(fractions), {layers, most_fractions});
  }

  void set_theory(const Point& point, const Curve& curve, Results& results) const {
    const Activation& activation = curves_.networks().activation(point);
    const TheoryParameters parameters = curves_.theory_parameters(point);
    const GaussianCorrection law = curves_.correction(point, curve);
    GeometryTheory theory = geometry_theory(activation, parameters, curve);
    const std::vector<double> q = theory.q;
    // All of them follow from second moments of a layer's h and its derivatives.
    for (auto* values : {&theory.q, &theory.metric, &theory.curvature, &theory.length, &theory.grassmannian_length}) {
      law.mask_moments(*values);
    }
    const int known = theory.finite_layers;
    results.set("gaussian_correction", std::span<const double>(law.layers));
    results.set("q_theory", leading(theory.q, known));
    results.set("metric_theory", leading(theory.metric, known));
    results.set("length_theory", leading(theory.length, known));
    if (wishes_.curvature) {
      results.set("curvature_theory", leading(theory.curvature, known));
      results.set("grassmannian_length_theory", leading(theory.grassmannian_length, known));
    }
    bool converged = theory.converged;
    if (wishes_.autocorrelation) {
      const std::vector<double> deltas = wishes_.deltas();
      auto rows = autocorrelation_theory(activation, parameters, curve, deltas);
      rows.resize(static_cast<std::size_t>(known));
      const auto found = [](double x) { return !std::isnan(x); };
      for (std::size_t l = 0; l < rows.size(); ++l) {
        // The first layer's is known wherever there is a theory.
        const bool defined = q[l] > 0.0 && found(rows.front().front());
        if (defined && !std::all_of(rows[l].begin(), rows[l].end(), found)) converged = false;
      }
      for (std::size_t l = static_cast<std::size_t>(law.moments_hold); l < rows.size(); ++l) {
        rows[l].assign(deltas.size(), std::numeric_limits<double>::quiet_NaN());
      }
      results.set("autocorrelation_theory", flattened(rows), {rows.size(), deltas.size()});
    }
    report_theory(known, static_cast<int>(q.size()), converged, results);
  }

  CurveStudy curves_;
  GeometryWishes wishes_;
};

}  // namespace

std::unique_ptr<Measure> make_geometry() {
  GeometryWishes everything;
  everything.component_layers = {1};
  return bound_measure<CurveGeometry>(
      {.name = "geometry",
       .version = 4,
       .description =
           "metric, extrinsic curvature, Grassmannian and Euclidean length of a curve's image in every layer "
           "(of the pre-activations), its autocorrelation and principal components, and what mean-field "
           "theory predicts",
       .arrays = joined(geometry_measured_arrays(everything), geometry_theory_arrays(everything)),
       .single_precision = true});
}

}  // namespace meander
