// The phase diagram's quantities with every average taken by quadrature.
#include "kernels/mean_field.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/correlation_average.hpp"
#include "kernels/gaussian_moments.hpp"
#include "kernels/length_map.hpp"
#include "kernels/mean_field_solver.hpp"

namespace meander {

bool detail::is_homogeneous(const Activation& activation) {
  const LinearPieces* pieces = activation.pieces();
  if (pieces == nullptr || activation(0.0) != 0.0) return false;
  return std::all_of(pieces->breakpoints.begin(), pieces->breakpoints.end(), [](double u) { return u == 0.0; });
}

bool detail::is_odd(const Activation& activation) {
  for (double x = 1.0 / 1024.0; x < 1000.0; x *= 1.37) {
    if (activation(-x) != -activation(x)) return false;
  }
  return activation(0.0) == 0.0;
}

GaussianMoments detail::moments_up_to_infinity(const Activation& activation, double q) {
  if (q != infinity) return gaussian_moments(activation, q);
  GaussianMoments limit{infinity, infinity, nan, infinity, nan};
  if (const LinearPieces* pieces = activation.pieces()) {
    const double left = pieces->slopes.front();
    const double right = pieces->slopes.back();
    limit.dphi2 = 0.5 * (left * left + right * right);
    limit.d2phi2 = gaussian_moments(activation, 1.0).d2phi2;
    return limit;
  }
  const GaussianMoments far = gaussian_moments(activation, 1e26);
  const GaussianMoments farther = gaussian_moments(activation, 1e30);
  const auto settled = [](double a, double b) { return std::abs(a - b) <= 1e-9 ? b : nan; };
  limit.dphi2 = settled(far.dphi2, farther.dphi2);
  limit.d2phi2 = settled(far.d2phi2, farther.d2phi2);
  return limit;
}

PhasePoint phase_point(const Activation& activation, const MeanFieldParameters& parameters) {
  const double q_star =
      attractor(activation, parameters.sigma_w / std::sqrt(parameters.keep), parameters.sigma_b, parameters.q0);
  const auto moments = [&](double q) { return detail::moments_up_to_infinity(activation, q); };
  const auto chord = [&](double epsilon) { return correlation_chord(activation, q_star, epsilon); };
  PhasePoint point = detail::phase_point_at(q_star, detail::is_odd(activation), parameters, moments, chord);
  // No limit although the map is defined where it started: the iteration ran into its bound.
  if (std::isnan(q_star)) point.converged = std::isnan(gaussian_moments(activation, parameters.q0).phi2);
  return point;
}

PhasePoint phase_point(const Activation& activation, double sigma_w, double sigma_b, double q0) {
  return phase_point(activation, MeanFieldParameters{sigma_w, sigma_b, q0, 1.0});
}

double sigma_w_critical(const Activation& activation, const MeanFieldParameters& parameters) {
  return detail::critical_gain(
      activation, parameters, [&](double q) { return detail::moments_up_to_infinity(activation, q); },
      [&](double sigma_w) {
        return attractor(activation, sigma_w / std::sqrt(parameters.keep), parameters.sigma_b, parameters.q0);
      });
}

double sigma_w_critical(const Activation& activation, double sigma_b, double q0) {
  return sigma_w_critical(activation, MeanFieldParameters{1.0, sigma_b, q0, 1.0});
}

std::vector<LengthFixedPoint> length_fixed_points(const Activation& activation, const MeanFieldParameters& parameters) {
  return detail::fixed_points_of(activation, parameters, [&](double q) { return gaussian_moments(activation, q); });
}

Basin length_basin(const std::vector<LengthFixedPoint>& fixed_points, double q_star) {
  if (std::isnan(q_star)) return {detail::nan, detail::nan};
  Basin basin{0.0, detail::infinity};
  for (const LengthFixedPoint& point : fixed_points) {
    if (detail::is_same(point.q, q_star) || point.slope <= 1.0) continue;
    if (point.q < q_star) basin.low = point.q;
    if (point.q > q_star) basin.high = std::min(basin.high, point.q);
  }
  return basin;
}

}  // namespace meander
