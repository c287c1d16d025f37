// TOML text of values, and what makes two values the same.
#include "pipeline/values/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string_view>

namespace meander {

namespace {

/// Of a table: what it is called.
constexpr std::string_view name_key = "name";

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double magnitude = std::abs(value);
  const bool plain = value == 0.0 || (magnitude >= 1e-5 && magnitude < 1e16);
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer.data(), end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string quoted(std::string_view value) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      text += "\\u00";
      text += digits[byte >> 4];
      text += digits[byte & 15];
    } else {
      text += c;
    }
  }
  return text + "\"";
}

/// `canonical`: keys sorted, and one text for 2 and 2.0.
std::string list_text(const List& list, std::string (*element)(const Value&)) {
  std::string text = "[";
  for (std::size_t i = 0; i < list.size(); ++i) text += (i ? ", " : "") + element(list[i]);
  return text + "]";
}

std::string table_text(const std::vector<TableEntry>& entries, std::string (*element)(const Value&)) {
  if (entries.empty()) return "{}";
  std::string text = "{ ";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    text += (i ? ", " : "") + toml_key(entries[i].key) + " = " + element(entries[i].value);
  }
  return text + " }";
}

/// The integer as a double, where that is exact.
bool exactly_double(std::int64_t value) {
  constexpr std::int64_t limit = std::int64_t{1} << 62;
  return value > -limit && value < limit && static_cast<std::int64_t>(static_cast<double>(value)) == value;
}

bool same_number(const Value& a, const Value& b) {
  const auto* i = a.get_if<std::int64_t>();
  const auto* j = b.get_if<std::int64_t>();
  if (i && j) return *i == *j;
  if (i && !exactly_double(*i)) return false;
  if (j && !exactly_double(*j)) return false;
  return a.number() == b.number();
}

}  // namespace

// All that makes or destroys a Value stands here, where TableEntry is complete.
Value::Value() = default;
Value::Value(bool value) : data_(value) {}
Value::Value(int value) : data_(static_cast<std::int64_t>(value)) {}
Value::Value(std::int64_t value) : data_(value) {}
Value::Value(double value) : data_(value) {}
Value::Value(const char* value) : data_(std::string(value)) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(List value) : data_(std::move(value)) {}
Value::Value(Table value) : data_(std::move(value)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

bool Table::empty() const {
  return entries_.empty();
}

const Value* Table::find(std::string_view key) const {
  for (const auto& [name, value] : entries_) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Table::set(std::string key, Value value) {
  for (auto& [name, old] : entries_) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  entries_.push_back({std::move(key), std::move(value)});
}

bool operator==(const Table& a, const Table& b) {
  if (a.entries_.size() != b.entries_.size()) return false;
  return std::all_of(a.entries_.begin(), a.entries_.end(), [&](const auto& entry) {
    const Value* other = b.find(entry.key);
    return other && *other == entry.value;
  });
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return same_number(a, b);
  return a.data_ == b.data_;
}

bool Value::is_number() const {
  return std::holds_alternative<std::int64_t>(data_) || std::holds_alternative<double>(data_);
}

double Value::number() const {
  if (const auto* integer = get_if<std::int64_t>()) return static_cast<double>(*integer);
  if (const auto* real = get_if<double>()) return *real;
  throw std::logic_error("a value that is not a number was used as one (" + toml() + ")");
}

std::string Value::toml() const {
  if (const auto* integer = get_if<std::int64_t>()) return std::to_string(*integer);
  if (const auto* real = get_if<double>()) return float_text(*real);
  if (const auto* boolean = get_if<bool>()) return *boolean ? "true" : "false";
  if (const auto* text = get_if<std::string>()) return quoted(*text);
  const auto element = [](const Value& value) { return value.toml(); };
  if (const auto* list = get_if<List>()) return list_text(*list, element);
  return table_text(get_if<Table>()->entries(), element);
}

std::string Value::canonical() const {
  if (const auto* integer = get_if<std::int64_t>(); integer && exactly_double(*integer)) {
    return float_text(static_cast<double>(*integer));
  }
  if (const auto* real = get_if<double>()) return float_text(*real == 0.0 ? 0.0 : *real);
  const auto element = [](const Value& value) { return value.canonical(); };
  if (const auto* list = get_if<List>()) return list_text(*list, element);
  if (const auto* table = get_if<Table>()) {
    auto entries = table->entries();
    std::erase_if(entries, [](const auto& entry) { return entry.key == name_key; });
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return table_text(entries, element);
  }
  return toml();
}

std::string Value::text() const {
  const auto* text = get_if<std::string>();
  return text ? *text : toml();
}

std::string Value::label() const {
  const auto* table = get_if<Table>();
  const Value* name = table ? table->find(name_key) : nullptr;
  return name && name->is_text() ? name->text() : text();
}

std::string toml_key(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(key) : quoted(key);
}

}  // namespace meander
