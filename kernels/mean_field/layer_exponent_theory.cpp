#include "kernels/mean_field/layer_exponent_theory.hpp"

#include <cmath>
#include <cstddef>

#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/propagation_theory.hpp"

namespace meander {

LayerExponentTheory layer_exponent_theory(const Activation& activation, double sigma_w, double sigma_b, double q0,
                                          double c0, int depth) {
  const std::vector<int> widths(static_cast<std::size_t>(depth), 1);  // any: ratios of widths do not enter q and c
  const PropagationTheory theory =
      propagation_theory(activation, {widths, sigma_w, sigma_b, 1.0}, inputs_of_correlation(q0, c0));
  double growth = 0.0;
  LayerExponentTheory out;
  out.finite_layers = theory.finite_layers;
  out.converged = theory.converged;
  for (std::size_t l = 0; l < static_cast<std::size_t>(theory.finite_layers); ++l) {
    out.exponent.push_back(0.5 * std::log(sigma_w * sigma_w * gaussian_moments(activation, theory.q[l]).dphi2));
    if (std::isnan(out.exponent.back())) out.converged = false;
    growth += out.exponent.back();
    out.q.push_back(theory.q[l]);
    out.c.push_back(theory.c[l]);
    out.log_growth.push_back(growth);
  }
  return out;
}

}  // namespace meander
