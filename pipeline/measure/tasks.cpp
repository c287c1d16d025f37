// Lists the tasks of a study and names them by what they compute, never by where or when.
#include "pipeline/measure/tasks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/values/sha256.hpp"

namespace meander {

namespace {

/// `name = value` of the parameters that dimension `d` gives the point.
void add_parameters(const SweepDimension& dimension, const Value& value, std::vector<std::string>& lines) {
  const auto* table = dimension.name == "point" ? value.get_if<Table>() : nullptr;
  if (!table) {
    lines.push_back(toml_key(dimension.name) + " = " + value.canonical());
    return;
  }
  for (const auto& [name, parameter] : table->entries())
    lines.push_back(toml_key(name) + " = " + parameter.canonical());
}

std::string joined(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

}  // namespace

std::vector<TaskRef> list_tasks(const Study& study, const Measurement& measurement) {
  const Layout layout = measurement.layout();
  std::vector<TaskRef> tasks;
  double cells = 0.0;
  for (const Family& family : layout.families) cells += static_cast<double>(CellSpace(study, family).size());
  if (cells > static_cast<double>(most_cells)) {
    throw BadInput(
        fmt::format("the study has {:.0f} tasks (at most {} can be counted) sweep fewer values", cells, most_cells));
  }
  tasks.reserve(static_cast<std::size_t>(cells));
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    const CellSpace space(study, layout.families[f]);
    const std::size_t draws = layout.families[f].per_realization ? space.extents().back() : 1;
    Cost cost;
    for (std::size_t cell = 0; cell < space.size(); ++cell) {
      // Realizations are the innermost dimension, and a point's draws cost the same.
      if (cell % draws == 0) cost = measurement.cost(f, Point(study, space.point_indices(cell)));
      tasks.push_back({static_cast<std::uint32_t>(f), cell, cost});
    }
  }
  return tasks;
}

TaskKeys::TaskKeys(const Study& study, const Family& family, const CellSpace& cells)
    : study_(&study),
      cells_(&cells),
      common_(sha256("meander task\n" + study.common_text() + "family " + Value(family.name).toml() + "\n")),
      per_realization_(family.per_realization) {
  for (const std::string& name : cells.names()) {
    for (std::size_t d = 0; d < study.sweep.size(); ++d) {
      if (study.sweep[d].name == name) dimensions_.push_back(d);
    }
  }
}

TaskKey TaskKeys::operator()(std::size_t cell) const {
  const std::vector<std::size_t> indices = cells_->point_indices(cell);
  std::vector<std::string> lines;
  for (const std::size_t d : dimensions_) {
    const SweepDimension& dimension = study_->sweep[d];
    add_parameters(dimension, dimension.values[indices[d]], lines);
  }
  std::string text = hexadecimal(common_) + "\n" + joined(std::move(lines));
  if (per_realization_) text += fmt::format("realization {}\n", cells_->realization(cell));
  const Digest digest = sha256(text);
  TaskKey key{};
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

TaskKey task_key(const Study& study, const Family& family, const CellSpace& cells, std::size_t cell) {
  return TaskKeys(study, family, cells)(cell);
}

std::uint64_t point_salt(const Point& point) {
  const Study& study = point.study();
  if (!study.independent) return 0;
  std::vector<std::string> lines;
  for (std::size_t d = 0; d < study.sweep.size(); ++d) {
    add_parameters(study.sweep[d], study.sweep[d].values[point.indices()[d]], lines);
  }
  const Digest digest = sha256("meander point\n" + joined(std::move(lines)));
  std::uint64_t salt = 0;
  for (std::size_t i = 0; i < sizeof salt; ++i) salt |= static_cast<std::uint64_t>(digest[i]) << (8 * i);
  return salt == 0 ? 1 : salt;
}

}  // namespace meander
