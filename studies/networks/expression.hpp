// A formula in x from a study file, as a function with its exact first and second derivatives.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

struct Expression {
  std::function<double(double)> value;
  std::function<double(double)> derivative;
  std::function<double(double)> second_derivative;
  /// Where the slope (or the value) jumps, ascending: all within features.reach, which is proved on the formula's tree;
  /// nothing where that is zero.
  std::optional<std::vector<double>> kinks;
  /// Where quadrature has to look closely.
  Activation::Features features;
};

/// The formula `text` in x: numbers, + - * / ^, parentheses, pi, e and the functions of C's math.h exp exp2 expm1 log
/// log2 log10 log1p sqrt cbrt pow hypot sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc fabs
/// fmax fmin, and abs max min sign. muParser evaluates it and its derivatives, which GiNaC finds exactly; at a kink
/// they are those of one side, or for abs their mean. Where that overflows or loses digits (expression_careful.hpp)
/// they come from 113-bit arithmetic, so that tanh(x), (exp(x) - exp(-x)) / (exp(x) + exp(-x)) and (exp(2*x) - 1) /
/// (exp(2*x) + 1) are one function. The functions may be copied but belong to one thread. Throws std::invalid_argument
/// (with the position, counted from 1) where it is no such formula, or where it or a derivative is not finite somewhere
/// in [-4, 4].
Expression parse_expression(const std::string& text);

}  // namespace meander
