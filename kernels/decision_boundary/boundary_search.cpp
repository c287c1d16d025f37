// Brackets first: Newton's method alone wanders off in a function as rough as a chaotic network's.
#include "kernels/decision_boundary/boundary_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

namespace meander {
namespace {

constexpr int most_steps = 200;
constexpr int most_polishing = 30;

double norm(std::span<const double> x) {
  double square = 0.0;
  for (const double component : x) square += component * component;
  return std::sqrt(square);
}

BoundaryHit hit(BoundaryPoint point, double tolerance) {
  BoundaryHit result;
  result.residual = point.scale > 0.0 ? std::abs(point.value) / point.scale : 0.0;
  result.converged = result.residual <= tolerance;
  result.point = std::move(point);
  return result;
}

class OnCurve {
 public:
  OnCurve(const BoundaryFunction& boundary, const Curve& curve) : boundary_(boundary), curve_(curve) {
    x_.resize(static_cast<std::size_t>(curve.dimension()));
  }
  double value(double t) {
    curve_.point(t, x_);
    return boundary_.value(x_);
  }
  BoundaryPoint at(double t) {
    curve_.point(t, x_);
    return boundary_.at(x_);
  }
  /// dG/dt by the chain rule.
  double derivative(const BoundaryPoint& point, double t) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double tangent =
          curve_.kind == CurveKind::line ? curve_.u[i] : curve_.v[i] * std::cos(t) - curve_.u[i] * std::sin(t);
      sum += point.input_gradient[i] * tangent;
    }
    return sum;
  }

 private:
  const BoundaryFunction& boundary_;
  const Curve& curve_;
  std::vector<double> x_;
};

/// Two neighbouring samples of the coarsest division that shows a change of sign, or nothing. Values that are not
/// finite have no sign.
std::optional<std::pair<double, double>> bracket(OnCurve& g, const Curve& curve, long most) {
  const auto has_sign = [](double value) { return std::isfinite(value) && value != 0.0; };
  for (long samples = std::min(32L, most);; samples = std::min(2 * samples, most)) {
    double t_before = curve.parameter(0, samples), before = g.value(t_before);
    const long last = curve.closed() ? samples : samples - 1;
    for (long i = 1; i <= last; ++i) {
      const double t = curve.closed() && i == samples ? 2.0 * std::numbers::pi : curve.parameter(i, samples);
      const double now = g.value(t);
      if (has_sign(before) && has_sign(now) && (before < 0.0) != (now < 0.0)) return std::pair{t_before, t};
      if (!has_sign(now) && std::isfinite(now)) continue;  // a zero: its neighbours have the signs
      t_before = t;
      before = now;
    }
    if (samples == most) return std::nullopt;
  }
}

/// Newton along the curve, safeguarded: [low, high] keeps the change of sign and shrinks at every step.
BoundaryPoint refine(OnCurve& g, double low, double high, double tolerance, int& steps) {
  const bool rises = g.value(low) < 0.0;
  double t = 0.5 * (low + high);
  BoundaryPoint point = g.at(t);
  for (steps = 0; steps < most_steps && std::abs(point.value) > tolerance * point.scale; ++steps) {
    ((point.value < 0.0) == rises ? low : high) = t;
    double next = t - point.value / g.derivative(point, t);
    // Not only inside: a Newton step that hardly shrinks the bracket gives way to a bisection now and then.
    if (!(next > low && next < high) || steps % 8 == 7) next = 0.5 * (low + high);
    if (next == t || next == low || next == high) break;  // neighbouring doubles
    t = next;
    point = g.at(t);
  }
  return point;
}

/// Steps along the gradient for as long as they lower |G|.
BoundaryPoint polish(const BoundaryFunction& boundary, BoundaryPoint point, double tolerance) {
  for (int step = 0; step < most_polishing && std::abs(point.value) > tolerance * point.scale; ++step) {
    const double square = std::pow(norm(point.input_gradient), 2);
    if (!(square > 0.0)) break;
    std::vector<double> x = point.x;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= point.value / square * point.input_gradient[i];
    BoundaryPoint next = boundary.at(x);
    if (!(std::abs(next.value) < std::abs(point.value))) break;
    point = std::move(next);
  }
  return point;
}

}  // namespace

std::optional<BoundaryHit> boundary_on_curve(const BoundaryFunction& boundary, const Curve& curve,
                                             const BoundarySearch& search) {
  OnCurve g(boundary, curve);
  const auto ends = bracket(g, curve, std::max(search.samples, 2L));
  if (!ends) return std::nullopt;
  int steps = 0;
  BoundaryPoint point = refine(g, ends->first, ends->second, search.tolerance, steps);
  BoundaryHit found = hit(polish(boundary, std::move(point), search.tolerance), search.tolerance);
  found.newton_steps = steps;
  return found;
}

std::optional<BoundaryHit> boundary_near(const BoundaryFunction& boundary, std::span<const double> start,
                                         const BoundarySearch& search) {
  constexpr int most_newton = 100;
  const double longest = 0.1 * norm(start);
  BoundaryPoint point = boundary.at(start);
  int steps = 0;
  for (; steps < most_newton && std::abs(point.value) > search.tolerance * point.scale; ++steps) {
    const double slope = norm(point.input_gradient);
    if (!(slope > 0.0) || !std::isfinite(slope)) return std::nullopt;
    double length = std::min(std::abs(point.value) / slope, longest > 0.0 ? longest : 1.0);
    bool fell = false;
    for (int halving = 0; halving < 40 && !fell; ++halving, length *= 0.5) {
      std::vector<double> x = point.x;
      const double factor = std::copysign(length / slope, point.value);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] -= factor * point.input_gradient[i];
      BoundaryPoint next = boundary.at(x);
      fell = std::abs(next.value) < std::abs(point.value);
      if (fell) point = std::move(next);
    }
    if (!fell) break;
  }
  BoundaryHit found = hit(std::move(point), search.tolerance);
  found.newton_steps = steps;
  // A local minimum of |G| far from zero is no point of the boundary.
  if (found.residual > 1e-6) return std::nullopt;
  return found;
}

}  // namespace meander
