// The one place that knows toml++: it is slow to compile and sorts the keys of a table, so its tree
// is turned into one in the order of the text.
#include "pipeline/values/toml_text.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

namespace meander {

namespace {

Place place_of(const toml::source_region& source, const std::string& file) {
  return {file, static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}

TomlNode convert(const toml::node& node, const std::string& file);

std::vector<TomlEntry> convert_table(const toml::table& table, const std::string& file) {
  std::vector<TomlEntry> entries;
  entries.reserve(table.size());
  for (const auto& [key, node] : table) {
    entries.push_back({std::string(key.str()), place_of(key.source(), file), convert(node, file)});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const TomlEntry& a, const TomlEntry& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  return entries;
}

TomlNode convert(const toml::node& node, const std::string& file) {
  TomlNode result;
  result.place = place_of(node.source(), file);
  if (const auto* table = node.as_table()) {
    result.kind = TomlNode::Kind::table;
    result.table = convert_table(*table, file);
  } else if (const auto* list = node.as_array()) {
    result.kind = TomlNode::Kind::list;
    result.list.reserve(list->size());
    for (const toml::node& element : *list) result.list.push_back(convert(element, file));
  } else if (const auto* integer = node.as_integer()) {
    result.scalar = Value(std::int64_t{integer->get()});
  } else if (const auto* real = node.as_floating_point()) {
    result.scalar = Value(real->get());
  } else if (const auto* boolean = node.as_boolean()) {
    result.scalar = Value(boolean->get());
  } else if (const auto* text = node.as_string()) {
    result.scalar = Value(text->get());
  } else {
    result.kind = TomlNode::Kind::date;
  }
  return result;
}

/// toml++ opens its messages with "Error while parsing key-value pair: ", which says nothing.
std::string explanation(std::string_view description) {
  constexpr std::string_view opening = "Error while parsing ";
  if (description.starts_with(opening)) {
    const std::size_t colon = description.find(": ");
    if (colon != std::string_view::npos) description.remove_prefix(colon + 2);
  }
  return std::string(description);
}

/// The end of the string in quotes that opens at `at`, or of its line where nothing closes it.
std::size_t after_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string fence(3, quote);
  const bool many_lines = text.substr(at).starts_with(fence);
  for (at += many_lines ? 3 : 1; at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (many_lines && text.substr(at).starts_with(fence)) {
      at += 3;
      for (int more = 0; more < 2 && at < text.size() && text[at] == quote; ++more) ++at;  // of the string itself
      return at;
    } else if (!many_lines && (text[at] == quote || text[at] == '\n')) {
      return text[at] == quote ? at + 1 : at;
    }
  }
  return text.size();
}

/// The line of a key of more than `most_dots` dots, or 0. toml++ bounds how deep values are nested but not
/// keys, and calls itself once for every level: thousands of dots are more than the stack holds.
int line_of_deep_key(std::string_view text, int most_dots) {
  int dots = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = after_string(text, at);
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (c == '.') {
      if (++dots > most_dots) return 1 + static_cast<int>(std::count(text.begin(), text.begin() + at, '\n'));
    } else if (std::string_view("\n,=[]{}").find(c) != std::string_view::npos) {
      dots = 0;
    }
    ++at;
  }
  return 0;
}

}  // namespace

const TomlEntry* TomlNode::find(std::string_view key) const {
  for (const TomlEntry& entry : table) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

TomlEntry* TomlNode::find(std::string_view key) {
  return const_cast<TomlEntry*>(static_cast<const TomlNode*>(this)->find(key));
}

Value TomlNode::value() const {
  switch (kind) {
    case Kind::list: {
      List values;
      values.reserve(list.size());
      for (const TomlNode& element : list) values.push_back(element.value());
      return values;
    }
    case Kind::table: {
      Table values;
      for (const TomlEntry& entry : table) values.set(entry.key, entry.node.value());
      return values;
    }
    case Kind::date:
      return "";
    case Kind::scalar:
      break;
  }
  return scalar;
}

std::string TomlNode::text() const {
  if (kind == Kind::date) return "a date or time";
  constexpr std::size_t longest = 60;
  std::string text = value().toml();
  if (text.size() > longest) {
    std::size_t end = longest - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // a whole character
    text = text.substr(0, end) + "...";
  }
  return text;
}

std::optional<TomlNode> parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  constexpr int most_dots = 15;
  if (const int line = line_of_deep_key(text, most_dots)) {
    diagnostics.error({file, line, 1}, fmt::format("a key has more than {} parts (nothing is nested as deep)"
                                                   " write shorter keys",
                                                   most_dots + 1));
    return std::nullopt;
  }
  try {
    const toml::table table = toml::parse(text, file);
    TomlNode root;
    root.kind = TomlNode::Kind::table;
    root.place = {file, 0, 0};
    root.table = convert_table(table, file);
    return root;
  } catch (const toml::parse_error& error) {
    diagnostics.error(place_of(error.source(), file), explanation(error.description()) + " (this is not valid TOML)");
    return std::nullopt;
  }
}

}  // namespace meander
