// The recursion of the covariances of position, velocity and acceleration, and its means along the curve.
#include "kernels/mean_field/geometry_theory.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>

#include "kernels/base/quadrature.hpp"
#include "kernels/curves/reduced_curve.hpp"
#include "kernels/gaussian_averages/gaussian_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/correlation_state.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Covariances of one neuron's h, v = dh/dt and a = dv/dt at one t.
struct Covariances {
  double hh = 0.0, hv = 0.0, vv = 0.0, ha = 0.0, va = 0.0, aa = 0.0;

  /// kappa^2 times the width.
  double curvature2() const {
    const double across = aa - va / vv * va;
    return (across < 0.0 ? 0.0 : across) / vv / vv;  // a NaN stays one
  }
};

class Recursion {
 public:
  Recursion(const Activation& activation, const TheoryParameters& parameters)
      : activation_(activation),
        sigma_w_(parameters.sigma_w),
        sigma_b_(parameters.sigma_b),
        gain_(sigma_w_ * sigma_w_),
        floor_(sigma_b_ * sigma_b_),
        smooth_(!activation.has_kinks()) {}

  Covariances first(const ReducedCurve& curve, double t) const {
    const auto moments = curve.at(t);
    const auto more = curve.accelerations(t);
    return {gain_ * moments.position2 + floor_, gain_ * moments.mixed,      gain_ * moments.speed2,
            gain_ * more.with_position,         gain_ * more.with_velocity, gain_ * more.square};
  }

  UniformGeometry next_uniform(const UniformGeometry& before) const {
    return next_layer(activation_, sigma_w_, sigma_b_, before);
  }

  /// h given, v = along_v h + rest and a = along_a h + rest, the rests Gaussian and independent of h.
  Covariances next(const Covariances& c) const {
    const GaussianMoments m = gaussian_moments(activation_, c.hh);
    const double along_v = c.hh > 0.0 ? c.hv / c.hh : 0.0;
    const double along_a = c.hh > 0.0 ? c.ha / c.hh : 0.0;
    const double rest_vv = std::max(0.0, c.vv - along_v * c.hv);
    const double rest_va = c.va - along_v * c.ha;
    const double rest_aa = std::max(0.0, c.aa - along_a * c.ha);
    Covariances next;
    next.hh = gain_ * m.phi2 + floor_;
    next.hv = gain_ * along_v * m.phi_dphi_h;
    next.vv = gain_ * (along_v * along_v * m.dphi2_h2 + rest_vv * m.dphi2);
    if (!smooth_) {
      next.ha = next.va = next.aa = nan;
      return next;
    }
    const Activation& phi = activation_;
    const auto average = [&](auto f) { return gaussian_average(phi, c.hh, f); };
    const double slope_bend1 = average([&](double h) { return phi.derivative(h) * phi.second_derivative(h) * h; });
    const double slope_bend3 =
        average([&](double h) { return phi.derivative(h) * phi.second_derivative(h) * h * h * h; });
    const double value_bend = average([&](double h) { return phi(h) * phi.second_derivative(h); });
    const double value_bend2 = average([&](double h) { return phi(h) * phi.second_derivative(h) * h * h; });
    const auto bend2 = [&](double h) { return phi.second_derivative(h) * phi.second_derivative(h); };
    const double bend2_h2 = average([&](double h) { return bend2(h) * h * h; });
    const double bend2_h4 = average([&](double h) { return bend2(h) * h * h * h * h; });
    const double v2 = along_v * along_v;
    next.ha = gain_ * (v2 * value_bend2 + rest_vv * value_bend + along_a * m.phi_dphi_h);
    next.va = gain_ * (along_v * v2 * slope_bend3 + 3.0 * along_v * rest_vv * slope_bend1 +
                       along_v * along_a * m.dphi2_h2 + rest_va * m.dphi2);
    next.aa =
        gain_ *
        (v2 * v2 * bend2_h4 + 6.0 * v2 * rest_vv * bend2_h2 + 3.0 * rest_vv * rest_vv * m.d2phi2 +
         2.0 * (v2 * along_a * slope_bend3 + along_a * rest_vv * slope_bend1 + 2.0 * along_v * rest_va * slope_bend1) +
         along_a * along_a * m.dphi2_h2 + rest_aa * m.dphi2);
    return next;
  }

 private:
  const Activation& activation_;
  double sigma_w_;
  double sigma_b_;
  double gain_;
  double floor_;
  bool smooth_;
};

/// Means along the curve, layer after layer: of h^2, v^2, curvature, |v| and curvature |v| per neuron.
constexpr std::size_t quantities = 5;
using Means = std::vector<double>;

void add(Means& means, std::size_t layer, double weight, const UniformGeometry& here) {
  const double curvature = std::sqrt(here.curvature2);
  const double speed = std::sqrt(here.metric);
  const double values[quantities] = {here.q, here.metric, curvature, speed, curvature * speed};
  for (std::size_t k = 0; k < quantities; ++k) means[layer * quantities + k] += weight * values[k];
}

class Integrator {
 public:
  Integrator(const Recursion& recursion, const ReducedCurve& curve, std::size_t depth)
      : recursion_(recursion), curve_(curve), depth_(depth) {}

  /// Doubles the number of nodes until every mean stands; one that does not is NaN.
  Means converged() const {
    if (curve_.is_uniform()) return uniform();
    Means coarse = with_nodes(8);
    for (int nodes = 16;; nodes *= 2) {
      Means fine = with_nodes(nodes);
      const auto close = [&](std::size_t i, double tolerance) {
        return std::isnan(fine[i]) || std::abs(fine[i] - coarse[i]) <= tolerance * std::abs(fine[i]);
      };
      bool all = true;
      for (std::size_t i = 0; i < fine.size(); ++i) all = all && close(i, 1e-9);
      if (all) return fine;
      if (nodes >= 256) {
        for (std::size_t i = 0; i < fine.size(); ++i) fine[i] = close(i, 1e-6) ? fine[i] : nan;
        return fine;
      }
      coarse = std::move(fine);
    }
  }

 private:
  Means uniform() const {
    Means means(depth_ * quantities, 0.0);
    const Covariances start = recursion_.first(curve_, curve_.begin());
    UniformGeometry here{start.hh, start.vv, 1.0 / start.vv};
    for (std::size_t layer = 0; layer < depth_; ++layer) {
      if (layer > 0) here = recursion_.next_uniform(here);
      add(means, layer, 1.0, here);
    }
    return means;
  }

  /// A circle's integrand is periodic: the trapezoid rule. Elsewhere Gauss-Legendre.
  Means with_nodes(int nodes) const {
    Means means(depth_ * quantities, 0.0);
    const double begin = curve_.begin();
    const double range = curve_.end() - begin;
    const QuadratureRule rule = curve_.closed() ? QuadratureRule{} : gauss_legendre(nodes);
    for (int i = 0; i < nodes; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const double t = curve_.closed() ? begin + range * i / nodes : begin + 0.5 * range * (1.0 + rule.nodes[k]);
      const double weight = curve_.closed() ? 1.0 / nodes : 0.5 * rule.weights[k];
      Covariances c = recursion_.first(curve_, t);
      for (std::size_t layer = 0; layer < depth_; ++layer) {
        if (layer > 0) c = recursion_.next(c);
        add(means, layer, weight, {c.hh, c.vv, c.curvature2()});
      }
    }
    return means;
  }

  const Recursion& recursion_;
  const ReducedCurve& curve_;
  std::size_t depth_;
};

void check_dimension(const TheoryParameters& parameters, const Curve& curve) {
  if (curve.dimension() == parameters.input_dimension) return;
  throw std::invalid_argument("the curve has dimension " + std::to_string(curve.dimension()) + " (the network takes " +
                              std::to_string(parameters.input_dimension) +
                              " inputs); give a curve in the network's input space");
}

}  // namespace

UniformGeometry next_layer(const Activation& activation, double sigma_w, double sigma_b,
                           const UniformGeometry& before) {
  // That a has the part -(|v|^2 / |h|^2) h along h is in these equations: Gaussian integration by parts takes it
  // together with E phi' phi'' h.
  const GaussianMoments m = gaussian_moments(activation, before.q);
  const double gain = sigma_w * sigma_w;
  const double chi_1 = gain * m.dphi2;
  const double chi_2 = activation.has_kinks() ? nan : gain * m.d2phi2;
  return {gain * m.phi2 + sigma_b * sigma_b, chi_1 * before.metric,
          3.0 * chi_2 / (chi_1 * chi_1) + before.curvature2 / chi_1};
}

GeometryTheory geometry_theory(const Activation& activation, const TheoryParameters& parameters, const Curve& curve) {
  check_dimension(parameters, curve);
  const ReducedCurve reduced(curve);
  const Recursion recursion(activation, parameters);
  const std::size_t depth = parameters.widths.size();
  const Means means = Integrator(recursion, reduced, depth).converged();
  const double range = reduced.end() - reduced.begin();
  const bool smooth = !activation.has_kinks();
  GeometryTheory theory;
  for (std::size_t l = 0; l < depth; ++l) {
    const double* mean = means.data() + l * quantities;
    theory.q.push_back(mean[0]);
    theory.metric.push_back(mean[1]);
    theory.curvature.push_back(smooth ? mean[2] : nan);
    theory.length.push_back(std::sqrt(static_cast<double>(parameters.widths[l])) * range * mean[3]);
    theory.grassmannian_length.push_back(smooth ? range * mean[4] : nan);
    if (!std::isfinite(mean[0]) || static_cast<std::size_t>(theory.finite_layers) < l) continue;
    ++theory.finite_layers;
    const bool lacks_curvature = smooth && mean[1] > 0.0 && std::isnan(mean[2] + mean[4]);
    if (std::isnan(mean[1] + mean[3]) || lacks_curvature) theory.converged = false;
  }
  return theory;
}

std::vector<std::vector<double>> autocorrelation_theory(const Activation& activation,
                                                        const TheoryParameters& parameters, const Curve& curve,
                                                        std::span<const double> deltas) {
  check_dimension(parameters, curve);
  const ReducedCurve reduced(curve);
  const std::size_t depth = parameters.widths.size();
  std::vector<std::vector<double>> result(depth, std::vector<double>(deltas.size(), nan));
  if (!curve.closed() || !reduced.is_uniform()) return result;
  const double start = reduced.at(0.0).position2;
  const LayerParameters layer{parameters.sigma_w, parameters.sigma_b, 1.0};
  for (std::size_t k = 0; k < deltas.size(); ++k) {
    CorrelationState here = first_correlation(layer, inputs_at_angle(start, deltas[k]));
    for (std::size_t l = 0; l < depth; ++l) {
      if (l > 0) here = next_correlation(activation, layer, here);
      result[l][k] = here.c;
    }
  }
  return result;
}

}  // namespace meander
