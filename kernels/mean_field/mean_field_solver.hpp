// The equations of the phase diagram, solved with Gaussian averages from anywhere: by quadrature (phase_point) or from
// tables (MeanFieldTable). Not for use elsewhere.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/mean_field.hpp"

namespace meander::detail {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// A slope this near to one is one: rounding of sigma_w^2 alone is that large.
inline constexpr double critical_width = 1e-14;

/// -1 / ln(slope): layers until a deviation has shrunk by e.
inline double depth_scale(double slope) {
  if (!(slope >= 0.0) || slope > 1.0 + critical_width) return nan;
  if (slope > 1.0 - critical_width) return infinity;
  return -1.0 / std::log(slope);
}

/// Whether two computed fixed points are one.
inline bool is_same(double a, double b) {
  return a == b || (std::isfinite(a) && std::isfinite(b) && std::abs(a - b) <= 1e-6 * std::abs(b));
}

/// True for phi(x) = x times one slope for x > 0 and one for x < 0: every average scales exactly with q.
bool is_homogeneous(const Activation& activation);

/// The activation itself; as linear pieces where it is a function that follows one line on either side of zero (an
/// expression "x"), or one between every two of its breaks where those are all known ("abs(x - 0.3)"), so that rounding
/// does not move what stays where it is.
Activation with_pieces(const Activation& activation);

/// q_star, or NaN where it cannot be told from a slow divergence: the length map, of slope `slope` there, comes so near
/// to q that the rounding of quadrature decides.
double trusted(double q_star, const Activation& activation, double slope);

/// Whether phi(-x) = -phi(x): where nothing is known of it, at some hundred places to 1e-14.
bool is_odd(const Activation& activation);

/// Whether the slope E phi phi' h of the length map is what a cancelling quadrature left: below the rounding of a sum
/// whose terms are as large as its Cauchy bound. Closed forms have no such rest.
inline bool slope_is_rounding(const Activation& activation, const GaussianMoments& m) {
  if (activation.pieces() != nullptr || activation.hermite_series() != nullptr || activation.is_sine()) return false;
  return std::abs(m.phi_dphi_h) < 1e-12 * std::sqrt(m.phi2 * m.dphi2_h2);
}

/// gaussian_moments, and at q = infinity the limits of E phi'^2 and E phi''^2, NaN where they have none that can be
/// told.
GaussianMoments moments_up_to_infinity(const Activation& activation, double q);

struct Correlation {
  double c_star, slope;
  bool converged;
};

/// The stable fixed point of C in [0, 1] and C' there. With epsilon = 1 - c, eta = 1 - C(1) (dropout) and R = sigma_w^2
/// chord, it is where R(epsilon) + eta / epsilon = 1: R is a power series in c with positive coefficients, so that
/// the left side falls in epsilon and is convex; Newton steps from the left stay there, halving guards against
/// rounding. `chord(epsilon)` gives CorrelationChord at q*; `start` is an epsilon left of the root, or zero.
/// `fixes_zero`: C(0) = 0.
template <class Chord>
Correlation stable_correlation(const Chord& chord, double gain, double chi_at_one, double curvature, double eta,
                               bool fixes_zero, double start) {
  const CorrelationChord far = chord(1.0);
  const double rest = gain * far.chord + eta - 1.0;  // -C(0)
  if (std::isnan(rest)) return {nan, nan, false};
  if (eta == 0.0 && chi_at_one <= 1.0 + critical_width) {
    // Ordered; or the identity, where all c are fixed.
    if (gain * far.chord >= 1.0 - critical_width) return {nan, 1.0, true};
    return {1.0, chi_at_one, true};
  }
  if (fixes_zero || rest >= -1e-15) return {0.0, gain * far.tangent, true};
  double low = 0.0;
  double high = 1.0;
  // The tangents at epsilon = 0 and at 1 both end left of the root.
  const double excess = chi_at_one - 1.0;
  const double from_zero =
      eta == 0.0 ? excess / curvature : 2.0 * eta / (std::sqrt(excess * excess + 4.0 * eta * curvature) - excess);
  const double from_one = 1.0 - rest / (gain * (far.tangent - far.chord) - eta);
  double epsilon = std::max({from_zero, from_one, start});
  if (!(epsilon > 0.0 && epsilon < 1.0)) epsilon = 0.5;
  for (int i = 0; i < 200; ++i) {
    const CorrelationChord at = chord(epsilon);
    const double residual = gain * at.chord + eta / epsilon - 1.0;
    if (std::isnan(residual)) return {nan, nan, false};
    (residual > 0.0 ? low : high) = epsilon;
    const double fall = gain * (at.tangent - at.chord) / epsilon - eta / (epsilon * epsilon);
    double next = epsilon - residual / fall;
    // Below rounding of c, and of epsilon: where phi is steep Newton's steps begin as small as epsilon.
    const bool stands = std::abs(next - epsilon) <= 4e-16 && std::abs(next - epsilon) <= 1e-9 * epsilon;
    const bool is_closed = high - low <= 2e-16 && high - low <= 1e-9 * high;
    if (stands || std::abs(residual) <= 1e-15 || is_closed) {
      return {1.0 - epsilon, gain * at.tangent, true};
    }
    // Nothing is known of the left end but that it is positive: shrink by decades there.
    if (!(next > low && next < high)) next = low == 0.0 ? 0.1 * high : 0.5 * (low + high);
    epsilon = next;
  }
  return {nan, nan, false};
}

/// All but q_star, which is given. `moments(q)`, at infinity too, and `chord(epsilon)` at q*.
template <class Moments, class Chord>
PhasePoint phase_point_at(double q_star, bool is_odd, const MeanFieldParameters& parameters, const Moments& moments,
                          const Chord& chord, double start = 0.0) {
  const double gain = parameters.sigma_w * parameters.sigma_w;
  const double boosted = gain / parameters.keep;
  PhasePoint point{q_star, nan, nan, nan, nan, nan, true};
  if (std::isnan(q_star)) return point;
  const auto scaled = [](double factor, double average) { return factor == 0.0 ? 0.0 : factor * average; };
  const GaussianMoments m = moments(q_star);
  point.chi_1 = scaled(boosted, m.dphi2);
  point.chi_2 = scaled(boosted, m.d2phi2);
  if (std::isinf(q_star)) return point;
  if (q_star == 0.0) {
    point.xi_q = depth_scale(point.chi_1);
    return point;
  }
  point.xi_q = depth_scale(std::abs(scaled(boosted, m.phi_dphi_h / q_star)));
  if (gain == 0.0) {
    point.c_star = 1.0;
    point.xi_c = 0.0;
    return point;
  }
  const double eta = parameters.keep == 1.0 ? 0.0 : (boosted - gain) * m.phi2 / q_star;
  const Correlation correlation = stable_correlation(chord, gain, gain * m.dphi2, 0.5 * gain * q_star * m.d2phi2, eta,
                                                     is_odd && parameters.sigma_b == 0.0, start);
  point.c_star = correlation.c_star;
  point.xi_c = depth_scale(correlation.slope);
  point.converged = correlation.converged;
  return point;
}

/// A zero of f between low and high, where it has the signs of `at_low` and the opposite: Ridders' method in the
/// logarithm of q, which brackets it and ends in at most 100 steps.
template <class Function>
double bracketed_zero(const Function& f, double low, double high, double at_low, double at_high) {
  for (int i = 0; i < 100 && high - low > 4e-16 * high; ++i) {
    const double middle = std::sqrt(low * high);
    if (!(middle > low && middle < high)) break;
    const double at_middle = f(middle);
    const double root = std::sqrt(at_middle * at_middle - at_low * at_high);
    if (at_middle == 0.0 || !(root > 0.0)) return middle;
    const double ratio = std::exp(std::log(middle / low) * (at_low > at_high ? 1.0 : -1.0) * at_middle / root);
    const double next = std::clamp(middle * ratio, low, high);
    const double at_next = f(next);
    if (at_next == 0.0) return next;
    const auto place = [&](double q, double value) {
      if (q <= low || q >= high) return;
      if ((value > 0.0) == (at_low > 0.0)) {
        low = q;
        at_low = value;
      } else {
        high = q;
        at_high = value;
      }
    };
    const double before = high - low;
    place(middle, at_middle);
    place(next, at_next);
    if (high - low == before) break;
  }
  return std::sqrt(low * high);
}

/// The grid on which maps are searched for changes of sign: 1e-12 .. 1e6, four points an octave.
inline std::vector<double> search_grid() {
  std::vector<double> grid;
  for (int i = -160; i <= 80; ++i) grid.push_back(std::exp2(0.25 * i));
  return grid;
}

/// Zeros of f over `grid`, given its values there and what is rounding in them at a q.
template <class Function>
std::vector<double> sign_changes(const Function& f, const std::vector<double>& grid, const std::vector<double>& values,
                                 const std::vector<double>& rounding) {
  std::vector<double> zeros;
  std::size_t last = grid.size();  // the last place with a sign
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (!(std::abs(values[i]) > rounding[i])) continue;
    if (last < grid.size() && (values[last] > 0.0) != (values[i] > 0.0)) {
      zeros.push_back(bracketed_zero(f, grid[last], grid[i], values[last], values[i]));
    }
    last = i;
  }
  return zeros;
}

/// sigma_w_critical for any source of moments and of attractors (a function of sigma_w).
template <class Moments, class Attractor>
double critical_gain(const Activation& activation, const MeanFieldParameters& parameters, const Moments& moments,
                     const Attractor& attractor_at) {
  const double target = parameters.sigma_b * parameters.sigma_b;
  struct Candidate {
    double sigma_w, q;
  };
  std::vector<Candidate> candidates;
  const auto propose = [&](double dphi2, double q) {
    if (dphi2 > 0.0 && std::isfinite(dphi2)) candidates.push_back({std::sqrt(parameters.keep / dphi2), q});
  };
  if (is_homogeneous(activation)) {
    // chi_1 is the same at every q, infinity included.
    const double slope2 = moments(1.0).dphi2;
    return slope2 > 0.0 ? std::sqrt(parameters.keep / slope2) : nan;
  }
  if (target == 0.0 && activation(0.0) == 0.0) propose(moments(0.0).dphi2, 0.0);
  propose(moments(infinity).dphi2, infinity);
  const auto excess = [&](double q) {
    const GaussianMoments m = moments(q);
    return q - m.phi2 / m.dphi2 - target;
  };
  const std::vector<double> grid = search_grid();
  std::vector<double> values;
  std::vector<double> rounding;
  for (const double q : grid) {
    values.push_back(excess(q));
    rounding.push_back(1e-13 * q);
  }
  for (const double q : sign_changes(excess, grid, values, rounding)) propose(moments(q).dphi2, q);
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.sigma_w < b.sigma_w; });
  for (const Candidate& candidate : candidates) {
    // A hair below a root at q = 0, where the collapse is not slower than geometric.
    const double probe = candidate.sigma_w * (candidate.q == 0.0 ? 1.0 - 1e-12 : 1.0);
    if (is_same(attractor_at(probe), candidate.q)) return candidate.sigma_w;
  }
  return nan;
}

/// length_fixed_points for any source of moments.
template <class Moments>
std::vector<LengthFixedPoint> fixed_points_of(const Activation& activation, const MeanFieldParameters& parameters,
                                              const Moments& moments) {
  const double gain = parameters.sigma_w * parameters.sigma_w / parameters.keep;
  const double floor = parameters.sigma_b * parameters.sigma_b;
  std::vector<LengthFixedPoint> found;
  if (floor == 0.0 && (gain == 0.0 || activation(0.0) == 0.0)) {
    found.push_back({0.0, gain == 0.0 ? 0.0 : gain * moments(0.0).dphi2});
  }
  const auto drift = [&](double q) { return gain * moments(q).phi2 + floor - q; };
  const std::vector<double> grid = search_grid();
  std::vector<double> values;
  std::vector<double> rounding;
  for (const double q : grid) {
    values.push_back(drift(q));
    rounding.push_back(1e-14 * q);
  }
  for (const double q : sign_changes(drift, grid, values, rounding)) {
    found.push_back({q, gain * moments(q).phi_dphi_h / q});
  }
  return found;
}

}  // namespace meander::detail
