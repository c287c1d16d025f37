// A formula in x: parsed twice, by muParser to evaluate it and by GiNaC to differentiate it, and held
// against itself so that the two never disagree on what it means.
#include "studies/networks/expression.hpp"

#include <fmt/format.h>
#include <ginac/ginac.h>
#include <muParser.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

namespace meander {
namespace {

// What GiNaC's macros declare stays in a namespace of its own.
namespace algebra {

GiNaC::ex erf_derivative(const GiNaC::ex& x, unsigned) {
  return 2 / GiNaC::sqrt(GiNaC::Pi) * GiNaC::exp(-x * x);
}

using GiNaC::ex;
using GiNaC::function;
using GiNaC::function_options;

DECLARE_FUNCTION_1P(erf)
REGISTER_FUNCTION(erf, derivative_func(erf_derivative))

}  // namespace algebra

using Unary = double (*)(double);

constexpr std::array<std::pair<const char*, Unary>, 16> functions{{{"exp", std::exp},
                                                                   {"log", std::log},
                                                                   {"sqrt", std::sqrt},
                                                                   {"sin", std::sin},
                                                                   {"cos", std::cos},
                                                                   {"tan", std::tan},
                                                                   {"asin", std::asin},
                                                                   {"acos", std::acos},
                                                                   {"atan", std::atan},
                                                                   {"sinh", std::sinh},
                                                                   {"cosh", std::cosh},
                                                                   {"tanh", std::tanh},
                                                                   {"asinh", std::asinh},
                                                                   {"acosh", std::acosh},
                                                                   {"atanh", std::atanh},
                                                                   {"erf", std::erf}}};

/// A muParser formula together with the variable that it reads.
class Formula {
 public:
  explicit Formula(const std::string& text) {
    parser_.ClearFun();
    parser_.ClearConst();
    for (const auto& [name, function] : functions) parser_.DefineFun(name, function);
    parser_.DefineConst("pi", std::numbers::pi);
    parser_.DefineConst("e", std::numbers::e);
    parser_.DefineVar("x", &x_);
    parser_.SetExpr(text);
    parser_.Eval();
  }
  Formula(const Formula&) = delete;
  Formula& operator=(const Formula&) = delete;

  double operator()(double x) {
    x_ = x;
    return parser_.Eval();
  }

 private:
  mu::Parser parser_;
  double x_ = 0.0;
};

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  std::string names;
  for (const auto& [name, function] : functions) names += std::string(names.empty() ? "" : " ") + name;
  throw std::invalid_argument(fmt::format(
      "expression \"{}\" cannot be used ({}) write a formula in x with numbers, + - * / ^, parentheses, pi, e and {}",
      text, why, names));
}

std::shared_ptr<Formula> parse(const std::string& text) {
  try {
    return std::make_shared<Formula>(text);
  } catch (const mu::Parser::exception_type& error) {
    const int position = error.GetPos() < 0 ? 1 : static_cast<int>(error.GetPos()) + 1;
    if (error.GetToken().empty()) refuse(text, fmt::format("it ends or is incomplete at position {}", position));
    refuse(text, fmt::format("'{}' at position {} is unknown or out of place", error.GetToken(), position));
  }
}

std::string number_text(const GiNaC::numeric& value, const std::string& formula) {
  if (!value.is_real()) refuse(formula, "it has no real value");
  return fmt::format("({:.17g})", value.to_double());
}

/// muParser text of a GiNaC expression. GiNaC orders terms by the addresses of its types, which
/// change from run to run, so they are sorted here: the same formula always rounds in the same way.
std::string canonical(const GiNaC::ex& e, const std::string& formula) {
  if (GiNaC::is_a<GiNaC::numeric>(e)) return number_text(GiNaC::ex_to<GiNaC::numeric>(e), formula);
  if (GiNaC::is_a<GiNaC::symbol>(e)) return "x";
  if (GiNaC::is_a<GiNaC::constant>(e)) return number_text(GiNaC::ex_to<GiNaC::numeric>(e.evalf()), formula);
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < e.nops(); ++i) parts.push_back(canonical(e.op(i), formula));
  if (GiNaC::is_a<GiNaC::power>(e)) return fmt::format("({}^{})", parts[0], parts[1]);
  if (GiNaC::is_a<GiNaC::function>(e)) {
    return fmt::format("{}({})", GiNaC::ex_to<GiNaC::function>(e).get_name(), fmt::join(parts, ""));
  }
  std::sort(parts.begin(), parts.end());
  if (GiNaC::is_a<GiNaC::add>(e)) return fmt::format("({})", fmt::join(parts, "+"));
  if (GiNaC::is_a<GiNaC::mul>(e)) return fmt::format("({})", fmt::join(parts, "*"));
  refuse(formula, "it cannot be differentiated");
}

/// The formula and its first two derivatives, as GiNaC has them.
std::array<GiNaC::ex, 3> differentiate(const std::string& text) {
  try {
    const GiNaC::realsymbol x("x");
    const GiNaC::symtab symbols{{"x", x}, {"pi", GiNaC::Pi}, {"e", GiNaC::exp(GiNaC::ex(1))}};
    GiNaC::parser reader(symbols, true);
    const GiNaC::ex phi = reader(text);
    return {phi, phi.diff(x), phi.diff(x, 2)};
  } catch (const std::exception&) {
    // GiNaC's own words speak of its source code.
    refuse(text, "it cannot be differentiated; a power of a power needs parentheses, and choices have kinks");
  }
}

void require_finite(double value, const char* what, double x, const std::string& text) {
  if (std::isfinite(value)) return;
  refuse(text, fmt::format("{} is {} at x = {}, and an activation is needed everywhere in [-4, 4]", what,
                           std::isnan(value) ? "not a number" : "infinite", x));
}

void require_sound(const std::string& text, Formula& algebraic, const Expression& expression) {
  for (int i = -64; i <= 64; ++i) {
    const double x = i / 16.0;
    const double value = expression.value(x);
    require_finite(value, "it", x, text);
    require_finite(expression.derivative(x), "its derivative", x, text);
    require_finite(expression.second_derivative(x), "its second derivative", x, text);
    const double other = algebraic(x);
    // Both readings of one formula differ by rounding only; cancellation may take a few digits.
    if (std::abs(other - value) > 1e-6 * std::max(1.0, std::abs(value))) {
      refuse(text, "the order of its operations is ambiguous; set parentheses");
    }
  }
}

}  // namespace

Expression parse_expression(const std::string& text) {
  const auto value = parse(text);
  const std::array<GiNaC::ex, 3> symbolic = differentiate(text);
  const auto first = parse(canonical(symbolic[1], text));
  const auto second = parse(canonical(symbolic[2], text));
  Expression expression{[value](double x) { return (*value)(x); }, [first](double x) { return (*first)(x); },
                        [second](double x) { return (*second)(x); }};
  Formula algebraic(canonical(symbolic[0], text));
  require_sound(text, algebraic, expression);
  return expression;
}

}  // namespace meander
