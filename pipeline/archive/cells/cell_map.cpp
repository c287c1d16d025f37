#include "pipeline/archive/cells/cell_map.hpp"

#include <algorithm>
#include <map>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

using Indices = std::vector<std::optional<std::size_t>>;

Indices match(const std::vector<Value>& source, const std::vector<Value>& target) {
  std::map<std::string, std::size_t> position;
  for (std::size_t i = 0; i < target.size(); ++i) position.emplace(target[i].canonical(), i);
  Indices indices;
  for (const Value& value : source) {
    const auto found = position.find(value.canonical());
    indices.push_back(found == position.end() ? std::nullopt : std::optional(found->second));
  }
  return indices;
}

template <class Named>
std::optional<std::size_t> position_of(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& item) { return item.name == name; });
  if (found == all.end()) return std::nullopt;
  return static_cast<std::size_t>(found - all.begin());
}

}  // namespace

CellMap::CellMap(const Study& source, const Layout& source_layout, const Study& target, const Layout& target_layout) {
  for (const SweepDimension& dimension : source.sweep) {
    const SweepDimension* other = target.dimension(dimension.name);
    Indices indices = match(dimension.values, other == nullptr ? std::vector<Value>{} : other->values);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      if (!indices[i]) lost_.push_back(dimension.name + " = " + dimension.values[i].toml());
    }
    dimensions_.emplace_back(dimension.name, std::move(indices));
  }
  Indices realizations;
  for (std::int64_t r = 0; r < source.realizations; ++r) {
    realizations.push_back(r < target.realizations ? std::optional(static_cast<std::size_t>(r)) : std::nullopt);
  }
  if (source.realizations > target.realizations) {
    lost_.push_back("realization = " + std::to_string(target.realizations));
  }
  dimensions_.emplace_back("realization", std::move(realizations));

  for (const Family& family : source_layout.families) {
    FamilyMap map{position_of(target_layout.families, family.name), CellSpace(source, family), {}, {}, {}, 0};
    if (!map.target) {
      lost_.push_back("the arrays of '" + family.name + "'");
    } else {
      const Family& other = target_layout.families[*map.target];
      map.target_cells.emplace(target, other);
      map.target_arrays = other.arrays.size();
      for (const ArraySpec& array : family.arrays) {
        map.arrays.push_back(position_of(other.arrays, array.name));
        if (!map.arrays.back()) lost_.push_back("the array '" + array.name + "'");
      }
    }
    for (const std::string& name : map.source_cells.names()) {
      const auto found =
          std::find_if(dimensions_.begin(), dimensions_.end(), [&](const auto& d) { return d.first == name; });
      map.indices.push_back(&found->second);
    }
    families_.push_back(std::move(map));
  }
}

void CellMap::require_all(const std::string& path) const {
  if (lost_.empty()) return;
  throw BadInput(path + ": error: holds what the joined study lacks (" + lost_.front() +
                 (lost_.size() > 1 ? " and " + std::to_string(lost_.size() - 1) + " more" : "") +
                 ") join it with a study that covers it");
}

std::optional<std::size_t> CellMap::cell(std::size_t source_family, std::size_t source_cell) const {
  const FamilyMap& family = families_[source_family];
  if (!family.target) return std::nullopt;
  std::vector<std::size_t> indices = family.source_cells.indices(source_cell);
  for (std::size_t d = 0; d < indices.size(); ++d) {
    const std::optional<std::size_t> index = (*family.indices[d])[indices[d]];
    if (!index) return std::nullopt;
    indices[d] = *index;
  }
  return family.target_cells->cell(indices);
}

std::optional<Record> CellMap::translate(Record record) const {
  const std::optional<std::size_t> target = cell(record.family, record.cell);
  if (!target) return std::nullopt;
  const FamilyMap& family = families_[record.family];
  std::vector<ArrayData> arrays(family.target_arrays);
  std::vector<std::vector<std::size_t>> extents(family.target_arrays);
  for (std::size_t a = 0; a < record.arrays.size(); ++a) {
    if (!family.arrays[a]) continue;
    arrays[*family.arrays[a]] = std::move(record.arrays[a]);
    extents[*family.arrays[a]] = std::move(record.extents[a]);
  }
  record.arrays = std::move(arrays);
  record.extents = std::move(extents);
  record.family = *family.target;
  record.cell = *target;
  return record;
}

}  // namespace meander
