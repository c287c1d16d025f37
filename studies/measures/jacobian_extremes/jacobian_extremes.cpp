// The largest and the smallest singular values of the input-output Jacobian of very wide networks, from products with
// it that a group of ranks shares, beside the edge that free probability predicts.
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/measure/measure.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/jacobians/jacobian_point.hpp"
#include "studies/measures/jacobian_extremes/extremes_cost.hpp"
#include "studies/measures/jacobian_extremes/extremes_search.hpp"
#include "studies/measures/jacobian_extremes/jacobian_extremes_keys.hpp"

namespace meander {
namespace {

class Extremes final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare) : jacobian(declare), own(declare) {}
    JacobianPointKeys jacobian;
    ExtremesSettings own;
  };

  Extremes(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : jacobian_(study, keys.jacobian, diagnostics), settings_(keys.own) {
    check_extremes(study, settings_, keys.jacobian.networks, diagnostics);
    if (diagnostics.failed()) return;
    add({.name = "index",
         .size = static_cast<std::size_t>(settings_.count),
         .long_name = "place, counted from that end of the spectrum"});
    add(layer_axis(jacobian_.depth()));
    add({.layout = {"measured", std::nullopt, true, extremes_arrays(settings_.largest(), settings_.smallest())},
         .cost = [this](const Point& point) { return extremes_cost(jacobian_.parameters(point), settings_); },
         .run =
             [this](const Task& task, Results& results) {
               in_range(results, [&] { ExtremesSearch(task, jacobian_, settings_, results).run(); });
             },
         .smaller = [this](const Point& point) { return less_memory(jacobian_.parameters(point), settings_); }});
    add({.layout = {"theory", std::nullopt, false, extremes_theory_arrays()},
         .cost =
             [this](const Point& point) {
               // Edges of a spectrum of atoms, or of smooth laws of slopes.
               const double layers = static_cast<double>(jacobian_.widths(point).size());
               const bool atoms = jacobian_.activation(point).pieces() != nullptr;
               return Cost{.seconds = atoms ? 2e-5 : 6e-4 + 3e-5 * layers, .bytes = 5e6};
             },
         .run = [this](const Task& task,
                       Results& results) { in_range(results, [&] { set_theory(task.point, results); }); }});
  }

  void export_cell(const Task& task, const std::string& path) const override { jacobian_.export_cell(task, path); }

 private:
  /// Numbers that leave the range of double precision make a cell out of range, not failed.
  template <class Work>
  static void in_range(Results& results, const Work& work) {
    try {
      work();
    } catch (const std::overflow_error& error) {
      results.status(Status::out_of_range,
                     fmt::format("{} (they grow or fall with depth beyond the numbers there are) take a sigma_w nearer "
                                 "to criticality, or fewer layers",
                                 error.what()));
    }
  }

  void set_theory(const Point& point, Results& results) const {
    const auto ensemble = jacobian_.ensemble(point);
    results.set("theory_valid", std::int64_t{ensemble && jacobian_.is_wide_enough(point)});
    if (!ensemble) return;
    if (jacobian_.sigma_w(point) == 0.0) return results.set("lambda_max_theory", 0.0);
    const auto spectrum = jacobian_.theory(point, *ensemble);
    if (!spectrum) throw std::overflow_error("the mean-field lengths of the layers overflow double precision");
    results.set("lambda_max_theory", spectrum->lambda_max());
  }

  JacobianPoint jacobian_;
  ExtremesSettings settings_;
};

}  // namespace

std::unique_ptr<Measure> make_jacobian_extremes() {
  return bound_measure<Extremes>({.name = "jacobian_extremes",
                                  .version = 2,
                                  .description = "largest and smallest singular values of the input-output Jacobian of "
                                                 "very wide square random networks, from products that a group of "
                                                 "ranks shares",
                                  .arrays = joined(extremes_arrays(true, true), extremes_theory_arrays())});
}

}  // namespace meander
