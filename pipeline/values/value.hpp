// A value in a study file: what TOML can hold, with one canonical text for hashing, for archives
// and for messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace meander {

class Value;
using List = std::vector<Value>;

struct TableEntry;

/// A table whose keys keep the order in which they were written.
class Table {
 public:
  const Value* find(std::string_view key) const;
  void set(std::string key, Value value);
  const std::vector<TableEntry>& entries() const { return entries_; }
  bool empty() const;
  friend bool operator==(const Table&, const Table&);

 private:
  std::vector<TableEntry> entries_;  // of a type that is complete only behind Value
};

class Value {
 public:
  Value();
  Value(bool value);
  Value(int value);
  Value(std::int64_t value);
  Value(double value);
  Value(const char* value);
  Value(std::string value);
  Value(List value);
  Value(Table value);
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  /// The number as a double, whether it was written 2 or 2.0; nothing else converts.
  bool is_number() const;
  double number() const;  // precondition: is_number()
  bool is_text() const { return std::holds_alternative<std::string>(data_); }

  /// TOML text, shortest form that reads back the same: 0.1, 2.0, 3, "relu",
  /// { breakpoints = [-1.0, 1.0], slopes = [0.0, 1.0, 0.0] }.
  std::string toml() const;
  /// As an archive's coordinate shows it: a string bare, everything else as `toml()`.
  std::string text() const;
  /// What an archive's coordinate, legends and messages call it: the `name` that a table holds, else `text()`.
  std::string label() const;
  /// One text for all values that compare equal: what hashes are taken of. A table's `name` is what the table is
  /// called, not what it is, and no part of it.
  std::string canonical() const;

  /// 2 and 2.0 are one value, and so are tables whose keys stand in another order.
  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::int64_t, double, bool, std::string, List, Table> data_;
};

struct TableEntry {
  std::string key;
  Value value;
};

/// A key as TOML writes it: bare where it can be, else quoted.
std::string toml_key(std::string_view key);

}  // namespace meander
