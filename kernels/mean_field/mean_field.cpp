// The phase diagram's quantities with every average taken by quadrature.
#include "kernels/mean_field/mean_field.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field_solver.hpp"

namespace meander {

bool detail::is_homogeneous(const Activation& activation) {
  return activation.pieces() != nullptr && activation.homogeneous() == true;
}

namespace {

/// The double of fewest digits that is `value` up to rounding.
double tidy(double value) {
  std::array<char, 40> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 15);
  double result = value;
  std::from_chars(text.data(), end.ptr, result);
  return std::abs(result - value) <= 1e-15 * std::abs(value) ? result : value;
}

/// Linear pieces between the breaks of a function that is known to be smooth elsewhere, where it follows a line in
/// each; nothing where it does not. Narrow stretches are looked into, so that no feature is missed between samples.
std::optional<Activation> pieces_between_breaks(const Activation& activation) {
  const Activation::Features& features = activation.features();
  if (features.reach != detail::infinity || features.breaks.empty() || features.breaks.size() > 64) return std::nullopt;
  std::vector<double> slopes;
  for (std::size_t k = 0; k <= features.breaks.size(); ++k) {
    const bool is_first = k == 0, is_last = k == features.breaks.size();
    const double low = is_first ? features.breaks.front() - 1e6 : features.breaks[k - 1];
    const double high = is_last ? features.breaks.back() + 1e6 : features.breaks[k];
    std::vector<double> places = features.ends(low, high, 256);
    for (int i = 1; i < 64; ++i) places.push_back(low + (high - low) * (i / 64.0 + 0.003));
    for (int i = 0; i < 40; ++i) {
      if (is_last) places.push_back(low + std::exp2(0.37 * i - 4.0));
      if (is_first) places.push_back(high - std::exp2(0.37 * i - 4.0));
    }
    const double middle = is_first ? high - 1.0 : is_last ? low + 1.0 : 0.5 * (low + high);
    const double slope = tidy(activation.derivative(middle));
    const double value = activation(middle);
    for (const double x : places) {
      if (!(x > low && x < high)) continue;
      const double line = value + slope * (x - middle);
      const double size = std::abs(value) + std::abs(slope) * (std::abs(x) + std::abs(middle));
      if (!(std::abs(activation(x) - line) <= 2e-15 * size)) return std::nullopt;
    }
    slopes.push_back(slope);
  }
  // A jump of phi itself is no matter of slopes.
  for (const double place : features.breaks) {
    const double step = 1e-9 * std::max(1.0, std::abs(place));
    if (!(std::abs(activation(place + step) - activation(place - step)) <= 1e-6 * std::max(1.0, std::abs(place)))) {
      return std::nullopt;
    }
  }
  const double place = features.breaks.front();
  const double beside = place - 1.0;
  const double phi = activation(beside) + slopes.front();
  return Activation::piecewise_linear(features.breaks, slopes, place, tidy(std::abs(phi) < 1e-15 ? 0.0 : phi));
}

}  // namespace

Activation detail::with_pieces(const Activation& activation) {
  if (activation.pieces() != nullptr) return activation;
  if (const std::optional<Activation> pieces = pieces_between_breaks(activation)) return *pieces;
  if (activation(0.0) != 0.0) return activation;
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
  if (q_star > 0.0 && std::isfinite(q_star) && detail::slope_is_rounding(activation, moments(q_star))) {
    point.xi_q = detail::nan;
    point.converged = false;
  }
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
