// A formula as a tree of its own: what GiNaC read, with equal parts shared, in an order that is the same in every run.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace meander {

/// One operation on earlier nodes.
struct ExpressionNode {
  enum class Kind {
    number,
    x,
    add,
    multiply,
    whole_power,  // of an integer exponent
    real_power,   // of any other fixed exponent
    power,
    exp,
    log,
    sin,
    cos,
    tan,
    asin,
    acos,
    atan,
    sinh,
    cosh,
    tanh,
    asinh,
    acosh,
    atanh,
    erf,
    erfc,
    expm1,
    log1p,
    cbrt,
    hypot,
    atan2,
    abs,
    sign,
    max,  // of the first two; the third is their difference
    min
  };
  Kind kind = Kind::number;
  std::vector<std::size_t> parts = {};
  /// Of a number: numerator / denominator, where the denominator is 1 unless the number is a ratio of whole ones. Of a
  /// power with a fixed exponent: that.
  double numerator = 0.0;
  double denominator = 1.0;
};

/// Nodes in an order in which each follows its parts; the last one is the formula.
using ExpressionTree = std::vector<ExpressionNode>;

/// phi and its first three derivatives.
using SeveralValues = std::array<double, 4>;

/// The formula with its derivatives in 113 bits and with exponents that do not overflow, rounded to double at the end:
/// slow (microseconds), and right where the formula's own steps overflow or cancel. Infinite only where the value is
/// beyond the range of double, NaN where it is not defined. At a tie of max or min the derivatives are the second
/// argument's or the first's, of abs and sign they are zero.
SeveralValues precise_values(const ExpressionTree& tree, double x);

}  // namespace meander
