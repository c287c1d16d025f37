// Gaussian averages of activations: closed forms for linear pieces, quadrature in a stretched
// variable for the rest.
#include "kernels/gaussian_moments.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/quadrature.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Beyond this many standard deviations the Gaussian density underflows.
constexpr double farthest = 39.0;

double density(double z) {
  return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
}

/// P(alpha < z < beta) from the side where the difference does not cancel.
double probability(double alpha, double beta) {
  const double a = alpha / std::numbers::sqrt2;
  const double b = beta / std::numbers::sqrt2;
  if (a > 0.0) return 0.5 * (std::erfc(a) - std::erfc(b));
  if (b < 0.0) return 0.5 * (std::erfc(-b) - std::erfc(-a));
  return 0.5 * (std::erf(b) - std::erf(a));
}

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
  const double m0 = probability(alpha, beta);
  total.phi2 += c * c * m0;
  if (s == 0.0) return;
  const double low = std::isfinite(alpha) ? density(alpha) : 0.0;
  const double high = std::isfinite(beta) ? density(beta) : 0.0;
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
      add(total, half * rule.weights[i] * density(z), piece.slope * h + piece.intercept, piece.slope, h);
    }
    from = to;
  }
}

GaussianMoments moments_of_pieces(const LinearPieces& pieces, double q) {
  const double scale = std::sqrt(q);
  const auto bound = [scale](double u) { return u == 0.0 ? 0.0 : u / scale; };
  GaussianMoments total;
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

/// The four integrands in u, h = center sinh u, times the Gaussian density of h.
class StretchedIntegrand {
 public:
  StretchedIntegrand(const Activation& activation, double q)
      : activation_(activation), scale_(std::sqrt(q)), center_(std::min(1.0, scale_)) {}

  /// The range of u that the Gaussian reaches.
  double half_width() const { return std::asinh(farthest * scale_ / center_); }

  void accumulate(double u, double factor, GaussianMoments& total) const {
    const double h = center_ * std::sinh(u);
    const double weight = factor * density(h / scale_) * center_ * std::cosh(u) / scale_;
    if (weight != 0.0) add(total, weight, activation_(h), activation_.derivative(h), h);
  }

 private:
  const Activation& activation_;
  double scale_;
  double center_;
};

/// Largest difference of two results, relative to the larger (the mixed moment: to its Cauchy bound).
double relative_difference(const GaussianMoments& a, const GaussianMoments& b) {
  const auto ratio = [](double difference, double size) {
    return difference == 0.0 ? 0.0 : std::abs(difference) / size;
  };
  const double worst = std::max({ratio(a.phi2 - b.phi2, b.phi2), ratio(a.dphi2 - b.dphi2, b.dphi2),
                                 ratio(a.dphi2_h2 - b.dphi2_h2, b.dphi2_h2),
                                 ratio(a.phi_dphi_h - b.phi_dphi_h, std::sqrt(b.phi2 * b.dphi2_h2))});
  const double sum = b.phi2 + b.dphi2 + b.dphi2_h2 + b.phi_dphi_h;
  return std::isfinite(sum) ? worst : infinity;
}

GaussianMoments scaled(const GaussianMoments& m, double factor) {
  return {m.phi2 * factor, m.phi_dphi_h * factor, m.dphi2 * factor, m.dphi2_h2 * factor};
}

/// Trapezoid rule, halving the step until the result stands to 1e-11: geometric convergence for
/// analytic activations. False where it does not stand within the steps allowed.
bool trapezoid(const StretchedIntegrand& integrand, GaussianMoments& result) {
  const double half_width = integrand.half_width();
  GaussianMoments sum;
  GaussianMoments previous;
  double step = 0.25;
  for (int level = 0; level < 6; ++level, step *= 0.5) {
    const double first = level == 0 ? 0.0 : step;
    const double stride = level == 0 ? step : 2.0 * step;
    for (double u = first; u <= half_width; u += stride) {
      integrand.accumulate(u, 1.0, sum);
      if (u > 0.0) integrand.accumulate(-u, 1.0, sum);
    }
    result = scaled(sum, step);
    if (level > 0 && relative_difference(previous, result) < 1e-11) return true;
    previous = result;
  }
  return false;
}

/// Gauss-Kronrod pair (7, 15 points) on one panel.
struct Panel {
  double begin, end;
  GaussianMoments value, error;
  double badness = 0.0;
};

Panel gauss_kronrod(const StretchedIntegrand& integrand, double begin, double end) {
  static constexpr std::array<double, 8> nodes = {
      0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
      0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
      0.586087235467691130294144691258493, 0.405845151377397166906606412076961,
      0.207784955007898467600689403773245, 0.0};
  static constexpr std::array<double, 8> kronrod = {
      0.022935322010529224963732008058970, 0.063092092629978553290700663189204, 0.104790010322250183839876322541518,
      0.140653259715525918745189590510238, 0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
      0.204432940075298892414161999234649, 0.209482141084727828012999174891714};
  static constexpr std::array<double, 4> gauss = {
      0.129484966168869693270611432679082, 0.279705391489276667901467771423780, 0.381830050505118944950369775488975,
      0.417959183673469387755102040816327};
  Panel panel{begin, end, {}, {}};
  const double half = 0.5 * (end - begin);
  const double middle = 0.5 * (begin + end);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    GaussianMoments here;
    integrand.accumulate(middle - half * nodes[i], half, here);
    if (nodes[i] != 0.0) integrand.accumulate(middle + half * nodes[i], half, here);
    const double difference = kronrod[i] - (i % 2 == 1 ? gauss[i / 2] : 0.0);
    panel.value = {panel.value.phi2 + kronrod[i] * here.phi2, panel.value.phi_dphi_h + kronrod[i] * here.phi_dphi_h,
                   panel.value.dphi2 + kronrod[i] * here.dphi2, panel.value.dphi2_h2 + kronrod[i] * here.dphi2_h2};
    panel.error = {panel.error.phi2 + difference * here.phi2, panel.error.phi_dphi_h + difference * here.phi_dphi_h,
                   panel.error.dphi2 + difference * here.dphi2, panel.error.dphi2_h2 + difference * here.dphi2_h2};
  }
  return panel;
}

/// The panels' sum, and the sum of their error estimates relative to it. Each panel's share of the
/// relative error is left in its `badness`.
double total_error(std::vector<Panel>& panels, GaussianMoments& sum) {
  sum = {};
  for (const Panel& p : panels) {
    sum = {sum.phi2 + p.value.phi2, sum.phi_dphi_h + p.value.phi_dphi_h, sum.dphi2 + p.value.dphi2,
           sum.dphi2_h2 + p.value.dphi2_h2};
  }
  double error = 0.0;
  for (Panel& p : panels) {
    const GaussianMoments shifted{sum.phi2 + p.error.phi2, sum.phi_dphi_h + p.error.phi_dphi_h,
                                  sum.dphi2 + p.error.dphi2, sum.dphi2_h2 + p.error.dphi2_h2};
    p.badness = relative_difference(shifted, sum);
    error += p.badness;
  }
  return error;
}

/// Adaptive bisection of the worse panels. NaN where 1e-8 is not reached.
GaussianMoments adaptive(const StretchedIntegrand& integrand) {
  constexpr int first_panels = 64;
  constexpr std::size_t most_panels = 8192;
  const double half_width = integrand.half_width();
  std::vector<Panel> panels;
  const auto at = [half_width](int i) { return half_width * (2.0 * i / first_panels - 1.0); };
  for (int i = 0; i < first_panels; ++i) panels.push_back(gauss_kronrod(integrand, at(i), at(i + 1)));
  GaussianMoments sum;
  double error = total_error(panels, sum);
  for (int round = 0; round < 60 && error > 1e-11 && std::isfinite(error); ++round) {
    const std::size_t count = panels.size();
    const double share = 0.5 * error / static_cast<double>(count);
    for (std::size_t i = 0; i < count && panels.size() < most_panels; ++i) {
      if (panels[i].badness < share) continue;
      const double begin = panels[i].begin;
      const double end = panels[i].end;
      const double middle = 0.5 * (begin + end);
      panels[i] = gauss_kronrod(integrand, begin, middle);
      panels.push_back(gauss_kronrod(integrand, middle, end));
    }
    error = total_error(panels, sum);
  }
  return error < 1e-8 ? sum : GaussianMoments{nan, nan, nan, nan};
}

}  // namespace

GaussianMoments gaussian_moments(const Activation& activation, double q) {
  if (!(q >= 0.0) || !std::isfinite(q)) return {nan, nan, nan, nan};
  if (const LinearPieces* pieces = activation.pieces()) return moments_of_pieces(*pieces, q);
  if (q == 0.0) {
    const double phi = activation(0.0);
    const double slope = activation.derivative(0.0);
    return {phi * phi, 0.0, slope * slope, 0.0};
  }
  const StretchedIntegrand integrand(activation, q);
  GaussianMoments result;
  if (trapezoid(integrand, result)) return result;
  return adaptive(integrand);
}

}  // namespace meander
