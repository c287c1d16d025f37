// A curve in the at most three coordinates that matter to a random network: what mean-field theory
// sees of it.
#pragma once

#include <array>

#include "kernels/curves/curve.hpp"

namespace meander {

/// A line, circle or arc in orthonormal coordinates of the span of its center, u and v, divided by
/// sqrt(dimension).
class ReducedCurve {
 public:
  /// |x|^2, x . x', |x'|^2 and the area |x| |x' perpendicular to x| at one t, all divided by the
  /// dimension. The area comes without the cancellation in |x|^2 |x'|^2 - (x . x')^2.
  struct Moments {
    double position2, mixed, speed2, area;
  };
  /// x . x'', x' . x'' and |x''|^2 at one t, divided by the dimension.
  struct Accelerations {
    double with_position, with_velocity, square;
  };
  /// Smallest and largest |x|^2 / dimension along the curve.
  struct Distances {
    double smallest, largest;
  };

  explicit ReducedCurve(const Curve& curve);

  /// The range of t, ascending.
  double begin() const { return begin_; }
  double end() const { return end_; }
  bool closed() const { return closed_; }
  /// A circle or arc about the origin between perpendicular points of equal norm: nothing varies along it.
  bool is_uniform() const;

  Moments at(double t) const;
  Accelerations accelerations(double t) const;
  Distances distances() const;

 private:
  using Vector3 = std::array<double, 3>;

  bool line_;
  bool closed_;
  double begin_ = 0.0;
  double end_ = 1.0;
  Vector3 center_{}, u_{}, v_{};
};

}  // namespace meander
