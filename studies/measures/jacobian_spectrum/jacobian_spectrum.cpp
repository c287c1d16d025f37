// All singular values of the input-output Jacobian at a Gaussian point, beside the spectrum that free probability
// predicts for infinite width (Pennington, Schoenholz, Ganguli 2017, 2018).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "kernels/mean_field/free_probability.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/costs/average_costs.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/jacobians/jacobian_point.hpp"
#include "studies/jacobians/spectrum_cost.hpp"
#include "studies/measures/jacobian_spectrum/jacobian_spectrum_keys.hpp"

namespace meander {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
/// Of weights between two places: differences below it are none.
constexpr double rounding = 1e-11;

/// Ends and number of bins of a point's axis.
struct Axis {
  double low = 0.0;
  double high = 1.0;
  int bins = 1;
  double width() const { return (high - low) / bins; }
  double edge(int k) const { return low + (high - low) * k / bins; }
};

class Spectra final : public Measurement {
 public:
  struct Keys {
    explicit Keys(Declaration& declare) : jacobian(declare), own(declare) {}
    JacobianPointKeys jacobian;
    SpectrumKeys own;
  };

  Spectra(const Study& study, const Keys& keys, Diagnostics& diagnostics)
      : jacobian_(study, keys.jacobian, diagnostics),
        bins_(keys.own.bins),
        universal_(keys.own.universal),
        eps_(keys.own.eps) {
    if (!jacobian_.has_networks()) return;
    check_eps(study, diagnostics);
    read_range(study, keys.own, diagnostics);
    if (diagnostics.failed()) return;
    add_dimensions(study);
    add({.layout = {"measured", std::nullopt, true, jacobian_arrays()},
         .cost =
             [this](const Point& point) {
               const std::vector<int> widths = jacobian_.widths(point);
               const double n = widths.front();
               const RandomNetwork::Parameters parameters = jacobian_.parameters(point);
               const WeightRank rank = weight_rank(parameters.law);
               return Cost{.seconds = spectrum_seconds(parameters), .bytes = 1e6 + 8.0 * jacobian_copies(rank) * n * n};
             },
         .run = [this](const Task& task, Results& results) { set_measured(task, results); }});
    add({.layout = {"theory", std::nullopt, false, jacobian_theory_arrays(universal_)},
         .cost =
             [this](const Point& point) {
               const double depth = static_cast<double>(jacobian_.widths(point).size());
               const double evaluations = bins_ + 2.0 * static_cast<double>(eps_.size());
               const MachineRates& rates = machine_rates();
               const Activation& activation = jacobian_.activation(point);
               // Atoms are summed, a smooth law of slopes is integrated, at every density.
               const double each = (activation.pieces() != nullptr ? 1.4e4 : 8e4) * rates.step;
               const double law = 90.0 * theory_costs_(activation).moments(1.0);
               const double densities = jacobian_.ensemble(point) ? depth * evaluations * each : 0.0;
               return Cost{.seconds = rates.task + law + densities, .bytes = 5e6};
             },
         .run = [this](const Task& task, Results& results) { set_theory(task.point, results); }});
  }

  void export_cell(const Task& task, const std::string& path) const override { jacobian_.export_cell(task, path); }

 private:
  void add_dimensions(const Study& study) {
    std::size_t widest = 0;
    for (const Point& point : distinct_points(study, {"width", "depth", "widths"})) {
      widest = std::max(widest, static_cast<std::size_t>(jacobian_.width(point)));
    }
    OwnDimension eps{.name = "eps", .size = eps_.size(), .long_name = "half width around 1"};
    for (const double value : eps_) eps.coordinates.emplace_back(value);
    add({.name = "index", .size = widest, .long_name = "place in descending order"});
    add(std::move(eps));
    add({.name = "bin", .size = static_cast<std::size_t>(bins_), .long_name = "bin of lambda"});
    add(layer_axis(jacobian_.depth()));
  }

  void read_range(const Study& study, const SpectrumKeys& keys, Diagnostics& diagnostics) {
    if (!keys.range) return;
    const std::vector<double>& ends = *keys.range;
    if (ends.size() == 2 && ends[0] < ends[1]) {
      range_ = Axis{ends[0], ends[1], bins_};
    } else {
      diagnostics.error(study.place("jacobian_spectrum.range"),
                        fmt::format("'range' is {} (it must be [a, b] with a < b)",
                                    study.setting("jacobian_spectrum.range")->toml()));
    }
  }

  void check_eps(const Study& study, Diagnostics& diagnostics) const {
    const Place place = study.place("jacobian_spectrum.eps");
    std::vector<double> sorted = eps_;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
      diagnostics.error(place, fmt::format("'eps' names {} twice (each is a coordinate) remove one", *twice));
    }
  }

  std::optional<Axis> axis(const Point& point) const {
    if (range_) return range_;
    const auto spectrum = jacobian_.theory(point, jacobian_.ensemble(point).value_or(WeightEnsemble::gaussian));
    if (!spectrum) return std::nullopt;
    double high = 1.1 * spectrum->lambda_max();
    if (!std::isfinite(high)) high = spectrum->mean() * (1.0 + 4.0 * std::sqrt(spectrum->variance()));
    if (!std::isfinite(high) || !(high > 0.0)) return std::nullopt;
    return Axis{0.0, high, bins_};
  }

  /// Densities averaged over the axis' bins, from the weight above every edge; from the top down until all the weight
  /// has been met, because what lies below is slow to compute and nothing.
  static std::vector<double> bin_densities(const FreeSpectrum& spectrum, const Axis& axis) {
    std::vector<double> density(static_cast<std::size_t>(axis.bins), 0.0);
    const double all = 1.0 - spectrum.zero_weight();
    const auto atoms = spectrum.atoms();
    double above = spectrum.mass_above(axis.high);
    for (int k = axis.bins - 1; k >= 0 && !(above > all - rounding); --k) {
      const double next = spectrum.mass_above(axis.edge(k));
      double weight = next - above;
      for (const auto& atom : atoms) {
        if (atom.place > axis.edge(k) && atom.place <= axis.edge(k + 1)) weight -= atom.weight;
      }
      density[static_cast<std::size_t>(k)] = weight < rounding ? 0.0 : weight / axis.width();
      above = next;
    }
    return density;
  }

  void set_theory(const Point& point, Results& results) const;
  /// The limit's densities; nothing where there is none.
  std::vector<double> set_universal(const Point& point, const FreeSpectrum& spectrum, const Axis& axis,
                                    Results& results) const;
  void set_measured(const Task& task, Results& results) const;

  JacobianPoint jacobian_;
  TheoryCosts theory_costs_;
  int bins_ = 0;
  bool universal_ = false;
  std::vector<double> eps_;
  std::optional<Axis> range_;
};

void Spectra::set_theory(const Point& point, Results& results) const {
  const auto known = jacobian_.ensemble(point);
  results.set("theory_valid", std::int64_t{known && jacobian_.is_wide_enough(point)});
  const auto axis_of_point = axis(point);
  if (!axis_of_point) {
    results.set("theory_valid", std::int64_t{0});
    results.status(Status::out_of_range,
                   "the spectrum has no lambda axis (its mean is 0 or leaves the range of double precision) give one: "
                   "[jacobian_spectrum] range = [a, b]");
    return;
  }
  const Axis& axis = *axis_of_point;
  std::vector<double> centres;
  for (int k = 0; k < bins_; ++k) centres.push_back(0.5 * (axis.edge(k) + axis.edge(k + 1)));
  results.set("lambda", std::span<const double>(centres));
  if (!known) return;
  const auto spectrum = jacobian_.theory(point, *known);
  if (!spectrum) return;
  const std::vector<double> density = bin_densities(*spectrum, axis);
  results.set("density_theory", std::span<const double>(density));
  results.set("lambda_max_theory", spectrum->lambda_max());
  results.set("singular_value_max_theory", std::sqrt(spectrum->lambda_max()));
  results.set("mean_theory", spectrum->mean());
  results.set("variance_theory", spectrum->variance());
  std::vector<double> near;
  for (const double eps : eps_) {
    const double weight =
        spectrum->mass_above((1.0 - eps) * (1.0 - eps)) - spectrum->mass_above((1.0 + eps) * (1.0 + eps));
    near.push_back(weight < 0.0 ? 0.0 : weight);  // rounding
  }
  results.set("fraction_near_one_theory", std::span<const double>(near));
  results.set("zero_weight_theory", spectrum->zero_weight());
  const auto atoms = spectrum->atoms();
  results.set("atom_theory", atoms.empty() ? nothing : atoms.back().place);
  results.set("atom_weight_theory", atoms.empty() ? 0.0 : atoms.back().weight);
  std::vector<double> limit;
  if (universal_ && *known == WeightEnsemble::orthogonal) limit = set_universal(point, *spectrum, axis, results);
  const auto undefined = [](const std::vector<double>& values) {
    return std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); });
  };
  if (undefined(density) || undefined(near) || undefined(limit)) {
    results.status(Status::not_converged,
                   "the density of free probability was not found everywhere (the continuation from above the axis got "
                   "stuck) other bins may avoid it");
  }
}

std::vector<double> Spectra::set_universal(const Point& point, const FreeSpectrum& spectrum, const Axis& axis,
                                           Results& results) const {
  if (!(spectrum.variance() > 0.0)) return {};
  UniversalClass universal = UniversalClass::smooth;
  if (const LinearPieces* pieces = jacobian_.activation(point).pieces()) {
    double slope = 0.0;
    for (const double x : pieces->slopes) {
      if (x != 0.0 && slope != 0.0 && std::abs(x) != std::abs(slope)) return {};  // of neither class
      if (x != 0.0) slope = x;
    }
    universal = UniversalClass::bernoulli;
  }
  const FreeSpectrum limit(universal, spectrum.variance(), spectrum.mean());
  const std::vector<double> density = bin_densities(limit, axis);
  results.set("density_universal", std::span<const double>(density));
  results.set("lambda_max_universal", limit.lambda_max());
  const auto atoms = limit.atoms();
  results.set("atom_universal", atoms.empty() ? nothing : atoms.back().place);
  results.set("atom_weight_universal", atoms.empty() ? 0.0 : atoms.back().weight);
  return density;
}

/// Of singular values that are not zero, and that nobody knows.
void report_lost(const JacobianSpectrum& spectrum, Results& results) {
  results.status(
      Status::not_converged,
      fmt::format("{} of the {} singular values that are not zero are lost in rounding (weights with zeros or "
                  "equal sizes, and slopes of sizes that differ by more than double precision holds, leave "
                  "them to differences of large numbers) take a smaller sigma_w or fewer layers",
                  spectrum.rank - spectrum.resolved, spectrum.rank));
}

void Spectra::set_measured(const Task& task, Results& results) const {
  const StreamKey key = task_stream(task);
  const int n = jacobian_.width(task.point);
  const RandomNetwork::Parameters parameters = jacobian_.parameters(task.point);
  const RandomNetwork network(parameters, key);
  const JacobianSpectrum spectrum =
      jacobian_spectrum(network, jacobian_.input(task.point, key), weight_rank(parameters.law));
  results.set("slope_square", std::span<const double>(spectrum.slope_square));
  if (spectrum.finite_layers < network.depth()) {
    results.status(Status::out_of_range,
                   fmt::format("values overflow double precision in layer {} of {} (they grow with depth beyond the "
                               "largest number) take a smaller sigma_w or depth",
                               spectrum.finite_layers + 1, network.depth()));
    return;
  }
  results.set("log_singular_values", std::span<const double>(spectrum.log));
  results.set("rank", spectrum.rank);
  if (spectrum.resolved == 0 && spectrum.rank > 0) return report_lost(spectrum, results);
  // Relative to the largest, so that squares do not leave the range before they must. What rounding hides, or a zero,
  // adds nothing.
  const double top = spectrum.log.front();
  double first = 0.0, second = 0.0;
  for (const double log : spectrum.log) {
    const double relative = std::isfinite(top) && std::isfinite(log) ? std::exp(2.0 * (log - top)) : 0.0;
    first += relative / n;
    second += relative * relative / n;
  }
  results.set("variance", first > 0.0 ? second / (first * first) - 1.0 : nothing);
  const double mean = first == 0.0 ? 0.0 : std::exp(2.0 * top + std::log(first));
  if (!std::isfinite(mean) || !std::isfinite(spectrum.values.front())) {
    results.status(Status::out_of_range,
                   "the largest eigenvalue of JJ' overflows double precision (log_singular_values has its logarithm) "
                   "take a smaller sigma_w or depth");
    return;
  }
  results.set("singular_values", std::span<const double>(spectrum.values));
  results.set("mean", mean);
  if (spectrum.resolved < spectrum.rank) return report_lost(spectrum, results);
  std::vector<double> near;
  for (const double eps : eps_) {
    // Rounding of an exact 1 - eps or 1 + eps is no reason to leave a value out.
    const double reach = eps * (1.0 + 1e-12);
    near.push_back(static_cast<double>(std::count_if(spectrum.values.begin(), spectrum.values.end(),
                                                     [&](double s) { return std::abs(s - 1.0) <= reach; })) /
                   n);
  }
  results.set("fraction_near_one", std::span<const double>(near));
  if (const auto axis_of_point = axis(task.point)) {
    const Axis& axis = *axis_of_point;
    std::vector<double> density(static_cast<std::size_t>(bins_), 0.0);
    for (std::int64_t i = 0; i < spectrum.rank; ++i) {
      const double lambda = std::exp(2.0 * spectrum.log[static_cast<std::size_t>(i)]);
      const double bin = std::floor((lambda - axis.low) / axis.width());
      if (bin >= 0.0 && bin < bins_) density[static_cast<std::size_t>(bin)] += 1.0 / (n * axis.width());
    }
    results.set("density", std::span<const double>(density));
  }
  if (!spectrum.converged) {
    results.status(Status::not_converged,
                   "the singular values did not converge (Jacobi rotations ran into their bound)");
  }
}

}  // namespace

std::unique_ptr<Measure> make_jacobian_spectrum() {
  return bound_measure<Spectra>({.name = "jacobian_spectrum",
                                 .version = 3,
                                 .description = "all singular values of the input-output Jacobian of square random "
                                                "networks, and the spectrum that free probability predicts",
                                 .arrays = joined(jacobian_arrays(), jacobian_theory_arrays(true))});
}

}  // namespace meander
