#include "pipeline/archive/cells/cell_map.hpp"

#include <algorithm>
#include <map>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

std::vector<std::optional<std::size_t>> match(const std::vector<Value>& source, const std::vector<Value>& target) {
  std::map<std::string, std::size_t> position;
  for (std::size_t i = 0; i < target.size(); ++i) position.emplace(target[i].canonical(), i);
  std::vector<std::optional<std::size_t>> places;
  for (const Value& value : source) {
    const auto found = position.find(value.canonical());
    places.push_back(found == position.end() ? std::nullopt : std::optional(found->second));
  }
  return places;
}

template <class Named>
std::optional<std::size_t> position_of(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& item) { return item.name == name; });
  if (found == all.end()) return std::nullopt;
  return static_cast<std::size_t>(found - all.begin());
}

}  // namespace

CellMap::Places::Places(std::vector<std::optional<std::size_t>> places)
    : size_(places.size()), places_(std::move(places)) {
  while (shared_ < size_ && places_[shared_] == shared_) ++shared_;
  if (std::all_of(places_.begin() + static_cast<std::ptrdiff_t>(shared_), places_.end(),
                  [](const auto& place) { return !place; })) {
    places_.clear();
  }
}

CellMap::Places CellMap::Places::inverse(std::size_t size) const {
  if (places_.empty()) return {size, std::min(size, shared_)};
  std::vector<std::optional<std::size_t>> back(size);
  for (std::size_t i = 0; i < size_; ++i) {
    if (places_[i]) back[*places_[i]] = i;
  }
  return Places(std::move(back));
}

CellMap::CellMap(const Study& source, const Layout& source_layout, const Study& target, const Layout& target_layout) {
  for (const SweepDimension& dimension : source.sweep) {
    const SweepDimension* other = target.dimension(dimension.name);
    Places places(match(dimension.values, other == nullptr ? std::vector<Value>{} : other->values));
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (!places[i]) lost_.push_back(dimension.name + " = " + dimension.values[i].toml());
    }
    dimensions_.emplace_back(dimension.name, std::move(places));
  }
  const auto shared = static_cast<std::size_t>(std::min(source.realizations, target.realizations));
  if (source.realizations > target.realizations) {
    lost_.push_back("realization = " + std::to_string(target.realizations));
  }
  dimensions_.emplace_back("realization", Places(static_cast<std::size_t>(source.realizations), shared));

  for (const Family& family : source_layout.families) {
    FamilyMap map{
        position_of(target_layout.families, family.name), CellSpace(source, family), {}, {}, {}, false, {}, 0};
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
      map.there.push_back(&found->second);
    }
    if (map.target) {
      map.same = map.target_cells->extents() == map.source_cells.extents();
      for (std::size_t d = 0; d < map.there.size(); ++d) {
        map.back.push_back(map.there[d]->inverse(map.target_cells->extents()[d]));
        map.same = map.same && map.there[d]->all_stay();
      }
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
  if (family.same) return source_cell;
  std::vector<std::size_t> indices = family.source_cells.indices(source_cell);
  for (std::size_t d = 0; d < indices.size(); ++d) {
    const std::optional<std::size_t> index = (*family.there[d])[indices[d]];
    if (!index) return std::nullopt;
    indices[d] = *index;
  }
  return family.target_cells->cell(indices);
}

CellRange CellMap::source_cells(std::size_t source_family, CellRange cells) const {
  const FamilyMap& family = families_[source_family];
  if (!family.target) return {};
  if (family.same) return cells;
  CellRange span{family.source_cells.size(), 0};
  for (std::size_t cell = cells.begin; cell < cells.end; ++cell) {
    std::vector<std::size_t> indices = family.target_cells->indices(cell);
    bool there = true;
    for (std::size_t d = 0; d < indices.size() && there; ++d) {
      const std::optional<std::size_t> index = family.back[d][indices[d]];
      there = index.has_value();
      if (there) indices[d] = *index;
    }
    if (!there) continue;
    const std::size_t source = family.source_cells.cell(indices);
    span.begin = std::min(span.begin, source);
    span.end = std::max(span.end, source + 1);
  }
  return span.end == 0 ? CellRange{} : span;
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
