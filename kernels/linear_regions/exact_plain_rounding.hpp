// How far rounding in double may move what the plain twin of the exact walk computes in long double.
#pragma once

#include <cstddef>
#include <vector>

namespace meander::plain {

/// Wider than the walk's numbers where the machine has wider ones: what the two differ by is then the walk's doing.
using Real = long double;
/// Three columns, or two on a line: constant, cos t, sin t or constant, t. Column c of n neurons: map[c n ...].
using Map = std::vector<Real>;

struct Matrix {
  std::vector<double> weight, bias;  // (outputs, inputs) row-major, (outputs)
};

/// Rounding that an engine in double is granted, in standard deviations of products rounded one by one: it sums jump
/// after jump, and behind narrow layers its errors are not independent. As many as `rounding_of_place` has epsilons.
constexpr Real units = 32.0L;

/// Largest speed of every row of a map with that many columns.
Map amplitudes(const Map& map, std::size_t columns);

/// Standard deviations of W x, given those of x and its components' magnitudes: what x brings along and what the sums
/// add. Signs are independent, so squares add.
Map deviations(const Map& before, const Map& magnitudes, const Matrix& matrix);

/// How far a root at t of a row with that slope and curvature there moves, with t's rounding and with that of the row,
/// whose standard deviation is given.
Real blur_of_root(Real t, Real slope, Real curvature, Real deviation);

}  // namespace meander::plain
