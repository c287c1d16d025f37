// Projections onto the longest of the curve's vectors, and the zeros of a line or sinusoid.
#include "kernels/curves/curve_direction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace meander {

std::optional<CurveDirection> common_direction(const Curve& curve) {
  const auto product = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  const std::vector<double>* largest = &curve.u;
  for (const auto* vector : {&curve.center, &curve.v}) {
    if (product(*vector, *vector) > product(*largest, *largest)) largest = vector;
  }
  const double size = product(*largest, *largest);
  if (!(size > 0.0) || !std::isfinite(size)) return std::nullopt;
  constexpr double rounding = 4.0 * std::numeric_limits<double>::epsilon();
  CurveDirection direction{*largest, 0.0, 0.0, 0.0};
  const auto fits = [&](const std::vector<double>& vector, double& factor) {
    if (vector.empty()) return true;
    factor = product(vector, *largest) / size;
    for (std::size_t i = 0; i < vector.size(); ++i) {
      if (std::abs(vector[i] - factor * (*largest)[i]) > rounding * std::abs((*largest)[i])) return false;
    }
    return true;
  };
  if (!fits(curve.center, direction.center) || !fits(curve.u, direction.u) || !fits(curve.v, direction.v))
    return std::nullopt;
  return direction;
}

std::vector<double> zeros(const CurveDirection& direction, CurveKind kind, double begin, double end) {
  std::vector<double> found;
  const auto keep = [&](double t) {
    for (const double border : {begin, end}) {
      if (are_one_place(t, border)) t = border;
    }
    if (t >= begin && t <= end) found.push_back(t);
  };
  if (kind == CurveKind::line) {
    if (direction.u != 0.0) keep(-direction.center / direction.u);
    return found;
  }
  const double cosine = -direction.center / std::hypot(direction.u, direction.v);
  if (!(std::abs(cosine) < 1.0)) return found;
  constexpr double turn = 2.0 * std::numbers::pi;
  const double phase = std::atan2(direction.v, direction.u);
  for (const double angle : {phase + std::acos(cosine), phase - std::acos(cosine)}) {
    for (double k = std::ceil((begin - angle) / turn) - 1.0; angle + k * turn < end + 1.0; ++k) keep(angle + k * turn);
  }
  std::sort(found.begin(), found.end());
  return found;
}

double rounding_of_place(double t) {
  return 32.0 * std::numeric_limits<double>::epsilon() * (1.0 + std::abs(t));
}

}  // namespace meander
