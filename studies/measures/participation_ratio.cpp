// In how many directions the image of a curve spreads in every layer: the participation ratio of its principal
// components' variances, the dimension of a cloud of activity as it is commonly measured (Gao et al. 2017).
#include "kernels/trajectories/participation_ratio.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> measured_arrays() {
  std::vector<ArraySpec> arrays{array("participation_ratio", ArrayType::float64,
                                      "dimension of the curve's image, (sum s^2)^2 / sum s^4", {"layer"})};
  arrays.back().nonfinite = true;  // of a curve that has shrunk to a point
  return arrays;
}

class Dimensions final : public Measurement {
 public:
  using Keys = CurveStudyKeys;

  Dimensions(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : curves_(study, keys, diagnostics, LayersTaken::all) {
    if (diagnostics.failed()) return;
    add(layer_axis(curves_.depth()));
    add({.layout = {"measured", std::nullopt, true, measured_arrays()},
         .cost = [this](const Point& point) { return cost_of(point); },
         .run = [this](const Task& task, Results& results) { measure(task, results); }});
  }

  void export_cell(const Task& task, const std::string& path) const override { curves_.export_cell(task, path); }

 private:
  /// The forward pass, and a Gram matrix of the samples or of the neurons in every layer.
  Cost cost_of(const Point& point) const {
    Cost cost = curves_.sampling_cost(point);
    const std::vector<int> widths = curves_.networks().widths(point);
    const auto samples = static_cast<double>(curves_.samples()(point));
    for (const double width : widths) cost.seconds += 2.0 * samples * width * std::min(samples, width) / 2e10;
    cost.bytes = 1e6 + participation_ratio_bytes(curves_.input_dimension(), widths, curves_.samples()(point));
    return cost;
  }

  void measure(const Task& task, Results& results) const {
    const auto subject = curves_.subject(task);
    const ParticipationRatio found =
        participation_ratio(*subject.network, subject.curve, curves_.samples()(task.point));
    results.set("participation_ratio", std::span<const double>(found.ratio));
    report_overflow(found.finite_layers, *subject.network, Precision::double_, results);
  }

  CurveStudy curves_;
};

}  // namespace

std::unique_ptr<Measure> make_participation_ratio() {
  return bound_measure<Dimensions>({.name = "participation_ratio",
                                    .version = 1,
                                    .description = "in how many directions a curve's image spreads in every layer: the "
                                                   "participation ratio of its principal components",
                                    .arrays = measured_arrays()});
}

}  // namespace meander
