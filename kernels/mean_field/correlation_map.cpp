// The correlation map from averages over pairs of Gaussians.
#include "kernels/mean_field/correlation_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/gaussian_average.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool is_variance(double q) {
  return q >= 0.0 && std::isfinite(q);
}

PairAverages averages(const Activation& activation, double q11, double q22, double q12) {
  if (!is_variance(q11) || !is_variance(q22) || std::isnan(q12)) return {nan, nan};
  if (q11 == 0.0 || q22 == 0.0) {
    const auto mean = [&](double q) {
      return PairAverages{gaussian_average(activation, q, [&](double h) { return activation(h); }),
                          gaussian_average(activation, q, [&](double h) { return activation.derivative(h); })};
    };
    const PairAverages first = mean(q11);
    const PairAverages second = mean(q22);
    return {first.phi_phi * second.phi_phi, first.dphi_dphi * second.dphi_dphi};
  }
  const double c = q12 / (std::sqrt(q11) * std::sqrt(q22));
  if (!(std::abs(c) <= 1.0 + 1e-9)) return {nan, nan};
  return pair_averages(activation, q11, q22, std::clamp(c, -1.0, 1.0));
}

}  // namespace

double covariance_map(const Activation& activation, double sigma_w, double sigma_b, double q11, double q22,
                      double q12) {
  return sigma_w * sigma_w * averages(activation, q11, q22, q12).phi_phi + sigma_b * sigma_b;
}

double covariance_slope(const Activation& activation, double sigma_w, double q11, double q22, double q12) {
  return sigma_w * sigma_w * averages(activation, q11, q22, q12).dphi_dphi;
}

}  // namespace meander
