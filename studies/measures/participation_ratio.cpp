// In how many directions the image of a curve spreads in every layer: the participation ratio of its principal
// components' variances, the dimension of a cloud of activity as it is commonly measured (Gao et al. 2017).
#include "kernels/trajectories/participation_ratio.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/networks/forward.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/networks/weight_cost.hpp"

namespace meander {
namespace {

std::vector<ArraySpec> measured_arrays() {
  std::vector<ArraySpec> arrays{array("participation_ratio", ArrayType::float64,
                                      "dimension of the curve's image, (sum s^2)^2 / sum s^4", {"layer"})};
  arrays.back().undefined_where = "the curve's image is a point";
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
  /// The weights, the forward pass, and a Gram matrix of the samples or of the neurons in every layer.
  Cost cost_of(const Point& point) const {
    const NetworkSource& networks = curves_.networks();
    const auto network = networks.network(point, {}, curves_.input_dimension());  // which draws nothing yet
    const ForwardCost pass = forward_cost(*network);
    const auto samples = static_cast<double>(curves_.samples()(point));
    const MachineRates& rates = machine_rates();
    // Convolutional networks have no one activation; a clamp costs little.
    double element = 3.0 * rates.step;
    if (networks.random() != nullptr) element += row_seconds(networks.activation(point));
    double seconds = rates.task + samples * (2.0 * pass.products * rates.product + element * pass.steps), copies = 0.0;
    for (int l = 1; l <= network->depth(); ++l) {
      const WeightCost weights =
          weight_cost(networks.law(point), static_cast<double>(network->weights(l)), network->fan_in(l));
      const NetworkLayer& last = network->layers()[static_cast<std::size_t>(network->parts(l).last)];
      const auto width = static_cast<double>(size_of_shape(last.output));
      seconds += weights.seconds + 2.0 * samples * width * std::min(samples, width) * rates.product;
      copies = std::max(copies, weights.copies);
    }
    return {.seconds = seconds,
            .bytes = 1e6 + participation_ratio_bytes(*network, curves_.samples()(point)) +
                     8.0 * (copies - 1.0) * pass.largest};
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
