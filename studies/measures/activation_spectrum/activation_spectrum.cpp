// Activations in the basis of Hermite polynomials, and how far from the edge of chaos networks of them are, layer by
// layer: an operational reading of Zhang et al. 2019, whose formulas are not public. What it gives is a
// reinterpretation, not a reproduction, of that paper; its bridge to Poole et al. 2016 (chi_1 from the spectrum) is
// exact.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kernels/gaussian_averages/gaussian_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/gaussian_averages/hermite_coefficients.hpp"
#include "kernels/mean_field/layer_exponent_theory.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/mean_field/spectral_decay.hpp"
#include "kernels/propagation/layer_exponents.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/curves/sampling_cost.hpp"
#include "studies/measures/activation_spectrum/spectrum_arrays.hpp"
#include "studies/measures/activation_spectrum/spectrum_study.hpp"
#include "studies/networks/activation_value.hpp"
#include "studies/networks/random_networks.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Coefficients below this share of sqrt(E phi^2) are zero to the accuracy of their computation.
constexpr double coefficient_floor = 1e-11;
constexpr DecayLaw laws[] = {DecayLaw::power, DecayLaw::stretched, DecayLaw::geometric};

/// The sweep's dimensions that any of `names` lies on.
std::vector<std::string> dimensions_of(const Study& study, const std::vector<std::string>& names) {
  std::vector<std::string> over;
  for (const SweepDimension& dimension : study.sweep) {
    const bool named = std::find(names.begin(), names.end(), dimension.name) != names.end();
    if (named || dimension.name == "point") over.push_back(dimension.name);
  }
  return over;
}

class Spectrum final : public Measurement {
 public:
  Spectrum(const Study& study, Diagnostics& diagnostics) : settings_(study, diagnostics) {
    const std::vector<std::string> theory{"sigma_w", "sigma_b", "activation", "design_chi_1"};
    const auto with = [&](std::vector<std::string> more) {
      more.insert(more.end(), theory.begin(), theory.end());
      return dimensions_of(study, more);
    };
    if (settings_.networks()) {
      families_.push_back({"measured", std::nullopt, true, measured_spectrum_arrays(!settings_.is_stored())});
    }
    if (settings_.is_stored()) return;
    families_.push_back({"spectrum", with({"q0", "variance"}), false, spectrum_arrays()});
    families_.push_back({"fixed_point", with({"q0"}), false, fixed_point_arrays()});
    if (settings_.depth() > 0) families_.push_back({"theory", with({"q0", "c0"}), false, theory_spectrum_arrays()});
  }

  const SpectrumStudy& settings() const { return settings_; }

  Layout layout() const override {
    Layout layout;
    if (settings_.depth() > 0) {
      OwnDimension layer{
          .name = "layer", .size = static_cast<std::size_t>(settings_.depth()), .long_name = "layer, counted from 1"};
      for (int l = 1; l <= settings_.depth(); ++l) layer.coordinates.emplace_back(l);
      layout.dimensions.push_back(std::move(layer));
    }
    if (!settings_.is_stored()) add_spectrum_dimensions(layout, settings_.orders());
    layout.families = families_;
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    Cost cost;
    cost.bytes = 1e6;
    const std::string& name = families_[family].name;
    if (name == "spectrum") cost.seconds = 1e-5 * settings_.orders() + 1e-2;
    if (name == "fixed_point") cost.seconds = 2e-2;
    if (name == "theory") cost.seconds = 2e-3 * settings_.depth();
    if (name != "measured") return cost;
    SampledTask task;
    task.input_dimension = settings_.input_dimension();
    task.widths = settings_.networks()->widths(point);
    task.samples = 3L * settings_.pairs();
    task.stored = settings_.is_stored();
    if (const Value* weights = task.stored ? nullptr : point.find("weights")) task.law = weight_law_from(*weights).kind;
    return sampling_cost(task);
  }

  void run(const Task& task, Results& results) const override {
    const SpectrumStudy::Subject subject = settings_.subject(task.point);
    if (!subject.activation) {
      results.status(Status::out_of_range, subject.refusal);
      return;
    }
    const std::string& name = families_[task.family].name;
    if (name == "measured") measure(task, *subject.activation, results);
    if (name == "spectrum") take_spectrum(task.point, *subject.activation, results);
    if (name == "fixed_point") find_fixed_point(task.point, *subject.activation, results);
    if (name == "theory") predict(task.point, *subject.activation, results);
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const SpectrumStudy::Subject subject = settings_.subject(task.point);
    if (!settings_.networks() || !subject.activation) {
      throw BadInput("this cell has no network (" + (subject.activation ? "no width is given" : subject.refusal) +
                     ") export one that has");
    }
    const Probes probes = probes_of(task, *subject.activation);
    NamedArrays arrays;
    add_network(*network_of(task, *subject.activation), subject.text, arrays);
    NamedArray points{
        {2 * static_cast<std::size_t>(settings_.pairs()), static_cast<std::size_t>(settings_.input_dimension())},
        probes.first};
    points.values.insert(points.values.end(), probes.second.begin(), probes.second.end());
    arrays.arrays["/points"] = std::move(points);
    write_arrays(path, arrays);
  }

 private:
  /// Row-major (pairs, inputs) each.
  struct Probes {
    std::vector<double> first, second, perturbation;
  };

  Probes probes_of(const Task& task, const Activation& activation) const {
    const StreamKey key = stream_key(task.seed, task.realization, task.salt);
    const double q0 = settings_.q0(task.point, activation);
    const double c0 = settings_.c0(task.point);
    Probes probes;
    for (int p = 0; p < settings_.pairs(); ++p) {
      const ProbePair pair = probe_pair(key, p, settings_.input_dimension(), q0, c0);
      probes.first.insert(probes.first.end(), pair.first.begin(), pair.first.end());
      probes.second.insert(probes.second.end(), pair.second.begin(), pair.second.end());
      probes.perturbation.insert(probes.perturbation.end(), pair.perturbation.begin(), pair.perturbation.end());
    }
    return probes;
  }

  std::shared_ptr<const Network> network_of(const Task& task, const Activation& activation) const {
    if (settings_.is_stored()) return settings_.networks()->stored();
    RandomNetwork::Parameters parameters = network_parameters(task.point, settings_.input_dimension());
    parameters.activation = activation;
    return std::make_shared<RandomNetwork>(std::move(parameters), stream_key(task.seed, task.realization, task.salt));
  }

  void measure(const Task& task, const Activation& activation, Results& results) const {
    const auto network = network_of(task, activation);
    const Probes probes = probes_of(task, activation);
    const LayerExponents found = layer_exponents(*network, probes.first, probes.second, probes.perturbation);
    results.set("q", std::span<const double>(found.q));
    results.set("c", std::span<const double>(found.c));
    results.set("exponent", std::span<const double>(found.exponent));
    results.set("log_growth", std::span<const double>(found.log_growth));
    if (found.finite_layers < network->depth()) {
      results.status(
          Status::out_of_range,
          fmt::format("values overflow double precision, or are undefined, in layer {} of {} (the activation "
                      "carries them out of its fixed point's basin); layers before it are kept, take another "
                      "q0, activation or depth for the others",
                      found.finite_layers + 1, network->depth()));
    }
    if (settings_.is_stored()) return;
    const Point& point = task.point;
    const double c_star = phase_point(activation, mean_field(point, activation)).c_star;
    if (!std::isfinite(c_star)) return;  // nothing to approach
    const LayerExponentTheory theory = theory_of(point, activation, network->depth());
    results.set("decay_length", decay(found.c, theory.c, c_star));
  }

  /// Fits where theory is between `nearest` and `farthest` of c_star.
  double decay(const std::vector<double>& c, const std::vector<double>& theory, double c_star) const {
    const auto layers = static_cast<int>(std::min(c.size(), theory.size()));
    const auto distance = [&](int layer) { return std::abs(theory[static_cast<std::size_t>(layer - 1)] - c_star); };
    int first = 1;
    while (first <= layers && !(distance(first) <= settings_.farthest())) ++first;
    int last = first;
    while (last < layers && distance(last + 1) >= settings_.nearest()) ++last;
    return first <= layers && distance(first) >= settings_.nearest() ? decay_length(c, c_star, first, last) : nan;
  }

  LayerExponentTheory theory_of(const Point& point, const Activation& activation, int depth) const {
    return layer_exponent_theory(activation, point.number("sigma_w"), sigma_b_of(point),
                                 settings_.q0(point, activation), settings_.c0(point), depth);
  }

  /// Mean square of layer 1's pre-activations.
  double first_q(const Point& point, const Activation& activation) const {
    const double sigma_w = point.number("sigma_w");
    const double sigma_b = sigma_b_of(point);
    return sigma_w * sigma_w * settings_.q0(point, activation) + sigma_b * sigma_b;
  }

  MeanFieldParameters mean_field(const Point& point, const Activation& activation) const {
    return {point.number("sigma_w"), sigma_b_of(point), first_q(point, activation), 1.0};
  }

  void predict(const Point& point, const Activation& activation, Results& results) const {
    const LayerExponentTheory theory = theory_of(point, activation, settings_.depth());
    results.set("q_theory", std::span<const double>(theory.q));
    results.set("c_theory", std::span<const double>(theory.c));
    results.set("exponent_theory", std::span<const double>(theory.exponent));
    results.set("log_growth_theory", std::span<const double>(theory.log_growth));
    results.set("decay_length_theory",
                decay(theory.c, theory.c, phase_point(activation, mean_field(point, activation)).c_star));
    if (theory.finite_layers < settings_.depth()) {
      results.status(Status::out_of_range,
                     fmt::format("the length map leaves the range of numbers in layer {} of {} (q grows beyond its "
                                 "fixed point's basin, or is undefined); layers before it are kept",
                                 theory.finite_layers + 1, settings_.depth()));
    }
  }

  void find_fixed_point(const Point& point, const Activation& activation, Results& results) const {
    const MeanFieldParameters parameters = mean_field(point, activation);
    const PhasePoint found = phase_point(activation, parameters);
    if (!has_fixed_point(found.q_star, parameters, results)) return;
    const GaussianMoments moments = gaussian_moments(activation, found.q_star);
    const double gain = parameters.sigma_w * parameters.sigma_w;
    const Basin basin = length_basin(length_fixed_points(activation, parameters), found.q_star);
    results.set("q_star", found.q_star);
    results.set("q_star_slope", found.q_star > 0.0 ? gain * moments.phi_dphi_h / found.q_star : gain * moments.dphi2);
    results.set("basin_low", basin.low);
    results.set("basin_high", basin.high);
    results.set("c_star", found.c_star);
    results.set("xi_q", found.xi_q);
    results.set("xi_c", found.xi_c);
    if (!found.converged) {
      results.status(Status::not_converged,
                     "the fixed point of the correlation map was not found within its bound of steps");
    }
  }

  /// False, with the reason as the cell's status, where there is nothing to take a spectrum at.
  bool has_fixed_point(double q_star, const MeanFieldParameters& parameters, Results& results) const {
    if (std::isfinite(q_star)) return true;
    const char* what = std::isnan(q_star) ? "is undefined (an average over the activation does not exist)"
                                          : "diverges (this length is in no fixed point's basin)";
    results.status(Status::out_of_range,
                   fmt::format("the length map {} from q = {:.6g} in layer 1 at sigma_w = {}, sigma_b = {}; take "
                               "another q0 or sigma_w, or a number for 'variance'",
                               what, parameters.q0, parameters.sigma_w, parameters.sigma_b));
    return false;
  }

  void take_spectrum(const Point& point, const Activation& activation, Results& results) const {
    double q = settings_.given_variance(point).value_or(nan);
    if (std::isnan(q)) {
      const MeanFieldParameters parameters = mean_field(point, activation);
      q = attractor(activation, parameters.sigma_w, parameters.sigma_b, parameters.q0);
      if (!has_fixed_point(q, parameters, results)) return;
    }
    const std::vector<double> f = hermite_coefficients(activation, q, settings_.orders() + 1);
    const GaussianMoments moments = gaussian_moments(activation, q);
    if (!std::isfinite(moments.phi2) || !std::all_of(f.begin(), f.end(), [](double x) { return std::isfinite(x); })) {
      results.status(Status::out_of_range,
                     fmt::format("the activation has no Hermite coefficients at q = {:.6g} (E phi^2 does not exist, or "
                                 "does not stand to 1e-10) take another activation or variance",
                                 q));
      return;
    }
    const double gain = point.number("sigma_w") * point.number("sigma_w");
    results.set("spectrum_q", q);
    results.set("coefficient", std::span<const double>(f));
    results.set("chi_1", gain * moments.dphi2);
    results.set("chi_1_q", gain * moments.dphi2 * q);
    set_sums(f, moments.phi2, gain, results);
    set_parities(activation, q, f, moments.phi2, results);
  }

  static void set_sums(const std::vector<double>& f, double mean_square, double gain, Results& results) {
    std::vector<double> energy, held, series;
    double sum = 0.0;
    double slope = 0.0;
    for (std::size_t n = 0; n < f.size(); ++n) {
      energy.push_back(f[n] * f[n]);
      sum += energy.back();
      slope += static_cast<double>(n) * energy.back();
      held.push_back(sum / mean_square);
      series.push_back(gain * slope);
    }
    results.set("energy", std::span<const double>(energy));
    results.set("energy_held", std::span<const double>(held));
    results.set("chi_1_q_series", std::span<const double>(series));
  }

  void set_parities(const Activation& activation, double q, const std::vector<double>& f, double mean_square,
                    Results& results) const {
    const double floor = coefficient_floor * std::sqrt(mean_square);
    // E phi(x) phi(-x) is the energy of the even part less that of the odd part.
    const double mirrored =
        gaussian_average(activation, q, [&](double h) { return activation(h) * activation(-h); }) / mean_square;
    results.set("parity_energy", std::vector<double>{0.5 * (1.0 + mirrored), 0.5 * (1.0 - mirrored)});
    std::vector<std::int64_t> highest{-1, -1};
    std::vector<double> decay;
    std::vector<double> residual;
    for (const int parity : {0, 1}) {
      for (auto n = static_cast<std::size_t>(parity); n < f.size(); n += 2) {
        if (std::abs(f[n]) > floor) highest[static_cast<std::size_t>(parity)] = static_cast<std::int64_t>(n);
      }
      for (const DecayLaw law : laws) {
        const DecayFit fit = fit_decay(f, parity, settings_.fit_from(), floor, law);
        decay.push_back(fit.rate);
        residual.push_back(fit.residual);
      }
    }
    results.set("highest_order", std::span<const std::int64_t>(highest));
    results.set("decay", decay, {2, std::size(laws)});
    results.set("decay_residual", residual, {2, std::size(laws)});
  }

  SpectrumStudy settings_;
  std::vector<Family> families_;
};

class ActivationSpectrum final : public Measure {
 public:
  std::string name() const override { return "activation_spectrum"; }
  int version() const override { return 2; }
  std::string description() const override {
    return "Hermite coefficients of an activation, their decay and parities, chi_1 from them, the exponent at which "
           "perturbations grow in each layer, and polynomials designed for a chi_1 (a reinterpretation of Zhang et al. "
           "2019)";
  }
  std::vector<Key> keys() const override { return SpectrumStudy::keys(); }
  std::vector<ArraySpec> arrays() const override {
    std::vector<ArraySpec> arrays = measured_spectrum_arrays(true);
    for (const auto& more : {theory_spectrum_arrays(), spectrum_arrays(), fixed_point_arrays()}) {
      arrays.insert(arrays.end(), more.begin(), more.end());
    }
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    const Spectrum decoded(study, diagnostics);
    if (diagnostics.failed()) return;
    const SpectrumStudy& settings = decoded.settings();
    if (!settings.networks()) {
      if (study.realizations > 1) warn_of_repetition(study, diagnostics);
      return;
    }
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override {
    Diagnostics diagnostics;
    auto measurement = std::make_unique<Spectrum>(study, diagnostics);
    diagnostics.throw_if_failed();
    return measurement;
  }
};

}  // namespace

std::unique_ptr<Measure> make_activation_spectrum() {
  return std::make_unique<ActivationSpectrum>();
}

}  // namespace meander
