// One-dimensional curves through input space: lines, circles and arcs.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/random/random_stream.hpp"

namespace meander {

enum class CurveKind { line, circle, arc };

/// circle: center + u cos t + v sin t, t in [0, 2 pi); arc: the same for t in [begin, end];
/// line: center + t u, t in [0, 1].
struct Curve {
  CurveKind kind = CurveKind::circle;
  std::vector<double> center;  // (dimension)
  std::vector<double> u;       // (dimension)
  std::vector<double> v;       // (dimension); empty for a line
  double begin = 0.0;
  double end = 1.0;

  bool closed() const { return kind == CurveKind::circle; }
  int dimension() const { return static_cast<int>(u.size()); }
  /// Parameter of sample i of `samples`: a circle's samples divide it evenly (sample `samples` is
  /// sample 0 again); those of a line or arc include both ends.
  double parameter(long i, long samples) const;
  /// A point is center + u along_u + v along_v; a line has no v.
  struct Coefficients {
    double along_u = 0.0, along_v = 0.0;
  };
  Coefficients coefficients(double t) const;
  /// Written to `x` (dimension), computed in double.
  template <class Real>
  void point(Coefficients at, std::span<Real> x) const {
    if (kind == CurveKind::line) {
      for (std::size_t k = 0; k < x.size(); ++k) x[k] = static_cast<Real>(center[k] + at.along_u * u[k]);
      return;
    }
    for (std::size_t k = 0; k < x.size(); ++k)
      x[k] = static_cast<Real>(center[k] + (u[k] * at.along_u + v[k] * at.along_v));
  }
  /// x(t), written to `x` (dimension).
  void point(double t, std::span<double> x) const { point(coefficients(t), x); }
};

/// x0 cos t + x1 sin t, or its arc; or the line from x0 to x1. An arc runs from x0 to x1 (t from 0 to
/// pi/2) until its `begin` and `end` are set. Throws std::invalid_argument where the dimensions differ.
Curve curve_between(CurveKind kind, std::span<const double> x0, std::span<const double> x1);

/// A standard Gaussian point (purpose `points`, row `index`) of the given dimension.
std::vector<double> gaussian_point(StreamKey key, std::uint32_t index, int dimension);

/// Scales x so that the mean of its squared components is q0 exactly (to rounding). Leaves zero as it is.
void rescale(std::span<double> x, double q0);

/// Makes x1 perpendicular to x0 and of equal norm (Gram-Schmidt). Throws std::invalid_argument
/// where x1 is parallel to x0.
void make_orthonormal(std::span<const double> x0, std::span<double> x1);

}  // namespace meander
