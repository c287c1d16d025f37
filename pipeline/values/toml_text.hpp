// TOML text as a tree in which every key and every value knows where it was written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/value.hpp"

namespace meander {

struct TomlEntry;

struct TomlNode {
  enum class Kind { scalar, list, table, date };
  Kind kind = Kind::scalar;
  Place place;
  Value scalar;  // integer, float, boolean or string
  std::vector<TomlNode> list;
  std::vector<TomlEntry> table;  // in the order of the text

  const TomlEntry* find(std::string_view key) const;
  TomlEntry* find(std::string_view key);
  /// Without places; a date becomes an empty string.
  Value value() const;
  /// As a message shows it: the value's TOML, shortened; "a date or time".
  std::string text() const;
};

struct TomlEntry {
  std::string key;
  Place place;  // of the key
  TomlNode node;
};

/// The tree of `text` (a table). A syntax error or a key written twice goes to `diagnostics`, and
/// nothing is returned.
std::optional<TomlNode> parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics);

}  // namespace meander
