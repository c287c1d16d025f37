// The trapezoid rule along a curve.
#include "kernels/curves/curve_averages.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "kernels/base/row_arithmetic.hpp"

namespace meander {

CurveAverages::CurveAverages(const Curve& curve, long samples) : closed_(curve.closed()), samples_(samples) {
  range_ = closed_ ? 2.0 * std::numbers::pi : curve.kind == CurveKind::line ? 1.0 : std::abs(curve.end - curve.begin);
}

double CurveAverages::integral(std::span<const double> values) const {
  return integral(values, 1);
}

double CurveAverages::integral_half(std::span<const double> values) const {
  return integral(values, 2);
}

double CurveAverages::deviation(std::span<const double> values) const {
  const double centre = mean(values);
  std::vector<double> squares(values.begin(), values.end());
  for (double& value : squares) value = (value - centre) * (value - centre);
  return std::sqrt(mean(squares));
}

double CurveAverages::integral(std::span<const double> values, long step) const {
  const long intervals = closed_ ? samples_ : samples_ - 1;
  CompensatedSum sum;
  for (long i = 0; i < intervals; i += step) {
    const long next = std::min(i + step, intervals);
    sum.add(0.5 * static_cast<double>(next - i) *
            (values[static_cast<std::size_t>(i)] + values[static_cast<std::size_t>(next % samples_)]));
  }
  return sum.value() * range_ / static_cast<double>(intervals);
}

}  // namespace meander
