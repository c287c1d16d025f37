// Iteration of the length and correlation maps, and products of chi_1 from the last layer back.
#include "kernels/mean_field/propagation_theory.hpp"

#include <cmath>
#include <cstddef>

#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/correlation_state.hpp"

namespace meander {

PropagationTheory propagation_theory(const Activation& activation, const PropagationParameters& parameters,
                                     const InputCovariance& inputs) {
  const LayerParameters layer{parameters.sigma_w, parameters.sigma_b, parameters.keep};
  const double masked_sigma_w = parameters.sigma_w / std::sqrt(parameters.keep);
  const std::size_t depth = parameters.widths.size();
  CorrelationState here = first_correlation(layer, inputs);
  PropagationTheory theory;
  std::vector<double> chi;
  for (std::size_t l = 0; l < depth; ++l) {
    const double q = 0.5 * (here.q00 + here.q11);
    if (!std::isfinite(q)) return theory;
    theory.q.push_back(q);
    theory.c.push_back(here.c);
    chi.push_back(masked_sigma_w * masked_sigma_w * gaussian_moments(activation, here.q00).dphi2);
    const bool lacks_chi = std::isnan(chi.back()) && l + 1 < depth;
    if (lacks_chi || (std::isnan(here.c) && here.q00 > 0.0 && here.q11 > 0.0)) theory.converged = false;
    ++theory.finite_layers;
    if (l + 1 < depth) here = next_correlation(activation, layer, here);
  }
  theory.gradient.assign(depth, 1.0);
  for (std::size_t l = depth - 1; l-- > 0;) theory.gradient[l] = theory.gradient[l + 1] * chi[l];
  for (std::size_t l = 0; l < depth; ++l)
    theory.perturbation_growth.push_back(theory.gradient[l] * parameters.widths[depth - 1] / parameters.widths[l]);
  return theory;
}

}  // namespace meander
