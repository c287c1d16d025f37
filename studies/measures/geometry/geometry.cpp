// Metric, extrinsic curvature, lengths, autocorrelation and principal components of a curve's image in every layer of
// a network, against mean-field theory (Poole et al. 2016, sections 3 and 4).

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/mean_field/geometry_theory.hpp"
#include "kernels/trajectories/manifold_geometry.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/measures/geometry/geometry_choice.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

OwnDimension counted(std::string name, std::string long_name, int first, std::size_t size) {
  OwnDimension dimension;
  dimension.name = std::move(name);
  dimension.long_name = std::move(long_name);
  dimension.size = size;
  for (std::size_t i = 0; i < size; ++i) dimension.coordinates.emplace_back(first + static_cast<int>(i));
  return dimension;
}

/// Rows of a table of `columns` columns, one after another.
std::vector<double> flattened(const std::vector<std::vector<double>>& rows) {
  std::vector<double> result;
  for (const auto& row : rows) result.insert(result.end(), row.begin(), row.end());
  return result;
}

class CurveGeometry final : public Measurement {
 public:
  explicit CurveGeometry(const Study& study)
      : curves_(CurveStudy::read(study)),
        wishes_(GeometryWishes::of(study, curves_)),
        single_(study.single_precision) {}

  Layout layout() const override {
    Layout layout;
    layout.dimensions = {curves_.layer_dimension()};
    if (wishes_.autocorrelation) {
      OwnDimension delta;
      delta.name = "delta";
      delta.long_name = "distance of two points on the circle, an angle";
      delta.units = "rad";
      for (const double value : wishes_.deltas()) delta.coordinates.emplace_back(value);
      delta.size = delta.coordinates.size();
      layout.dimensions.push_back(delta);
    }
    if (!wishes_.component_layers.empty()) {
      OwnDimension layers;
      layers.name = "component_layer";
      layers.long_name = "layer whose curve is taken apart, counted from 1";
      layers.size = wishes_.component_layers.size();
      for (const int layer : wishes_.component_layers) layers.coordinates.emplace_back(layer);
      layout.dimensions.push_back(layers);
      layout.dimensions.push_back(
          counted("component", "principal component", 1, static_cast<std::size_t>(wishes_.components)));
      layout.dimensions.push_back(counted("sample", "sample of the curve, in order", 0, wishes_.most_samples));
      layout.dimensions.push_back(counted("index", "singular value, descending", 1, most_fractions));
    }
    layout.families =
        with_theory(geometry_measured_arrays(wishes_), geometry_theory_arrays(wishes_), curves_.has_theory_family());
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    const double layers = static_cast<double>(curves_.widths(point).size());
    // The covariance map takes longest where points are nearly alike.
    const double theory = layers * (2e-4 + 3e-4 * static_cast<double>(wishes_.deltas().size()));
    if (family == 1) return {.seconds = theory, .bytes = 1e6};
    // Three forward passes.
    Cost cost = curves_.sampling_cost(point);
    cost.seconds *= wishes_.curvature ? 3.0 : 2.0;
    if (!curves_.has_theory_family() && !curves_.is_stored()) cost.seconds += theory + 0.05 * layers;
    cost.bytes = bytes(point);
    return cost;
  }

  double bytes(const Point& point) const {
    const std::vector<int> widths = curves_.widths(point);
    return manifold_geometry_bytes(curves_.input_dimension(), widths, options(point, !wishes_.curvature));
  }

  void run(const Task& task, Results& results) const override {
    if (task.family == 1) {
      set_theory(task.point, curves_.typical_curve(task.point), results);
      return;
    }
    const auto subject = curves_.subject(task);
    const GeometryOptions how = options(task.point, has_kinks(subject.network->activation()));
    set_measured(manifold_geometry(*subject.network, subject.curve, how), how, *subject.network, results);
    if (!curves_.has_theory_family() && !curves_.is_stored()) set_theory(task.point, subject.curve, results);
  }

  void export_cell(const Task& task, const std::string& path) const override { curves_.export_cell(task, path); }

 private:
  GeometryOptions options(const Point& point, bool kinks) const {
    GeometryOptions options;
    options.samples = static_cast<long>(point.integer("samples"));
    options.precision = single_ ? Precision::single : Precision::double_;
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
    results.set("metric_sd", std::span<const double>(found.metric_sd));
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
    report_overflow(finite, network, single_, results);
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
    const Activation activation = curves_.activation(point);
    const TheoryParameters parameters = curves_.theory_parameters(point);
    const GeometryTheory theory = geometry_theory(activation, parameters, curve);
    results.set("q_theory", std::span<const double>(theory.q));
    results.set("metric_theory", std::span<const double>(theory.metric));
    results.set("length_theory", std::span<const double>(theory.length));
    if (wishes_.curvature) {
      results.set("curvature_theory", std::span<const double>(theory.curvature));
      results.set("grassmannian_length_theory", std::span<const double>(theory.grassmannian_length));
    }
    if (!wishes_.autocorrelation) return;
    const std::vector<double> deltas = wishes_.deltas();
    const auto rows = autocorrelation_theory(activation, parameters, curve, deltas);
    results.set("autocorrelation_theory", flattened(rows), {rows.size(), deltas.size()});
  }

  CurveStudy curves_;
  GeometryWishes wishes_;
  bool single_;
};

Key setting(const char* name, KeyType type, const char* description) {
  Key key;
  key.section = "geometry";
  key.name = name;
  key.type = type;
  key.description = description;
  key.optional = true;
  return key;
}

void check_components(const Study& study, const CurveStudy& curves, Diagnostics& diagnostics) {
  const Value* layers = study.setting("geometry.component_layers");
  if (layers == nullptr) return;
  std::vector<int> seen;
  for (const Value& value : *layers->get_if<List>()) {
    const int layer = static_cast<int>(value.number());
    const Place place = study.place("geometry.component_layers");
    if (layer > curves.depth()) {
      diagnostics.error(place, fmt::format("'component_layers' names layer {} (the deepest network has {} layers) name "
                                           "layers from 1 to {}",
                                           layer, curves.depth(), curves.depth()));
    }
    if (std::find(seen.begin(), seen.end(), layer) != seen.end())
      diagnostics.error(place,
                        fmt::format("'component_layers' names layer {} twice (once is enough) remove one", layer));
    seen.push_back(layer);
  }
}

class Geometry final : public Measure {
 public:
  std::string name() const override { return "geometry"; }
  int version() const override { return 2; }
  std::string description() const override {
    return "metric, extrinsic curvature, Grassmannian and Euclidean length of a curve's image in every layer (of the "
           "pre-activations), its autocorrelation and principal components, and what mean-field theory predicts";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = CurveStudy::keys();
    keys.push_back(setting("curvature", KeyType::boolean,
                           "curvature and Grassmannian length, which need an activation without kinks; where there is "
                           "one in the study, if left out, and missing for the others"));
    keys.push_back(
        setting("autocorrelation", KeyType::boolean,
                "similarity of points on a circle against their distance; true if left out on circles whose samples "
                "are not swept"));
    Key deltas =
        setting("deltas", KeyType::integer,
                "distances at most, apart from 0: multiples of that of neighbouring samples, up to half the circle");
    deltas.default_value = Value(250);
    deltas.minimum = 1;
    keys.push_back(deltas);
    Key layers = setting("component_layers", KeyType::integers,
                         "layers whose curve is taken apart into principal components; none if left out");
    layers.units = "layers";
    layers.minimum = 1;
    keys.push_back(layers);
    Key components = setting("components", KeyType::integer, "principal components of each of component_layers");
    components.default_value = Value(3);
    components.minimum = 1;
    components.maximum = 1000;
    keys.push_back(components);
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    GeometryWishes everything;
    everything.component_layers = {1};
    std::vector<ArraySpec> arrays = geometry_measured_arrays(everything);
    for (ArraySpec& spec : geometry_theory_arrays(everything)) arrays.push_back(std::move(spec));
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    check_curve_study(study, diagnostics);
    if (diagnostics.failed()) return;
    const CurveStudy curves = CurveStudy::read(study);
    if (asked(study, "geometry.curvature").value_or(false) && Kinks::of(study, curves).any) {
      diagnostics.error(study.place("geometry.curvature"),
                        "'curvature' is true (an activation of this study has kinks, where phi'' is no function and "
                        "the curvature has no mean-field recursion) leave 'curvature' out, or take smooth activations");
    }
    if (asked(study, "geometry.autocorrelation").value_or(false) && !curves.is_circle()) {
      diagnostics.error(study.place("geometry.autocorrelation"),
                        "'autocorrelation' is true (the curve is no circle: its points have no common distances) leave "
                        "'autocorrelation' out, or take kind = \"circle\"");
    }
    if (asked(study, "geometry.autocorrelation").value_or(false) && is_swept(study, "samples")) {
      diagnostics.error(study.place("geometry.autocorrelation"),
                        "'autocorrelation' is true (the number of samples is swept: points have no common distances) "
                        "give [curve] samples once, or leave 'autocorrelation' out");
    }
    check_components(study, curves, diagnostics);
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override {
    return std::make_unique<CurveGeometry>(study);
  }
};

}  // namespace

std::unique_ptr<Measure> make_geometry() {
  return std::make_unique<Geometry>();
}

}  // namespace meander
