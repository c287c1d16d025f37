// Piece by piece for piecewise-linear activations, in the stretched variable for the rest.
#include "kernels/gaussian_averages/gaussian_average.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/base/quadrature.hpp"
#include "kernels/gaussian_averages/quadrature_cuts.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// f between two neighbouring kinks (in standard deviations), from the end nearer to zero outwards, in panels no
/// longer than the Gaussian's decay length there.
double between(const std::function<double(double)>& f, double scale, double alpha, double beta) {
  static const QuadratureRule rule = gauss_legendre(20);
  const bool outwards = beta > -alpha;
  const double last = outwards ? std::min(beta, farthest_deviation) : std::max(alpha, -farthest_deviation);
  double from = outwards ? alpha : beta;
  double sum = 0.0;
  while (outwards ? from < last : from > last) {
    const double length = 1.0 / std::max(1.0, std::abs(from));
    const double to = outwards ? std::min(last, from + length) : std::max(last, from - length);
    const double half = 0.5 * std::abs(to - from);
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      const double z = 0.5 * (from + to) + half * rule.nodes[i];
      const double weight = half * rule.weights[i] * gaussian_density(z);
      if (weight != 0.0) sum += weight * f(scale * z);
    }
    from = to;
  }
  return sum;
}

double average_of_pieces(const LinearPieces& pieces, double q, const std::function<double(double)>& f) {
  const double scale = std::sqrt(q);
  // Zero is no kink, but panels that start there see the Gaussian's bulk best.
  std::vector<double> kinks{0.0};
  for (const double u : pieces.breakpoints) kinks.push_back(u / scale);
  std::sort(kinks.begin(), kinks.end());
  double sum = between(f, scale, -infinity, kinks.front()) + between(f, scale, kinks.back(), infinity);
  for (std::size_t k = 0; k + 1 < kinks.size(); ++k) {
    if (kinks[k + 1] > -farthest_deviation && kinks[k] < farthest_deviation) {
      sum += between(f, scale, std::max(kinks[k], -farthest_deviation), std::min(kinks[k + 1], farthest_deviation));
    }
  }
  return sum;
}

double average_at_zero(const LinearPieces* pieces, const std::function<double(double)>& f) {
  const auto is_zero = [](double u) { return u == 0.0; };
  if (pieces == nullptr || std::none_of(pieces->breakpoints.begin(), pieces->breakpoints.end(), is_zero)) {
    return f(0.0);
  }
  constexpr double tiny = std::numeric_limits<double>::min();
  return 0.5 * (f(tiny) + f(-tiny));
}

}  // namespace

double gaussian_average(const Activation& activation, double q, const std::function<double(double)>& f) {
  if (!(q >= 0.0) || !std::isfinite(q)) return nan;
  const LinearPieces* pieces = activation.pieces();
  if (q == 0.0) return average_at_zero(pieces, f);
  if (pieces != nullptr) return average_of_pieces(*pieces, q, f);
  // |f| travels along: the error is held against its average, since that of f may cancel.
  const auto with_modulus = [&f](double h) {
    const double value = f(h);
    return Values<2>{value, std::abs(value)};
  };
  const auto difference = [](const Values<2>& a, const Values<2>& b) {
    if (!std::isfinite(b[0]) || !std::isfinite(b[1])) return infinity;
    return a[0] == b[0] ? 0.0 : std::abs(a[0] - b[0]) / b[1];
  };
  const std::vector<double> cuts = quadrature_cuts(activation, q);
  std::optional<Values<2>> average;
  if (cuts.empty()) average = stretched_trapezoid<2>(with_modulus, q, difference);
  if (!average) average = stretched_adaptive<2>(with_modulus, q, difference, cuts);
  return average ? (*average)[0] : nan;
}

}  // namespace meander
