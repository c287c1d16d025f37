// Mean-field theory of a curve's geometry in every layer of a wide random network.
#pragma once

#include <span>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/mean_field/curve_theory.hpp"
#include "kernels/networks/activation.hpp"

namespace meander {

/// Predictions for layers 1..depth at infinite width; NaN where a quantity is not defined. Means are over t, as in
/// ManifoldGeometry.
struct GeometryTheory {
  /// Layers before the first whose q is beyond the range of numbers, or undefined: those that anything is known of.
  int finite_layers = 0;
  /// False where an average or an integral along the curve that is defined was not found: it is NaN.
  bool converged = true;
  std::vector<double> q;
  std::vector<double> metric;               // g^E / N
  std::vector<double> curvature;            // sqrt(N) kappa; NaN where the activation has kinks
  std::vector<double> length;               // integral of |v| dt, at the layer's width
  std::vector<double> grassmannian_length;  // NaN where the activation has kinks
};

/// One layer of a curve along which nothing varies.
struct UniformGeometry {
  double q = 0.0;
  double metric = 0.0;
  double curvature2 = 0.0;  // N kappa^2

  friend bool operator==(const UniformGeometry&, const UniformGeometry&) = default;
};

/// The next layer of it: g^l = chi_1 g^(l-1), kappa_l^2 = 3 chi_2 / chi_1^2 + kappa_(l-1)^2 / chi_1, with chi_1 and
/// chi_2 at q^(l-1) (Poole et al. 2016, equations 8 and 9). Exact at infinite width, off the fixed point and whatever
/// the bias: |h|, |v| and |a| must not vary along the curve. curvature2 is NaN where the activation has kinks.
UniformGeometry next_layer(const Activation& activation, double sigma_w, double sigma_b, const UniformGeometry& before);

/// On a circle or arc about the origin between orthonormal points: `next_layer` from q^1 = sigma_w^2 q^0 + sigma_b^2,
/// g^1 = sigma_w^2 q^0, kappa_1^2 = 1 / g^1. Elsewhere the same for any curve: (h, v, a) of a neuron are jointly
/// Gaussian at each t, and their six covariances obey a closed recursion, which is integrated along the curve to 1e-9.
/// Throws std::invalid_argument where the curve's dimension is not `input_dimension`.
GeometryTheory geometry_theory(const Activation& activation, const TheoryParameters& parameters, const Curve& curve);

/// q(delta) / q(0) of two points an angle delta apart, for each layer and delta: the covariance map from
/// sigma_w^2 q^0 cos(delta) + sigma_b^2 (Poole et al. 2016, equation 5). NaN unless the curve is a circle about the
/// origin between orthonormal points.
std::vector<std::vector<double>> autocorrelation_theory(const Activation& activation,
                                                        const TheoryParameters& parameters, const Curve& curve,
                                                        std::span<const double> deltas);

}  // namespace meander
