// The declaration of a study file's keys: checks, defaults, `meander list` and the documentation all
// come from it.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/values/value.hpp"

namespace meander {

enum class KeyType {
  integer,
  number,  // integer or float
  boolean,
  string,    // one of `choices`, if there are any
  integers,  // a list of integers
  numbers,   // a list of numbers
  file,      // a path, relative to the study file; read when the study is opened
  any,       // whatever `check` accepts (a name or a table)
};

/// One key. `section` is its home: "sweep" for a parameter that is always a dimension of the
/// archive, otherwise a table of the study file ("input", "curve", a measure's name). A sweepable
/// key with another home may stand in [sweep] instead.
struct Key {
  std::string section = {};
  std::string name = {};
  KeyType type = KeyType::number;
  std::string units = "1";
  std::string description = {};
  /// Nothing: a required key unless `optional`.
  std::optional<Value> default_value = {};
  bool optional = false;
  bool sweepable = false;
  /// Bounds of numbers and of a list's elements; exclusive where the flag says so.
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_exclusive = false;
  std::vector<std::string> choices = {};
  /// A further test of one value: the problem, or nothing. Given the value after its type was checked.
  std::function<std::optional<std::string>(const Value&)> check = {};
  /// What a value that passed means, where several may be written for one ("silu" for "swish").
  std::function<Value(const Value&)> settle = {};
  /// Shown after an error about a file that cannot be read: what it is and where people get it.
  std::string hint = {};

  /// "curve.samples"; the name alone for a key at the top of the file.
  std::string path() const { return section.empty() ? name : section + "." + name; }
};

/// The keys that stand at the top of every study file (section "").
std::vector<Key> common_keys();

/// The type in words ("an integer", "a list of numbers"), and the bounds ("at least 1", "greater
/// than 0 and at most 1"; empty where there are none).
std::string describe_type(const Key& key);
std::string describe_bounds(const Key& key);

}  // namespace meander
