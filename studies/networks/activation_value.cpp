// Turns the names and tables of a study file into activations and weight laws.
#include "studies/networks/activation_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/toml_text.hpp"
#include "studies/networks/expression.hpp"

namespace meander {
namespace {

constexpr const char* table_forms =
    "{ activation = \"leaky_relu\", slope = 0.2 }, { activation = \"elu\", alpha = 0.5 }, { breakpoints = [-1, 1], "
    "slopes = [0, 1, 0], value = [0, 0] }, { hermite = [0, 1, 0.3] } or { expression = "
    "\"x * erf(x)\" }";

std::vector<std::string> activation_names() {
  const auto names = Activation::names();
  return {names.begin(), names.end()};
}

const std::vector<std::string>& plain_laws() {
  static const std::vector<std::string> laws{"gaussian", "orthogonal", "uniform", "rademacher"};
  return laws;
}

[[noreturn]] void refuse_name(const char* what, const std::string& name, const std::vector<std::string>& allowed,
                              const std::string& tables) {
  const std::string near = nearest(name, allowed);
  throw std::invalid_argument(fmt::format("unknown {} \"{}\" ({}known are {}, or a table: {})", what, name,
                                          near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near),
                                          fmt::join(allowed, " "), tables));
}

/// Refuses keys of `table` other than `allowed`.
void allow_only(const Table& table, const std::vector<std::string>& allowed, const char* what) {
  for (const auto& [key, value] : table.entries()) {
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    throw std::invalid_argument(
        fmt::format("unknown key '{}' in the table of {} (it may hold {})", key, what, fmt::join(allowed, ", ")));
  }
}

double finite_number(const Value& value, const std::string& key) {
  if (!value.is_number() || !std::isfinite(value.number())) {
    throw std::invalid_argument(fmt::format("'{}' holds {} (finite numbers are needed)", key, value.toml()));
  }
  return value.number();
}

std::vector<double> numbers(const Table& table, const std::string& key) {
  const Value* value = table.find(key);
  const List* list = value == nullptr ? nullptr : value->get_if<List>();
  if (list == nullptr) {
    throw std::invalid_argument(fmt::format("'{}' {} (a list of numbers is needed)", key,
                                            value == nullptr ? "is missing" : "is " + value->toml()));
  }
  std::vector<double> out;
  for (const Value& element : *list) out.push_back(finite_number(element, key));
  return out;
}

Activation pieces_from(const Table& table) {
  allow_only(table, {"breakpoints", "slopes", "value", "name"}, "linear pieces");
  const auto value = numbers(table, "value");
  if (value.size() != 2) {
    throw std::invalid_argument(
        fmt::format("'value' has {} numbers (it is a point [x, phi(x)] of the graph)", value.size()));
  }
  return Activation::piecewise_linear(numbers(table, "breakpoints"), numbers(table, "slopes"), value[0], value[1]);
}

Activation hermite_from(const Table& table) {
  allow_only(table, {"hermite", "name"}, "a Hermite series");
  auto coefficients = numbers(table, "hermite");
  if (coefficients.empty()) throw std::invalid_argument("'hermite' is empty (give coefficients c0, c1, ...)");
  return Activation::hermite(std::move(coefficients));
}

/// What the table itself says about the formula: its kinks, all of them, and the scale on which it changes.
struct Declared {
  std::optional<std::vector<double>> kinks;
  std::optional<double> scale;
};

Declared declared_in(const Table& table) {
  Declared declared;
  if (table.find("kinks") != nullptr) {
    declared.kinks = numbers(table, "kinks");
    if (std::adjacent_find(declared.kinks->begin(), declared.kinks->end(), std::greater_equal<>()) !=
        declared.kinks->end())
      throw std::invalid_argument("'kinks' does not ascend (these are places x, each once)");
  }
  if (const Value* scale = table.find("scale")) {
    declared.scale = finite_number(*scale, "scale");
    if (!(*declared.scale >= 1e-9)) {
      throw std::invalid_argument(
          fmt::format("'scale' is {} (it is a length over which the formula changes, at least 1e-9)", scale->toml()));
    }
  }
  return declared;
}

/// What was found in the formula together with what its user says.
Activation::Known known_of(Expression& expression, const Declared& declared, const std::string& text) {
  Activation::Features features = std::move(expression.features);
  if (features.reach == 0.0 && (!declared.kinks || !declared.scale)) {
    throw std::invalid_argument(fmt::format(
        "expression \"{}\" cannot be analysed (it changes on too fine a scale for its kinks and steep places to be "
        "found) declare where its slope jumps and the length over which it changes: {{ expression = ..., kinks = [], "
        "scale = 0.001 }}",
        text));
  }
  std::vector<double> kinks = expression.kinks.value_or(std::vector<double>{});
  const auto include = [](std::vector<double>& places, double place) {
    // A place that was found already, up to its rounding, is no second one.
    const auto same = [place](double x) { return std::abs(x - place) <= 1e-12 * std::max(1.0, std::abs(place)); };
    if (std::any_of(places.begin(), places.end(), same)) return;
    places.insert(std::upper_bound(places.begin(), places.end(), place), place);
  };
  for (const double kink : declared.kinks.value_or(std::vector<double>{})) {
    include(kinks, kink);
    include(features.breaks, kink);
  }
  if (declared.scale) {
    constexpr double unbounded = std::numeric_limits<double>::infinity();
    features.narrow = *declared.scale < 0.125
                          ? std::vector<Activation::Stretch>{{-unbounded, unbounded, *declared.scale}}
                          : std::vector<Activation::Stretch>{};
  }
  if (declared.kinks && declared.scale) features.reach = std::numeric_limits<double>::infinity();
  return {.kinks = std::move(kinks), .features = std::move(features)};
}

Activation expression_from(const Table& table) {
  allow_only(table, {"expression", "kinks", "scale", "name"}, "an expression");
  const std::string* text = table.find("expression")->get_if<std::string>();
  if (text == nullptr) throw std::invalid_argument("'expression' is no string (a formula in x is needed)");
  const Declared declared = declared_in(table);
  Expression expression = parse_expression(*text);
  Activation::Known known = known_of(expression, declared, *text);
  return Activation::custom(std::move(expression.value), std::move(expression.derivative),
                            std::move(expression.second_derivative), std::move(known));
}

Activation named_from(const std::string& given) {
  const std::string name(Activation::settled_name(given));
  const auto names = activation_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) refuse_name("activation", name, names, table_forms);
  return Activation::named(name);
}

/// { activation = "elu", alpha = 0.5 }: a named one, with its parameter where it has one.
Activation parameterised_from(const Table& table) {
  const std::string* given = table.find("activation")->get_if<std::string>();
  if (given == nullptr) throw std::invalid_argument("'activation' is no string (the name of an activation is needed)");
  const Activation plain = named_from(*given);
  const std::string key = *given == "leaky_relu" ? "slope" : *given == "elu" ? "alpha" : "";
  const std::string what = *given + (key.empty() ? ", which has no parameter" : "");
  const std::vector<std::string> both{"activation", "name"};
  const std::vector<std::string> all{"activation", key, "name"};
  allow_only(table, key.empty() ? both : all, what.c_str());
  const Value* parameter = key.empty() ? nullptr : table.find(key);
  if (parameter == nullptr) return plain;
  const double number = finite_number(*parameter, key);
  return key == "slope" ? Activation::leaky_relu(number) : Activation::elu(number);
}

Activation table_from(const Table& table) {
  if (table.find("hermite") != nullptr) return hermite_from(table);
  if (table.find("expression") != nullptr) return expression_from(table);
  if (table.find("activation") != nullptr) return parameterised_from(table);
  if (table.find("slopes") != nullptr) return pieces_from(table);
  throw std::invalid_argument(fmt::format("{} is no activation (it is a name, {})", Value(table).toml(), table_forms));
}

/// What the table calls itself; empty where it does not.
std::string name_of(const Table& table) {
  const Value* value = table.find("name");
  if (value == nullptr) return {};
  const std::string* name = value->get_if<std::string>();
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (name == nullptr || name->empty() || std::any_of(name->begin(), name->end(), is_control)) {
    throw std::invalid_argument(
        fmt::format("'name' is {} (what legends call the activation: a text of one line)", value->toml()));
  }
  const auto names = activation_names();
  if (std::find(names.begin(), names.end(), Activation::settled_name(*name)) != names.end()) {
    throw std::invalid_argument(
        fmt::format("'name' is \"{}\" (an activation of that name exists already) choose another", *name));
  }
  return *name;
}

double law_parameter(const Table& table, const char* law, const char* key) {
  allow_only(table, {"law", key}, law);
  const Value* value = table.find(key);
  if (value == nullptr) throw std::invalid_argument(fmt::format("'{}' is missing (law \"{}\" needs it)", key, law));
  return finite_number(*value, key);
}

WeightLaw law_from(const Table& table) {
  const Value* name = table.find("law");
  if (name == nullptr || !name->is_text()) {
    throw std::invalid_argument("'law' is missing (a table of weights names its law: \"student_t\" or \"sparse\")");
  }
  const std::string law = *name->get_if<std::string>();
  if (law == "student_t") {
    const double dof = law_parameter(table, "student_t", "dof");
    if (dof <= 2) throw std::invalid_argument(fmt::format("dof = {} (the variance is finite only for dof > 2)", dof));
    return {WeightLaw::Kind::student_t, dof};
  }
  if (law == "sparse") {
    const double density = law_parameter(table, "sparse", "density");
    if (!(density > 0 && density <= 1)) {
      throw std::invalid_argument(
          fmt::format("density = {} (it is the share of non-zero weights, 0 < density <= 1)", density));
    }
    return {WeightLaw::Kind::sparse, density};
  }
  if (std::find(plain_laws().begin(), plain_laws().end(), law) != plain_laws().end()) {
    allow_only(table, {"law"}, law.c_str());
    return weight_law_from(Value(law));
  }
  std::vector<std::string> all = plain_laws();
  all.insert(all.end(), {"student_t", "sparse"});
  const std::string near = nearest(law, all);
  throw std::invalid_argument(fmt::format("unknown law \"{}\" ({}known are {})", law,
                                          near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near),
                                          fmt::join(all, " ")));
}

std::optional<std::string> problem(const std::function<void()>& convert) {
  try {
    convert();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace

Activation activation_from(const Value& value) {
  if (const std::string* name = value.get_if<std::string>()) return named_from(*name);
  if (const Table* table = value.get_if<Table>()) {
    std::string label = name_of(*table);
    return table_from(*table).called(settled_activation(value).text(), std::move(label));
  }
  throw std::invalid_argument(fmt::format("{} is no activation (it is a name, {})", value.toml(), table_forms));
}

Value settled_activation(const Value& value) {
  if (const std::string* name = value.get_if<std::string>()) return std::string(Activation::settled_name(*name));
  const Table* table = value.get_if<Table>();
  const Value* name = table == nullptr ? nullptr : table->find("activation");
  if (name == nullptr) return value;
  Table settled = *table;
  settled.set("activation", settled_activation(*name));
  return settled;
}

WeightLaw weight_law_from(const Value& value) {
  using Kind = WeightLaw::Kind;
  constexpr const char* tables = "{ law = \"student_t\", dof = 4 } or { law = \"sparse\", density = 0.1 }";
  if (const std::string* name = value.get_if<std::string>()) {
    constexpr Kind kinds[] = {Kind::gaussian, Kind::orthogonal, Kind::uniform, Kind::rademacher};
    const auto found = std::find(plain_laws().begin(), plain_laws().end(), *name);
    if (found == plain_laws().end()) refuse_name("weight distribution", *name, plain_laws(), tables);
    return {kinds[found - plain_laws().begin()], 0.0};
  }
  if (const Table* table = value.get_if<Table>()) return law_from(*table);
  throw std::invalid_argument(fmt::format("{} is no weight distribution (it is a name, {})", value.toml(), tables));
}

std::optional<std::string> check_activation(const Value& value) {
  return problem([&] { activation_from(value); });
}

std::optional<std::string> check_weight_law(const Value& value) {
  return problem([&] { weight_law_from(value); });
}

Value activation_value(const std::string& text) {
  if (text.find('{') == std::string::npos) return text;
  Diagnostics diagnostics;
  const auto tree = parse_toml("activation = " + text, "activation", diagnostics);
  const Value whole = tree ? tree->value() : Value();
  const Table* table = whole.get_if<Table>();
  const Value* value = table == nullptr ? nullptr : table->find("activation");
  return value == nullptr ? Value(text) : *value;
}

}  // namespace meander
