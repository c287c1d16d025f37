// A formula in x: parsed twice, by muParser to evaluate it and by GiNaC to differentiate it, and held
// against itself so that the two never disagree on what it means.
#include "studies/networks/expression.hpp"

#include <fmt/format.h>
#include <ginac/ginac.h>
#include <muParser.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "studies/networks/expression_careful.hpp"
#include "studies/networks/expression_features.hpp"
#include "studies/networks/expression_tree.hpp"

namespace meander {
namespace {

// What GiNaC's macros declare stays in a namespace of its own. GiNaC lacks these functions, or has them with
// derivatives for complex arguments; their names here are for the derivatives' formulas alone.
namespace algebra {

using GiNaC::ex;
using GiNaC::function;
using GiNaC::function_options;

DECLARE_FUNCTION_1P(erf)
DECLARE_FUNCTION_1P(erfc)
DECLARE_FUNCTION_1P(expm1)
DECLARE_FUNCTION_1P(log1p)
DECLARE_FUNCTION_1P(cbrt)
DECLARE_FUNCTION_2P(hypotenuse)
DECLARE_FUNCTION_2P(angle)
DECLARE_FUNCTION_1P(modulus)
DECLARE_FUNCTION_1P(signum)
DECLARE_FUNCTION_1P(is_positive)
DECLARE_FUNCTION_2P(larger)
DECLARE_FUNCTION_2P(smaller)

ex erf_derivative(const ex& x, unsigned) {
  return 2 / GiNaC::sqrt(GiNaC::Pi) * GiNaC::exp(-x * x);
}
ex erfc_derivative(const ex& x, unsigned) {
  return -2 / GiNaC::sqrt(GiNaC::Pi) * GiNaC::exp(-x * x);
}
ex expm1_derivative(const ex& x, unsigned) {
  return GiNaC::exp(x);
}
ex log1p_derivative(const ex& x, unsigned) {
  return 1 / (1 + x);
}
ex cbrt_derivative(const ex& x, unsigned) {
  return 1 / (3 * GiNaC::pow(cbrt(x), 2));
}
ex hypotenuse_derivative(const ex& x, const ex& y, unsigned which) {
  return (which == 0 ? x : y) / hypotenuse(x, y);
}
ex angle_derivative(const ex& y, const ex& x, unsigned which) {
  return (which == 0 ? x : -y) / (x * x + y * y);
}
ex modulus_derivative(const ex& x, unsigned) {
  return signum(x);
}
ex no_derivative(const ex&, unsigned) {
  return 0;
}
/// Both shares of a tie together are one.
ex larger_derivative(const ex& x, const ex& y, unsigned which) {
  return which == 0 ? ex(is_positive(x - y)) : 1 - is_positive(x - y);
}
ex smaller_derivative(const ex& x, const ex& y, unsigned which) {
  return which == 0 ? 1 - is_positive(x - y) : ex(is_positive(x - y));
}

REGISTER_FUNCTION(erf, derivative_func(erf_derivative))
REGISTER_FUNCTION(erfc, derivative_func(erfc_derivative))
REGISTER_FUNCTION(expm1, derivative_func(expm1_derivative))
REGISTER_FUNCTION(log1p, derivative_func(log1p_derivative))
REGISTER_FUNCTION(cbrt, derivative_func(cbrt_derivative))
REGISTER_FUNCTION(hypotenuse, derivative_func(hypotenuse_derivative))
REGISTER_FUNCTION(angle, derivative_func(angle_derivative))
REGISTER_FUNCTION(modulus, derivative_func(modulus_derivative))
REGISTER_FUNCTION(signum, derivative_func(no_derivative))
REGISTER_FUNCTION(is_positive, derivative_func(no_derivative))
REGISTER_FUNCTION(larger, derivative_func(larger_derivative))
REGISTER_FUNCTION(smaller, derivative_func(smaller_derivative))

}  // namespace algebra

// NaN stays NaN in all of them.
double sign_of(double x) {
  return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x == 0.0 ? 0.0 : x;
}
double positive_of(double x) {
  return x > 0.0 ? 1.0 : x <= 0.0 ? 0.0 : x;
}
double max_of(double x, double y) {
  return std::isnan(x) || x > y ? x : y;
}
double min_of(double x, double y) {
  return std::isnan(x) || x < y ? x : y;
}

using Arguments = GiNaC::exvector;
using Unary = double (*)(double);
using Binary = double (*)(double, double);

/// One function: as a formula writes it, as numbers take it, and as algebra has it.
struct Function {
  const char* name;
  Unary unary;
  Binary binary;
  GiNaC::ex (*algebraic)(const Arguments& x);
};

/// Where GiNaC's parser keeps a function's address, an odd one is no address but a number in a table of its own:
/// compilers put functions on odd addresses where they are told to save room, or little about speed.
template <class Algebraic>
struct Aligned {
  [[gnu::aligned(16)]] static GiNaC::ex call(const Arguments& x) { return Algebraic()(x); }
};
template <class Algebraic>
constexpr auto aligned(Algebraic) {
  return &Aligned<Algebraic>::call;
}

const std::vector<Function>& functions() {
  using GiNaC::ex;
  static const std::vector<Function> all{
      {"exp", std::exp, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::exp(x[0])); })},
      {"exp2", std::exp2, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::pow(2, x[0])); })},
      {"expm1", std::expm1, nullptr, aligned([](const Arguments& x) { return ex(algebra::expm1(x[0])); })},
      {"log", std::log, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::log(x[0])); })},
      {"log2", std::log2, nullptr,
       aligned([](const Arguments& x) { return ex(GiNaC::log(x[0]) / GiNaC::log(ex(2))); })},
      {"log10", std::log10, nullptr,
       aligned([](const Arguments& x) { return ex(GiNaC::log(x[0]) / GiNaC::log(ex(10))); })},
      {"log1p", std::log1p, nullptr, aligned([](const Arguments& x) { return ex(algebra::log1p(x[0])); })},
      {"sqrt", std::sqrt, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::sqrt(x[0])); })},
      {"cbrt", std::cbrt, nullptr, aligned([](const Arguments& x) { return ex(algebra::cbrt(x[0])); })},
      {"pow", nullptr, std::pow, aligned([](const Arguments& x) { return ex(GiNaC::pow(x[0], x[1])); })},
      {"hypot", nullptr, std::hypot, aligned([](const Arguments& x) { return ex(algebra::hypotenuse(x[0], x[1])); })},
      {"sin", std::sin, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::sin(x[0])); })},
      {"cos", std::cos, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::cos(x[0])); })},
      {"tan", std::tan, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::tan(x[0])); })},
      {"asin", std::asin, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::asin(x[0])); })},
      {"acos", std::acos, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::acos(x[0])); })},
      {"atan", std::atan, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::atan(x[0])); })},
      {"atan2", nullptr, std::atan2, aligned([](const Arguments& x) { return ex(algebra::angle(x[0], x[1])); })},
      {"sinh", std::sinh, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::sinh(x[0])); })},
      {"cosh", std::cosh, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::cosh(x[0])); })},
      {"tanh", std::tanh, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::tanh(x[0])); })},
      {"asinh", std::asinh, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::asinh(x[0])); })},
      {"acosh", std::acosh, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::acosh(x[0])); })},
      {"atanh", std::atanh, nullptr, aligned([](const Arguments& x) { return ex(GiNaC::atanh(x[0])); })},
      {"erf", std::erf, nullptr, aligned([](const Arguments& x) { return ex(algebra::erf(x[0])); })},
      {"erfc", std::erfc, nullptr, aligned([](const Arguments& x) { return ex(algebra::erfc(x[0])); })},
      {"fabs", std::fabs, nullptr, aligned([](const Arguments& x) { return ex(algebra::modulus(x[0])); })},
      {"fmax", nullptr, max_of, aligned([](const Arguments& x) { return ex(algebra::larger(x[0], x[1])); })},
      {"fmin", nullptr, min_of, aligned([](const Arguments& x) { return ex(algebra::smaller(x[0], x[1])); })},
      {"abs", std::fabs, nullptr, aligned([](const Arguments& x) { return ex(algebra::modulus(x[0])); })},
      {"max", nullptr, max_of, aligned([](const Arguments& x) { return ex(algebra::larger(x[0], x[1])); })},
      {"min", nullptr, min_of, aligned([](const Arguments& x) { return ex(algebra::smaller(x[0], x[1])); })},
      {"sign", sign_of, nullptr, aligned([](const Arguments& x) { return ex(algebra::signum(x[0])); })}};
  return all;
}

/// Functions of math.h that a formula cannot have, and why.
constexpr std::array<std::pair<std::string_view, const char*>, 16> unusable{
    {{"tgamma", "its derivative is no function of math.h"},
     {"lgamma", "its derivative is no function of math.h"},
     {"floor", "it is a staircase, without a slope"},
     {"ceil", "it is a staircase, without a slope"},
     {"round", "it is a staircase, without a slope"},
     {"trunc", "it is a staircase, without a slope"},
     {"rint", "it is a staircase, without a slope"},
     {"nearbyint", "it is a staircase, without a slope"},
     {"fmod", "it jumps without end"},
     {"remainder", "it jumps without end"},
     {"copysign", "write abs and sign"},
     {"fdim", "write max(a - b, 0)"},
     {"fma", "write a * b + c"},
     {"ldexp", "write x * 2^n"},
     {"modf", "it has two results"},
     {"frexp", "it has two results"}}};

enum class Origin { user, algebra };

/// A muParser formula together with the variable that it reads.
class Formula {
 public:
  Formula(const std::string& text, Origin origin) {
    parser_.ClearFun();
    parser_.ClearConst();
    for (const Function& function : functions()) {
      if (function.unary != nullptr) parser_.DefineFun(function.name, function.unary);
      if (function.binary != nullptr) parser_.DefineFun(function.name, function.binary);
    }
    if (origin == Origin::algebra) define_algebra();
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
  void define_algebra() {
    parser_.DefineFun("hypotenuse", static_cast<Binary>(std::hypot));
    parser_.DefineFun("angle", static_cast<Binary>(std::atan2));
    parser_.DefineFun("modulus", static_cast<Unary>(std::fabs));
    parser_.DefineFun("signum", sign_of);
    parser_.DefineFun("is_positive", positive_of);
    parser_.DefineFun("larger", max_of);
    parser_.DefineFun("smaller", min_of);
  }

  mu::Parser parser_;
  double x_ = 0.0;
};

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  std::string names;
  for (const Function& function : functions()) names += std::string(names.empty() ? "" : " ") + function.name;
  throw std::invalid_argument(fmt::format(
      "expression \"{}\" cannot be used ({}) write a formula in x with numbers, + - * / ^, parentheses, pi, e and {}",
      text, why, names));
}

/// The name that begins at `position` of `text`, counted from 1, or nothing.
std::string name_at(const std::string& text, int position) {
  const auto in_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  std::size_t end = static_cast<std::size_t>(position - 1);
  while (end < text.size() && in_name(text[end])) ++end;
  return text.substr(std::min(text.size(), static_cast<std::size_t>(position - 1)),
                     end - std::min(end, static_cast<std::size_t>(position - 1)));
}

std::shared_ptr<Formula> parse(const std::string& text, Origin origin) {
  try {
    return std::make_shared<Formula>(text, origin);
  } catch (const mu::Parser::exception_type& error) {
    const int position = error.GetPos() < 0 ? 1 : static_cast<int>(error.GetPos()) + 1;
    const std::string name = name_at(text, position);
    for (const auto& [known, why] : unusable) {
      if (name == known)
        refuse(text, fmt::format("'{}' at position {} cannot be differentiated: {}", name, position, why));
    }
    using mu::ecTOO_FEW_PARAMS, mu::ecTOO_MANY_PARAMS;
    if (error.GetCode() == ecTOO_FEW_PARAMS || error.GetCode() == ecTOO_MANY_PARAMS) {
      refuse(text,
             fmt::format("a function before position {} has too {} arguments; pow, hypot, atan2, max, min, fmax and "
                         "fmin take two, the others one",
                         position, error.GetCode() == ecTOO_FEW_PARAMS ? "few" : "many"));
    }
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
    return fmt::format("{}({})", GiNaC::ex_to<GiNaC::function>(e).get_name(), fmt::join(parts, ","));
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
    GiNaC::prototype_table prototypes;
    for (const Function& function : functions())
      prototypes[std::make_pair(function.name, function.unary != nullptr ? 1 : 2)] = function.algebraic;
    GiNaC::parser reader(symbols, true, prototypes);
    const GiNaC::ex phi = reader(text);
    return {phi, phi.diff(x), phi.diff(x, 2)};
  } catch (const std::exception&) {
    // GiNaC's own words speak of its source code.
    refuse(text,
           "it cannot be differentiated; a power of a power needs parentheses, and choices are written with max, min, "
           "abs and sign");
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

/// The poles that no grid shows.
void require_finite_at_pole(const std::optional<ExpressionFeatures::Pole>& pole, const std::string& text) {
  constexpr std::array what{"it", "its derivative", "its second derivative"};
  if (!pole || std::abs(pole->place) > 4.0) return;
  require_finite(HUGE_VAL, what.at(static_cast<std::size_t>(pole->derivative)), pole->place, text);
}

/// What is found out about a formula once, however often a study reads it.
struct Analysis {
  ExpressionFeatures found;
  std::array<std::vector<ExpressionRange>, 3> doubtful;
};

std::shared_ptr<const Analysis> analysed(const std::string& text, const ExpressionTree& tree,
                                         const std::array<std::function<double(double)>, 3>& plain) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Analysis>> kept;
  const std::lock_guard lock(mutex);
  auto& slot = kept[text];
  if (slot) return slot;
  auto analysis = std::make_shared<Analysis>();
  analysis->found = features_of(tree);
  std::vector<double> places;
  for (const Activation::Stretch& s : analysis->found.features.narrow) {
    for (const double share : {0.01, 0.26, 0.51, 0.76}) places.push_back(s.begin + share * (s.end - s.begin));
  }
  if (places.size() > 400) places.resize(400);
  analysis->doubtful = doubtful_ranges(tree, plain, places, analysis->found.features.breaks);
  return slot = std::move(analysis);
}

/// The tree of `phi`, equal parts once.
class TreeBuilder {
 public:
  explicit TreeBuilder(const std::string& formula) : formula_(formula) {}

  std::size_t add(const GiNaC::ex& e) {
    // The text is the same for equal parts, and orders the parts of sums and products.
    const std::string text = canonical(e, formula_);
    if (const auto known = places_.find(text); known != places_.end()) return known->second;
    Node node = made(e);
    tree_.push_back(std::move(node));
    return places_[text] = tree_.size() - 1;
  }
  ExpressionTree tree() && { return std::move(tree_); }

 private:
  using Node = ExpressionNode;
  using Kind = ExpressionNode::Kind;

  static void set_number(Node& node, const GiNaC::numeric& value) {
    const bool is_ratio = value.is_rational() && !value.is_integer() && value.denom() < 1000000000L;
    node.numerator = is_ratio ? value.numer().to_double() : value.to_double();
    node.denominator = is_ratio ? value.denom().to_double() : 1.0;
  }
  Node made(const GiNaC::ex& e) {
    Node node;
    if (GiNaC::is_a<GiNaC::numeric>(e)) {
      set_number(node, GiNaC::ex_to<GiNaC::numeric>(e));
    } else if (GiNaC::is_a<GiNaC::constant>(e)) {
      set_number(node, GiNaC::ex_to<GiNaC::numeric>(e.evalf()));
    } else if (GiNaC::is_a<GiNaC::symbol>(e)) {
      node.kind = Kind::x;
    } else if (GiNaC::is_a<GiNaC::power>(e)) {
      power(e, node);
    } else if (GiNaC::is_a<GiNaC::function>(e)) {
      function(e, node);
    } else if (GiNaC::is_a<GiNaC::add>(e) || GiNaC::is_a<GiNaC::mul>(e)) {
      node.kind = GiNaC::is_a<GiNaC::add>(e) ? Kind::add : Kind::multiply;
      std::vector<std::pair<std::string, GiNaC::ex>> parts;
      for (std::size_t i = 0; i < e.nops(); ++i) parts.emplace_back(canonical(e.op(i), formula_), e.op(i));
      std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [text, part] : parts) node.parts.push_back(add(part));
    } else {
      refuse(formula_, "it cannot be differentiated");
    }
    return node;
  }
  void power(const GiNaC::ex& e, Node& node) {
    node.parts = {add(e.op(0))};
    const GiNaC::ex exponent = e.op(1);
    if (!GiNaC::is_a<GiNaC::numeric>(exponent)) {
      node.kind = Kind::power;
      node.parts.push_back(add(exponent));
      return;
    }
    set_number(node, GiNaC::ex_to<GiNaC::numeric>(exponent));
    const double value = node.numerator / node.denominator;
    const bool is_whole = value == std::floor(value) && std::abs(value) <= 1e6;
    node.kind = is_whole ? Kind::whole_power : Kind::real_power;
  }
  void function(const GiNaC::ex& e, Node& node) {
    static const std::map<std::string, Kind> kinds{
        {"exp", Kind::exp},     {"log", Kind::log},     {"sin", Kind::sin},     {"cos", Kind::cos},
        {"tan", Kind::tan},     {"asin", Kind::asin},   {"acos", Kind::acos},   {"atan", Kind::atan},
        {"sinh", Kind::sinh},   {"cosh", Kind::cosh},   {"tanh", Kind::tanh},   {"asinh", Kind::asinh},
        {"acosh", Kind::acosh}, {"atanh", Kind::atanh}, {"erf", Kind::erf},     {"erfc", Kind::erfc},
        {"expm1", Kind::expm1}, {"log1p", Kind::log1p}, {"cbrt", Kind::cbrt},   {"hypotenuse", Kind::hypot},
        {"angle", Kind::atan2}, {"modulus", Kind::abs}, {"signum", Kind::sign}, {"larger", Kind::max},
        {"smaller", Kind::min}};
    const auto kind = kinds.find(GiNaC::ex_to<GiNaC::function>(e).get_name());
    if (kind == kinds.end()) refuse(formula_, "it cannot be differentiated");
    node.kind = kind->second;
    for (std::size_t i = 0; i < e.nops(); ++i) node.parts.push_back(add(e.op(i)));
    if (node.kind == Kind::max || node.kind == Kind::min) node.parts.push_back(add(e.op(0) - e.op(1)));
  }

  const std::string& formula_;
  ExpressionTree tree_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace

Expression parse_expression(const std::string& text) {
  const auto value = parse(text, Origin::user);
  const std::array<GiNaC::ex, 3> symbolic = differentiate(text);
  const auto first = parse(canonical(symbolic[1], text), Origin::algebra);
  const auto second = parse(canonical(symbolic[2], text), Origin::algebra);
  TreeBuilder builder(text);
  builder.add(symbolic[0]);
  const auto tree = std::make_shared<const ExpressionTree>(std::move(builder).tree());
  const std::array<std::function<double(double)>, 3> plain{[value](double x) { return (*value)(x); },
                                                           [first](double x) { return (*first)(x); },
                                                           [second](double x) { return (*second)(x); }};
  const std::shared_ptr<const Analysis> known = analysed(text, *tree, plain);
  const auto careful = careful_functions(tree, plain, known->doubtful);
  Expression expression{careful[0], careful[1], careful[2], std::nullopt, known->found.features};
  if (known->found.features.reach > 0.0) expression.kinks = known->found.kinks;
  Formula algebraic(canonical(symbolic[0], text), Origin::algebra);
  require_sound(text, algebraic, expression);
  require_finite_at_pole(known->found.pole, text);
  return expression;
}

}  // namespace meander
