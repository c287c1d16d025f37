// Hermite coefficients: closed forms for kinks and polynomials, the trapezoid rule on oscillator functions for the
// rest.
#include "kernels/gaussian_averages/hermite_coefficients.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/base/quadrature.hpp"
#include "kernels/gaussian_averages/quadrature_cuts.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The recurrence of h_n = He_n / sqrt(n!): h_(n+1) = rise[n] z h_n - fall[n] h_(n-1).
struct Recurrence {
  explicit Recurrence(std::size_t count) : rise(count), fall(count) {
    for (std::size_t n = 0; n < count; ++n) {
      const double order = static_cast<double>(n);
      rise[n] = 1.0 / std::sqrt(order + 1.0);
      fall[n] = std::sqrt(order / (order + 1.0));
    }
  }
  std::vector<double> rise, fall;
};

/// The recurrence for at least `count` orders, kept from the first call where it is not long.
const Recurrence& kept_recurrence(std::size_t count, std::optional<Recurrence>& own) {
  static const Recurrence kept(4096);
  if (count <= kept.rise.size()) return kept;
  own.emplace(count);
  return *own;
}

/// E of one piece s sqrt(q) z + c over alpha < z < beta, times 1 and times z.
void add_piece(double slope, double intercept, double alpha, double beta, double& f0, double& f1) {
  const auto edge = [](double z, double power) {  // z^power density(z), zero at infinity
    return std::isfinite(z) ? (power == 0.0 ? 1.0 : z) * gaussian_density(z) : 0.0;
  };
  const double m0 = gaussian_probability(alpha, beta);
  const double m1 = edge(alpha, 0.0) - edge(beta, 0.0);
  const double m2 = m0 + edge(alpha, 1.0) - edge(beta, 1.0);
  f0 += slope * m1 + intercept * m0;
  f1 += slope * m2 + intercept * m1;
}

/// f_n = sqrt(q / (n (n-1))) sum_k delta_k h_(n-2)(b_k) density(b_k) for n >= 2: integration by parts twice leaves
/// the jumps delta_k of the slope at the breakpoints b_k sqrt(q).
std::vector<double> coefficients_of_pieces(const LinearPieces& pieces, double q, std::size_t count) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double scale = std::sqrt(q);
  std::vector<double> f(std::max<std::size_t>(count, 2), 0.0);
  const std::size_t kinks = pieces.breakpoints.size();
  for (std::size_t k = 0; k <= kinks; ++k) {
    const double alpha = k == 0 ? -infinity : pieces.breakpoints[k - 1] / scale;
    const double beta = k == kinks ? infinity : pieces.breakpoints[k] / scale;
    add_piece(pieces.slopes[k] * scale, pieces.intercepts[k], alpha, beta, f[0], f[1]);
  }
  std::optional<Recurrence> own;
  const Recurrence& recurrence = kept_recurrence(count, own);
  for (std::size_t k = 0; k < kinks; ++k) {
    const double z = pieces.breakpoints[k] / scale;
    const double jump = (pieces.slopes[k + 1] - pieces.slopes[k]) * scale;
    // h_n grows like exp(z^2/4) before it oscillates: half of the density goes along with it.
    const double half = std::exp(-0.25 * z * z);
    const double weight = jump * (0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2) * half;
    double current = half;
    double previous = 0.0;
    for (std::size_t n = 2; n < count; ++n) {
      // rise: one over the roots of n - 1 and n
      f[n] += weight * current * recurrence.rise[n - 2] * recurrence.rise[n - 1];
      const double next = recurrence.rise[n - 2] * z * current - recurrence.fall[n - 2] * previous;
      previous = current;
      current = next;
    }
  }
  f.resize(count);
  return f;
}

/// h_k(a z) = sum_j sqrt(k! / (k-2j)!) / (2^j j!) a^(k-2j) (a^2 - 1)^j h_(k-2j)(z), a = sqrt(q).
std::vector<double> coefficients_of_series(const std::vector<double>& series, double q, std::size_t count) {
  std::vector<double> f(count, 0.0);
  const double a = std::sqrt(q);
  for (std::size_t k = 0; k < series.size(); ++k) {
    double factor = series[k];  // without the power of a
    for (std::size_t j = 0; 2 * j <= k; ++j) {
      const std::size_t n = k - 2 * j;
      if (n < count) f[n] += factor * std::pow(a, static_cast<double>(n));
      if (n >= 2) {
        const double order = static_cast<double>(n);
        factor *= std::sqrt(order * (order - 1.0)) / (2.0 * (static_cast<double>(j) + 1.0)) * (q - 1.0);
      }
    }
  }
  return f;
}

/// sin(sqrt(q) z) = sum over odd n of (-1)^((n-1)/2) e^(-q/2) q^(n/2) / sqrt(n!) h_n(z).
std::vector<double> coefficients_of_sine(double q, std::size_t count) {
  std::vector<double> f(count, 0.0);
  for (std::size_t n = 1; n < count; n += 2) {
    const double order = static_cast<double>(n);
    const double size = std::exp(0.5 * (order * std::log(q) - q - std::lgamma(order + 1.0)));
    f[n] = n % 4 == 1 ? size : -size;
  }
  return f;
}

/// The trapezoid rule over z, in blocks of nodes so that the recurrence runs in vector registers. h_n is even or odd as
/// n is, so that a node z > 0 stands for -z too: with the even part of phi for even n, with the odd part for odd n.
class OscillatorRule {
 public:
  OscillatorRule(const Activation& activation, double q, std::size_t count)
      : activation_(activation),
        scale_(std::sqrt(q)),
        recurrence_(kept_recurrence(count, own_)),
        sum_(count),
        count_(count) {
    // As far as phi exp(-z^2/4) matters: h_n exp(-z^2/4) is of order one everywhere.
    double largest = 0.0;
    for (int i = 0; i <= 4 * farthest; ++i) {
      const double z = 0.25 * i;
      const double here = std::max(std::abs(activation(scale_ * z)), std::abs(activation(-scale_ * z)));
      const double size = here * std::exp(-0.25 * z * z);
      largest = std::max(largest, size);
      if (size > 1e-18 * largest) reach_ = z;
    }
  }

  /// Adds the nodes first, first + stride, ... and their mirror images, with weight one.
  void add(double first, double stride) {
    for (double z = first; z <= reach_; z += stride) push(z);
    finish();
  }
  /// Adds z alone, with the weight dz; finish() when all are there.
  void add_node(double z, double dz) {
    const double half = std::exp(-0.25 * z * z);
    const double weight = dz * 0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2 * half * half;
    if (weight == 0.0) return;
    const double here = activation_(scale_ * z);
    norm2_ += weight * here * here;
    fill(z, weight, here, here);
  }
  void finish() {
    while (filled_ != 0) fill(0.0, 0.0, 0.0, 0.0);
  }
  double reach() const { return reach_; }
  double coefficient(std::size_t n, double step) const {
    double total = 0.0;
    for (std::size_t lane = 0; lane < lanes; ++lane) total += sum_[n][lane];
    return total * step;
  }
  double norm2(double step) const { return norm2_ * step; }

 private:
  static constexpr std::size_t lanes = 8;
  static constexpr std::size_t groups = 4;  // recurrences that do not wait for each other
  static constexpr int farthest = 39;
  using Lanes [[gnu::vector_size(lanes * sizeof(double))]] = double;
  using Block = std::array<Lanes, groups>;

  void push(double z) {
    const double half = std::exp(-0.25 * z * z);
    const double weight = 0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2 * half * half;
    if (weight == 0.0) return;
    const double here = activation_(scale_ * z);
    const double there = z > 0.0 ? activation_(-scale_ * z) : 0.0;
    norm2_ += weight * (here * here + there * there);
    fill(z, weight, here + there, z > 0.0 ? here - there : 0.0);
  }
  void fill(double z, double weight, double even, double odd) {
    const std::size_t group = filled_ / lanes;
    const std::size_t lane = filled_ % lanes;
    nodes_[group][lane] = z;
    start_[group][lane] = weight;
    even_[group][lane] = even;
    odd_[group][lane] = odd;
    if (++filled_ == lanes * groups) flush();
  }
  void flush() {
    Block current = start_;
    Block previous{};
    for (std::size_t n = 0; n < count_; ++n) {
      const Block& part = n % 2 == 0 ? even_ : odd_;
      sum_[n] += (current[0] * part[0] + current[1] * part[1]) + (current[2] * part[2] + current[3] * part[3]);
      for (std::size_t g = 0; g < groups; ++g) {
        const Lanes next = recurrence_.rise[n] * nodes_[g] * current[g] - recurrence_.fall[n] * previous[g];
        previous[g] = current[g];
        current[g] = next;
      }
    }
    filled_ = 0;
  }

  const Activation& activation_;
  double scale_;
  double reach_ = 0.0;
  std::optional<Recurrence> own_;
  const Recurrence& recurrence_;
  std::vector<Lanes> sum_;
  std::size_t count_;
  double norm2_ = 0.0;
  Block nodes_{}, start_{}, even_{}, odd_{};
  std::size_t filled_ = 0;
};

std::vector<double> coefficients_by_rule(const Activation& activation, double q, std::size_t count) {
  OscillatorRule rule(activation, q, count);
  // h_n exp(-z^2/4) oscillates with wave numbers up to sqrt(n); the rest of the integrand adds its own.
  double step = 2.0 * std::numbers::pi / (std::sqrt(static_cast<double>(count)) + 12.0);
  rule.add(0.0, step);
  const auto read = [&] {
    std::vector<double> f(count);
    for (std::size_t n = 0; n < count; ++n) f[n] = rule.coefficient(n, step);
    return f;
  };
  std::vector<double> previous = read();
  for (int level = 0; level < 10; ++level) {
    step *= 0.5;
    rule.add(step, 2.0 * step);
    std::vector<double> f = read();
    double worst = 0.0;
    for (std::size_t n = 0; n < count; ++n) worst = std::max(worst, std::abs(f[n] - previous[n]));
    const double size = std::sqrt(rule.norm2(step));
    if (!std::isfinite(size) || std::isnan(worst)) break;
    // The rule converges geometrically: what remains is the square of what changed, or less.
    if (worst <= 1e-13 * size) return f;
    previous = std::move(f);
  }
  return std::vector<double>(count, nan);
}

/// Gauss-Legendre panels that end at the activation's breaks and follow its narrow stretches, short enough for the
/// waves of the highest order; held against a rule of fewer nodes.
std::vector<double> coefficients_by_panels(const Activation& activation, double q, std::size_t count) {
  const double scale = std::sqrt(q);
  const double reach = OscillatorRule(activation, q, 1).reach();
  std::vector<double> ends{-reach, reach};
  for (const double h : quadrature_cuts(activation, q)) {
    if (std::abs(h) < reach * scale) ends.push_back(h / scale);
  }
  // Seventeen nodes follow a wave over a half-length of ten.
  const double step = 16.0 / (std::sqrt(static_cast<double>(count)) + 12.0);
  for (double z = 0.0; z < reach; z += step) ends.insert(ends.end(), {z, -z});
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  const auto over_panels = [&](int nodes) {
    OscillatorRule sum(activation, q, count);
    const QuadratureRule rule = gauss_legendre(nodes);
    for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
      const double half = 0.5 * (ends[k + 1] - ends[k]);
      const double middle = 0.5 * (ends[k + 1] + ends[k]);
      for (std::size_t i = 0; i < rule.nodes.size(); ++i)
        sum.add_node(middle + half * rule.nodes[i], half * rule.weights[i]);
    }
    sum.finish();
    return sum;
  };
  const OscillatorRule coarse = over_panels(14);
  const OscillatorRule fine = over_panels(20);
  std::vector<double> f(count);
  double worst = 0.0;
  for (std::size_t n = 0; n < count; ++n) {
    f[n] = fine.coefficient(n, 1.0);
    worst = std::max(worst, std::abs(f[n] - coarse.coefficient(n, 1.0)));
  }
  // The finer rule has twelve orders more: what it misses is far below what the two differ by.
  if (!(worst <= 1e-9 * std::sqrt(fine.norm2(1.0)))) std::fill(f.begin(), f.end(), nan);
  return f;
}

}  // namespace

std::vector<double> hermite_coefficients(const Activation& activation, double q, int count) {
  const auto size = static_cast<std::size_t>(std::max(count, 0));
  if (!(q >= 0.0) || !std::isfinite(q)) return std::vector<double>(size, nan);
  if (q == 0.0) {
    std::vector<double> f(size, 0.0);
    if (!f.empty()) f[0] = activation(0.0);
    return f;
  }
  if (const LinearPieces* pieces = activation.pieces()) return coefficients_of_pieces(*pieces, q, size);
  if (const std::vector<double>* series = activation.hermite_series()) return coefficients_of_series(*series, q, size);
  if (activation.is_sine()) return coefficients_of_sine(q, size);
  if (!activation.features().empty()) return coefficients_by_panels(activation, q, size);
  return coefficients_by_rule(activation, q, size);
}

}  // namespace meander
