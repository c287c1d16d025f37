// Reads what stands in [sweep]: each key becomes a dimension of the archive.
#include "pipeline/study_reader/sweep.hpp"

#include <fmt/format.h>

#include <cmath>
#include <unordered_set>

#include "pipeline/values/key_check.hpp"
#include "pipeline/values/labels.hpp"

namespace meander {

namespace {

bool is_number(const TomlNode& node) {
  return node.kind == TomlNode::Kind::scalar && node.scalar.is_number();
}

/// The `linspace` or `logspace` of a table, or null.
const TomlEntry* spacing_of(const TomlNode& node) {
  const TomlEntry* linear = node.find("linspace");
  return linear ? linear : node.find("logspace");
}

class DimensionReader {
 public:
  DimensionReader(const Key& key, Diagnostics& diagnostics) : key_(key), diagnostics_(diagnostics) {}

  std::optional<SweepDimension> run(const TomlNode& node) {
    const bool read = spacing_of(node) ? read_spacing(node) : read_values(node);
    if (!read) return std::nullopt;
    return SweepDimension{key_.name, std::move(values_)};
  }

 private:
  bool error(const TomlNode& node, std::string message) {
    diagnostics_.error(node.place, std::move(message));
    return false;
  }

  bool add(const TomlNode& node) {
    auto value = check_value(key_, node, true, diagnostics_);
    if (!value) return false;
    if (!seen_.insert(value->canonical()).second) {
      return error(node, fmt::format("{} appears twice in '{}' (each value of a sweep is one cell) leave one out",
                                     value->toml(), key_.name));
    }
    if (const auto problem = labels_.add(key_.name, *value)) return error(node, *problem);
    values_.push_back(std::move(*value));
    return true;
  }

  /// A list stands for several values, but [500, 50] is one value of a key that takes lists.
  bool is_several(const TomlNode& node) const {
    if (node.kind != TomlNode::Kind::list) return false;
    if (key_.type != KeyType::integers && key_.type != KeyType::numbers) return true;
    if (node.list.empty()) return true;
    for (const TomlNode& element : node.list) {
      if (element.kind == TomlNode::Kind::list) return true;
    }
    return false;
  }

  bool read_values(const TomlNode& node) {
    if (!is_several(node)) return add(node);
    if (node.list.empty()) {
      return error(node, fmt::format("'{}' is an empty list (a sweep without values has no cells) leave it out or "
                                     "give a value",
                                     key_.name));
    }
    if (node.list.size() > static_cast<std::size_t>(most_values)) return too_many(node, node.list.size());
    bool good = true;
    for (const TomlNode& element : node.list) good = add(element) && good;
    return good;
  }

  bool too_many(const TomlNode& node, std::size_t n) {
    return error(node, fmt::format("'{}' has {} values (one dimension may have {})", key_.name, n, most_values));
  }

  bool read_spacing(const TomlNode& node) {
    const TomlEntry& entry = *spacing_of(node);
    const bool logarithmic = entry.key == "logspace";
    if (node.table.size() != 1) {
      return error(node,
                   fmt::format("'{}' has more than {} in its table ({} stands alone) write {{ {} = [lo, hi, n] }}",
                               key_.name, entry.key, entry.key, entry.key));
    }
    if (key_.type != KeyType::integer && key_.type != KeyType::number && key_.type != KeyType::any) {
      return error(node, fmt::format("'{}' cannot be spaced by {} (it takes {}) give a list of values", key_.name,
                                     entry.key, describe_type(key_)));
    }
    const std::vector<TomlNode>& parts = entry.node.list;
    if (parts.size() != 3 || !is_number(parts[0]) || !is_number(parts[1]) || !parts[2].scalar.get_if<std::int64_t>() ||
        parts[2].kind != TomlNode::Kind::scalar) {
      return error(entry.node, fmt::format("{} of '{}' is {} (it takes two numbers and an integer) write {{ {} = "
                                           "[lo, hi, n] }}",
                                           entry.key, key_.name, entry.node.text(), entry.key));
    }
    const double lo = parts[0].scalar.number();
    const double hi = parts[1].scalar.number();
    const std::int64_t n = *parts[2].scalar.get_if<std::int64_t>();
    if (!std::isfinite(lo) || !std::isfinite(hi)) {
      return error(entry.node, fmt::format("{} of '{}' goes from {} to {} (numbers must be finite)", entry.key,
                                           key_.name, parts[0].text(), parts[1].text()));
    }
    if (n < 1) {
      return error(parts[2],
                   fmt::format("{} of '{}' has {} values (there must be at least 1)", entry.key, key_.name, n));
    }
    if (n > most_values) return too_many(parts[2], static_cast<std::size_t>(n));
    if (logarithmic && (lo <= 0 || hi <= 0)) {
      return error(entry.node,
                   fmt::format("logspace of '{}' goes from {} to {} (its ends are values, not exponents, and "
                               "must be greater than 0) for 0.01 to 100 write {{ logspace = [0.01, 100, 5] }}",
                               key_.name, parts[0].text(), parts[1].text()));
    }
    return add_spaced(entry, logarithmic ? logspace(lo, hi, n) : linspace(lo, hi, n));
  }

  bool add_spaced(const TomlEntry& entry, const std::vector<double>& values) {
    for (const double x : values) {
      TomlNode element;
      element.place = entry.node.place;
      element.scalar = Value(x);
      if (key_.type == KeyType::integer) {
        if (x != std::floor(x) || std::abs(x) > 1e15) {
          return error(entry.node, fmt::format("{} of '{}' gives {} (it takes integers) change the number of values or "
                                               "give a list",
                                               entry.key, key_.name, Value(x).toml()));
        }
        element.scalar = Value(static_cast<std::int64_t>(x));
      }
      if (!add(element)) return false;
    }
    return true;
  }

  const Key& key_;
  Diagnostics& diagnostics_;
  std::vector<Value> values_;
  std::unordered_set<std::string> seen_;
  Labels labels_;
};

/// The dimension `point`, table by table.
class PointReader {
 public:
  PointReader(const std::vector<Key>& keys, Diagnostics& diagnostics) : keys_(keys), diagnostics_(diagnostics) {}

  std::optional<SweepDimension> run(const TomlNode& node) {
    const bool single = node.kind == TomlNode::Kind::table;
    if (!single && (node.kind != TomlNode::Kind::list || node.list.empty())) {
      diagnostics_.error(node.place,
                         fmt::format("'point' is {} (it takes a list of tables) write point = [{{ {} = ... }}]",
                                     node.text(), example()));
      return std::nullopt;
    }
    bool good = true;
    if (single) {
      good = add(node);
    } else {
      for (const TomlNode& element : node.list) good = add(element) && good;
    }
    if (!good) return std::nullopt;
    return SweepDimension{"point", std::move(values_)};
  }

 private:
  std::vector<std::string> allowed() const {
    std::vector<std::string> names;
    for (const Key& key : keys_) {
      if (key.sweepable) names.push_back(key.name);
    }
    return names;
  }

  std::string example() const {
    const auto names = allowed();
    return names.empty() ? "key" : names.front();
  }

  const Key* find(std::string_view name) const {
    for (const Key& key : keys_) {
      if (key.name == name && key.sweepable) return &key;
    }
    return nullptr;
  }

  bool error(const Place& place, std::string message) {
    diagnostics_.error(place, std::move(message));
    return false;
  }

  bool add_parameter(const TomlEntry& entry, Table& table) {
    const Key* key = find(entry.key);
    if (!key) {
      std::string message = fmt::format("'{}' cannot stand in 'point' (it is no key that can be swept)", entry.key);
      if (const std::string near = nearest(entry.key, allowed()); !near.empty()) {
        message += fmt::format(" did you mean '{}'?", near);
      }
      return error(entry.place, std::move(message));
    }
    auto value = check_value(*key, entry.node, true, diagnostics_);
    if (!value) return false;
    table.set(entry.key, std::move(*value));
    return true;
  }

  /// The first table's keys, in its order, are those of all.
  bool has_the_keys(const TomlNode& node) {
    for (const std::string& name : names_) {
      if (!node.find(name)) {
        return error(node.place, fmt::format("this point has no '{}' (every point must set the same keys: {})", name,
                                             fmt::join(names_, ", ")));
      }
    }
    for (const TomlEntry& entry : node.table) {
      if (std::find(names_.begin(), names_.end(), entry.key) == names_.end()) {
        return error(entry.place, fmt::format("'{}' is not in the first point (every point must set the same keys: {})",
                                              entry.key, fmt::join(names_, ", ")));
      }
    }
    return true;
  }

  bool add(const TomlNode& node) {
    if (node.kind != TomlNode::Kind::table || node.table.empty()) {
      return error(node.place, fmt::format("a point is {} (it must be a table with at least one key)", node.text()));
    }
    if (names_.empty()) {
      for (const TomlEntry& entry : node.table) names_.push_back(entry.key);
    }
    Table read;
    bool good = true;
    for (const TomlEntry& entry : node.table) good = add_parameter(entry, read) && good;
    if (!good || !has_the_keys(node)) return false;
    Table ordered;
    for (const std::string& name : names_) {
      if (const auto problem = labels_.add(name, *read.find(name))) return error(node.place, *problem);
      ordered.set(name, *read.find(name));
    }
    Value value(std::move(ordered));
    if (!seen_.insert(value.canonical()).second) {
      return error(
          node.place,
          fmt::format("{} appears twice in 'point' (each value of a sweep is one cell) leave one out", value.toml()));
    }
    values_.push_back(std::move(value));
    return true;
  }

  const std::vector<Key>& keys_;
  Diagnostics& diagnostics_;
  std::vector<std::string> names_;
  std::vector<Value> values_;
  std::unordered_set<std::string> seen_;
  Labels labels_;
};

}  // namespace

std::optional<SweepDimension> read_dimension(const Key& key, const TomlNode& node, Diagnostics& diagnostics) {
  return DimensionReader(key, diagnostics).run(node);
}

std::optional<SweepDimension> read_point(const std::vector<Key>& keys, const TomlNode& node, Diagnostics& diagnostics) {
  return PointReader(keys, diagnostics).run(node);
}

}  // namespace meander
