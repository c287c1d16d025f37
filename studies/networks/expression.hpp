// A formula in x from a study file, as a function with its exact first and second derivatives.
#pragma once

#include <functional>
#include <string>

namespace meander {

struct Expression {
  std::function<double(double)> value;
  std::function<double(double)> derivative;
  std::function<double(double)> second_derivative;
};

/// The formula `text` in x: numbers, + - * / ^, parentheses, pi, e and exp log sqrt sin cos tan asin acos
/// atan sinh cosh tanh asinh acosh atanh erf. muParser evaluates it and its derivatives, which GiNaC
/// finds exactly. The functions may be copied but belong to one thread. Throws std::invalid_argument
/// (with the position, counted from 1) where it is no such formula, or where it or a derivative is not
/// finite somewhere in [-4, 4].
Expression parse_expression(const std::string& text);

}  // namespace meander
