// Squared slopes: atoms of linear pieces, or a nested trapezoid rule.
#include "kernels/gaussian_averages/slope_law.hpp"

#include "kernels/base/quadrature.hpp"
#include "kernels/gaussian_averages/quadrature_cuts.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>

#include "kernels/base/stop_point.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t coarsest = 128;  // intervals of level 0
constexpr std::size_t finest_level = 9;
constexpr std::size_t finest_panel_level = 6;
/// Agreement of two rules that leaves the finer one right to about its square.
constexpr double agreement = 1e-7;
/// Standard deviations beyond which a Gaussian has no weight in double precision.
constexpr double reach = 9.5;

/// P(z < x) of a standard normal, without cancellation on either side.
double normal_below(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

/// P(a < z < b).
double normal_between(double a, double b) {
  if (a > 0.0) return normal_below(-a) - normal_below(-b);
  return normal_below(b) - normal_below(a);
}

}  // namespace

SlopeLaw::SlopeLaw(const Activation& activation, double q) : activation_(activation), q_(q) {
  if (!(q >= 0.0) || !std::isfinite(q)) {
    throw std::invalid_argument("q = " + std::to_string(q) + " (a mean square), give a finite value >= 0");
  }
  if (const LinearPieces* pieces = activation.pieces()) {
    read_pieces(*pieces);
  } else if (q == 0.0) {
    const double slope = activation.derivative(0.0);
    atoms_ = {{slope * slope, 1.0}};
  }
  if (!atoms_.empty()) {
    for (const Atom& atom : atoms_) mean_ += atom.weight * atom.place;
    for (Atom& atom : atoms_) atom.place /= mean_;
    // As a sum of squares: exact zero for a single slope, no cancellation near it.
    for (const Atom& atom : atoms_) variance_ += atom.weight * (atom.place - 1.0) * (atom.place - 1.0);
    largest_ = atoms_.back().place;
    return;
  }
  find_scale();
  find_largest();
  if (variance_ < 1e-28) {  // a constant slope, whatever form the activation came in
    atoms_ = {{1.0, 1.0}};
    variance_ = 0.0;
    largest_ = 1.0;
  }
}

void SlopeLaw::read_pieces(const LinearPieces& pieces) {
  const double scale = std::sqrt(q_);
  const auto bound = [&](double breakpoint) {
    return breakpoint == 0.0 ? 0.0 : scale == 0.0 ? std::copysign(infinity, breakpoint) : breakpoint / scale;
  };
  for (std::size_t k = 0; k < pieces.slopes.size(); ++k) {
    const double low = k == 0 ? -infinity : bound(pieces.breakpoints[k - 1]);
    const double high = k == pieces.breakpoints.size() ? infinity : bound(pieces.breakpoints[k]);
    const double weight = normal_between(low, high);
    if (weight > 0.0) atoms_.push_back({pieces.slopes[k] * pieces.slopes[k], weight});
  }
  std::sort(atoms_.begin(), atoms_.end(), [](const Atom& a, const Atom& b) { return a.place < b.place; });
  std::vector<Atom> merged;
  for (const Atom& atom : atoms_) {
    if (!merged.empty() && merged.back().place == atom.place) {
      merged.back().weight += atom.weight;
    } else {
      merged.push_back(atom);
    }
  }
  atoms_ = std::move(merged);
}

void SlopeLaw::find_scale() {
  unit_ = std::min(1.0, std::sqrt(q_));
  u_largest_ = std::asinh(reach * std::sqrt(q_) / unit_);
  if (const std::vector<double> cuts = quadrature_cuts(activation_, q_); !cuts.empty()) {
    for (int k = 0; k <= 32; ++k) panel_ends_.push_back((k - 16) / 16.0 * u_largest_);
    for (const double h : cuts) {
      if (const double u = std::asinh(h / unit_); std::abs(u) < u_largest_) panel_ends_.push_back(u);
    }
    std::sort(panel_ends_.begin(), panel_ends_.end());
    panel_ends_.erase(std::unique(panel_ends_.begin(), panel_ends_.end()), panel_ends_.end());
  }
  mean_ = 1.0;  // until it is known, nodes hold phi'^2 itself
  double before_1 = 0.0, before_2 = 0.0;
  const std::size_t last_level = panel_ends_.empty() ? finest_level : finest_panel_level;
  for (std::size_t level = 0; level <= last_level; ++level) {
    const auto& values = nodes(level);
    double first = 0.0, second = 0.0;
    for (std::size_t k = 0; k < values.size(); k += 2) {
      first += values[k + 1] * values[k];
      second += values[k + 1] * values[k] * values[k];
    }
    mean_ = first;
    variance_ = second / (first * first) - 1.0;
    const bool stands =
        std::abs(first - before_1) <= agreement * first && std::abs(second - before_2) <= agreement * second;
    if (level > 0 && (stands || level == last_level)) {
      // Again as squares about the mean: a nearly constant slope would lose its variance otherwise.
      variance_ = 0.0;
      for (std::size_t k = 0; k < values.size(); k += 2) {
        variance_ += values[k + 1] * (values[k] / mean_ - 1.0) * (values[k] / mean_ - 1.0);
      }
      break;
    }
    before_1 = first;
    before_2 = second;
    mean_ = 1.0;
  }
  nodes_.clear();  // from here on t = phi'^2 / mean
}

/// sup phi'^2 / mean: where it is not known, the largest value within the Gaussian's reach, refined by golden
/// section, unless the slope keeps growing far outside.
void SlopeLaw::find_largest() {
  if (const auto known = activation_.max_slope(); known && !std::isfinite(*known)) {
    largest_ = infinity;
    return;
  }
  const std::vector<double> places = sample_places();
  std::size_t best = 0;
  double top = 0.0;
  for (std::size_t k = 0; k < places.size(); ++k) {
    const double value = slope_squared(grid_point(places[k]));
    if (value > top) {
      top = value;
      best = k;
    }
  }
  const double ratio = (std::sqrt(5.0) - 1.0) / 2.0;
  double a = places[best == 0 ? 0 : best - 1], b = places[std::min(best + 1, places.size() - 1)];
  for (int i = 0; i < 60; ++i) {
    const double c = b - ratio * (b - a), d = a + ratio * (b - a);
    if (slope_squared(grid_point(c)) < slope_squared(grid_point(d))) {
      a = c;
    } else {
      b = d;
    }
  }
  top = std::max(top, slope_squared(grid_point(0.5 * (a + b))));
  const double far = 100.0 * reach * std::sqrt(q_);
  const double outside = std::max(slope_squared(far), slope_squared(-far));
  if (const auto known = activation_.max_slope()) {
    top = *known * *known / mean_;
  } else if (!(outside <= 1.5 * top)) {
    top = infinity;
  } else {
    top = std::max(top, outside);
  }
  largest_ = top;
}

double SlopeLaw::grid_point(double u) const {
  return unit_ * std::sinh(u);
}

double SlopeLaw::slope_squared(double h) const {
  // At a break itself a formula's slope may be that of neither side (max(x, 0) + min(exp(x) - 1, 0) adds two halves).
  const std::vector<double>& breaks = activation_.features().breaks;
  const double near = 1e-12 * std::max(1.0, std::abs(h));
  const auto at = std::lower_bound(breaks.begin(), breaks.end(), h - near);
  double slope = 0.0;
  if (at != breaks.end() && *at <= h + near) {
    const double left = activation_.derivative(*at - 1e3 * near), right = activation_.derivative(*at + 1e3 * near);
    slope = std::max(std::abs(left), std::abs(right));
  } else {
    slope = activation_.derivative(h);
  }
  return slope * slope / mean_;
}

std::vector<double> SlopeLaw::sample_places() const {
  constexpr int points = 4000;
  const double step = u_largest_ / points;
  std::vector<double> places;
  for (int k = -points; k <= points; ++k) places.push_back(k * step);
  for (std::size_t k = 0; k + 1 < panel_ends_.size(); ++k) {
    // From just inside, so that a break has both of its sides.
    const double length = panel_ends_[k + 1] - panel_ends_[k];
    for (const double share : {1e-9, 0.25, 0.5, 0.75, 1.0 - 1e-9}) places.push_back(panel_ends_[k] + share * length);
  }
  if (!panel_ends_.empty()) std::sort(places.begin(), places.end());
  return places;
}

std::vector<double> SlopeLaw::trapezoid_nodes(std::size_t level) const {
  const std::size_t intervals = coarsest << level;
  const double step = 2.0 * u_largest_ / static_cast<double>(intervals);
  const double factor = step * unit_ / std::sqrt(2.0 * std::numbers::pi * q_);
  std::vector<double> made;
  made.reserve(2 * (intervals + 1));
  for (std::size_t k = 0; k <= intervals; ++k) {
    const double u = -u_largest_ + static_cast<double>(k) * step;
    const double h = grid_point(u);
    made.push_back(slope_squared(h));
    made.push_back(factor * std::cosh(u) * std::exp(-0.5 * h * h / q_));
  }
  return made;
}

std::vector<double> SlopeLaw::panel_nodes(std::size_t level) const {
  static const QuadratureRule rule = gauss_legendre(10);
  const std::size_t parts = std::size_t{1} << level;
  const double factor = unit_ / std::sqrt(2.0 * std::numbers::pi * q_);
  std::vector<double> made;
  for (std::size_t panel = 0; panel + 1 < panel_ends_.size(); ++panel) {
    const double length = (panel_ends_[panel + 1] - panel_ends_[panel]) / static_cast<double>(parts);
    for (std::size_t part = 0; part < parts; ++part) {
      const double middle = panel_ends_[panel] + (static_cast<double>(part) + 0.5) * length;
      for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
        const double u = middle + 0.5 * length * rule.nodes[i];
        const double h = grid_point(u);
        made.push_back(slope_squared(h));
        made.push_back(0.5 * length * rule.weights[i] * factor * std::cosh(u) * std::exp(-0.5 * h * h / q_));
      }
    }
  }
  return made;
}

const std::vector<double>& SlopeLaw::nodes(std::size_t level) const {
  while (nodes_.size() <= level) {
    nodes_.push_back(panel_ends_.empty() ? trapezoid_nodes(nodes_.size()) : panel_nodes(nodes_.size()));
  }
  return nodes_[level];
}

double SlopeLaw::weight_at(double place) const {
  for (const Atom& atom : atoms_) {
    if (atom.place == place) return atom.weight;
  }
  return 0.0;
}

SlopeLaw::Transform SlopeLaw::transform(Complex y, bool with_log) const {
  stop_point();
  Transform result;
  if (!atoms_.empty()) {
    for (const Atom& atom : atoms_) {
      const Complex inverse = 1.0 / (y - atom.place);
      result.value += atom.weight * atom.place * inverse;
      result.derivative -= atom.weight * atom.place * inverse * inverse;
      if (with_log) result.log += atom.weight * std::log(1.0 - atom.place / y);
    }
    return result;
  }
  const double x = y.real(), v = y.imag();
  Complex before, before_slope;  // of the level before
  const std::size_t last_level = panel_ends_.empty() ? finest_level : finest_panel_level;
  for (std::size_t level = 0;; ++level) {
    const auto& values = nodes(level);
    // Sums over even and odd nodes apart: twice the even ones are the coarser rule.
    double real[2] = {}, imag[2] = {}, slope_real[2] = {}, slope_imag[2] = {};
    for (std::size_t k = 0; k < values.size(); k += 2) {
      const std::size_t odd = (k / 2) & 1;
      const double t = values[k];
      const double a = x - t;
      const double norm = 1.0 / (a * a + v * v);
      const double weight = values[k + 1] * t;
      const double re = a * norm, im = -v * norm;  // 1 / (y - t)
      real[odd] += weight * re;
      imag[odd] += weight * im;
      slope_real[odd] += weight * (re * re - im * im);
      slope_imag[odd] += weight * 2.0 * re * im;
    }
    const Complex fine(real[0] + real[1], imag[0] + imag[1]);
    const Complex fine_slope(slope_real[0] + slope_real[1], slope_imag[0] + slope_imag[1]);
    const bool is_nested = panel_ends_.empty();
    const Complex coarse = is_nested ? Complex(2.0 * real[0], 2.0 * imag[0]) : before;
    const Complex coarse_slope = is_nested ? Complex(2.0 * slope_real[0], 2.0 * slope_imag[0]) : before_slope;
    before = fine;
    before_slope = fine_slope;
    const bool stands = std::abs(fine - coarse) <= agreement * std::abs(fine) &&
                        std::abs(fine_slope - coarse_slope) <= 1e2 * agreement * std::abs(fine_slope);
    if ((!stands || (!is_nested && level == 0)) && level < last_level) continue;
    result.value = fine;
    result.derivative = -fine_slope;
    if (with_log) {
      for (std::size_t k = 0; k < values.size(); k += 2) {
        result.log += values[k + 1] * std::log(1.0 - values[k] / y);
      }
    }
    return result;
  }
}

std::vector<SlopeLaw::Crossing> SlopeLaw::crossings(double level) const {
  const std::vector<double> places = sample_places();
  std::vector<Crossing> found;
  double before = slope_squared(grid_point(places.front())) - level;
  for (std::size_t k = 1; k < places.size(); ++k) {
    const double value = slope_squared(grid_point(places[k])) - level;
    if ((value > 0.0) != (before > 0.0)) {
      double a = places[k - 1], b = places[k];
      for (int i = 0; i < 60; ++i) {
        const double c = 0.5 * (a + b);
        ((slope_squared(grid_point(c)) - level > 0.0) == (before > 0.0) ? a : b) = c;
      }
      found.push_back({grid_point(0.5 * (a + b)), value > 0.0});
    }
    before = value;
  }
  return found;
}

double SlopeLaw::mass_above(double level) const {
  double mass = 0.0;
  if (!atoms_.empty()) {
    for (const Atom& atom : atoms_) mass += atom.place > level ? atom.weight : 0.0;
    return mass;
  }
  double low = -infinity;
  bool above = slope_squared(grid_point(-u_largest_)) > level;
  const double scale = std::sqrt(q_);
  for (const Crossing& crossing : crossings(level)) {
    if (above) mass += normal_between(low, crossing.h / scale);
    above = crossing.rising;
    low = crossing.h / scale;
  }
  return above ? mass + normal_between(low, infinity) : mass;
}

double SlopeLaw::density(double level) const {
  double sum = 0.0;
  if (!atoms_.empty()) return sum;
  for (const Crossing& crossing : crossings(level)) {
    const double h = crossing.h;
    const double steepness = 2.0 * activation_.derivative(h) * activation_.second_derivative(h) / mean_;
    sum += std::exp(-0.5 * h * h / q_) / std::sqrt(2.0 * std::numbers::pi * q_) / std::abs(steepness);
  }
  return sum;
}

}  // namespace meander
