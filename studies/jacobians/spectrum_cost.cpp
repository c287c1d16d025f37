// The cost of a spectrum of the open neurons, how many there are at infinite width, and of the weights.
#include "studies/jacobians/spectrum_cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/base/machine_rates.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "studies/networks/weight_cost.hpp"

namespace meander {
namespace {

/// P(phi'(h) = 0), h ~ N(0, q).
double closed_share(const LinearPieces& pieces, double q) {
  double closed = 0.0;
  const double infinity = std::numeric_limits<double>::infinity(), s = std::sqrt(q);
  for (std::size_t k = 0; k < pieces.slopes.size(); ++k) {
    if (pieces.slopes[k] != 0.0) continue;
    const double low = k == 0 ? -infinity : pieces.breakpoints[k - 1] / s;
    const double high = k == pieces.breakpoints.size() ? infinity : pieces.breakpoints[k] / s;
    closed += gaussian_probability(low, high);
  }
  return closed;
}

}  // namespace

double open_share(const RandomNetwork::Parameters& parameters) {
  const LinearPieces* pieces = parameters.activation.pieces();
  if (pieces == nullptr) return 1.0;
  const double gain = parameters.sigma_w * parameters.sigma_w, floor = parameters.sigma_b * parameters.sigma_b;
  const std::size_t layers = std::min<std::size_t>(parameters.widths.size(), 50);
  double sum = 0.0, q = gain + floor;
  for (std::size_t l = 0; l < layers; ++l) {
    if (!(q > 0.0) || !std::isfinite(q)) return l == 0 ? 1.0 : std::max(sum / static_cast<double>(l), 0.01);
    sum += 1.0 - closed_share(*pieces, q);
    q = gain * gaussian_moments(parameters.activation, q).phi2 + floor;
  }
  return std::max(sum / static_cast<double>(layers), 0.01);
}

double spectrum_seconds(const RandomNetwork::Parameters& parameters) {
  const MachineRates& rates = machine_rates();
  const double n = parameters.widths.front(), depth = static_cast<double>(parameters.widths.size());
  const int open = std::max(1, static_cast<int>(std::lround(open_share(parameters) * n)));
  const WeightRank rank = weight_rank(parameters.law);
  // That of large matrices is LAPACK's; slopes of smooth activations have logarithms, too.
  const double faster = rates.factorisation / MachineRates{}.factorisation;
  const double slopes = parameters.activation.pieces() == nullptr ? 3.7e5 * rates.step * depth : 0.0;
  return rates.task + slopes + faster * jacobian_spectrum_seconds(open, static_cast<int>(depth), rank) +
         depth * weight_cost(parameters.law, n * n, n).seconds;
}

}  // namespace meander
