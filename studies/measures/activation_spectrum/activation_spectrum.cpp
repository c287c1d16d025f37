// Activations in the basis of Hermite polynomials, and how far from the edge of chaos networks of them are, layer by
// layer: an operational reading of Zhang et al. 2019, whose formulas are not public. What it gives is a
// reinterpretation, not a reproduction, of that paper; its bridge to Poole et al. 2016 (chi_1 from the spectrum) is
// exact.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kernels/base/machine_rates.hpp"
#include "kernels/gaussian_averages/gaussian_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/gaussian_averages/hermite_coefficients.hpp"
#include "kernels/mean_field/gaussian_correction.hpp"
#include "kernels/mean_field/layer_exponent_theory.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/mean_field/spectral_decay.hpp"
#include "kernels/propagation/layer_exponents.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/costs/activation_cost.hpp"
#include "studies/costs/average_costs.hpp"
#include "studies/curves/sampling_cost.hpp"
#include "studies/declare/array_spec.hpp"
#include "studies/declare/axes.hpp"
#include "studies/declare/bound_measure.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/declare/theory_status.hpp"
#include "studies/measures/activation_spectrum/spectrum_arrays.hpp"
#include "studies/measures/activation_spectrum/spectrum_study.hpp"
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
  using Keys = ActivationSpectrumKeys;

  Spectrum(const Study& study, const Keys& keys, Diagnostics& diagnostics) : settings_(study, keys, diagnostics) {
    if (diagnostics.failed()) return;
    if (!settings_.has_networks()) {
      warn_of_repetition(study, "nothing is drawn where no width is given", diagnostics);
    }
    if (settings_.depth() > 0) add(layer_axis(settings_.depth()));
    if (settings_.has_networks()) {
      add({.layout = {"measured", std::nullopt, true, measured_spectrum_arrays(!settings_.is_stored())},
           .cost = [this](const Point& point) { return measured_cost(point); },
           .run = with_activation(&Spectrum::measure)});
    }
    if (!settings_.is_stored()) add_theory(study);
  }

  void export_cell(const Task& task, const std::string& path) const override {
    const SpectrumStudy::Subject subject = settings_.subject(task.point);
    if (!settings_.has_networks() || !subject.activation) {
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
  using Work = void (Spectrum::*)(const Task&, const Activation&, Results&) const;

  /// What runs `work` with the point's activation, or says why there is none.
  std::function<void(const Task&, Results&)> with_activation(Work work) const {
    return [this, work](const Task& task, Results& results) {
      const SpectrumStudy::Subject subject = settings_.subject(task.point);
      if (subject.activation) {
        (this->*work)(task, *subject.activation, results);
      } else {
        results.status(Status::out_of_range, subject.refusal);
      }
    };
  }

  /// Families that run over those keys of the sweep that they depend on.
  void add_theory(const Study& study) {
    for (OwnDimension& dimension : spectrum_dimensions(settings_.orders())) add(std::move(dimension));
    const auto over = [&](std::vector<std::string> more) {
      more.insert(more.end(), {"sigma_w", "sigma_b", "activation", "design_chi_1"});
      return dimensions_of(study, more);
    };
    const auto cost = [this](double (Spectrum::*seconds)(const Point&) const) {
      return [this, seconds](const Point& point) { return Cost{.seconds = (this->*seconds)(point), .bytes = 1e6}; };
    };
    add({.layout = {"spectrum", over({"q0", "variance"}), false, spectrum_arrays()},
         .cost = cost(&Spectrum::spectrum_seconds),
         .run = with_activation(&Spectrum::take_spectrum)});
    add({.layout = {"fixed_point", over({"q0"}), false, fixed_point_arrays()},
         .cost = cost(&Spectrum::fixed_point_seconds),
         .run = with_activation(&Spectrum::find_fixed_point)});
    if (settings_.depth() == 0) return;
    // Where all weights are Gaussian, theory does not depend on the network's shape.
    std::vector<std::string> keys{"q0", "c0"};
    if (law_matters(study)) keys.insert(keys.end(), {"weights", "width", "widths", "depth"});
    add({.layout = {"theory", over(std::move(keys)), false, theory_spectrum_arrays()},
         .cost = cost(&Spectrum::theory_seconds),
         .run = with_activation(&Spectrum::predict)});
  }

  /// A designed activation is a polynomial, whose averages are finite sums.
  const AverageCosts& costs(const Point& point) const {
    static const Activation polynomial = Activation::hermite({0.0, 1.0, 0.1, 0.1});
    return theory_costs_(settings_.is_designed() ? polynomial : settings_.networks().activation(point));
  }

  /// The attractor, and coefficients by quadrature.
  double spectrum_seconds(const Point& point) const {
    const double sigma_w = settings_.sigma_w(point), sigma_b = settings_.sigma_b(point);
    const bool given = settings_.given_variance(point).has_value();
    const double attractor = given ? 0.0 : costs(point).attractor(sigma_w, sigma_b, 1.0);
    return machine_rates().task + attractor + 0.5 * settings_.orders() * costs(point).moments(1.0);
  }

  /// Every fixed point between 1e-12 and 1e6 on a grid, and the stability of one.
  double fixed_point_seconds(const Point& point) const {
    const double sigma_w = settings_.sigma_w(point), sigma_b = settings_.sigma_b(point);
    return machine_rates().task + 241.0 * costs(point).moments(1.0) + costs(point).phase_point(sigma_w, sigma_b, 1.0);
  }

  double theory_seconds(const Point& point) const {
    const double sigma_w = settings_.sigma_w(point), sigma_b = settings_.sigma_b(point);
    const double gain = sigma_w * sigma_w, floor = sigma_b * sigma_b, q = gain + floor;
    const double c = q > 0.0 ? (gain * settings_.c0(point) + floor) / q : 0.0;
    return machine_rates().task + 3.0 * settings_.depth() * costs(point).moments(q) +
           costs(point).iteration(sigma_w, sigma_b, q, c, settings_.depth()) +
           costs(point).phase_point(sigma_w, sigma_b, q);
  }

  bool law_matters(const Study& study) const {
    if (!settings_.has_networks()) return false;
    const std::vector<Point> points = distinct_points(study, {"weights"});
    return std::any_of(points.begin(), points.end(), [&](const Point& point) {
      return settings_.networks().law(point)->kind != WeightLaw::Kind::gaussian;
    });
  }

  /// How far the weights' law is from what theory assumes. Without networks, and in a family of Gaussian weights, which
  /// knows no widths, there is nothing of it.
  GaussianCorrection correction(const Point& point, const Activation& activation) const {
    RandomNetwork::Parameters parameters;
    const bool gaussian =
        !settings_.has_networks() || settings_.networks().law(point)->kind == WeightLaw::Kind::gaussian;
    if (gaussian) {
      parameters.widths.assign(static_cast<std::size_t>(settings_.depth()), 1);
    } else {
      parameters = settings_.networks().random()->parameters(point, settings_.input_dimension());
    }
    parameters.activation = activation;
    return gaussian_correction(parameters, settings_.q0(point, activation),
                               random_point_participation(settings_.input_dimension()));
  }

  Cost measured_cost(const Point& point) const {
    SampledTask task;
    task.input_dimension = settings_.input_dimension();
    task.widths = settings_.networks().widths(point);
    task.samples = 3L * settings_.pairs();
    task.law = settings_.networks().law(point);
    task.element = row_seconds_with_derivatives(settings_.networks().activation(point));
    Cost cost = sampling_cost(task);
    if (!settings_.is_stored()) cost.seconds += theory_seconds(point);
    return cost;
  }

  /// Row-major (pairs, inputs) each.
  struct Probes {
    std::vector<double> first, second, perturbation;
  };

  Probes probes_of(const Task& task, const Activation& activation) const {
    const StreamKey key = task_stream(task);
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
    if (settings_.is_stored()) return settings_.networks().stored();
    RandomNetwork::Parameters parameters =
        settings_.networks().random()->parameters(task.point, settings_.input_dimension());
    parameters.activation = activation;
    return std::make_shared<RandomNetwork>(std::move(parameters), task_stream(task));
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
    return layer_exponent_theory(activation, settings_.sigma_w(point), settings_.sigma_b(point),
                                 settings_.q0(point, activation), settings_.c0(point), depth);
  }

  /// Mean square of layer 1's pre-activations.
  double first_q(const Point& point, const Activation& activation) const {
    const double sigma_w = settings_.sigma_w(point);
    const double sigma_b = settings_.sigma_b(point);
    return sigma_w * sigma_w * settings_.q0(point, activation) + sigma_b * sigma_b;
  }

  MeanFieldParameters mean_field(const Point& point, const Activation& activation) const {
    return {settings_.sigma_w(point), settings_.sigma_b(point), first_q(point, activation), 1.0};
  }

  void predict(const Task& task, const Activation& activation, Results& results) const {
    const Point& point = task.point;
    const GaussianCorrection law = correction(point, activation);
    LayerExponentTheory theory = theory_of(point, activation, static_cast<int>(law.layers.size()));
    law.mask_moments(theory.q);
    law.mask_moments(theory.c);
    law.mask_averages(theory.exponent);
    law.mask_averages(theory.log_growth);
    results.set("gaussian_correction", std::span<const double>(law.layers));
    results.set("q_theory", std::span<const double>(theory.q));
    results.set("c_theory", std::span<const double>(theory.c));
    results.set("exponent_theory", std::span<const double>(theory.exponent));
    results.set("log_growth_theory", std::span<const double>(theory.log_growth));
    const bool holds = law.averages_hold == static_cast<int>(law.layers.size());
    results.set("decay_length_theory",
                holds ? decay(theory.c, theory.c, phase_point(activation, mean_field(point, activation)).c_star) : nan);
    if (theory.finite_layers < static_cast<int>(law.layers.size())) {
      results.status(Status::out_of_range,
                     fmt::format("the length map leaves the range of numbers in layer {} of {} (q grows beyond its "
                                 "fixed point's basin, or is undefined); layers before it are kept",
                                 theory.finite_layers + 1, law.layers.size()));
    }
    report_theory(theory.finite_layers, static_cast<int>(law.layers.size()), theory.converged, results);
  }

  void find_fixed_point(const Task& task, const Activation& activation, Results& results) const {
    const Point& point = task.point;
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

  void take_spectrum(const Task& task, const Activation& activation, Results& results) const {
    const Point& point = task.point;
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
    const double gain = settings_.sigma_w(point) * settings_.sigma_w(point);
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
  TheoryCosts theory_costs_;
};

}  // namespace

std::unique_ptr<Measure> make_activation_spectrum() {
  std::vector<ArraySpec> arrays = measured_spectrum_arrays(true);
  for (const auto& more : {theory_spectrum_arrays(), spectrum_arrays(), fixed_point_arrays()}) append(arrays, more);
  return bound_measure<Spectrum>({.name = "activation_spectrum",
                                  .version = 3,
                                  .description =
                                      "Hermite coefficients of an activation, their decay and parities, chi_1 "
                                      "from them, the exponent at which perturbations grow in each layer, and "
                                      "polynomials designed for a chi_1 (a reinterpretation of Zhang et al. "
                                      "2019)",
                                  .arrays = std::move(arrays)});
}

}  // namespace meander
