// Averages are taken once at a place nearby, and their evaluations counted; maps are followed by what was found there.
#include "studies/costs/average_costs.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/machine_rates.hpp"
#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/gaussian_averages/hermite_coefficients.hpp"
#include "studies/costs/activation_cost.hpp"

namespace meander {
namespace {

/// The logarithm to so many steps an octave, and back; zero and what is not finite have none.
constexpr int no_logarithm = -100000;
int rounded(double x, int steps) {
  return x > 0.0 && std::isfinite(x) ? static_cast<int>(std::lround(steps * std::log2(x))) : no_logarithm;
}
double unrounded(int logarithm, int steps) {
  return logarithm == no_logarithm ? 0.0 : std::exp2(static_cast<double>(logarithm) / steps);
}

/// Places at which averages are taken: half octaves.
int place_of(double x) {
  return rounded(x, 2);
}
double at_place(int place) {
  return unrounded(place, 2);
}

}  // namespace

AverageCosts::AverageCosts(const Activation& activation)
    : counted_(activation), alone_(evaluation_seconds(activation)), in_rows_(node_seconds(activation)) {}

const AverageCosts::Moments& AverageCosts::moments_near(double q) const {
  const int place = place_of(std::clamp(q, 1e-60, 1e60));
  const auto [entry, is_new] = moments_.try_emplace(place);
  if (!is_new) return entry->second;
  const double near = at_place(place);
  GaussianMoments m;
  entry->second.seconds =
      counted_.evaluations([&] { m = gaussian_moments(phi(), near); }) * alone_ + 500.0 * machine_rates().step;
  entry->second.mean_square = m.phi2;
  entry->second.growth = m.phi2 > 0.0 ? m.phi_dphi_h / m.phi2 : 0.0;  // d ln E phi^2 / d ln q
  return entry->second;
}

double AverageCosts::moments(double q) const {
  return moments_near(q).seconds;
}

double AverageCosts::mean_square(double q) const {
  if (!(q > 0.0)) return phi()(0.0) * phi()(0.0);
  const Moments& near = moments_near(q);
  return near.mean_square * std::pow(q / at_place(place_of(std::clamp(q, 1e-60, 1e60))), near.growth);
}

const AverageCosts::Pair& AverageCosts::pair_near(double q, double c) const {
  const int place = place_of(std::clamp(q, 1e-60, 1e60));
  const int distance = std::clamp(place_of(std::max(1.0 - std::abs(c), 1e-15)), -99, 0);
  const auto [entry, is_new] = pairs_.try_emplace({place, c < 0.0 ? 100 - distance : distance});
  if (!is_new) return entry->second;
  const double near = at_place(place), gap = at_place(distance);
  const double at = std::copysign(1.0 - gap, c);
  PairAverages pair;
  const double evaluations = counted_.evaluations([&] { pair = pair_averages(phi(), near, near, at); });
  if (has_closed_averages(phi())) {
    const LinearPieces* pieces = phi().pieces();
    const double kinks = pieces != nullptr ? 1.0 + static_cast<double>(pieces->breakpoints.size()) : 1.0;
    entry->second.seconds = 400.0 * kinks * kinks * machine_rates().step;
  } else {
    double of_series = 0.0;
    entry->second.seconds = mehler_seconds(near, at, of_series);
    entry->second.seconds += std::max(0.0, evaluations - of_series) * in_rows_ + 4000.0 * machine_rates().step;
  }
  const GaussianMoments m = gaussian_moments(phi(), near);
  Pair& found = entry->second;
  found.at = at;
  found.correlation = pair.phi_phi / m.phi2;
  found.slope = near * pair.dphi_dphi / m.phi2;
  // The difference cancels near c = 1, where its quotient is the slope.
  found.gap = gap < 1e-6 ? found.slope : (1.0 - found.correlation) / (1.0 - at);
  return entry->second;
}

/// Mehler's series is tried first where it could be short (correlation_average.cpp).
double AverageCosts::mehler_seconds(double q, double c, double& evaluations) const {
  for (const int count : {64, 512}) {
    if (phi().has_kinks() || std::pow(std::abs(c), count) * count > 1e-15) continue;
    evaluations = counted_.evaluations([&] { hermite_coefficients(phi(), q, count); });
    return evaluations * (alone_ + 0.03 * count * machine_rates().step);
  }
  return 0.0;
}

double AverageCosts::pair(double q, double c) const {
  return pair_near(q, c).seconds;
}

double AverageCosts::correlation(double q, double c) const {
  const Pair& near = pair_near(q, c);
  const double correlation = c < 0.0 ? near.correlation + near.slope * (c - near.at) : 1.0 - near.gap * (1.0 - c);
  return std::clamp(correlation, -1.0, 1.0);
}

double AverageCosts::law_correction(const std::optional<WeightLaw>& law, int layers) const {
  if (!law || law->kind == WeightLaw::Kind::gaussian) return 0.0;
  // A dozen averages a layer, of a hundred evaluations; of Student's t an integral over its characteristic function.
  const double averages = phi().pieces() != nullptr ? 25000.0 * machine_rates().step : 12000.0 * alone_;
  return layers * averages + (law->kind == WeightLaw::Kind::student_t ? 3e5 * machine_rates().function : 0.0);
}

double AverageCosts::iteration(double sigma_w, double sigma_b, double q, double c, int layers) const {
  const double gap = std::clamp(1.0 - std::abs(c), 1e-15, 1.0);
  const std::array<int, 6> key{
      rounded(sigma_w, 32), rounded(sigma_b, 32), rounded(q, 32), rounded(gap, 4), c < 0.0, layers};
  const auto [entry, is_new] = iterations_.try_emplace(key, 0.0);
  if (is_new) {
    const double at = std::copysign(1.0 - unrounded(key[3], 4), c);
    entry->second = iterated(unrounded(key[0], 32), unrounded(key[1], 32), unrounded(key[2], 32), at, layers);
  }
  return entry->second;
}

double AverageCosts::iterated(double sigma_w, double sigma_b, double q, double c, int layers) const {
  const double gain = sigma_w * sigma_w, floor = sigma_b * sigma_b;
  double seconds = 0.0, last = 0.0;
  for (int layer = 0; layer < layers; ++layer) {
    if (!(q > 0.0) || !std::isfinite(q) || std::isnan(c)) break;
    last = pair(q, c);
    seconds += last;
    const double mean_square = this->mean_square(q), next = gain * mean_square + floor;
    const double before_q = q, before_c = c;
    c = (gain * mean_square * correlation(q, c) + floor) / next;
    q = next;
    // What stays where it is costs the same in every layer that follows.
    if (std::abs(q - before_q) <= 1e-3 * q && std::abs(c - before_c) <= 1e-3 * (1.0 - std::abs(c))) {
      return seconds + last * (layers - layer - 1);
    }
  }
  return seconds;
}

bool AverageCosts::settle(double sigma_w, double sigma_b, double& q) const {
  const double gain = sigma_w * sigma_w, floor = sigma_b * sigma_b, start = q;
  for (int i = 0; i < 50; ++i) q = gain * mean_square(q) + floor;
  return q > 1e-6 * start && q < 1e6 * std::max(1.0, start);
}

double AverageCosts::attractor(double sigma_w, double sigma_b, double q) const {
  const double start = q;
  const bool settles = settle(sigma_w, sigma_b, q);
  // Newton's steps; a divergence is followed over many orders of magnitude.
  return settles || q < start ? 40.0 * moments(settles ? q : 1.0) : 280.0 * moments(1e6);
}

double AverageCosts::phase_point(double sigma_w, double sigma_b, double q) const {
  const std::array<int, 3> key{rounded(sigma_w, 32), rounded(sigma_b, 32), rounded(q, 32)};
  const auto [entry, is_new] = phase_points_.try_emplace(key, 0.0);
  if (is_new) entry->second = phased(unrounded(key[0], 32), unrounded(key[1], 32), unrounded(key[2], 32));
  return entry->second;
}

double AverageCosts::phased(double sigma_w, double sigma_b, double q) const {
  constexpr double correlation_steps = 12.0;  // Newton's, near where they end
  const double seconds = attractor(sigma_w, sigma_b, q);
  if (!settle(sigma_w, sigma_b, q)) return seconds;
  const double gain = sigma_w * sigma_w, floor = sigma_b * sigma_b;
  double c = 0.5;
  for (int i = 0; i < 50; ++i) c = (gain * mean_square(q) * correlation(q, c) + floor) / q;
  return seconds + correlation_steps * (pair(q, 0.5) + pair(q, c)) / 2.0;
}

}  // namespace meander
