// The largest and the smallest singular values of the input-output Jacobian of very wide networks, from products with
// it that a group of ranks shares, beside the edge that free probability predicts.
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "studies/jacobians/jacobian_point.hpp"
#include "studies/measures/jacobian_extremes/extremes_cost.hpp"
#include "studies/measures/jacobian_extremes/extremes_search.hpp"
#include "studies/measures/jacobian_extremes/jacobian_extremes_keys.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

class Extremes final : public Measurement {
 public:
  explicit Extremes(const Study& study) : settings_(study), depth_(max_depth(study)) {}

  Layout layout() const override {
    Layout layout;
    OwnDimension layer{.name = "layer", .size = static_cast<std::size_t>(depth_), .long_name = "layer, counted from 1"};
    for (int l = 1; l <= depth_; ++l) layer.coordinates.emplace_back(l);
    layout.dimensions = {{.name = "index",
                          .size = static_cast<std::size_t>(settings_.count),
                          .long_name = "place, counted from that end of the spectrum"},
                         layer};
    layout.families = {{"measured", std::nullopt, true, extremes_arrays(settings_.largest, settings_.smallest)},
                       {"theory", std::nullopt, false, extremes_theory_arrays()}};
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    const std::vector<int> widths = widths_of(point);
    if (family == 1) return {1e-3 + 3e-5 * static_cast<double>(widths.size()), 5e6, 1};
    return extremes_cost(network_parameters(point, widths.front()), settings_);
  }

  std::string smaller(std::size_t, const Point& point) const override {
    return less_memory(network_parameters(point, widths_of(point).front()), settings_);
  }

  void run(const Task& task, Results& results) const override {
    try {
      if (task.family == 1) {
        set_theory(task.point, results);
      } else {
        ExtremesSearch(task, settings_, results).run();
      }
    } catch (const std::overflow_error& error) {
      results.status(Status::out_of_range,
                     fmt::format("{} (they grow or fall with depth beyond the numbers there are) take a sigma_w nearer "
                                 "to criticality, or fewer layers",
                                 error.what()));
    }
  }

 private:
  static void set_theory(const Point& point, Results& results) {
    const auto ensemble = weight_ensemble(point);
    results.set("theory_valid", std::int64_t{ensemble && is_wide_enough(point)});
    if (!ensemble) return;
    if (point.number("sigma_w") == 0.0) return results.set("lambda_max_theory", 0.0);
    const auto spectrum = jacobian_theory(point, *ensemble);
    if (!spectrum) throw std::overflow_error("the mean-field lengths of the layers overflow double precision");
    results.set("lambda_max_theory", spectrum->lambda_max());
  }

  ExtremesSettings settings_;
  int depth_ = 0;
};

class JacobianExtremesMeasure final : public Measure {
 public:
  std::string name() const override { return "jacobian_extremes"; }
  int version() const override { return 1; }
  std::string description() const override {
    return "largest and smallest singular values of the input-output Jacobian of very wide square random networks, "
           "from "
           "products that a group of ranks shares";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = jacobian_point_keys();
    for (Key& key : extremes_keys()) keys.push_back(std::move(key));
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    std::vector<ArraySpec> arrays = extremes_arrays(true, true);
    for (ArraySpec& spec : extremes_theory_arrays()) arrays.push_back(std::move(spec));
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    check_jacobian_point(study, diagnostics);
    check_extremes(study, diagnostics);
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override { return std::make_unique<Extremes>(study); }
};

}  // namespace

std::unique_ptr<Measure> make_jacobian_extremes() {
  return std::make_unique<JacobianExtremesMeasure>();
}

}  // namespace meander
