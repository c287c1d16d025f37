// Decodes the wishes of a study of `geometry` and declares its arrays.
#include "studies/measures/geometry/geometry_choice.hpp"

#include <algorithm>
#include <numbers>
#include <utility>

#include "kernels/mean_field/geometry_theory.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> curvature_arrays() {
  std::vector<ArraySpec> arrays{
      array("curvature", ArrayType::float64, "extrinsic curvature kappa sqrt(N)", {"layer"}),
      array("curvature_sd", ArrayType::float64, "standard deviation of kappa sqrt(N) along the curve", {"layer"}),
      array("grassmannian_length", ArrayType::float64, "Grassmannian length, the integral of kappa |dh/dt|",
            {"layer"})};
  for (ArraySpec& spec : arrays) spec.nonfinite = true;  // of a curve that stands still
  return arrays;
}

std::vector<ArraySpec> component_arrays() {
  std::vector<ArraySpec> arrays{
      array("principal_components", ArrayType::float64, "coordinates of h^l(t) along its first principal components",
            {"component_layer", "component", "sample"}),
      array("singular_value_fraction", ArrayType::float64,
            "singular values of the samples of h^l(t) about their mean, over the sum of all",
            {"component_layer", "index"})};
  arrays.back().nonfinite = true;  // of a curve that has shrunk to a point
  return arrays;
}

}  // namespace

std::vector<double> GeometryWishes::deltas() const {
  std::vector<double> result;
  if (!autocorrelation) return result;
  for (long k = 0; 2 * k <= divisions; k += step)
    result.push_back(2.0 * std::numbers::pi * (static_cast<double>(k) / static_cast<double>(divisions)));
  return result;
}

std::optional<bool> asked(const Study& study, const char* key) {
  const Value* value = study.setting(key);
  return value == nullptr ? std::nullopt : std::optional(*value == Value(true));
}

Kinks Kinks::of(const Study& study, const CurveStudy& curves) {
  Kinks result;
  if (curves.is_stored()) {
    result.any = result.all = has_kinks(curves.stored_activation());
    return result;
  }
  for (const Point& point : distinct_points(study, {"activation"})) {
    const bool kinks = has_kinks(curves.activation(point));
    result.any = result.any || kinks;
    result.all = result.all && kinks;
  }
  return result;
}

GeometryWishes GeometryWishes::of(const Study& study, const CurveStudy& curves) {
  GeometryWishes wishes;
  wishes.curvature = asked(study, "geometry.curvature").value_or(!Kinks::of(study, curves).all);
  // The distances must not change when a swept number of samples is extended.
  const bool has_distances = curves.is_circle() && !is_swept(study, "samples");
  wishes.autocorrelation = has_distances && asked(study, "geometry.autocorrelation").value_or(true);
  for (const Point& point : distinct_points(study, {"samples"}))
    wishes.most_samples = std::max(wishes.most_samples, static_cast<std::size_t>(point.integer("samples")));
  wishes.divisions = static_cast<long>(wishes.most_samples);
  const auto most = static_cast<long>(study.setting("geometry.deltas")->number());
  wishes.step = std::max(1L, (wishes.divisions / 2 + most - 1) / most);
  if (const Value* layers = study.setting("geometry.component_layers")) {
    for (const Value& layer : *layers->get_if<List>())
      wishes.component_layers.push_back(static_cast<int>(layer.number()));
    std::sort(wishes.component_layers.begin(), wishes.component_layers.end());
  }
  wishes.components = static_cast<int>(study.setting("geometry.components")->number());
  return wishes;
}

std::vector<ArraySpec> geometry_measured_arrays(const GeometryWishes& wishes) {
  std::vector<ArraySpec> arrays{
      array("q", ArrayType::float64, "mean square of the pre-activations", {"layer"}),
      array("metric", ArrayType::float64, "metric g^E / N", {"layer"}),
      array("metric_sd", ArrayType::float64, "standard deviation of g^E / N along the curve", {"layer"}),
      array("length", ArrayType::float64, "Euclidean length of the pre-activations", {"layer"})};
  const auto append = [&](std::vector<ArraySpec> more) {
    for (ArraySpec& spec : more) arrays.push_back(std::move(spec));
  };
  if (wishes.curvature) append(curvature_arrays());
  if (wishes.autocorrelation) {
    arrays.push_back(array("autocorrelation", ArrayType::float64,
                           "mean of h(t).h(t + delta) along the circle over that of h(t).h(t)", {"layer", "delta"}));
    arrays.back().nonfinite = true;  // where every h is zero
  }
  if (!wishes.component_layers.empty()) append(component_arrays());
  arrays.push_back(array("sampling_change", ArrayType::float64,
                         "relative change of the lengths (the larger of the two) when only every second sample is used",
                         {"layer"}));
  arrays.back().nonfinite = true;  // of a curve that has shrunk to a point
  return arrays;
}

std::vector<ArraySpec> geometry_theory_arrays(const GeometryWishes& wishes) {
  std::vector<ArraySpec> arrays{
      array("q_theory", ArrayType::float64, "q at infinite width", {"layer"}),
      array("metric_theory", ArrayType::float64, "metric at infinite width", {"layer"}),
      array("length_theory", ArrayType::float64, "length at infinite width, for the layer's neurons", {"layer"})};
  if (wishes.curvature) {
    arrays.push_back(array("curvature_theory", ArrayType::float64, "curvature at infinite width", {"layer"}));
    arrays.push_back(
        array("grassmannian_length_theory", ArrayType::float64, "Grassmannian length at infinite width", {"layer"}));
  }
  if (wishes.autocorrelation) {
    arrays.push_back(array("autocorrelation_theory", ArrayType::float64,
                           "autocorrelation at infinite width; circles about the origin between orthonormal points",
                           {"layer", "delta"}));
  }
  for (ArraySpec& spec : arrays) spec.nonfinite = true;  // missing where the theory does not hold
  return arrays;
}

}  // namespace meander
