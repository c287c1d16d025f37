// Type, bounds, choices and a key's own test, in this order: a later test sees only what the
// earlier ones let through.
#include "pipeline/values/key_check.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace meander {

namespace {

/// The innermost number that is NaN or infinite, or null.
const TomlNode* find_not_finite(const TomlNode& node) {
  if (const auto* real = node.scalar.get_if<double>()) return std::isfinite(*real) ? nullptr : &node;
  for (const TomlNode& element : node.list) {
    if (const TomlNode* found = find_not_finite(element)) return found;
  }
  for (const TomlEntry& entry : node.table) {
    if (const TomlNode* found = find_not_finite(entry.node)) return found;
  }
  return nullptr;
}

/// The first date or time in a node, or null.
const TomlNode* find_date(const TomlNode& node) {
  if (node.kind == TomlNode::Kind::date) return &node;
  for (const TomlNode& element : node.list) {
    if (const TomlNode* found = find_date(element)) return found;
  }
  for (const TomlEntry& entry : node.table) {
    if (const TomlNode* found = find_date(entry.node)) return found;
  }
  return nullptr;
}

class ValueCheck {
 public:
  ValueCheck(const Key& key, bool swept, Diagnostics& diagnostics)
      : key_(key), swept_(swept), diagnostics_(diagnostics) {}

  std::optional<Value> run(const TomlNode& node) {
    if (const TomlNode* bad = find_not_finite(node)) {
      error(*bad, fmt::format("'{}' is {} (numbers must be finite)", key_.name, bad->text()));
      return std::nullopt;
    }
    std::optional<Value> value = typed(node);
    if (!value || !within_bounds(*value, node) || !is_choice(*value, node)) return std::nullopt;
    if (key_.check) {
      if (const auto problem = key_.check(*value)) {
        error(node, fmt::format("'{}': {}", key_.name, *problem));
        return std::nullopt;
      }
    }
    return key_.settle ? key_.settle(*value) : value;
  }

 private:
  void error(const TomlNode& node, std::string message) { diagnostics_.error(node.place, std::move(message)); }

  std::nullopt_t wrong_type(const TomlNode& node, std::string_view suggestion = "") {
    std::string message =
        fmt::format("'{}' {} {} (it takes {})", key_.name, in_list_ ? "holds" : "is", node.text(), describe_type(key_));
    if (!suggestion.empty()) {
      message += fmt::format(" {}", suggestion);
    } else if (key_.sweepable && !swept_ && !in_list_ && node.kind == TomlNode::Kind::list) {
      message += fmt::format(" to sweep it, write '{}' in [sweep] instead", key_.name);
    }
    error(node, std::move(message));
    return std::nullopt;
  }

  double rounded(double x) const { return swept_ ? round_significant(x) : (x == 0.0 ? 0.0 : x); }

  std::optional<Value> integer(const TomlNode& node) {
    if (node.scalar.get_if<std::int64_t>() && node.kind == TomlNode::Kind::scalar) return node.scalar;
    if (const auto* real = node.scalar.get_if<double>(); real && *real == std::floor(*real) && std::abs(*real) < 1e15) {
      return wrong_type(node, fmt::format("write {:.0f}", *real));
    }
    return wrong_type(node);
  }

  std::optional<Value> number(const TomlNode& node) {
    if (node.kind != TomlNode::Kind::scalar || !node.scalar.is_number()) return wrong_type(node);
    return Value(rounded(node.scalar.number()));
  }

  std::optional<Value> list(const TomlNode& node) {
    if (node.kind != TomlNode::Kind::list) return wrong_type(node);
    if (node.list.empty()) {
      error(node, fmt::format("'{}' is an empty list (it takes {})", key_.name, describe_type(key_)));
      return std::nullopt;
    }
    in_list_ = true;
    List values;
    for (const TomlNode& element : node.list) {
      auto value = key_.type == KeyType::integers ? integer(element) : number(element);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return Value(std::move(values));
  }

  std::optional<Value> any(const TomlNode& node) {
    if (const TomlNode* date = find_date(node)) {
      error(*date, fmt::format("'{}' {} a date or time (nothing here takes one) put it in quotes if it is a text",
                               key_.name, date == &node ? "is" : "holds"));
      return std::nullopt;
    }
    Value value = node.value();
    if (value.is_number()) return Value(rounded(value.number()));
    return value;
  }

  std::optional<Value> text(const TomlNode& node) {
    const auto* text = node.scalar.get_if<std::string>();
    if (!text) return wrong_type(node);
    if (key_.type == KeyType::file && text->empty()) {
      error(node, fmt::format("'{}' is empty (it takes {})", key_.name, describe_type(key_)));
      return std::nullopt;
    }
    return node.scalar;
  }

  std::optional<Value> typed(const TomlNode& node) {
    switch (key_.type) {
      case KeyType::integer:
        return integer(node);
      case KeyType::number:
        return number(node);
      case KeyType::boolean:
        if (!node.scalar.get_if<bool>()) return wrong_type(node);
        return node.scalar;
      case KeyType::integers:
      case KeyType::numbers:
        return list(node);
      case KeyType::string:
      case KeyType::file:
        return text(node);
      case KeyType::any:
        break;
    }
    return any(node);
  }

  bool within_bounds(double x) const {
    return (key_.minimum_exclusive ? x > key_.minimum : x >= key_.minimum) && x <= key_.maximum;
  }

  bool within_bounds(const Value& value, const TomlNode& node) {
    if (value.is_number()) {
      if (within_bounds(value.number())) return true;
      error(node, fmt::format("'{}' is {} (it must be {})", key_.name, value.toml(), describe_bounds(key_)));
      return false;
    }
    const auto* values = value.get_if<List>();
    if (!values || key_.type == KeyType::any) return true;
    for (std::size_t i = 0; i < values->size(); ++i) {
      if (within_bounds((*values)[i].number())) continue;
      error(node.list[i], fmt::format("'{}' holds {} (each element must be {})", key_.name, (*values)[i].toml(),
                                      describe_bounds(key_)));
      return false;
    }
    return true;
  }

  bool is_choice(const Value& value, const TomlNode& node) {
    const auto* text = value.get_if<std::string>();
    if (!text || key_.choices.empty()) return true;
    for (const std::string& choice : key_.choices) {
      if (choice == *text) return true;
    }
    std::string message =
        fmt::format("'{}' is {} (it must be one of {})", key_.name, node.text(), fmt::join(key_.choices, ", "));
    if (const std::string near = nearest(*text, key_.choices); !near.empty()) {
      message += fmt::format(" did you mean '{}'?", near);
    }
    error(node, std::move(message));
    return false;
  }

  const Key& key_;
  bool swept_;
  bool in_list_ = false;
  Diagnostics& diagnostics_;
};

}  // namespace

std::optional<Value> check_value(const Key& key, const TomlNode& node, bool swept, Diagnostics& diagnostics) {
  return ValueCheck(key, swept, diagnostics).run(node);
}

std::optional<Value> default_of(const Key& key) {
  const bool real = key.type == KeyType::number || key.type == KeyType::any;
  if (real && key.default_value && key.default_value->is_number()) return Value(key.default_value->number());
  return key.default_value;
}

double round_significant(double x) {
  constexpr int decimals_after_the_first = 14;
  if (x == 0.0 || !std::isfinite(x)) return x == 0.0 ? 0.0 : x;
  std::array<char, 64> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::scientific,
                                     decimals_after_the_first);
  double rounded = x;
  // Where rounding would leave the range of doubles (next to the largest), x is kept.
  std::from_chars(buffer.data(), written.ptr, rounded);
  return rounded;
}

}  // namespace meander
