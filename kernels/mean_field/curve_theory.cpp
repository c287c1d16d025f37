// The mean-field recursion in (q, r, g) at points of a curve, and its integrals along the curve.
#include "kernels/mean_field/curve_theory.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>

#include "kernels/base/quadrature.hpp"
#include "kernels/curves/reduced_curve.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// One layer's pre-activations at one t. Ratios to q, so that q may leave the range of double:
/// E h^2 = q exp(log_scale), rate = r / q, spread = g / q - (r / q)^2.
struct State {
  double q = 0.0;
  double log_scale = 0.0;
  double rate = 0.0;
  double spread = 0.0;
};

/// E |N(mean, variance)|.
double mean_modulus(double mean, double variance) {
  if (!(variance > 0.0)) return variance == 0.0 ? std::abs(mean) : nan;
  const double ratio = mean / std::sqrt(2.0 * variance);
  return std::sqrt(2.0 * variance / std::numbers::pi) * std::exp(-ratio * ratio) + mean * std::erf(ratio);
}

/// Crossings of `level` by one neuron per unit of t: Rice's formula for a Gaussian process.
double crossing_rate(const State& state, double level) {
  const double z = level == 0.0 ? 0.0 : level / (std::sqrt(state.q) * std::exp(0.5 * state.log_scale));
  if (state.q == 0.0 || std::abs(z) > 39.0) return 0.0;
  return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi) * mean_modulus(state.rate * z, state.spread);
}

/// What one t contributes to a layer's integrals.
struct LayerDensity {
  double log_metric = -infinity;  // of the post-activations, per neuron
  double transitions = 0.0;       // per neuron
  double sign_changes = 0.0;      // per neuron
};

class Recursion {
 public:
  Recursion(const Activation& activation, double sigma_w, double sigma_b)
      : activation_(activation), gain_(sigma_w * sigma_w), floor_(sigma_b * sigma_b) {
    const LinearPieces* pieces = activation.pieces();
    const bool fixes_zero = activation(0.0) == 0.0;
    const std::optional<double> max_slope = activation.max_slope();
    shrinks_linearly_ = fixes_zero && (pieces != nullptr || activation.derivative(0.0) != 0.0);
    grows_linearly_ = max_slope && std::isfinite(*max_slope);
  }

  State first(const ReducedCurve::Moments& input) const {
    State state;
    state.q = gain_ * input.position2 + floor_;
    if (state.q == 0.0) {
      // At the origin without biases the ratios have no limit, unless nothing moves at all.
      state.rate = state.spread = gain_ * input.speed2 == 0.0 ? 0.0 : nan;
      return state;
    }
    state.rate = gain_ * input.mixed / state.q;
    const double area = gain_ * input.area / state.q;
    state.spread = area * area + gain_ * (floor_ / state.q) * (input.speed2 / state.q);
    return normalised(state);
  }

  /// Post-activations' metric of this layer, then the next layer's state.
  double advance(State& state) const {
    const GaussianMoments m = gaussian_moments(activation_, state.q);
    const double along = state.rate * state.rate;
    const double across = m.dphi2 * state.q * state.spread;
    const double metric = along * m.dphi2_h2 + across;
    const double log_metric = std::log(metric) + state.log_scale;
    // What is left of phi' h after its projection on phi: zero for homogeneous activations.
    double rest = m.phi2 > 0.0 ? m.dphi2_h2 - m.phi_dphi_h / m.phi2 * m.phi_dphi_h : m.dphi2_h2;
    if (rest < 1e-15 * m.dphi2_h2) rest = 0.0;
    const double scale = state.log_scale;
    const double floor = scale == 0.0 || floor_ == 0.0 ? floor_ : floor_ * std::exp(-scale);
    State next{gain_ * m.phi2 + floor, scale, 0.0, 0.0};
    if (next.q > 0.0) {
      const double drift = gain_ * m.phi_dphi_h / next.q;
      const double from_bias = m.phi2 > 0.0 ? drift * drift * floor / (gain_ * m.phi2) : 0.0;
      next.rate = state.rate * drift;
      next.spread = gain_ * across / next.q + along * (gain_ * rest / next.q + (gain_ > 0.0 ? from_bias : 0.0));
    } else if (std::isnan(next.q)) {
      next.rate = next.spread = nan;
    }
    state = normalised(next);
    return log_metric;
  }

 private:
  /// Keeps q where its square and its root are numbers, moving the excess into log_scale. That is
  /// exact where the activation is homogeneous at that scale, and else ends in NaN.
  State normalised(State state) const {
    constexpr double limit = 276.0;  // exp(276) = 1e120
    if (state.q == 0.0 || std::isnan(state.q)) return state;
    const double log_q = std::log(state.q) + state.log_scale;
    const double kept = std::clamp(log_q, floor_ > 0.0 ? -infinity : -limit, limit);
    if (kept == log_q && state.log_scale == 0.0) return state;
    if ((log_q > limit && !grows_linearly_) || (log_q < -limit && !shrinks_linearly_)) {
      return {nan, 0.0, nan, nan};
    }
    state.q = std::exp(kept);
    state.log_scale = log_q - kept;
    return state;
  }

  const Activation& activation_;
  double gain_;
  double floor_;
  bool shrinks_linearly_;
  bool grows_linearly_;
};

/// Integrals along the curve: input (index 0) and layers 1..depth.
struct Integrals {
  std::vector<double> log_length;  // of the root of the metric per neuron
  std::vector<double> transitions;
  std::vector<double> sign_changes;
  std::size_t finite_layers = 0;  // before the first whose q is not a number somewhere
  bool converged = true;
};

class CurveIntegrator {
 public:
  CurveIntegrator(const Activation& activation, const TheoryParameters& parameters, const ReducedCurve& reduced)
      : activation_(activation),
        recursion_(activation, parameters.sigma_w, parameters.sigma_b),
        reduced_(reduced),
        depth_(parameters.widths.size()) {}

  /// Doubles the number of nodes until every integral stands; one that does not is NaN.
  Integrals converged() const {
    if (reduced_.is_uniform()) return with_nodes(1);
    Integrals coarse = with_nodes(8);
    for (int nodes = 16;; nodes *= 2) {
      Integrals fine = with_nodes(nodes);
      if (agree(coarse, fine, 1e-9)) return fine;
      if (nodes >= 2048) return masked(coarse, std::move(fine));
      coarse = std::move(fine);
    }
  }

 private:
  static bool close(double a, double b, double tolerance, double floor) {
    return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance * (std::abs(b) + floor);
  }
  /// A logarithm's absolute error is its argument's relative one. Counts far below one in a
  /// million neurons need no relative accuracy.
  static bool close_log(double a, double b, double tolerance) {
    return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance;
  }
  static constexpr double count_floor = 1e-6;

  static bool agree(const Integrals& a, const Integrals& b, double tolerance) {
    for (std::size_t l = 0; l < a.log_length.size(); ++l) {
      if (!close_log(a.log_length[l], b.log_length[l], tolerance) ||
          !close(a.transitions[l], b.transitions[l], tolerance, count_floor) ||
          !close(a.sign_changes[l], b.sign_changes[l], tolerance, count_floor)) {
        return false;
      }
    }
    return true;
  }

  static Integrals masked(const Integrals& coarse, Integrals fine) {
    constexpr double tolerance = 1e-6;
    for (std::size_t l = 0; l < fine.log_length.size(); ++l) {
      const auto mask = [&](double& value, bool stands) {
        if (stands) return;
        value = nan;
        fine.converged = false;
      };
      mask(fine.log_length[l], close_log(coarse.log_length[l], fine.log_length[l], tolerance));
      mask(fine.transitions[l], close(coarse.transitions[l], fine.transitions[l], tolerance, count_floor));
      mask(fine.sign_changes[l], close(coarse.sign_changes[l], fine.sign_changes[l], tolerance, count_floor));
    }
    return fine;
  }

  /// A circle's integrand is periodic: the trapezoid rule. Elsewhere Gauss-Legendre.
  Integrals with_nodes(int nodes) const {
    const double begin = reduced_.begin();
    const double end = reduced_.end();
    const double half = 0.5 * (end - begin);
    Integrals sum{std::vector<double>(depth_ + 1, -infinity), std::vector<double>(depth_ + 1, 0.0),
                  std::vector<double>(depth_ + 1, 0.0), depth_};
    if (reduced_.closed()) {
      for (int i = 0; i < nodes; ++i) add(sum, begin + 2.0 * half * i / nodes, 2.0 * half / nodes);
    } else {
      const QuadratureRule rule = gauss_legendre(nodes);
      for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
        add(sum, 0.5 * (begin + end) + half * rule.nodes[i], half * rule.weights[i]);
      }
    }
    return sum;
  }

  void add(Integrals& sum, double t, double weight) const {
    const ReducedCurve::Moments input = reduced_.at(t);
    add_layer(sum, 0, weight, {std::log(input.speed2), 0.0, 0.0});
    State state = recursion_.first(input);
    const LinearPieces* pieces = activation_.pieces();
    for (std::size_t l = 1; l <= depth_; ++l) {
      if (std::isnan(state.q)) sum.finite_layers = std::min(sum.finite_layers, l - 1);
      LayerDensity density;
      density.sign_changes = crossing_rate(state, 0.0);
      density.transitions = pieces == nullptr ? nan : 0.0;
      for (std::size_t k = 0; pieces != nullptr && k < pieces->breakpoints.size(); ++k) {
        density.transitions += crossing_rate(state, pieces->breakpoints[k]);
      }
      density.log_metric = recursion_.advance(state);
      add_layer(sum, l, weight, density);
    }
  }

  static void add_layer(Integrals& sum, std::size_t layer, double weight, const LayerDensity& density) {
    const double term = std::log(weight) + 0.5 * density.log_metric;
    double& total = sum.log_length[layer];
    const double larger = std::max(total, term);
    if (std::isnan(total) || std::isnan(term)) {
      total = nan;
    } else if (larger != -infinity) {
      total = larger + std::log1p(std::exp(std::min(total, term) - larger));
    }
    sum.transitions[layer] += weight * density.transitions;
    sum.sign_changes[layer] += weight * density.sign_changes;
  }

  const Activation& activation_;
  Recursion recursion_;
  const ReducedCurve& reduced_;
  std::size_t depth_;
};

/// The slope s of an activation whose slopes are 0 and +-s only.
std::optional<double> single_slope(const Activation& activation) {
  const LinearPieces* pieces = activation.pieces();
  if (pieces == nullptr) return std::nullopt;
  double slope = 0.0;
  for (const double s : pieces->slopes) slope = std::max(slope, std::abs(s));
  const bool single = std::all_of(pieces->slopes.begin(), pieces->slopes.end(),
                                  [slope](double s) { return s == 0.0 || std::abs(s) == slope; });
  return single && slope > 0.0 ? std::optional(slope) : std::nullopt;
}

void add_bounds(CurveTheory& theory, const Activation& activation, const TheoryParameters& parameters,
                const ReducedCurve::Distances& span) {
  const std::optional<double> slope = single_slope(activation);
  const bool constant_q = span.largest - span.smallest <= 1e-9 * span.largest;
  const bool any_curve = slope && parameters.sigma_b == 0.0 && activation.homogeneous() == true;
  const bool lower_holds = parameters.gaussian_weights && slope && (constant_q || any_curve);
  const std::optional<double> max_slope = activation.max_slope();
  double q = parameters.sigma_w * parameters.sigma_w * span.largest + parameters.sigma_b * parameters.sigma_b;
  double inputs = parameters.input_dimension;
  for (const int width : parameters.widths) {
    const double k = width;
    double lower = nan;
    if (lower_holds) {
      // A homogeneous activation's p is the same at any q, also where q overflows.
      const double p = gaussian_moments(activation, any_curve ? 1.0 : q).dphi2 / (*slope * *slope);
      lower = parameters.sigma_w * *slope * k * p / std::sqrt(inputs * (k * p + 3.0 - p));
      q = length_map(activation, parameters.sigma_w, parameters.sigma_b, q);
    }
    theory.growth_lower_bound.push_back(lower);
    theory.growth_upper_bound.push_back(
        max_slope && std::isfinite(*max_slope) ? parameters.sigma_w * *max_slope * std::sqrt(k / inputs) : nan);
    inputs = k;
  }
}

}  // namespace

CurveTheory curve_theory(const Activation& activation, const TheoryParameters& parameters, const Curve& curve) {
  if (curve.dimension() != parameters.input_dimension) {
    throw std::invalid_argument("the curve has dimension " + std::to_string(curve.dimension()) +
                                " (the network takes " + std::to_string(parameters.input_dimension) +
                                " inputs); give a curve in the network's input space");
  }
  const ReducedCurve reduced(curve);
  const Integrals integrals = CurveIntegrator(activation, parameters, reduced).converged();
  const ReducedCurve::Distances span = reduced.distances();
  // Through the origin of a network without biases every neuron changes sign at once, which no
  // density along the curve shows.
  const bool meets_origin = parameters.sigma_b == 0.0 && span.smallest <= 1e-14 * span.largest;
  CurveTheory theory;
  theory.finite_layers = static_cast<int>(integrals.finite_layers);
  theory.converged = integrals.converged;
  double inputs = parameters.input_dimension;
  for (std::size_t l = 1; l <= parameters.widths.size(); ++l) {
    const double k = parameters.widths[l - 1];
    theory.growth.push_back(std::sqrt(k / inputs) * std::exp(integrals.log_length[l] - integrals.log_length[l - 1]));
    theory.transitions.push_back(meets_origin ? nan : k * integrals.transitions[l]);
    theory.sign_changes.push_back(meets_origin ? nan : k * integrals.sign_changes[l]);
    inputs = k;
    const bool was_point = integrals.log_length[l - 1] == -infinity;
    if (l <= integrals.finite_layers && !meets_origin && !was_point && std::isnan(theory.growth.back())) {
      theory.converged = false;
    }
  }
  add_bounds(theory, activation, parameters, span);
  return theory;
}

}  // namespace meander
