// Averages over two correlated Gaussians of functions that have kinks where either passes an activation's:
// Gauss-Legendre panels that end at the kinks, where a trapezoid rule would creep.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/base/quadrature.hpp"

namespace meander {
namespace detail {

/// Ends of panels over [-reach, reach], one long at most: at every one of `places` too, and at distances finest, 2
/// finest, 4 finest, ... (up to one) on its either side.
inline std::vector<double> panel_ends(std::span<const double> places, double finest, double reach) {
  std::vector<double> ends{-reach, reach};
  for (double end = 1.0 - reach; end < reach; end += 1.0) ends.push_back(end);
  for (const double place : places) {
    if (!(std::abs(place) < reach)) continue;
    ends.push_back(place);
    for (double distance = finest; distance < 1.0; distance *= 2.0) {
      for (const double end : {place - distance, place + distance}) {
        if (std::abs(end) < reach) ends.push_back(end);
      }
    }
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

template <class Node>
void over_panels(std::span<const double> ends, const QuadratureRule& rule, const Node& node) {
  for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
    const double half = 0.5 * (ends[k + 1] - ends[k]);
    const double middle = 0.5 * (ends[k + 1] + ends[k]);
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) node(middle + half * rule.nodes[i], half * rule.weights[i]);
  }
}

}  // namespace detail

/// E f(u1, u2), u1 = s1 (a x + b y), u2 = s2 (a x - b y), x and y independent standard normals, for f with kinks where
/// u1 or u2 is one of `kinks` and smooth elsewhere on the scale of one. Each value f[k], k even, is held against f[k +
/// 1]: nothing where two rules differ by more than 1e-9 of it.
template <std::size_t K, class Function>
std::optional<Values<K>> split_average(std::span<const double> kinks, double s1, double s2, double a, double b,
                                       const Function& f) {
  constexpr double reach = 8.5;
  const double s = std::max(s1, s2);
  // Where the kinks of u1 and of u2 cross each other, over which the average along x bends.
  std::vector<double> crossings{0.0};
  for (const double k : kinks) {
    for (const double l : kinks) crossings.push_back((k / s1 - l / s2) / (2.0 * b));
  }
  const double fine_y = 0.25 * std::min({1.0, a / b, 1.0 / (s * b)});
  const double fine_x = 0.25 * std::min(1.0, 1.0 / (s * a));
  const std::vector<double> rows = detail::panel_ends(crossings, fine_y, reach);
  const auto sum = [&](int nodes) {
    const QuadratureRule rule = gauss_legendre(nodes);
    Values<K> total{};
    std::vector<double> places;
    detail::over_panels(rows, rule, [&](double y, double row_weight) {
      places.assign({-b * y / a, b * y / a});
      for (const double k : kinks) places.insert(places.end(), {(k / s1 - b * y) / a, (k / s2 + b * y) / a});
      const double row = row_weight * gaussian_density(y);
      detail::over_panels(detail::panel_ends(places, fine_x, reach), rule, [&](double x, double weight) {
        detail::add_scaled(total, row * weight * gaussian_density(x), f(s1 * (a * x + b * y), s2 * (a * x - b * y)));
      });
    });
    return total;
  };
  const Values<K> coarse = sum(6);
  const Values<K> fine = sum(10);
  for (std::size_t k = 0; k < K; k += 2) {
    if (!(std::abs(fine[k] - coarse[k]) <= 1e-9 * fine[k + 1])) return std::nullopt;
  }
  return fine;
}

/// The same for an activation with breaks and narrow stretches, `ends` being where panels over its argument end
/// (quadrature_cuts): rows of Gauss-Legendre panels along x, whose ends are where u1 or u2 passes one, summed over y
/// adaptively, since what passes another as y grows is as narrow there. Nothing where that does not stand within a
/// million evaluations.
template <std::size_t K, class Function>
std::optional<Values<K>> narrow_average(std::span<const double> ends, double s1, double s2, double a, double b,
                                        const Function& f) {
  constexpr double reach = 8.5;
  constexpr double most_evaluations = 1e6;
  static const QuadratureRule rule = gauss_legendre(10);
  const double step = 1.0 / std::max({1.0, s1 * a, s2 * a});
  double evaluations = 0.0;
  std::vector<double> places;
  const auto row = [&](double y) {
    Values<K> total{};
    if (evaluations > most_evaluations) {
      total.fill(std::numeric_limits<double>::quiet_NaN());
      return total;
    }
    places.assign({-reach, reach});
    for (double x = 0.0; x < reach; x += step) places.insert(places.end(), {x, -x});
    for (const double end : ends) {
      for (const double x : {(end / s1 - b * y) / a, (end / s2 + b * y) / a}) {
        if (std::abs(x) < reach) places.push_back(x);
      }
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    const double density = gaussian_density(y);
    detail::over_panels(places, rule, [&](double x, double weight) {
      detail::add_scaled(total, density * weight * gaussian_density(x), f(s1 * (a * x + b * y), s2 * (a * x - b * y)));
    });
    evaluations += 10.0 * static_cast<double>(places.size());
    return total;
  };
  // From the distance at which the nearest two ends pass each other outwards.
  double finest = 1.0;
  for (std::size_t k = 0; k + 1 < ends.size(); ++k) finest = std::min(finest, ends[k + 1] - ends[k]);
  std::vector<double> cuts;
  const double spread = std::max(s1, s2) * b;
  for (double y = std::max(finest, 1e-12) / spread; y < reach; y *= 4.0) cuts.insert(cuts.end(), {y, -y});
  const auto difference = [](const Values<K>& x, const Values<K>& y) {
    double worst = 0.0;
    for (std::size_t k = 0; k < K; k += 2) {
      if (x[k] != y[k]) worst = std::max(worst, std::abs(x[k] - y[k]) / y[k + 1]);
      if (!std::isfinite(y[k])) worst = std::numeric_limits<double>::quiet_NaN();
      if (std::isnan(worst)) break;
    }
    return worst;
  };
  return adaptive_integral<K>(row, -reach, reach, 8, difference, cuts);
}

}  // namespace meander
