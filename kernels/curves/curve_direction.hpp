// Curves on a line through the origin: where a network without biases sees nothing but multiples of one vector, all its
// neurons vanish where the factor does.
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "kernels/curves/curve.hpp"

namespace meander {

/// x(t) = vector f(t), f = center + u t on a line and center + u cos t + v sin t on circles and arcs.
struct CurveDirection {
  std::vector<double> vector;
  double center = 0.0, u = 0.0, v = 0.0;
};

/// Nothing where the curve's vectors are not parallel to one another within rounding of their components.
std::optional<CurveDirection> common_direction(const Curve& curve);

/// Parameters in [begin, end] at which f vanishes, ascending. A zero that rounding puts beside an end lies on it.
std::vector<double> zeros(const CurveDirection& direction, CurveKind kind, double begin, double end);

/// How much of t is rounding: places on a curve that are no further apart are one.
double rounding_of_place(double t);
inline bool are_one_place(double a, double b) {
  return std::abs(b - a) <= rounding_of_place(b);
}

}  // namespace meander
