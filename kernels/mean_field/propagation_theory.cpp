// Iteration of the length and covariance maps, and products of chi_1 from the last layer back.
#include "kernels/mean_field/propagation_theory.hpp"

#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/correlation_map.hpp"
#include "kernels/mean_field/length_map.hpp"

namespace meander {

PropagationTheory propagation_theory(const Activation& activation, const PropagationParameters& parameters,
                                     const InputCovariance& inputs) {
  const double sigma_w = parameters.sigma_w;
  const double sigma_b = parameters.sigma_b;
  const double masked_sigma_w = sigma_w / std::sqrt(parameters.keep);
  const std::size_t depth = parameters.widths.size();
  const auto first = [&](double q) { return sigma_w * sigma_w * q + sigma_b * sigma_b; };
  InputCovariance here{first(inputs.q00), first(inputs.q11), first(inputs.q01)};
  PropagationTheory theory;
  std::vector<double> chi;
  for (std::size_t l = 0; l < depth; ++l) {
    theory.q.push_back(0.5 * (here.q00 + here.q11));
    const double size = std::sqrt(here.q00) * std::sqrt(here.q11);
    theory.c.push_back(size > 0.0 ? here.q01 / size : std::numeric_limits<double>::quiet_NaN());
    chi.push_back(masked_sigma_w * masked_sigma_w * gaussian_moments(activation, here.q00).dphi2);
    here = {length_map(activation, masked_sigma_w, sigma_b, here.q00),
            length_map(activation, masked_sigma_w, sigma_b, here.q11),
            covariance_map(activation, sigma_w, sigma_b, here.q00, here.q11, here.q01)};
  }
  theory.gradient.assign(depth, 1.0);
  for (std::size_t l = depth - 1; l-- > 0;) theory.gradient[l] = theory.gradient[l + 1] * chi[l];
  for (std::size_t l = 0; l < depth; ++l)
    theory.perturbation_growth.push_back(theory.gradient[l] * parameters.widths[depth - 1] / parameters.widths[l]);
  return theory;
}

}  // namespace meander
