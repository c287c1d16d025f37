// Looking things up in a study: dimensions, settings, points.
#include "pipeline/study/study.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace meander {

const Value* Point::find(std::string_view name) const {
  const std::size_t dot = name.find('.');
  const std::string_view key = dot == std::string_view::npos ? name : name.substr(dot + 1);
  for (std::size_t d = 0; d < study_->sweep.size(); ++d) {
    const SweepDimension& dimension = study_->sweep[d];
    const Value& value = dimension.values[indices_[d]];
    if (dimension.name == key) return &value;
    if (dimension.name != "point") continue;
    if (const auto* table = value.get_if<Table>()) {
      if (const Value* found = table->find(key)) return found;
    }
  }
  if (dot != std::string_view::npos) return study_->setting(name);
  for (const auto& [section, table] : study_->settings.entries()) {
    if (const Value* found = table.get_if<Table>()->find(key)) return found;
  }
  return nullptr;
}

const Value& Point::at(std::string_view name) const {
  if (const Value* value = find(name)) return *value;
  throw std::logic_error(fmt::format("the study has no parameter '{}' (its measure asked for it)", name));
}

std::int64_t Point::integer(std::string_view name) const {
  const Value& value = at(name);
  if (const auto* integer = value.get_if<std::int64_t>()) return *integer;
  constexpr double limit = 9e15;
  if (const auto* real = value.get_if<double>(); real && std::trunc(*real) == *real && std::abs(*real) < limit) {
    return static_cast<std::int64_t>(*real);
  }
  throw std::logic_error(fmt::format("parameter '{}' is {} (its measure asked for an integer)", name, value.toml()));
}

std::string Point::text() const {
  std::string text;
  for (std::size_t d = 0; d < study_->sweep.size(); ++d) {
    const SweepDimension& dimension = study_->sweep[d];
    if (!text.empty()) text += ", ";
    text += toml_key(dimension.name) + " = " + dimension.values[indices_[d]].toml();
  }
  return text;
}

Place Study::place(std::string_view path) const {
  if (const auto found = places.find(path); found != places.end()) return found->second;
  if (const std::size_t dot = path.find('.'); dot != std::string_view::npos) return place(path.substr(0, dot));
  return path.empty() ? Place{} : place("");
}

const SweepDimension* Study::dimension(std::string_view name) const {
  for (const SweepDimension& dimension : sweep) {
    if (dimension.name == name) return &dimension;
  }
  return nullptr;
}

const Value* Study::setting(std::string_view path) const {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const Value* section = settings.find(path.substr(0, dot));
  return section ? section->get_if<Table>()->find(path.substr(dot + 1)) : nullptr;
}

const StudyFile* Study::file(std::string_view path) const {
  const auto found = files.find(std::string(path));
  return found == files.end() ? nullptr : &found->second;
}

std::size_t Study::points() const {
  std::size_t points = 1;
  for (const SweepDimension& dimension : sweep) points *= dimension.values.size();
  return points;
}

Point Study::point(std::size_t index) const {
  if (index >= points()) {
    throw std::out_of_range(fmt::format("point {} of a sweep with {} points", index, points()));
  }
  std::vector<std::size_t> indices(sweep.size());
  for (std::size_t d = sweep.size(); d-- > 0;) {
    indices[d] = index % sweep[d].values.size();
    index /= sweep[d].values.size();
  }
  return {*this, std::move(indices)};
}

std::optional<std::string> Study::too_many_cells() const {
  std::string product;
  double cells = static_cast<double>(realizations);
  for (const SweepDimension& dimension : sweep) {
    product += fmt::format("{} {} x ", dimension.values.size(), dimension.name);
    cells *= static_cast<double>(dimension.values.size());
  }
  // Up to 2^53 the product is exact, and above it there is nothing left to decide.
  if (cells <= static_cast<double>(most_cells)) return std::nullopt;
  const std::string number = cells < 1e15 ? fmt::format("{:.0f}", cells) : fmt::format("{:.3g}", cells);
  return fmt::format("the sweep has {}{} realizations = {} cells (at most {} can be counted) sweep fewer values",
                     product, realizations, number, most_cells);
}

}  // namespace meander
