// Decodes the wishes of a study of `geometry` and declares its arrays.
#include "studies/measures/geometry/geometry_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>
#include <utility>

#include "kernels/mean_field/geometry_theory.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/inputs/law_limits.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> curvature_arrays() {
  std::vector<ArraySpec> arrays{
      array("curvature", ArrayType::float64, "extrinsic curvature kappa sqrt(N)", {"layer"}),
      array("curvature_sd", ArrayType::float64, "standard deviation of kappa sqrt(N) along the curve", {"layer"}),
      array("grassmannian_length", ArrayType::float64, "Grassmannian length, the integral of kappa |dh/dt|",
            {"layer"})};
  for (ArraySpec& spec : arrays) spec.undefined_where = "the activation has kinks, or the curve's image stands still";
  return arrays;
}

std::vector<ArraySpec> component_arrays() {
  std::vector<ArraySpec> arrays{
      array("principal_components", ArrayType::float64, "coordinates of h^l(t) along its first principal components",
            {"component_layer", "component", "sample"}),
      array("singular_value_fraction", ArrayType::float64,
            "singular values of the samples of h^l(t) about their mean, over the sum of all; 0 for those below the "
            "rounding of h^l",
            {"component_layer", "index"})};
  arrays.back().undefined_where = "the curve's image is a point, and beyond the number of singular values";
  return arrays;
}

void check_components(const Study& study, const GeometryKeys& keys, const CurveStudy& curves,
                      Diagnostics& diagnostics) {
  const Place place = study.place("geometry.component_layers");
  std::vector<int> seen;
  for (const int layer : keys.component_layers) {
    if (layer > curves.depth()) {
      diagnostics.error(place, fmt::format("'component_layers' names layer {} (the deepest network has {} layers) name "
                                           "layers from 1 to {}",
                                           layer, curves.depth(), curves.depth()));
    }
    if (std::find(seen.begin(), seen.end(), layer) != seen.end()) {
      diagnostics.error(place,
                        fmt::format("'component_layers' names layer {} twice (once is enough) remove one", layer));
    }
    seen.push_back(layer);
  }
}

}  // namespace

std::vector<double> GeometryWishes::deltas() const {
  std::vector<double> result;
  if (!autocorrelation) return result;
  for (long k = 0; 2 * k <= divisions; k += step)
    result.push_back(2.0 * std::numbers::pi * (static_cast<double>(k) / static_cast<double>(divisions)));
  return result;
}

GeometryKeys::GeometryKeys(Declaration& declare) {
  declare(curvature, {.section = "geometry",
                      .name = "curvature",
                      .description = "curvature and Grassmannian length, which need an activation without kinks; where "
                                     "there is one in the study, if left out, and missing for the others"});
  declare(autocorrelation, {.section = "geometry",
                            .name = "autocorrelation",
                            .description = "similarity of points on a circle against their distance; true if left out "
                                           "on circles whose samples are not swept"});
  declare(deltas, {.section = "geometry",
                   .name = "deltas",
                   .description = "distances at most, apart from 0: multiples of that of neighbouring samples, up to "
                                  "half the circle",
                   .default_value = Value(250),
                   .minimum = 1,
                   .maximum = 1e9});
  declare(component_layers,
          {.section = "geometry",
           .name = "component_layers",
           .units = "layers",
           .description = "layers whose curve is taken apart into principal components; none if left out",
           .optional = true,
           .minimum = 1,
           .maximum = 1 << 20});
  declare(components, {.section = "geometry",
                       .name = "components",
                       .description = "principal components of each of component_layers",
                       .default_value = Value(3),
                       .minimum = 1,
                       .maximum = 1000});
}

GeometryWishes GeometryWishes::of(const Study& study, const GeometryKeys& keys, const CurveStudy& curves,
                                  Diagnostics& diagnostics) {
  const Extent kinks =
      activations_with(study, curves.networks(), [](const Activation& phi) { return phi.has_kinks(); });
  // The distances must not change when a swept number of samples is extended.
  const bool samples_swept = is_swept(study, "samples");
  const bool has_distances = curves.is_circle() && !samples_swept;
  if (keys.curvature.value_or(false) && kinks.any) {
    diagnostics.error(study.place("geometry.curvature"),
                      "'curvature' is true (an activation of this study has kinks, where phi'' is no function and "
                      "the curvature has no mean-field recursion) leave 'curvature' out, or take smooth activations");
  }
  if (keys.autocorrelation.value_or(false) && !curves.is_circle()) {
    diagnostics.error(study.place("geometry.autocorrelation"),
                      "'autocorrelation' is true (the curve is no circle: its points have no common distances) leave "
                      "'autocorrelation' out, or take kind = \"circle\"");
  }
  if (keys.autocorrelation.value_or(false) && samples_swept) {
    diagnostics.error(study.place("geometry.autocorrelation"),
                      "'autocorrelation' is true (the number of samples is swept: points have no common distances) "
                      "give [curve] samples once, or leave 'autocorrelation' out");
  }
  check_components(study, keys, curves, diagnostics);
  GeometryWishes wishes;
  wishes.curvature = keys.curvature.value_or(!kinks.all);
  wishes.autocorrelation = has_distances && keys.autocorrelation.value_or(true);
  for (const long samples : curves.samples().values()) {
    wishes.most_samples = std::max(wishes.most_samples, static_cast<std::size_t>(samples));
  }
  wishes.divisions = static_cast<long>(wishes.most_samples);
  wishes.step = std::max(1L, (wishes.divisions / 2 + keys.deltas - 1) / keys.deltas);
  wishes.component_layers = keys.component_layers;
  std::sort(wishes.component_layers.begin(), wishes.component_layers.end());
  wishes.components = keys.components;
  return wishes;
}

std::vector<ArraySpec> geometry_measured_arrays(const GeometryWishes& wishes) {
  std::vector<ArraySpec> arrays{
      array("q", ArrayType::float64, "mean square of the pre-activations", {"layer"}),
      array("metric", ArrayType::float64, "metric g^E / N", {"layer"}),
      array("metric_sd", ArrayType::float64, "standard deviation of g^E / N along the curve", {"layer"}),
      array("length", ArrayType::float64, "Euclidean length of the pre-activations", {"layer"})};
  if (wishes.curvature) append(arrays, curvature_arrays());
  if (wishes.autocorrelation) {
    arrays.push_back(array("autocorrelation", ArrayType::float64,
                           "mean of h(t).h(t + delta) along the circle over that of h(t).h(t)", {"layer", "delta"}));
    arrays.back().undefined_where = "every h is 0";
  }
  if (!wishes.component_layers.empty()) append(arrays, component_arrays());
  arrays.push_back(array("sampling_change", ArrayType::float64,
                         "relative change of the lengths (the larger of the two) when only every second sample is used",
                         {"layer"}));
  return arrays;
}

std::vector<ArraySpec> geometry_theory_arrays(const GeometryWishes& wishes) {
  std::vector<ArraySpec> arrays{
      array("q_theory", ArrayType::float64, "q at infinite width", {"layer"}),
      array("metric_theory", ArrayType::float64, "metric at infinite width", {"layer"}),
      array("length_theory", ArrayType::float64, "length at infinite width, for the layer's neurons", {"layer"})};
  if (wishes.curvature) {
    for (ArraySpec spec : {array("curvature_theory", ArrayType::float64, "curvature at infinite width", {"layer"}),
                           array("grassmannian_length_theory", ArrayType::float64,
                                 "Grassmannian length at infinite width", {"layer"})}) {
      arrays.push_back(undefined("the activation has kinks, or the curve's image stands still", std::move(spec)));
    }
  }
  if (wishes.autocorrelation) {
    arrays.push_back(undefined("the curve is no circle about the origin between orthonormal points, or h is 0",
                               array("autocorrelation_theory", ArrayType::float64,
                                     "autocorrelation at infinite width; circles "
                                     "about the origin between orthonormal points",
                                     {"layer", "delta"})));
  }
  return limited_by_law(std::move(arrays));
}

}  // namespace meander
