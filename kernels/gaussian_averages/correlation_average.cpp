// Kinks by Plackett's identity, polynomials by Mehler's finite sum, the rest by Mehler's series or by what two share.
#include "kernels/gaussian_averages/correlation_average.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/gaussian_averages/hermite_coefficients.hpp"
#include "kernels/gaussian_averages/shared_part.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A kink in units of the Gaussian's deviation: place, and jump of the slope.
struct Kink {
  double place, jump;
};

std::vector<Kink> kinks_of(const LinearPieces& pieces, double q) {
  const double scale = std::sqrt(q);
  std::vector<Kink> kinks;
  for (std::size_t k = 0; k < pieces.breakpoints.size(); ++k) {
    const Kink kink{pieces.breakpoints[k] / scale, (pieces.slopes[k + 1] - pieces.slopes[k]) * scale};
    if (kink.jump != 0.0 && std::abs(kink.place) < farthest_deviation) kinks.push_back(kink);
  }
  return kinks;
}

/// 2 pi cos(theta) times the density of two standard Gaussians of correlation sin(theta) at (x, y), with
/// cos2 = cos(theta)^2 and both 1 -+ sin(theta) from where they do not cancel.
double corner_density(double x, double y, double one_minus, double one_plus) {
  const double cos2 = one_minus * one_plus;
  // (x^2 - 2 x y sin + y^2) / (2 cos^2), written about the nearer of the two lines x = y and x = -y.
  double exponent = 0.0;
  if (one_minus < one_plus) {
    exponent = (x == y ? 0.0 : (x - y) * (x - y) / (2.0 * cos2)) + x * y / one_plus;
  } else {
    exponent = (x == -y ? 0.0 : (x + y) * (x + y) / (2.0 * cos2)) - x * y / one_minus;
  }
  return std::exp(-exponent);
}

/// Whether what the kinks contribute one by one is so much more than their sum that too few digits would be left:
/// where a wide Gaussian sees pieces that end soon (hard_tanh from sigma_w of about 50 on).
bool cancels(const Activation& activation, double q) {
  double size = 0.0;
  for (const Kink& kink : kinks_of(*activation.pieces(), q)) size += std::abs(kink.jump);
  return size * size > 1e4 * gaussian_moments(activation, q).phi2;
}

double corner_sum(const std::vector<Kink>& a, const std::vector<Kink>& b, double one_minus, double one_plus) {
  double sum = 0.0;
  for (const Kink& i : a) {
    for (const Kink& j : b) sum += i.jump * j.jump * corner_density(i.place, j.place, one_minus, one_plus);
  }
  return sum / (2.0 * std::numbers::pi);
}

/// Both components held against the sum of what the jumps could give at most.
std::optional<Values<2>> integrate_corners(const std::vector<Kink>& a, const std::vector<Kink>& b, double end,
                                           const auto& integrand) {
  double size = 0.0;
  for (const Kink& i : a) {
    for (const Kink& j : b) size += std::abs(i.jump * j.jump);
  }
  const double scale = size * std::max(std::abs(end), std::numeric_limits<double>::min());
  const auto difference = [scale](const Values<2>& x, const Values<2>& y) {
    return 100.0 * std::max(std::abs(x[0] - y[0]), std::abs(x[1] - y[1])) / scale;
  };
  return size == 0.0 ? Values<2>{} : adaptive_integral<2>(integrand, 0.0, end, 4, difference);
}

/// d^2/dc^2 E phi phi = sum of densities at the kinks; integrated twice from c = 0, where u1, u2 are independent.
PairAverages pair_of_pieces(const Activation& activation, double q11, double q22, double c) {
  const std::vector<double> f = hermite_coefficients(activation, q11, 2);
  const std::vector<double> g = hermite_coefficients(activation, q22, 2);
  const std::vector<Kink> a = kinks_of(*activation.pieces(), q11);
  const std::vector<Kink> b = kinks_of(*activation.pieces(), q22);
  const double angle = std::asin(c);
  const auto integral = integrate_corners(a, b, angle, [&](double theta) {
    const double half = 0.5 * (0.5 * std::numbers::pi - theta);  // 1 - sin = 2 sin(half)^2
    const double density =
        corner_sum(a, b, 2.0 * std::sin(half) * std::sin(half), 2.0 * std::cos(half) * std::cos(half));
    return Values<2>{(c - std::sin(theta)) * density, density};
  });
  if (!integral) return {nan, nan};
  return {f[0] * g[0] + c * f[1] * g[1] + (*integral)[0], (f[1] * g[1] + (*integral)[1]) / std::sqrt(q11 * q22)};
}

/// sum f_n g_n c^n and its derivative over sqrt(q11 q22). Nothing where the terms left out could matter.
std::optional<PairAverages> mehler(const Activation& activation, double q11, double q22, double c, int count,
                                   bool is_whole) {
  const std::vector<double> f = hermite_coefficients(activation, q11, count);
  const std::vector<double> g = q11 == q22 ? f : hermite_coefficients(activation, q22, count);
  double value = 0.0;
  double slope = 0.0;
  double power = 1.0;       // c^n
  double last_power = 0.0;  // c^(n-1)
  for (std::size_t n = 0; n < f.size(); ++n) {
    value += f[n] * g[n] * power;
    slope += static_cast<double>(n) * f[n] * g[n] * last_power;
    last_power = power;
    power *= c;
  }
  if (!std::isfinite(value + slope)) return std::nullopt;
  if (!is_whole) {
    // Cauchy-Schwarz on the tails: both sums of squares are known. A term of order n weighs n c^(n-1) in the slope,
    // and sum n f_n^2 = q E phi'^2 is known too.
    const double order = static_cast<double>(f.size());
    if (std::abs(power) * order > 1e-15) return std::nullopt;
  }
  return PairAverages{value, slope / std::sqrt(q11 * q22)};
}

/// Of sin: from E cos(u1 - u2) and E cos(u1 + u2).
PairAverages pair_of_sine(double q11, double q22, double c) {
  const double both = c * std::sqrt(q11) * std::sqrt(q22);
  const double mean = 0.5 * (q11 + q22);
  const double difference = std::exp(both - mean);
  const double sum = std::exp(-both - mean);
  // Near c = 0 the two are close.
  const double product = std::abs(both) < 1.0 ? std::exp(-mean) * std::sinh(both) : 0.5 * (difference - sum);
  return {product, 0.5 * (difference + sum)};
}

CorrelationChord chord_of_sine(double q, double epsilon) {
  const double near = q * epsilon;
  const double far = std::exp(-q * (2.0 - epsilon));
  return {-0.5 * std::expm1(-near) * (1.0 + far) / near, 0.5 * (std::exp(-near) + far)};
}

PairAverages pair_of_smooth(const Activation& activation, double q11, double q22, double c) {
  // At kinks the series falls off too slowly.
  for (const int count : {64, 512}) {
    if (activation.has_kinks() || std::pow(std::abs(c), count) * count > 1e-15) continue;
    if (const auto pair = mehler(activation, q11, q22, c, count, false)) return *pair;
  }
  if (c < 0.0 && activation.odd() == true) {
    const auto mirrored = pair_by_shared_part(activation, q11, q22, -c);
    return mirrored ? PairAverages{-mirrored->phi_phi, mirrored->dphi_dphi} : PairAverages{nan, nan};
  }
  const auto pair = pair_by_shared_part(activation, q11, q22, c);
  return pair ? *pair : PairAverages{nan, nan};
}

/// From c = 1 downwards: (E phi^2 - E phi phi) / epsilon = q E phi'^2 - integral of the densities at the kinks over
/// the angle from u1 = u2, weighted with 1 - (1 - cos) / epsilon.
CorrelationChord chord_of_pieces(const Activation& activation, double q, double epsilon) {
  const std::vector<Kink> kinks = kinks_of(*activation.pieces(), q);
  const double angle = 2.0 * std::asin(std::sqrt(0.5 * epsilon));
  const auto integral = integrate_corners(kinks, kinks, angle, [&](double theta) {
    const double one_minus = 2.0 * std::sin(0.5 * theta) * std::sin(0.5 * theta);
    const double density = corner_sum(kinks, kinks, one_minus, 2.0 - one_minus);
    return Values<2>{(1.0 - one_minus / epsilon) * density, density};
  });
  if (!integral) return {nan, nan};
  const double full = gaussian_moments(activation, q).dphi2;
  return {full - (*integral)[0] / q, full - (*integral)[1] / q};
}

/// (1 - c^n) / epsilon = 1 + c + ... + c^(n-1).
CorrelationChord chord_of_series(const Activation& activation, double q, double epsilon) {
  const std::vector<double> f =
      hermite_coefficients(activation, q, static_cast<int>(activation.hermite_series()->size()));
  const double c = 1.0 - epsilon;
  CorrelationChord sum;
  double powers = 0.0;
  double power = 1.0;  // c^(n-1) for the n to come
  for (std::size_t n = 1; n < f.size(); ++n) {
    powers += power;
    sum.chord += f[n] * f[n] * powers;
    sum.tangent += static_cast<double>(n) * f[n] * f[n] * power;
    power *= c;
  }
  return {sum.chord / q, sum.tangent / q};
}

/// The leading term of epsilon -> 0: a kink, at which the slope jumps by d, lies between the two with the probability
/// density(k / sqrt q) 2 sqrt(epsilon / pi), and then E phi' phi' lacks d^2 / 2.
/// Nothing where that is too much for it to be the only term: wide Gaussians resolve what is far smaller than they are.
std::optional<CorrelationChord> chord_near_kinks(const Activation& activation, double q, double epsilon) {
  const double full = gaussian_moments(activation, q).dphi2;
  double lack = 0.0;
  for (const double kink : *activation.kinks()) {
    const double step = 1e-12 * std::max(1.0, std::abs(kink));
    const double jump = activation.derivative(kink + step) - activation.derivative(kink - step);
    lack += jump * jump * gaussian_density(kink / std::sqrt(q)) * std::sqrt(epsilon / std::numbers::pi);
  }
  if (!(lack <= 1e-6 * full)) return std::nullopt;
  return CorrelationChord{full - 2.0 / 3.0 * lack, full - lack};
}

/// Linear in epsilon, where the difference quotient would drown in rounding; nothing where the next term, about the
/// linear one's share squared, would count.
std::optional<CorrelationChord> linear_chord(const Activation& activation, double q, double epsilon) {
  const GaussianMoments m = gaussian_moments(activation, q);
  const double linear = q * m.d2phi2 * epsilon;
  if (!(linear <= 1e-6 * m.dphi2)) return std::nullopt;
  return CorrelationChord{m.dphi2 - 0.5 * linear, m.dphi2 - linear};
}

CorrelationChord chord_of_smooth(const Activation& activation, double q, double epsilon) {
  std::optional<CorrelationChord> near;
  if (activation.has_kinks() && epsilon < 1e-12) near = chord_near_kinks(activation, q, epsilon);
  if (!activation.has_kinks() && epsilon < 1e-7) near = linear_chord(activation, q, epsilon);
  if (near) return *near;
  if (epsilon > 0.1) {
    // Far from c = 1 the difference does not cancel, and the series is short.
    const PairAverages pair = pair_of_smooth(activation, q, q, 1.0 - epsilon);
    return {(gaussian_moments(activation, q).phi2 - pair.phi_phi) / (q * epsilon), pair.dphi_dphi};
  }
  const auto found = chord_by_shared_part(activation, q, epsilon);
  return found ? *found : CorrelationChord{nan, nan};
}

}  // namespace

PairAverages pair_averages(const Activation& activation, double q11, double q22, double c) {
  if (!(q11 > 0.0) || !(q22 > 0.0) || !(std::abs(c) <= 1.0) || !std::isfinite(q11) || !std::isfinite(q22)) {
    return {nan, nan};
  }
  if (activation.pieces() != nullptr) {
    const bool loses = cancels(activation, q11) || cancels(activation, q22);
    const auto pair = loses ? pair_by_shared_part(activation, q11, q22, c) : std::nullopt;
    return pair ? *pair : pair_of_pieces(activation, q11, q22, c);
  }
  if (const std::vector<double>* series = activation.hermite_series()) {
    const auto pair = mehler(activation, q11, q22, c, static_cast<int>(series->size()), true);
    return pair ? *pair : PairAverages{nan, nan};
  }
  if (activation.is_sine()) return pair_of_sine(q11, q22, c);
  return pair_of_smooth(activation, q11, q22, c);
}

CorrelationChord correlation_chord(const Activation& activation, double q, double epsilon) {
  if (!(q > 0.0) || !std::isfinite(q) || !(epsilon > 0.0) || !(epsilon <= 1.0)) return {nan, nan};
  if (activation.pieces() != nullptr) {
    // Where the two differ by little of the pieces' size, corners are few and quadrature would drown in rounding.
    double farthest = 0.0;
    for (const double place : activation.pieces()->breakpoints) farthest = std::max(farthest, std::abs(place));
    const bool loses = std::sqrt(q * epsilon) > 1e-3 * farthest && cancels(activation, q);
    const auto chord = loses ? chord_by_shared_part(activation, q, epsilon) : std::nullopt;
    return chord ? *chord : chord_of_pieces(activation, q, epsilon);
  }
  if (activation.hermite_series() != nullptr) return chord_of_series(activation, q, epsilon);
  if (activation.is_sine()) return chord_of_sine(q, epsilon);
  return chord_of_smooth(activation, q, epsilon);
}

}  // namespace meander
