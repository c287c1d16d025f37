// Lines, circles and arcs through input space, and the Gaussian points that they join.
#include "kernels/curves/curve.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <string>

namespace meander {

namespace {

double largest_magnitude(std::span<const double> x) {
  double largest = 0.0;
  for (const double component : x) largest = std::max(largest, std::abs(component));
  return largest;
}

/// Euclidean norm, scaled so that squares neither overflow nor underflow.
double norm(std::span<const double> x) {
  const double scale = largest_magnitude(x);
  if (scale == 0.0) return 0.0;
  double sum = 0.0;
  for (const double component : x) sum += (component / scale) * (component / scale);
  return scale * std::sqrt(sum);
}

void require_same_dimension(std::span<const double> x0, std::span<const double> x1) {
  if (x0.size() != x1.size() || x0.empty()) {
    throw std::invalid_argument("a curve's points have " + std::to_string(x0.size()) + " and " +
                                std::to_string(x1.size()) +
                                " components (both must have the input's dimension), give two points of one dimension");
  }
}

}  // namespace

double Curve::parameter(long i, long samples) const {
  if (closed()) return 2.0 * std::numbers::pi * (static_cast<double>(i % samples) / static_cast<double>(samples));
  const double first = kind == CurveKind::line ? 0.0 : begin;
  const double last = kind == CurveKind::line ? 1.0 : end;
  if (i == samples - 1) return last;
  return first + (last - first) * (static_cast<double>(i) / static_cast<double>(samples - 1));
}

Curve::Coefficients Curve::coefficients(double t) const {
  if (kind == CurveKind::line) return {t, 0.0};
  return {std::cos(t), std::sin(t)};
}

Curve curve_between(CurveKind kind, std::span<const double> x0, std::span<const double> x1) {
  require_same_dimension(x0, x1);
  Curve curve;
  curve.kind = kind;
  if (kind == CurveKind::line) {
    curve.center.assign(x0.begin(), x0.end());
    curve.u.resize(x0.size());
    for (std::size_t k = 0; k < x0.size(); ++k) curve.u[k] = x1[k] - x0[k];
    return curve;
  }
  curve.center.assign(x0.size(), 0.0);
  curve.u.assign(x0.begin(), x0.end());
  curve.v.assign(x1.begin(), x1.end());
  curve.end = (kind == CurveKind::circle ? 2.0 : 0.5) * std::numbers::pi;
  return curve;
}

std::vector<double> gaussian_point(StreamKey key, std::uint32_t index, int dimension) {
  std::vector<float> normals(static_cast<std::size_t>(dimension));
  RandomStream(key, Purpose::points, 0).normals(index, 0, normals);
  return {normals.begin(), normals.end()};
}

void rescale(std::span<double> x, double q0) {
  const double length = norm(x);
  if (length == 0.0) return;
  const double target = std::sqrt(q0 * static_cast<double>(x.size()));
  for (double& component : x) component = component / length * target;
}

void make_orthonormal(std::span<const double> x0, std::span<double> x1) {
  require_same_dimension(x0, x1);
  const double length0 = norm(x0);
  const double length1 = norm(x1);
  if (length0 == 0.0 || length1 == 0.0) {
    throw std::invalid_argument("a curve's point is zero (it spans no circle), choose another pair of points");
  }
  for (double& component : x1) component /= length1;
  // Once more, because the first pass leaves a part along x0 of the order of its rounding errors.
  for (int pass = 0; pass < 3; ++pass) {
    double overlap = 0.0;
    for (std::size_t k = 0; k < x0.size(); ++k) overlap += x0[k] / length0 * x1[k];
    for (std::size_t k = 0; k < x0.size(); ++k) x1[k] -= overlap * (x0[k] / length0);
    const double left = norm(x1);
    // Below this, what is left is rounding noise of a parallel vector.
    if (pass == 0 && left < 1e-13 * std::sqrt(static_cast<double>(x0.size()))) {
      throw std::invalid_argument(
          "a curve's second point is parallel to its first (they span no circle), choose another pair of points");
    }
    for (double& component : x1) component /= left;
  }
  const double rounded = norm(x1);
  for (double& component : x1) component = component / rounded * length0;
}

}  // namespace meander
