// The phase diagram of infinitely wide networks: lengths, correlations, order and chaos and their depth scales over
// (sigma_w, sigma_b, activation), and the critical line (Poole et al. 2016; Schoenholz et al. 2017).
#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/mean_field/mean_field_table.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/networks/activation_value.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

/// How near to q* counts as there: Poole et al. 2016 say 1 % below figure 1, their code has 10 %.
/// The looser first: a cell that never comes nearer lacks only the end.
constexpr std::array<double, 2> deviations{0.1, 0.01};

ArraySpec layers(ArraySpec spec) {
  spec.units = "layers";
  return spec;
}

std::vector<ArraySpec> diagram_arrays() {
  const auto number = [](const char* name, const char* long_name) {
    return array(name, ArrayType::float64, long_name, {});
  };
  std::vector<ArraySpec> arrays{
      number("q_star", "attractor of the length map reached from q0: 0 collapses, infinity diverges"),
      number("chi_1", "mean squared singular value of one layer's Jacobian at q_star: ordered below 1, chaotic above"),
      number("chi_2", "the same of the second derivative; infinite where phi' jumps"),
      number("c_star", "stable fixed point of the correlation map; NaN where q_star is 0 or infinite"),
      layers(number("xi_q", "layers in which a deviation from q_star shrinks by e")),
      layers(number("xi_c", "layers in which a deviation from c_star shrinks by e; infinite on the critical line")),
      number("basin_low", "q0 above this and below basin_high lead to the same attractor"),
      number("basin_high", "upper edge of the basin: an unstable fixed point of the length map, or infinity")};
  for (ArraySpec& spec : arrays) spec.nonfinite = true;
  arrays.push_back(layers(array("layers_to_q_star", ArrayType::int64,
                                "layers from q0 until q is within deviation times q_star of it; missing beyond 10000 "
                                "and where q_star is 0 or infinite",
                                {"deviation"})));
  return arrays;
}

std::vector<ArraySpec> critical_arrays() {
  std::vector<ArraySpec> arrays{array("sigma_w_critical", ArrayType::float64,
                                      "smallest sigma_w with chi_1 = 1 on the attractor; NaN if there is none", {})};
  arrays.front().nonfinite = true;
  return arrays;
}

Key keep_key() {
  Key key;
  key.section = "phase_diagram";
  key.name = "keep";
  key.description =
      "dropout's keep probability rho: q = sigma_w^2/rho E phi^2 + sigma_b^2, and masks that differ between two "
      "inputs, "
      "so that c_star < 1; chi_1 and chi_2 are of the Jacobian with its mask, sigma_w^2/rho times their averages";
  key.default_value = Value(1.0);
  key.minimum = 0.0;
  key.minimum_exclusive = true;
  key.maximum = 1.0;
  key.sweepable = true;
  return key;
}

Key q0_key() {
  Key key;
  key.section = "input";
  key.name = "q0";
  key.description = "where the length map starts: mean square of the pre-activations";
  key.default_value = Value(1.0);
  key.minimum = 0.0;
  key.sweepable = true;
  return key;
}

class Diagram final : public Measurement {
 public:
  explicit Diagram(const Study& study) {
    for (const SweepDimension& dimension : study.sweep) {
      if (dimension.name != "sigma_w") line_keys_.push_back(dimension.name);
    }
    for (const Point& point : distinct_points(study, {"activation"})) {
      const std::string text = point.at("activation").canonical();
      if (tables_.count(text) == 0) tables_.emplace(text, activation_from(point.at("activation")));
    }
  }

  Layout layout() const override {
    OwnDimension deviation{.name = "deviation", .size = deviations.size(), .long_name = "relative distance to q_star"};
    for (const double value : deviations) deviation.coordinates.emplace_back(value);
    Layout layout;
    layout.dimensions = {deviation};
    layout.families = {{"diagram", std::nullopt, false, diagram_arrays()},
                       {"critical", line_keys_, false, critical_arrays()}};
    return layout;
  }

  Cost cost(std::size_t family, const Point&) const override { return {family == 0 ? 5e-6 : 2e-4, 4e6, 1}; }

  void run(const Task& task, Results& results) const override {
    const MeanFieldTable& table = tables_.at(task.point.at("activation").canonical());
    MeanFieldParameters parameters;
    const Value* sigma_b = task.point.find("sigma_b");
    parameters.sigma_b = sigma_b == nullptr ? 0.0 : sigma_b->number();
    parameters.q0 = task.point.number("q0");
    parameters.keep = task.point.number("keep");
    if (task.family == 1) {
      results.set("sigma_w_critical", table.sigma_w_critical(parameters));
      return;
    }
    parameters.sigma_w = task.point.number("sigma_w");
    set_diagram(table, parameters, results);
  }

 private:
  static void set_diagram(const MeanFieldTable& table, const MeanFieldParameters& parameters, Results& results) {
    const PhasePoint point = table.phase_point(parameters);
    results.set("q_star", point.q_star);
    results.set("chi_1", point.chi_1);
    results.set("chi_2", point.chi_2);
    results.set("c_star", point.c_star);
    results.set("xi_q", point.xi_q);
    results.set("xi_c", point.xi_c);
    const Basin basin = table.length_basin(parameters, point.q_star);
    results.set("basin_low", basin.low);
    results.set("basin_high", basin.high);
    std::vector<std::int64_t> counts;
    for (const double deviation : deviations) {
      const std::optional<int> count = table.layers_to(parameters, point.q_star, deviation);
      if (!count) break;
      counts.push_back(*count);
    }
    results.set("layers_to_q_star", std::span<const std::int64_t>(counts));
    if (!point.converged) {
      results.status(Status::not_converged,
                     fmt::format("no fixed point was settled at sigma_w = {}, sigma_b = {} (the iteration ran into its "
                                 "bound, or an average over the activation did not converge)",
                                 parameters.sigma_w, parameters.sigma_b));
    }
  }

  std::vector<std::string> line_keys_;
  std::map<std::string, MeanFieldTable> tables_;
};

void require(const Study& study, const char* name, const char* example, Diagnostics& diagnostics) {
  if (is_swept(study, name)) return;
  diagnostics.error(study.place(fmt::format("sweep.{}", name)),
                    fmt::format("'{}' is missing, or given for some points only (a phase diagram runs over it) write "
                                "for instance {} in [sweep]",
                                name, example));
}

class PhaseDiagram final : public Measure {
 public:
  std::string name() const override { return "phase_diagram"; }
  int version() const override { return 1; }
  std::string description() const override {
    return "order and chaos at infinite width over sigma_w, sigma_b and activation: fixed points of the length and "
           "correlation maps, chi_1, chi_2, depth scales, basins, and the critical line; nothing is drawn at random";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys;
    for (Key& key : random_network_keys()) {
      if (key.name == "sigma_w" || key.name == "sigma_b" || key.name == "activation") keys.push_back(std::move(key));
    }
    keys.push_back(q0_key());
    keys.push_back(keep_key());
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    std::vector<ArraySpec> arrays = diagram_arrays();
    arrays.push_back(critical_arrays().front());
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    require(study, "sigma_w", "sigma_w = { linspace = [1.0, 5.0, 41] }", diagnostics);
    require(study, "activation", "activation = \"tanh\"", diagnostics);
    if (study.single_precision) {
      diagnostics.error(study.place("precision"),
                        "'precision' is \"single\" (theory is computed in double) leave 'precision' out");
    }
    if (study.realizations > 1) {
      diagnostics.warning(study.place("realizations"),
                          fmt::format("'realizations' is {} (nothing is drawn at random here, and this archive has "
                                      "no such dimension) leave it out",
                                      study.realizations));
    }
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override { return std::make_unique<Diagram>(study); }
};

}  // namespace

std::unique_ptr<Measure> make_phase_diagram() {
  return std::make_unique<PhaseDiagram>();
}

}  // namespace meander
