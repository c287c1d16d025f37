// Length of a curve's image in every layer of a network, against mean-field growth and its bounds
// (Raghu et al. 2017, theorem 3; Poole et al. 2016).
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/theory_status.hpp"
#include "studies/inputs/law_limits.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> measured_arrays() {
  std::vector<ArraySpec> arrays{
      array("input_length", ArrayType::float64, "length of the curve in input space, as a polygon through the samples",
            {}),
      array("length", ArrayType::float64, "length of the post-activations' curve x^l", {"layer"}),
      array("growth", ArrayType::float64, "length of layer l over length of layer l-1 (the input's for layer 1)",
            {"layer"})};
  arrays.back().undefined_where = "the curve before is a point";
  for (ArraySpec& spec : sampling_arrays("lengths")) arrays.push_back(std::move(spec));
  return arrays;
}

std::vector<ArraySpec> theory_arrays() {
  std::vector<ArraySpec> arrays = limited_by_law({undefined(
      "the curve before is a point, or passes through the origin of a network without biases whose theory has "
      "no limit",
      array("growth_theory", ArrayType::float64, "growth at infinite width, along the actual curve", {"layer"}))});
  append(arrays,
         {undefined("no bound is known: weights that are not Gaussian, activations of other slopes than 0 and +-s, "
                    "|x(t)| that varies",
                    array("growth_lower_bound", ArrayType::float64,
                          "bound from below on the expected growth; Gaussian weights, piecewise-linear activations",
                          {"layer"})),
          undefined(
              "the activation's slope is not bounded, or not known",
              array("growth_upper_bound", ArrayType::float64, "bound from above on the expected growth", {"layer"}))});
  return arrays;
}

void set_theory(const CurveTheory& theory, const GaussianCorrection& correction, Results& results) {
  results.set("gaussian_correction", std::span<const double>(correction.layers));
  results.set("growth_theory", leading(theory.growth, theory.finite_layers));
  results.set("growth_lower_bound", theory.growth_lower_bound);
  results.set("growth_upper_bound", theory.growth_upper_bound);
  report_theory(theory.finite_layers, static_cast<int>(theory.growth.size()), theory.converged, results);
}

std::vector<double> growth(const SampledCounts& counts) {
  std::vector<double> ratios;
  double before = counts.input_length;
  for (const double length : leading(counts.length, counts.finite_layers)) {
    ratios.push_back(before > 0.0 ? length / before : std::numeric_limits<double>::quiet_NaN());
    before = length;
  }
  return ratios;
}

class Lengths final : public Measurement {
 public:
  using Keys = CurveStudyKeys;

  Lengths(const Study& study, const Keys& keys, Diagnostics& diagnostics) : curves_(study, keys, diagnostics) {
    if (diagnostics.failed()) return;
    add(layer_axis(curves_.depth()));
    std::vector<ArraySpec> arrays = measured_arrays();
    if (!curves_.has_theory_family()) append(arrays, theory_arrays());
    add({.layout = {"measured", std::nullopt, true, std::move(arrays)},
         .cost = [this](const Point& point) { return curves_.sampling_cost(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
    if (!curves_.has_theory_family()) return;
    add({.layout = {"theory", std::nullopt, false, theory_arrays()},
         .cost = [this](const Point& point) { return curves_.theory_cost(point); },
         .run =
             [this](const Task& task, Results& results) {
               const Curve curve = curves_.typical_curve(task.point);
               set_theory(curves_.theory(task.point, curve), curves_.correction(task.point, curve), results);
             }});
  }

  void export_cell(const Task& task, const std::string& path) const override { curves_.export_cell(task, path); }

 private:
  void measure(const Task& task, Results& results) const {
    const auto subject = curves_.subject(task);
    const SampledCounts counts = curves_.sample(task, subject, false);
    const int finite = counts.finite_layers;
    results.set("input_length", counts.input_length);
    results.set("length", leading(counts.length, finite));
    results.set("growth", std::span<const double>(growth(counts)));
    set_sampling(relative_change(counts.length, counts.length_half, finite), results);
    report_overflow(counts.finite_layers, *subject.network, curves_.precision(), results);
    if (curves_.has_theory_of_draws()) {
      set_theory(curves_.theory(task.point, subject.curve), curves_.correction(task.point, subject.curve), results);
    }
  }

  CurveStudy curves_;
};

}  // namespace

std::unique_ptr<Measure> make_trajectory_length() {
  return bound_measure<Lengths>({.name = "trajectory_length",
                                 .version = 5,
                                 .description = "length of a curve's image in every layer, its growth from layer to "
                                                "layer, and the growth that theory predicts",
                                 .arrays = joined(measured_arrays(), theory_arrays()),
                                 .single_precision = true});
}

}  // namespace meander
