// Straight lines through logarithms.
#include "kernels/mean_field/spectral_decay.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// y = height + slope x.
struct Line {
  double height = 0.0;
  double slope = 0.0;
};

Line least_squares(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  double x_mean = 0.0;
  double y_mean = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x_mean += x[i] / count;
    y_mean += y[i] / count;
  }
  double xx = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - x_mean) * (x[i] - x_mean);
    xy += (x[i] - x_mean) * (y[i] - y_mean);
  }
  return {y_mean - xy / xx * x_mean, xy / xx};
}

/// Sum of ln m + e^y / m, with ln m on the line.
double gamma_loss(const std::vector<double>& x, const std::vector<double>& y, const Line& line) {
  double loss = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double log_mean = line.height + line.slope * x[i];
    loss += log_mean + std::exp(y[i] - log_mean);
  }
  return loss;
}

/// Gamma regression of e^y with a logarithmic link: the loss is convex, so that Newton's method, halved where it
/// overshoots, finds its minimum from the least-squares line.
Line gamma_regression(const std::vector<double>& x, const std::vector<double>& y) {
  Line line = least_squares(x, y);
  double loss = gamma_loss(x, y, line);
  for (int round = 0; round < 100; ++round) {
    double g0 = 0.0, g1 = 0.0, h00 = 0.0, h01 = 0.0, h11 = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double ratio = std::exp(y[i] - line.height - line.slope * x[i]);
      g0 += 1.0 - ratio;
      g1 += (1.0 - ratio) * x[i];
      h00 += ratio;
      h01 += ratio * x[i];
      h11 += ratio * x[i] * x[i];
    }
    const double determinant = h00 * h11 - h01 * h01;
    if (!(determinant > 0.0)) break;
    const Line step{(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant};
    double share = 1.0;
    Line next = line;
    double next_loss = loss;
    for (; share > 1e-6; share *= 0.5) {
      next = {line.height - share * step.height, line.slope - share * step.slope};
      next_loss = gamma_loss(x, y, next);
      if (next_loss <= loss) break;
    }
    const bool settled = !(next_loss < loss - 1e-15 * std::abs(loss));
    if (next_loss <= loss) line = next;
    loss = std::min(loss, next_loss);
    if (settled) break;
  }
  return line;
}

double abscissa(DecayLaw law, double n) {
  switch (law) {
    case DecayLaw::power:
      return std::log(n);
    case DecayLaw::stretched:
      return std::sqrt(n);
    case DecayLaw::geometric:
      break;
  }
  return n;
}

}  // namespace

DecayFit fit_decay(std::span<const double> coefficients, int parity, int first, double floor, DecayLaw law) {
  std::vector<double> x;
  std::vector<double> y;
  const int start = first % 2 == parity ? first : first + 1;
  for (auto n = static_cast<std::size_t>(start); n < coefficients.size(); n += 2) {
    if (!(std::abs(coefficients[n]) > floor)) continue;
    x.push_back(abscissa(law, static_cast<double>(n)));
    y.push_back(2.0 * std::log(std::abs(coefficients[n])));
  }
  if (x.size() < 3) return {nan, nan};
  const Line line = gamma_regression(x, y);
  double deviance = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double off = y[i] - line.height - line.slope * x[i];
    deviance += 2.0 * (std::expm1(off) - off) / static_cast<double>(x.size());
  }
  return {-0.5 * line.slope, 0.5 * std::sqrt(std::max(deviance, 0.0))};
}

double decay_length(std::span<const double> c, double c_star, int first, int last) {
  std::vector<double> x;
  std::vector<double> y;
  for (int layer = first; layer <= last; ++layer) {
    const double distance = std::abs(c[static_cast<std::size_t>(layer - 1)] - c_star);
    if (!(distance > 0.0) || !std::isfinite(distance)) return nan;
    x.push_back(layer);
    y.push_back(std::log(distance));
  }
  return x.size() < 2 ? nan : -1.0 / least_squares(x, y).slope;
}

}  // namespace meander
