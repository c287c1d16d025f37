// Gaussian averages of activations: closed forms for linear pieces, quadrature in a stretched
// variable for the rest.
#include "kernels/gaussian_averages/gaussian_moments.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/base/quadrature.hpp"
#include "kernels/gaussian_averages/quadrature_cuts.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double farthest = farthest_deviation;

void add(GaussianMoments& total, double weight, double phi, double slope, double h) {
  total.phi2 += weight * phi * phi;
  total.phi_dphi_h += weight * phi * slope * h;
  total.dphi2 += weight * slope * slope;
  total.dphi2_h2 += weight * slope * slope * h * h;
}

/// One piece phi = slope h + intercept, h = scale z, on alpha < z < beta. The sums below cancel
/// far out in a tail and on narrow pieces; `is_delicate` tells.
struct Piece {
  double slope, intercept, alpha, beta;

  /// The bound nearer to zero, or zero where the piece holds it.
  double nearest() const { return alpha > 0.0 ? alpha : (beta < 0.0 ? beta : 0.0); }
  bool is_delicate() const { return slope != 0.0 && (std::abs(nearest()) > 3.0 || beta - alpha < 1.0); }
};

void add_closed_form(GaussianMoments& total, const Piece& piece, double scale) {
  const auto [s, c, alpha, beta] = piece;
  const double m0 = gaussian_probability(alpha, beta);
  total.phi2 += c * c * m0;
  if (s == 0.0) return;
  const double low = std::isfinite(alpha) ? gaussian_density(alpha) : 0.0;
  const double high = std::isfinite(beta) ? gaussian_density(beta) : 0.0;
  const double m1 = low - high;
  const double m2 = m0 + (low > 0.0 ? alpha * low : 0.0) - (high > 0.0 ? beta * high : 0.0);
  total.phi2 += s * (s * scale * scale * m2 + 2.0 * c * scale * m1);
  total.phi_dphi_h += s * (s * scale * scale * m2 + c * scale * m1);
  total.dphi2 += s * s * m0;
  total.dphi2_h2 += s * s * scale * scale * m2;
}

/// Panels no longer than the Gaussian's decay length, from the bound nearest to zero outwards: all
/// terms are of one sign where phi is, so nothing cancels.
void add_by_panels(GaussianMoments& total, const Piece& piece, double scale) {
  static const QuadratureRule rule = gauss_legendre(16);
  const bool outwards = piece.beta > -piece.alpha;  // the piece's bulk lies above zero
  double from = outwards ? piece.alpha : piece.beta;
  const double last = outwards ? std::min(piece.beta, farthest) : std::max(piece.alpha, -farthest);
  const double start = from;
  while ((outwards ? from < last : from > last) && from * from - start * start < 100.0) {
    const double length = 1.0 / std::max(1.0, std::abs(from));
    const double to = outwards ? std::min(last, from + length) : std::max(last, from - length);
    const double half = 0.5 * std::abs(to - from);
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      const double z = 0.5 * (from + to) + half * rule.nodes[i];
      const double h = scale * z;
      add(total, half * rule.weights[i] * gaussian_density(z), piece.slope * h + piece.intercept, piece.slope, h);
    }
    from = to;
  }
}

GaussianMoments moments_of_pieces(const LinearPieces& pieces, double q) {
  const double scale = std::sqrt(q);
  const auto bound = [scale](double u) { return u == 0.0 ? 0.0 : u / scale; };
  GaussianMoments total;
  const bool bends =
      std::adjacent_find(pieces.slopes.begin(), pieces.slopes.end(), std::not_equal_to<>()) != pieces.slopes.end();
  total.d2phi2 = bends ? infinity : 0.0;
  for (std::size_t k = 0; k < pieces.slopes.size(); ++k) {
    const Piece piece{pieces.slopes[k], pieces.intercepts[k], k == 0 ? -infinity : bound(pieces.breakpoints[k - 1]),
                      k < pieces.breakpoints.size() ? bound(pieces.breakpoints[k]) : infinity};
    if (!(piece.beta > piece.alpha) || piece.alpha > farthest || piece.beta < -farthest) continue;
    if (piece.is_delicate()) {
      add_by_panels(total, piece, scale);
    } else {
      add_closed_form(total, piece, scale);
    }
  }
  return total;
}

/// Of sin: E cos(2 h) = e^(-2q) and its derivatives with respect to the 2.
GaussianMoments moments_of_sine(double q) {
  const double wave = std::exp(-2.0 * q);
  const double sine2 = -0.5 * std::expm1(-2.0 * q);
  // Where e^(-2q) is zero q times it is too, whatever q^2 overflows to; near q = 0 the sum below does not cancel.
  const double slope2_h2 = 0.5 * q * (wave == 0.0 ? 1.0 : 1.0 + (1.0 - 4.0 * q) * wave);
  return {sine2, wave == 0.0 ? 0.0 : q * wave, 0.5 * (1.0 + wave), slope2_h2, sine2};
}

/// phi2, phi_dphi_h, dphi2, dphi2_h2, d2phi2.
using Five = Values<5>;

/// Largest difference of two results, relative to the larger (the mixed moment: to its Cauchy bound).
double relative_difference(const Five& a, const Five& b) {
  double worst = 0.0;
  for (std::size_t k = 0; k < b.size(); ++k) {
    const double size = k == 1 ? std::sqrt(b[0] * b[3]) : b[k];
    if (a[k] != b[k]) worst = std::max(worst, std::abs(a[k] - b[k]) / size);
    if (!std::isfinite(b[k])) return infinity;
  }
  return worst;
}

/// Adaptive quadrature for what the trapezoid rule did not settle. phi'' apart: where phi' is very steep it alone
/// may fail, and is NaN then.
GaussianMoments adaptive_moments(const Activation& activation, double q) {
  const auto slopes = [&](double h) {
    const double phi = activation(h);
    const double slope = activation.derivative(h);
    return Five{phi * phi, phi * slope * h, slope * slope, slope * slope * h * h, 0.0};
  };
  const auto curvature = [&](double h) {
    const double second = activation.second_derivative(h);
    return Five{0.0, 0.0, 0.0, 0.0, second * second};
  };
  const std::vector<double> cuts = quadrature_cuts(activation, q);
  const std::optional<Five> four = stretched_adaptive<5>(slopes, q, relative_difference, cuts);
  if (!four) return {nan, nan, nan, nan, nan};
  // Infinite at a kink, whatever phi'' is beside it.
  if (activation.has_kinks()) return {(*four)[0], (*four)[1], (*four)[2], (*four)[3], infinity};
  const std::optional<Five> last = stretched_adaptive<5>(curvature, q, relative_difference, cuts);
  return {(*four)[0], (*four)[1], (*four)[2], (*four)[3], last ? (*last)[4] : nan};
}

/// At q = 0, h is zero; where phi' or phi'' jumps there, h is on either side as often.
GaussianMoments moments_at_zero(const Activation& activation) {
  constexpr double tiny = std::numeric_limits<double>::min();
  const double phi = activation(0.0);
  const auto& kinks = activation.kinks();
  if (kinks && std::find(kinks->begin(), kinks->end(), 0.0) != kinks->end()) {
    const double left = activation.derivative(-tiny);
    const double right = activation.derivative(tiny);
    return {phi * phi, 0.0, 0.5 * (left * left + right * right), 0.0, infinity};
  }
  const double slope = activation.derivative(0.0);
  const double second = activation.second_derivative(0.0);
  // A formula has to see on which side of its break it is: exp(x) - 1 is zero next to zero.
  const auto& breaks = activation.features().breaks;
  const bool is_break = kinks && std::find(breaks.begin(), breaks.end(), 0.0) != breaks.end();
  const double step = is_break && activation.text().find("expression") != std::string::npos ? 1e-13 : tiny;
  const double left = activation.second_derivative(-step);
  const double right = activation.second_derivative(step);
  const bool jumps = std::abs(left - right) > 1e-6 * (std::abs(left) + std::abs(right)) + 1e-290;
  return {phi * phi, 0.0, slope * slope, 0.0, jumps ? 0.5 * (left * left + right * right) : second * second};
}

GaussianMoments moments_by_quadrature(const Activation& activation, double q) {
  if (activation.has_kinks() || !activation.features().empty()) return adaptive_moments(activation, q);
  const auto integrand = [&](double h) {
    const double phi = activation(h);
    const double slope = activation.derivative(h);
    const double second = activation.second_derivative(h);
    return Five{phi * phi, phi * slope * h, slope * slope, slope * slope * h * h, second * second};
  };
  if (const auto m = stretched_trapezoid<5>(integrand, q, relative_difference)) {
    return {(*m)[0], (*m)[1], (*m)[2], (*m)[3], (*m)[4]};
  }
  return adaptive_moments(activation, q);
}

}  // namespace

GaussianMoments gaussian_moments(const Activation& activation, double q) {
  if (!(q >= 0.0) || !std::isfinite(q)) return {nan, nan, nan, nan, nan};
  if (const LinearPieces* pieces = activation.pieces()) return moments_of_pieces(*pieces, q);
  if (q == 0.0) return moments_at_zero(activation);
  if (activation.is_sine()) return moments_of_sine(q);
  GaussianMoments moments = moments_by_quadrature(activation, q);
  // phi'' has a delta function at a kink, which quadrature does not see.
  if (activation.has_kinks()) moments.d2phi2 = infinity;
  return moments;
}

}  // namespace meander
