// The declaration of a study file's keys: checks, defaults, `meander list` and the documentation all
// come from it.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/value.hpp"

namespace meander {

enum class KeyType {
  integer,
  number,      // integer or float
  boolean,
  string,      // one of `choices`, if there are any
  integers,    // a list of integers
  numbers,     // a list of numbers
  file,        // a path, relative to the study file; read when the study is opened
  any,         // whatever `check` accepts (a name or a table)
};

/// One key. `section` is its home: "sweep" for a parameter that is always a dimension of the
/// archive, otherwise a table of the study file ("input", "curve", a measure's name). A sweepable
/// key with another home may stand in [sweep] instead.
struct Key {
  std::string section;
  std::string name;
  KeyType type = KeyType::number;
  std::string units = "1";
  std::string description;
  /// Nothing: a required key unless `optional`.
  std::optional<Value> default_value;
  bool optional = false;
  bool sweepable = false;
  /// Bounds of numbers and of a list's elements; exclusive where the flag says so.
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_exclusive = false;
  std::vector<std::string> choices;
  /// A further test of one value: the problem, or nothing. Given the value after its type was checked.
  std::function<std::optional<std::string>(const Value&)> check;

  std::string path() const { return section + "." + name; }
};

}  // namespace meander
