// Independent roundings of sums of products, first order.
#include "kernels/linear_regions/exact_plain_rounding.hpp"

#include <cmath>
#include <limits>

#include "kernels/curves/curve_direction.hpp"

namespace meander::plain {

Map amplitudes(const Map& map, std::size_t columns) {
  const std::size_t n = map.size() / columns;
  Map result(n);
  for (std::size_t j = 0; j < n; ++j) result[j] = std::hypot(map[n + j], columns == 2 ? 0.0L : map[2 * n + j]);
  return result;
}

Map deviations(const Map& before, const Map& magnitudes, const Matrix& matrix) {
  constexpr Real rounding = std::numeric_limits<double>::epsilon();
  const std::size_t inputs = before.size();
  Map squares(inputs);
  for (std::size_t j = 0; j < inputs; ++j)
    squares[j] = before[j] * before[j] + rounding * rounding * magnitudes[j] * magnitudes[j];
  Map result(matrix.bias.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    for (std::size_t j = 0; j < inputs; ++j) {
      const Real w = matrix.weight[i * inputs + j];
      result[i] += w * w * squares[j];
    }
    result[i] = std::sqrt(result[i]);
  }
  return result;
}

Real blur_of_root(Real t, Real slope, Real curvature, Real deviation) {
  const Real by_slope = units * deviation / std::abs(slope);
  const Real by_curvature = std::sqrt(2.0L * units * deviation / std::abs(curvature));
  return rounding_of_place(static_cast<double>(t)) + std::fmin(by_slope, by_curvature);
}

}  // namespace meander::plain
