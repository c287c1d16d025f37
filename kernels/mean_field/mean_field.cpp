// The phase diagram's quantities with every average taken by quadrature.
#include "kernels/mean_field/mean_field.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field_solver.hpp"

namespace meander {

bool detail::is_homogeneous(const Activation& activation) {
  return activation.pieces() != nullptr && activation.homogeneous() == true;
}

Activation detail::with_pieces(const Activation& activation) {
  if (activation.pieces() != nullptr || activation(0.0) != 0.0) return activation;
  // What a caller knows of breaks elsewhere, or of steep places, is no line; samples could miss them.
  const Activation::Features& features = activation.features();
  const auto is_zero = [](double place) { return place == 0.0; };
  if (!features.narrow.empty() || !std::all_of(features.breaks.begin(), features.breaks.end(), is_zero)) {
    return activation;
  }
  const double left = -activation(-1.0);
  const double right = activation(1.0);
  const auto follows = [](double value, double line) { return std::abs(value - line) <= 4e-16 * std::abs(line); };
  for (int i = -80; i <= 80; ++i) {
    const double x = std::exp2(0.37 * i);
    if (!follows(activation(x), right * x) || !follows(activation(-x), -left * x)) return activation;
  }
  return left == right ? Activation::piecewise_linear({}, {left}, 0.0, 0.0)
                       : Activation::piecewise_linear({0.0}, {left, right}, 0.0, 0.0);
}

double detail::trusted(double q_star, const Activation& activation, double slope) {
  const bool drowns = q_star > 1e6 && std::isfinite(q_star) && std::abs(slope - 1.0) < 1e-6;
  return drowns && activation.pieces() == nullptr ? nan : q_star;
}

bool detail::is_odd(const Activation& activation) {
  if (const std::optional<bool> odd = activation.odd()) return *odd;
  for (double x = 1.0 / 1024.0; x < 1000.0; x *= 1.37) {
    if (!(std::abs(activation(-x) + activation(x)) <= 1e-14 * std::abs(activation(x)))) return false;
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
  // Powers of q, down or up, have changed by a factor of 100 at least.
  const auto limit_of = [](double a, double b) {
    if (b < 1e-9 && b <= 0.1 * a) return 0.0;
    if (b == infinity || b >= 10.0 * std::max(a, 1e-9)) return infinity;
    return std::abs(a - b) <= 1e-9 ? b : nan;
  };
  limit.dphi2 = limit_of(far.dphi2, farther.dphi2);
  limit.d2phi2 = limit_of(far.d2phi2, farther.d2phi2);
  return limit;
}

PhasePoint phase_point(const Activation& given, const MeanFieldParameters& parameters) {
  const Activation activation = detail::with_pieces(given);
  const double boosted = parameters.sigma_w / std::sqrt(parameters.keep);
  const double limit = attractor(activation, boosted, parameters.sigma_b, parameters.q0);
  const double slope = limit > 1e6 ? boosted * boosted * gaussian_moments(activation, limit).phi_dphi_h / limit : 0.0;
  const double q_star = detail::trusted(limit, activation, slope);
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

double sigma_w_critical(const Activation& given, const MeanFieldParameters& parameters) {
  const Activation activation = detail::with_pieces(given);
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
