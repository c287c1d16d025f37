// Means and integrals over t of what is known at a curve's samples.
#pragma once

#include <span>

#include "kernels/curves/curve.hpp"

namespace meander {

/// The trapezoid rule on `samples` samples of a curve, or on every second of them: on a circle the plain mean, which
/// converges faster than any power of the spacing.
class CurveAverages {
 public:
  CurveAverages(const Curve& curve, long samples);

  /// Length of the curve's range of t: 2 pi, end - begin, or 1.
  double range() const { return range_; }
  /// Integral over t of the values (one a sample).
  double integral(std::span<const double> values) const;
  /// The same from every second sample, and the last of an open curve.
  double integral_half(std::span<const double> values) const;
  double mean(std::span<const double> values) const { return integral(values) / range_; }
  /// Root of the mean square of value - mean.
  double deviation(std::span<const double> values) const;

 private:
  double integral(std::span<const double> values, long step) const;

  bool closed_;
  long samples_;
  double range_;
};

}  // namespace meander
