// Quadrature of several functions at once: adaptively over an interval, and over a Gaussian in a variable that
// keeps its distance from an activation's poles.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "kernels/base/stop_point.hpp"

namespace meander {

template <std::size_t K>
using Values = std::array<double, K>;

/// Beyond this many standard deviations the Gaussian density underflows.
inline constexpr double farthest_deviation = 39.0;

inline double gaussian_density(double z) {
  return std::exp(-0.5 * z * z) * (0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);
}

/// P(alpha < z < beta), z ~ N(0, 1), from the side where the difference does not cancel.
inline double gaussian_probability(double alpha, double beta) {
  const double a = alpha / std::numbers::sqrt2;
  const double b = beta / std::numbers::sqrt2;
  if (a > 0.0) return 0.5 * (std::erfc(a) - std::erfc(b));
  if (b < 0.0) return 0.5 * (std::erfc(-b) - std::erfc(-a));
  return 0.5 * (std::erf(b) - std::erf(a));
}

/// h = center sinh u with center = min(1, sqrt(q)): dense within one unit of zero, where activations bend,
/// however wide the Gaussian N(0, q) is.
class StretchedVariable {
 public:
  explicit StretchedVariable(double q) : scale_(std::sqrt(q)), center_(std::min(1.0, scale_)) {}

  /// The range of u that the Gaussian reaches.
  double half_width() const { return std::asinh(farthest_deviation * scale_ / center_); }
  double h(double u) const { return center_ * std::sinh(u); }
  double u(double h) const { return std::asinh(h / center_); }
  /// The Gaussian density of h times dh/du.
  double weight(double u) const { return gaussian_density(h(u) / scale_) * center_ * std::cosh(u) / scale_; }

 private:
  double scale_;
  double center_;
};

namespace detail {

template <std::size_t K>
void add_scaled(Values<K>& total, double factor, const Values<K>& term) {
  for (std::size_t k = 0; k < K; ++k) total[k] += factor * term[k];
}

/// Gauss-Kronrod pair (7, 15 points) on one panel.
template <std::size_t K>
struct Panel {
  double begin, end;
  Values<K> value, error;
  double badness = 0.0;
};

template <std::size_t K, class Function>
Panel<K> gauss_kronrod(const Function& f, double begin, double end) {
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
  Panel<K> panel{begin, end, {}, {}};
  const double half = 0.5 * (end - begin);
  const double middle = 0.5 * (begin + end);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Values<K> here = f(middle - half * nodes[i]);
    if (nodes[i] != 0.0) add_scaled(here, 1.0, f(middle + half * nodes[i]));
    add_scaled(panel.value, half * kronrod[i], here);
    add_scaled(panel.error, half * (kronrod[i] - (i % 2 == 1 ? gauss[i / 2] : 0.0)), here);
  }
  return panel;
}

/// The panels' sum, and the sum of their error estimates relative to it. Each panel's share of the relative error
/// is left in its `badness`.
template <std::size_t K, class Difference>
double total_error(std::vector<Panel<K>>& panels, Values<K>& sum, const Difference& difference) {
  sum = {};
  for (const Panel<K>& p : panels) add_scaled(sum, 1.0, p.value);
  double error = 0.0;
  for (Panel<K>& p : panels) {
    Values<K> shifted = sum;
    add_scaled(shifted, 1.0, p.error);
    p.badness = difference(shifted, sum);
    error += p.badness;
  }
  return error;
}

}  // namespace detail

/// The integral of f (double -> Values<K>) from begin to end by bisection of the worse panels until
/// `difference(a, b)`, the relative distance of two results, is estimated below 1e-11 (1e-13 at a smooth integrand
/// as a rule). Nothing where 1e-8 is not reached. Panels end at each of `cuts` (where f has kinks) too.
template <std::size_t K, class Function, class Difference>
std::optional<Values<K>> adaptive_integral(const Function& f, double begin, double end, int first_panels,
                                           const Difference& difference, std::span<const double> cuts = {}) {
  constexpr std::size_t most_panels = 2048;
  std::vector<detail::Panel<K>> panels;
  const auto at = [&](int i) { return begin + (end - begin) * (static_cast<double>(i) / first_panels); };
  std::vector<double> ends;
  for (int i = 0; i <= first_panels; ++i) ends.push_back(at(i));
  for (const double cut : cuts) {
    // Before the first end that is not before it, in the direction of the integral, which may be down.
    const auto after =
        std::find_if(ends.begin(), ends.end(), [&](double u) { return begin < end ? u >= cut : u <= cut; });
    if (after != ends.begin() && after != ends.end() && *after != cut) ends.insert(after, cut);
  }
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) panels.push_back(detail::gauss_kronrod<K>(f, ends[i], ends[i + 1]));
  Values<K> sum{};
  double error = detail::total_error(panels, sum, difference);
  for (int round = 0; round < 60 && error > 1e-11 && std::isfinite(error); ++round) {
    stop_point();
    const std::size_t count = panels.size();
    const double share = 0.5 * error / static_cast<double>(count);
    for (std::size_t i = 0; i < count && panels.size() < most_panels; ++i) {
      if (panels[i].badness < share) continue;
      const double low = panels[i].begin;
      const double high = panels[i].end;
      const double middle = 0.5 * (low + high);
      panels[i] = detail::gauss_kronrod<K>(f, low, middle);
      panels.push_back(detail::gauss_kronrod<K>(f, middle, high));
    }
    error = detail::total_error(panels, sum, difference);
  }
  if (!(error < 1e-8)) return std::nullopt;
  return sum;
}

/// E f(h), h ~ N(0, q), f: double -> Values<K>. Trapezoid rule in the stretched variable, halving the step until
/// `difference` of two results is below 1e-11: geometric convergence for analytic functions. Nothing where it does
/// not stand within the steps allowed.
template <std::size_t K, class Function, class Difference>
std::optional<Values<K>> stretched_trapezoid(const Function& f, double q, const Difference& difference) {
  const StretchedVariable variable(q);
  const double half_width = variable.half_width();
  Values<K> sum{};
  Values<K> previous{};
  double step = 0.25;
  const auto add = [&](double u) {
    const double weight = variable.weight(u);
    if (weight != 0.0) detail::add_scaled(sum, weight, f(variable.h(u)));
  };
  for (int level = 0; level < 6; ++level, step *= 0.5) {
    stop_point();
    const double first = level == 0 ? 0.0 : step;
    const double stride = level == 0 ? step : 2.0 * step;
    for (double u = first; u <= half_width; u += stride) {
      add(u);
      if (u > 0.0) add(-u);
    }
    Values<K> result{};
    detail::add_scaled(result, step, sum);
    if (level > 0 && difference(previous, result) < 1e-11) return result;
    previous = result;
  }
  return std::nullopt;
}

/// The same average by adaptive Gauss-Kronrod in the same variable, for kinks (at the h in `kinks`, where they are
/// known) and steep features.
template <std::size_t K, class Function, class Difference>
std::optional<Values<K>> stretched_adaptive(const Function& f, double q, const Difference& difference,
                                            std::span<const double> kinks = {}) {
  const StretchedVariable variable(q);
  const double half_width = variable.half_width();
  const auto integrand = [&](double u) {
    Values<K> here{};
    const double weight = variable.weight(u);
    if (weight != 0.0) detail::add_scaled(here, weight, f(variable.h(u)));
    return here;
  };
  std::vector<double> cuts;
  for (const double kink : kinks) cuts.push_back(variable.u(kink));
  return adaptive_integral<K>(integrand, -half_width, half_width, 64, difference, cuts);
}

}  // namespace meander
