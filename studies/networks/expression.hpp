// A formula in x from a study file, as a function with its exact first and second derivatives.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meander {

struct Expression {
  std::function<double(double)> value;
  std::function<double(double)> derivative;
  std::function<double(double)> second_derivative;
  /// Where abs, fabs, max, min, fmax, fmin or sign make the slope jump (or the value), ascending, as found in [-64,
  /// 64]; nothing where none was found, which is no proof that there is none.
  std::optional<std::vector<double>> kinks;
};

/// The formula `text` in x: numbers, + - * / ^, parentheses, pi, e and the functions of C's math.h exp exp2 expm1 log
/// log2 log10 log1p sqrt cbrt pow hypot sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc fabs
/// fmax fmin, and abs max min sign. muParser evaluates it and its derivatives, which GiNaC finds exactly; at a kink
/// they are those of one side, or for abs their mean. The functions may be copied but belong to one thread. Throws
/// std::invalid_argument (with the position, counted from 1) where it is no such formula, or where it or a derivative
/// is not finite somewhere in [-4, 4].
Expression parse_expression(const std::string& text);

}  // namespace meander
