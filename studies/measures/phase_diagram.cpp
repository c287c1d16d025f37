// The phase diagram of infinitely wide networks: lengths, correlations, order and chaos and their depth scales over
// (sigma_w, sigma_b, activation), and the critical line (Poole et al. 2016; Schoenholz et al. 2017).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/mean_field/mean_field_table.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/costs/counted_activation.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/networks/network_keys.hpp"

namespace meander {
namespace {

/// Points of a study at which costs are counted.
constexpr int most_samples = 12;
/// And when to stop counting: some hundredths of a second.
constexpr double most_evaluations = 2e6;
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
  for (ArraySpec& spec : arrays) spec.undefined_where = "the length map is undefined";
  const auto set = [&](std::size_t i, const char* undefined_where, const char* infinite_where) {
    if (*undefined_where != 0) arrays[i].undefined_where += std::string(", or ") + undefined_where;
    arrays[i].infinite_where = infinite_where;
  };
  set(0, "a slow divergence cannot be told from an attractor", "the lengths diverge");
  set(1, "q_star is infinite and the slopes have no limit", "q_star is infinite and the slopes grow");
  set(2, "q_star is infinite and phi'' has no limit", "phi' jumps, or q_star is infinite and phi'' grows");
  set(3, "q_star is 0 or infinite, or the correlation map is the identity", "");
  set(4, "q_star is infinite", "the approach is slower than exponential");
  set(5, "c_star is", "the approach is slower than exponential");
  set(6, "", "");
  set(7, "", "every longer q0 leads to the same attractor");
  arrays.push_back(layers(array("layers_to_q_star", ArrayType::int64,
                                "layers from q0 until q is within deviation times q_star of it; missing beyond 10000 "
                                "and where q_star is 0 or infinite",
                                {"deviation"})));
  arrays.back().undefined_where = "it takes more than 10000, or q_star is 0, infinite or undefined";
  return arrays;
}

std::vector<ArraySpec> critical_arrays() {
  std::vector<ArraySpec> arrays{array("sigma_w_critical", ArrayType::float64,
                                      "smallest sigma_w with chi_1 = 1 on the attractor; NaN if there is none", {})};
  arrays.front().undefined_where = "there is none";
  return arrays;
}

void require(const Study& study, const char* name, const char* example, Diagnostics& diagnostics) {
  if (is_swept(study, name)) return;
  diagnostics.error(study.place(fmt::format("sweep.{}", name)),
                    fmt::format("'{}' is missing, or given for some points only (a phase diagram runs over it) write "
                                "for instance {} in [sweep]",
                                name, example));
}

class Diagram final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare);
    MeanFieldKeys networks;
    Parameter<double> q0, keep;
  };

  Diagram(const Study& study, const Keys& keys, Diagnostics& diagnostics) : keys_(keys) {
    require(study, "sigma_w", "sigma_w = { linspace = [1.0, 5.0, 41] }", diagnostics);
    require(study, "activation", "activation = \"tanh\"", diagnostics);
    if (study.realizations > 1) {
      diagnostics.warning(study.place("realizations"),
                          fmt::format("'realizations' is {} (nothing is drawn at random here, and this archive has "
                                      "no such dimension) leave it out",
                                      study.realizations));
    }
    if (diagnostics.failed()) return;
    for (const Activation& activation : keys_.networks.activation.values()) {
      tables_.emplace(&activation, MeanFieldTable(activation));
    }
    OwnDimension deviation{.name = "deviation", .size = deviations.size(), .long_name = "relative distance to q_star"};
    for (const double value : deviations) deviation.coordinates.emplace_back(value);
    add(std::move(deviation));
    points_ = study.points();
    for (const SweepDimension& dimension : study.sweep) {
      if (dimension.name == "activation") points_ /= dimension.values.size();
      if (dimension.name == "sigma_w") sigmas_ = dimension.values.size();
    }
    const auto at = [&](const char* name, double share, double otherwise) {
      const SweepDimension* dimension = study.dimension(name);
      if (dimension == nullptr) return otherwise;
      return dimension->values[static_cast<std::size_t>(share * static_cast<double>(dimension->values.size()))]
          .number();
    };
    // Far from each other over the study's own ranges: the golden section's multiples fill an interval evenly.
    for (int k = 0; k < most_samples; ++k) {
      const double w = (k + 0.5) / most_samples, b = std::fmod(0.6180339887 * (k + 1), 1.0);
      samples_.emplace_back(at("sigma_w", w, 0.5 + 3.0 * w), at("sigma_b", b, b));
    }
    add({.layout = {"diagram", std::nullopt, false, diagram_arrays()},
         .cost = [this](const Point& point) { return Cost{.seconds = costs(point).point, .bytes = 4e6}; },
         .run = [this](const Task& task,
                       Results& results) { set_diagram(table(task.point), parameters(task.point, true), results); }});
    std::vector<std::string> all_but_sigma_w;
    for (const SweepDimension& dimension : study.sweep) {
      if (dimension.name != "sigma_w") all_but_sigma_w.push_back(dimension.name);
    }
    add({.layout = {"critical", std::move(all_but_sigma_w), false, critical_arrays()},
         .cost = [this](const Point& point) { return Cost{.seconds = costs(point).critical, .bytes = 4e6}; },
         .run =
             [this](const Task& task, Results& results) {
               results.set("sigma_w_critical", table(task.point).sigma_w_critical(parameters(task.point, false)));
             }});
  }

 private:
  const MeanFieldTable& table(const Point& point) const { return tables_.at(&keys_.networks.activation(point)); }

  /// Without sigma_w where it is what is looked for.
  MeanFieldParameters parameters(const Point& point, bool with_sigma_w) const {
    MeanFieldParameters parameters;
    if (with_sigma_w) parameters.sigma_w = keys_.networks.sigma_w(point);
    parameters.sigma_b = keys_.networks.sigma_b.value_or(point, 0.0);
    parameters.q0 = keys_.q0(point);
    parameters.keep = keys_.keep(point);
    return parameters;
  }

  /// Seconds of a task, with its share of the tables that all tasks of an activation share.
  struct Costs {
    double point = 0.0, critical = 0.0;
  };

  /// Counted at two gains, on tables that are new and then on those that are there.
  const Costs& costs(const Point& point) const {
    const Activation& activation = keys_.networks.activation(point);
    const auto [entry, is_new] = costs_.try_emplace(&activation);
    if (!is_new) return entry->second;
    const CountedActivation counted(activation);
    const MeanFieldTable table(counted.activation());
    const auto diagram = [&](double sigma_w, double sigma_b) {
      const MeanFieldParameters parameters{.sigma_w = sigma_w, .sigma_b = sigma_b};
      return counted.evaluations([&] { table.length_basin(parameters, table.phase_point(parameters).q_star); });
    };
    const auto critical = [&](double sigma_b) {
      return counted.evaluations([&] { table.sigma_w_critical({.sigma_b = sigma_b}); });
    };
    const bool slow = activation.has_kinks() || !activation.features().narrow.empty();
    // Few of them where points are slow.
    int count = most_samples;
    const auto all = [&] {
      double sum = 0.0;
      for (int k = 0; k < count; ++k) {
        const auto& [sigma_w, sigma_b] = samples_[static_cast<std::size_t>(5 * k % most_samples)];
        sum += diagram(sigma_w, sigma_b);
        if (slow && sum > most_evaluations) count = k + 1;
      }
      return sum;
    };
    // What takes so long once has its tables beside the point: it is not asked for again.
    const double first = all(), again = slow && first > most_evaluations ? first : all();
    const double line = critical(samples_.front().second),
                 line_again = slow && line > most_evaluations ? line : critical(samples_.front().second);
    const MachineRates& rates = machine_rates();
    // Series of up to 2560 terms take more than the evaluations.
    const double each = activation.has_kinks() ? 1.6 * node_seconds(activation) : 2.2 * evaluation_seconds(activation);
    const double points = static_cast<double>(points_);
    entry->second.point = 8000.0 * rates.step + each * (again / count + std::max(0.0, first - again) / points);
    entry->second.critical = 10000.0 * rates.step + each * (line_again + std::max(0.0, line - line_again) *
                                                                             static_cast<double>(sigmas_) / points);
    return entry->second;
  }

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

  Keys keys_;
  std::map<const Activation*, MeanFieldTable> tables_;  // by the decoded activation
  mutable std::map<const Activation*, Costs> costs_;
  std::size_t points_ = 1, sigmas_ = 1;             // of each activation
  std::vector<std::pair<double, double>> samples_;  // sigma_w and sigma_b at which costs are counted
};

Diagram::Keys::Keys(Declaration& declare) : networks(declare) {
  declare(q0, {.section = "input",
               .name = "q0",
               .description = "where the length map starts: mean square of the pre-activations",
               .default_value = Value(1.0),
               .minimum = 0.0});
  declare(keep, {.section = "phase_diagram",
                 .name = "keep",
                 .description =
                     "dropout's keep probability rho: q = sigma_w^2/rho E phi^2 + sigma_b^2, and masks that differ "
                     "between two inputs, so that c_star < 1; chi_1 and chi_2 are of the Jacobian with its mask, "
                     "sigma_w^2/rho times their averages",
                 .default_value = Value(1.0),
                 .minimum = 0.0,
                 .maximum = 1.0,
                 .minimum_exclusive = true});
}

}  // namespace

std::unique_ptr<Measure> make_phase_diagram() {
  return bound_measure<Diagram>(
      {.name = "phase_diagram",
       .version = 2,
       .description = "order and chaos at infinite width over sigma_w, sigma_b and activation: fixed points of the "
                      "length and correlation maps, chi_1, chi_2, depth scales, basins, and the critical line; nothing "
                      "is drawn at random",
       .arrays = joined(diagram_arrays(), critical_arrays())});
}

}  // namespace meander
