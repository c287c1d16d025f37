// Gram-Schmidt coordinates of a curve, its inner products and its distance from the origin.
#include "kernels/curves/reduced_curve.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

namespace meander {
namespace {

using Vector3 = std::array<double, 3>;

double dot(const Vector3& a, const Vector3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// |x| without overflow of its square.
double norm(const std::vector<double>& x) {
  double largest = 0.0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  if (largest == 0.0) return 0.0;
  double sum = 0.0;
  for (const double value : x) sum += (value / largest) * (value / largest);
  return largest * std::sqrt(sum);
}

}  // namespace

ReducedCurve::ReducedCurve(const Curve& curve) : line_(curve.kind == CurveKind::line), closed_(curve.closed()) {
  if (!line_) {
    begin_ = closed_ ? 0.0 : std::min(curve.begin, curve.end);
    end_ = closed_ ? 2.0 * std::numbers::pi : std::max(curve.begin, curve.end);
  }
  const std::vector<double> zero(curve.u.size(), 0.0);
  std::array<std::vector<double>, 3> vectors = {curve.u, line_ ? zero : curve.v,
                                                curve.center.empty() ? zero : curve.center};
  std::array<Vector3, 3> coordinates{};
  const double scale = 1.0 / std::sqrt(static_cast<double>(curve.u.size()));
  for (std::size_t i = 0; i < 3; ++i) {
    const double length = norm(vectors[i]);
    for (double& x : vectors[i]) x = length > 0.0 ? x / length : 0.0;
    coordinates[i][i] = length * scale;
    for (std::size_t j = i + 1; j < 3; ++j) {
      double overlap = 0.0;
      for (std::size_t k = 0; k < zero.size(); ++k) overlap += vectors[i][k] * vectors[j][k];
      for (std::size_t k = 0; k < zero.size(); ++k) vectors[j][k] -= overlap * vectors[i][k];
      coordinates[j][i] = overlap * scale;
    }
  }
  u_ = coordinates[0];
  v_ = coordinates[1];
  center_ = coordinates[2];
}

bool ReducedCurve::is_uniform() const {
  const double size = dot(u_, u_);
  constexpr double rounding = 1e-13;
  return !line_ && dot(center_, center_) == 0.0 && std::abs(dot(u_, v_)) <= rounding * size &&
         std::abs(dot(v_, v_) - size) <= rounding * size;
}

ReducedCurve::Moments ReducedCurve::at(double t) const {
  const double a = line_ ? t : std::cos(t);
  const double b = line_ ? 0.0 : std::sin(t);
  const double da = line_ ? 1.0 : -b;
  const double db = line_ ? 0.0 : a;
  Vector3 x{};
  Vector3 velocity{};
  for (std::size_t i = 0; i < 3; ++i) {
    x[i] = center_[i] + a * u_[i] + b * v_[i];
    velocity[i] = da * u_[i] + db * v_[i];
  }
  const Vector3 normal = cross(x, velocity);
  return {dot(x, x), dot(x, velocity), dot(velocity, velocity), std::sqrt(dot(normal, normal))};
}

ReducedCurve::Accelerations ReducedCurve::accelerations(double t) const {
  if (line_) return {0.0, 0.0, 0.0};
  const double a = std::cos(t);
  const double b = std::sin(t);
  Vector3 x{};
  Vector3 velocity{};
  Vector3 acceleration{};
  for (std::size_t i = 0; i < 3; ++i) {
    acceleration[i] = -a * u_[i] - b * v_[i];
    velocity[i] = -b * u_[i] + a * v_[i];
    x[i] = center_[i] - acceleration[i];
  }
  return {dot(x, acceleration), dot(velocity, acceleration), dot(acceleration, acceleration)};
}

/// A scan, and golden sections about its smallest value.
ReducedCurve::Distances ReducedCurve::distances() const {
  constexpr int scan = 256;
  const double step = (end_ - begin_) / scan;
  const auto distance = [this](double t) { return at(t).position2; };
  Distances result{std::numeric_limits<double>::infinity(), 0.0};
  double nearest = begin_;
  for (int i = 0; i <= scan; ++i) {
    const double here = distance(begin_ + i * step);
    if (here < result.smallest) nearest = begin_ + i * step;
    result.smallest = std::min(result.smallest, here);
    result.largest = std::max(result.largest, here);
  }
  double low = nearest - step;
  double high = nearest + step;
  if (!closed_) {
    low = std::max(low, begin_);
    high = std::min(high, end_);
  }
  for (int i = 0; i < 80; ++i) {
    const double a = high - (high - low) / std::numbers::phi;
    const double b = low + (high - low) / std::numbers::phi;
    if (distance(a) < distance(b)) {
      high = b;
    } else {
      low = a;
    }
  }
  result.smallest = std::min(result.smallest, distance(0.5 * (low + high)));
  return result;
}

}  // namespace meander
