// Two recursions, backwards over the lengths that one recursion forwards gives.
#include "kernels/mean_field/boundary_theory.hpp"

#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/length_map.hpp"

#include <cmath>
#include <cstddef>

namespace meander {
namespace {

/// E phi''(h)^2 over h ~ N(0, q): the second moment of an activation that is phi''.
double bend_moment(const Activation& activation, double q) {
  const auto zero = [](double) { return 0.0; };
  const auto bend = [activation](double x) { return activation.second_derivative(x); };
  return gaussian_moments(Activation::custom(bend, zero, zero), q).phi2;
}

}  // namespace

BoundaryTheory boundary_theory(const Activation& activation, int input_dimension, const std::vector<int>& widths,
                               double sigma_w, double sigma_b, double q0) {
  const std::size_t depth = widths.size();
  const double gain = sigma_w * sigma_w;
  std::vector<double> q{gain * q0 + sigma_b * sigma_b};
  while (q.size() < depth) q.push_back(length_map(activation, sigma_w, sigma_b, q.back()));

  BoundaryTheory theory;
  for (; static_cast<std::size_t>(theory.finite_layers) < depth; ++theory.finite_layers) {
    if (!std::isfinite(q[static_cast<std::size_t>(theory.finite_layers)])) return theory;
  }
  theory.gradient_norm.resize(depth + 1);
  theory.curvature_rms.resize(depth + 1);
  const auto set = [&](std::size_t layer, int size, double gradient_square, double k) {
    theory.gradient_norm[layer] = std::sqrt(gradient_square);
    theory.curvature_rms[layer] = std::sqrt(k / (size - 1.0));  // NaN for one neuron, which has no tangent space
  };
  double square = 0.0, k = 0.0;
  for (std::size_t l = depth; l > 0; --l) {
    const double slope = gaussian_moments(activation, q[l - 1]).dphi2;
    const double bend = bend_moment(activation, q[l - 1]) / slope;
    if (std::isnan(slope) || (slope > 0.0 && std::isnan(bend))) theory.converged = false;
    k = l == depth ? bend : gain * slope * k + bend;
    square = l == depth ? slope : slope * gain * square;
    set(l, widths[l - 1], square, k);
  }
  set(0, input_dimension, gain * square, gain * k);
  return theory;
}

}  // namespace meander
