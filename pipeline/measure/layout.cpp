// Layouts as text, and the arithmetic of cells.
#include "pipeline/measure/layout.hpp"

#include <algorithm>
#include <stdexcept>

#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/toml_text.hpp"

namespace meander {

namespace {

constexpr std::pair<ArrayType, std::string_view> type_names[] = {
    {ArrayType::float64, "float64"}, {ArrayType::int64, "int64"}, {ArrayType::int8, "int8"}};

List text_list(const std::vector<std::string>& texts) {
  return List(texts.begin(), texts.end());
}

Table to_table(const OwnDimension& dimension) {
  Table table;
  table.set("name", dimension.name);
  table.set("size", static_cast<std::int64_t>(dimension.size));
  table.set("units", dimension.units);
  table.set("long_name", dimension.long_name);
  table.set("coordinates", List(dimension.coordinates));
  table.set("ragged", dimension.ragged);
  return table;
}

Table to_table(const ArraySpec& array) {
  Table table;
  table.set("name", array.name);
  table.set("units", array.units);
  table.set("long_name", array.long_name);
  for (const auto& [type, name] : type_names) {
    if (type == array.type) table.set("type", std::string(name));
  }
  table.set("dimensions", text_list(array.dimensions));
  table.set("run_dependent", array.run_dependent);
  table.set("warning", array.warning);
  // Left out where empty, as from programs that knew neither.
  if (!array.undefined_where.empty()) table.set("undefined_where", array.undefined_where);
  if (!array.infinite_where.empty()) table.set("infinite_where", array.infinite_where);
  return table;
}

Table to_table(const Family& family) {
  Table table;
  table.set("name", family.name);
  if (family.over) table.set("over", text_list(*family.over));
  table.set("per_realization", family.per_realization);
  List arrays;
  for (const ArraySpec& array : family.arrays) arrays.emplace_back(to_table(array));
  table.set("arrays", std::move(arrays));
  return table;
}

[[noreturn]] void damaged(const std::string& problem) {
  throw BadInput("the layout of an archive is damaged (" + problem + ") check the archive");
}

/// A member of a table, of type T.
template <class T>
const T& member(const Table& table, std::string_view key) {
  const Value* value = table.find(key);
  const T* typed = value ? value->get_if<T>() : nullptr;
  if (!typed) damaged("'" + std::string(key) + "' is missing or of another type");
  return *typed;
}

std::vector<std::string> texts(const Table& table, std::string_view key) {
  std::vector<std::string> result;
  for (const Value& value : member<List>(table, key)) {
    const auto* text = value.get_if<std::string>();
    if (!text) damaged("'" + std::string(key) + "' holds " + value.toml());
    result.push_back(*text);
  }
  return result;
}

template <class T>
std::vector<T> each(const Table& table, std::string_view key, T (*read)(const Table&)) {
  std::vector<T> result;
  for (const Value& value : member<List>(table, key)) {
    const auto* entry = value.get_if<Table>();
    if (!entry) damaged("'" + std::string(key) + "' holds " + value.toml());
    result.push_back(read(*entry));
  }
  return result;
}

OwnDimension read_dimension(const Table& table) {
  OwnDimension dimension;
  dimension.name = member<std::string>(table, "name");
  const auto size = member<std::int64_t>(table, "size");
  if (size < 0) damaged("dimension '" + dimension.name + "' has size " + std::to_string(size));
  dimension.size = static_cast<std::size_t>(size);
  dimension.units = member<std::string>(table, "units");
  dimension.long_name = member<std::string>(table, "long_name");
  dimension.coordinates = member<List>(table, "coordinates");
  dimension.ragged = member<bool>(table, "ragged");
  return dimension;
}

ArraySpec read_array(const Table& table) {
  ArraySpec array;
  array.name = member<std::string>(table, "name");
  array.units = member<std::string>(table, "units");
  array.long_name = member<std::string>(table, "long_name");
  const auto& type = member<std::string>(table, "type");
  const auto* known = std::find_if(std::begin(type_names), std::end(type_names),
                                   [&](const auto& entry) { return entry.second == type; });
  if (known == std::end(type_names)) damaged("array '" + array.name + "' is of type '" + type + "'");
  array.type = known->first;
  array.dimensions = texts(table, "dimensions");
  array.run_dependent = member<bool>(table, "run_dependent");
  array.warning = member<std::string>(table, "warning");
  if (table.find("undefined_where")) array.undefined_where = member<std::string>(table, "undefined_where");
  if (table.find("infinite_where")) array.infinite_where = member<std::string>(table, "infinite_where");
  return array;
}

Family read_family(const Table& table) {
  Family family;
  family.name = member<std::string>(table, "name");
  if (table.find("over")) family.over = texts(table, "over");
  family.per_realization = member<bool>(table, "per_realization");
  family.arrays = each(table, "arrays", read_array);
  return family;
}

}  // namespace

std::string ArraySpec::exceptions() const {
  std::string text = undefined_where.empty() ? "" : "missing where " + undefined_where;
  if (infinite_where.empty()) return text;
  return text + (text.empty() ? "" : "; ") + "infinite where " + infinite_where;
}

const OwnDimension& Layout::dimension(std::string_view name) const {
  for (const OwnDimension& own : dimensions) {
    if (own.name == name) return own;
  }
  throw std::logic_error("an array has dimension '" + std::string(name) + "', which its layout does not declare");
}

std::string Layout::toml() const {
  List own;
  for (const OwnDimension& entry : dimensions) own.emplace_back(to_table(entry));
  List all;
  for (const Family& family : families) all.emplace_back(to_table(family));
  return "dimensions = " + Value(std::move(own)).toml() + "\nfamilies = " + Value(std::move(all)).toml() + "\n";
}

Layout Layout::parse(const std::string& toml) {
  Diagnostics diagnostics;
  const std::optional<TomlNode> root = parse_toml(toml, "layout", diagnostics);
  if (!root) damaged(diagnostics.text());
  const Value value = root->value();
  Layout layout;
  layout.dimensions = each(*value.get_if<Table>(), "dimensions", read_dimension);
  layout.families = each(*value.get_if<Table>(), "families", read_family);
  return layout;
}

CellSpace::CellSpace(const Study& study, const Family& family)
    : sweep_dimensions_(study.sweep.size()), per_realization_(family.per_realization) {
  if (family.over) {
    for (const std::string& name : *family.over) {
      if (!study.dimension(name)) {
        throw std::logic_error("family '" + family.name + "' runs over '" + name + "', which the study does not sweep");
      }
    }
  }
  for (std::size_t d = 0; d < study.sweep.size(); ++d) {
    const SweepDimension& dimension = study.sweep[d];
    if (family.over && std::find(family.over->begin(), family.over->end(), dimension.name) == family.over->end()) {
      continue;
    }
    names_.push_back(dimension.name);
    extents_.push_back(dimension.values.size());
    sweep_position_.push_back(d);
  }
  if (per_realization_) {
    names_.emplace_back("realization");
    extents_.push_back(static_cast<std::size_t>(study.realizations));
  }
  for (const std::size_t extent : extents_) size_ *= extent;
}

std::vector<std::size_t> CellSpace::indices(std::size_t cell) const {
  std::vector<std::size_t> indices(extents_.size());
  for (std::size_t d = extents_.size(); d-- > 0;) {
    indices[d] = cell % extents_[d];
    cell /= extents_[d];
  }
  return indices;
}

std::size_t CellSpace::cell(const std::vector<std::size_t>& indices) const {
  std::size_t cell = 0;
  for (std::size_t d = 0; d < extents_.size(); ++d) cell = cell * extents_[d] + indices[d];
  return cell;
}

std::vector<std::size_t> CellSpace::point_indices(std::size_t cell) const {
  const std::vector<std::size_t> own = indices(cell);
  std::vector<std::size_t> point(sweep_dimensions_, 0);
  for (std::size_t d = 0; d < sweep_position_.size(); ++d) point[sweep_position_[d]] = own[d];
  return point;
}

std::uint64_t CellSpace::realization(std::size_t cell) const {
  return per_realization_ ? static_cast<std::uint64_t>(cell % extents_.back()) : 0;
}

}  // namespace meander
