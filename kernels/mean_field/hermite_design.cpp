// Minimises one quadratic form of the coefficients under others through the dual problem: a concave function of one
// multiplier, whose every value is a smallest eigenvalue, inside a search for the second multiplier.
#include "kernels/mean_field/hermite_design.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace meander {
namespace {

/// Orders n, n + 2, n + 4, ...: only such neighbours meet in V'(1).
using Chain = std::vector<int>;

std::vector<Chain> chains_of(const std::vector<int>& orders) {
  std::vector<Chain> chains;
  for (const int order : orders) {
    const auto before =
        std::find_if(chains.begin(), chains.end(), [&](const Chain& c) { return c.back() + 2 == order; });
    (before == chains.end() ? chains.emplace_back() : *before).push_back(order);
  }
  return chains;
}

/// What is minimised over unit vectors: curvature sum n (n-1) c_n^2 + slope sum c_n c_(n+2) sqrt((n+1)(n+2)).
struct Objective {
  double curvature = 0.0;
  double slope = 0.0;
};

/// The unit vector on one chain that minimises the Lagrangian, objective - mu sum n c_n^2, with the minimum and the
/// vector's mean order sum n c_n^2.
struct Minimum {
  const Chain* chain = nullptr;
  Eigen::VectorXd c;
  double lagrangian = std::numeric_limits<double>::infinity();
  double mean_order = 0.0;
};

Minimum minimum_on(const Chain& chain, const Objective& objective, double mu) {
  const auto size = static_cast<Eigen::Index>(chain.size());
  Eigen::VectorXd diagonal(size);
  Eigen::VectorXd beside(std::max<Eigen::Index>(size - 1, 0));
  for (Eigen::Index i = 0; i < size; ++i) {
    const double n = chain[static_cast<std::size_t>(i)];
    diagonal[i] = (objective.curvature * (n - 1.0) - mu) * n;
    if (i + 1 < size) beside[i] = 0.5 * objective.slope * std::sqrt((n + 1.0) * (n + 2.0));
  }
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(diagonal, beside);
  Minimum minimum{&chain, solver.eigenvectors().col(0), solver.eigenvalues()[0], 0.0};
  for (Eigen::Index i = 0; i < size; ++i) {
    minimum.mean_order += chain[static_cast<std::size_t>(i)] * minimum.c[i] * minimum.c[i];
  }
  return minimum;
}

Minimum minimum_at(const std::vector<Chain>& chains, const Objective& objective, double mu) {
  Minimum best;
  for (const Chain& chain : chains) {
    Minimum here = minimum_on(chain, objective, mu);
    if (here.lagrangian < best.lagrangian) best = std::move(here);
  }
  return best;
}

void add(std::vector<double>& coefficients, const Minimum& part, double factor) {
  for (Eigen::Index i = 0; i < part.c.size(); ++i) {
    coefficients[static_cast<std::size_t>((*part.chain)[static_cast<std::size_t>(i)])] += factor * part.c[i];
  }
}

/// Unit coefficients with mean order `mean` and the smallest objective. The mean order of the Lagrangian's minimum
/// rises with mu; where it jumps over `mean`, from one chain to another, both minimise and the right mixture does.
std::vector<double> best_unit(const std::vector<int>& orders, double mean, const Objective& objective) {
  const std::vector<Chain> chains = chains_of(orders);
  std::vector<double> coefficients(static_cast<std::size_t>(orders.back()) + 1, 0.0);
  for (const int end : {orders.front(), orders.back()}) {
    if (std::abs(mean - end) > 1e-14 * std::max(1, end)) continue;
    coefficients[static_cast<std::size_t>(end)] = 1.0;
    return coefficients;
  }
  double low = -1.0;
  double high = 1.0;
  while (low > -1e15 && minimum_at(chains, objective, low).mean_order > mean) low *= 2.0;
  while (high < 1e15 && minimum_at(chains, objective, high).mean_order < mean) high *= 2.0;
  for (double middle = 0.5 * (low + high); low < middle && middle < high; middle = 0.5 * (low + high)) {
    (minimum_at(chains, objective, middle).mean_order < mean ? low : high) = middle;
  }
  const Minimum below = minimum_at(chains, objective, low);
  const Minimum above = minimum_at(chains, objective, high);
  if (below.chain == above.chain) {
    add(coefficients, above, 1.0);
  } else {
    const double share = std::clamp((mean - below.mean_order) / (above.mean_order - below.mean_order), 0.0, 1.0);
    add(coefficients, below, std::sqrt(1.0 - share));
    add(coefficients, above, std::sqrt(share));
  }
  return coefficients;
}

/// Unit coefficients near `c` with the mean order to rounding, and zeros where the search left its own rounding: two
/// Newton steps along (n - mean) c_n, which lead out of no chain.
void polish(std::vector<double>& c, double mean) {
  for (double& x : c) x = std::abs(x) < 1e-7 ? 0.0 : x;
  for (int round = 0; round < 3; ++round) {
    double norm = 0.0, first = 0.0, second = 0.0;
    for (std::size_t n = 0; n < c.size(); ++n) {
      const double off = static_cast<double>(n) - mean;
      norm += c[n] * c[n];
      first += off * c[n] * c[n];
      second += off * off * c[n] * c[n];
    }
    const double step = second > 0.0 ? -0.5 * first / second : 0.0;
    for (std::size_t n = 0; n < c.size(); ++n) {
      c[n] *= (1.0 + step * (static_cast<double>(n) - mean)) / std::sqrt(norm);
    }
  }
  double norm = 0.0;
  for (const double x : c) norm += x * x;
  for (double& x : c) x /= std::sqrt(norm);
}

/// Makes the first even and the first odd coefficient that is not zero positive.
void choose_signs(std::vector<double>& coefficients) {
  for (std::size_t parity = 0; parity < 2; ++parity) {
    double sign = 0.0;
    for (std::size_t n = parity; n < coefficients.size(); n += 2) {
      if (sign == 0.0 && coefficients[n] != 0.0) sign = coefficients[n] > 0.0 ? 1.0 : -1.0;
      coefficients[n] = coefficients[n] == 0.0 ? 0.0 : sign * coefficients[n];
    }
  }
}

/// V'(1) = factor (sum n c_n^2 + sum c_n c_(n+2) sqrt((n+1)(n+2))).
double slope_of(const std::vector<double>& c, double factor) {
  double slope = 0.0;
  for (std::size_t n = 0; n < c.size(); ++n) {
    const double order = static_cast<double>(n);
    slope += order * c[n] * c[n];
    if (n + 2 < c.size()) slope += c[n] * c[n + 2] * std::sqrt((order + 1.0) * (order + 2.0));
  }
  return factor * slope;
}

/// Unit coefficients: the more weight the slope gets against curvature, the smaller it is; its weight is halved to
/// where V'(1) = room times their slope just meets the wish.
std::vector<double> least_curved(const HermiteTarget& target, double room) {
  const double mean = target.chi_1 / room;
  std::vector<double> best = best_unit(target.orders, mean, {0.0, 1.0});
  if (slope_of(best, room) >= target.length_slope) return best;
  double low = std::log(1e-8);
  double high = std::log(1e8);
  for (int i = 0; i < 100 && high - low > 1e-14; ++i) {
    const double middle = 0.5 * (low + high);
    std::vector<double> c = best_unit(target.orders, mean, {1.0, std::exp(middle)});
    if (slope_of(c, room) > target.length_slope) {
      low = middle;
    } else {
      high = middle;
      best = std::move(c);
    }
  }
  return best;
}

}  // namespace

HermiteDesign design_hermite(const HermiteTarget& target) {
  using Outcome = HermiteDesign::Outcome;
  const double gain = target.sigma_w * target.sigma_w;
  const double room = 1.0 - target.sigma_b * target.sigma_b;
  HermiteDesign design;
  design.length_slope = std::numeric_limits<double>::quiet_NaN();
  design.lowest_chi_1 = room * target.orders.front();
  design.highest_chi_1 = room * target.orders.back();
  if (!(room > 0.0) || !(gain > 0.0)) {
    design.outcome = Outcome::no_room;
    return design;
  }
  if (!(target.chi_1 >= design.lowest_chi_1 && target.chi_1 <= design.highest_chi_1)) {
    design.outcome = Outcome::out_of_reach;
    return design;
  }
  design.coefficients = least_curved(target, room);
  polish(design.coefficients, target.chi_1 / room);
  choose_signs(design.coefficients);
  const double scale = std::sqrt(room) / target.sigma_w;
  for (double& c : design.coefficients) c *= scale;
  design.length_slope = slope_of(design.coefficients, gain);
  if (!(design.length_slope < 1.0 - 1e-9)) {  // a linear activation's slope of 1, rounded, is not stable
    design.outcome = Outcome::unstable;
    design.coefficients.clear();
  }
  return design;
}

}  // namespace meander
