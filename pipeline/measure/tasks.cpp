// Lists the tasks of a study and names them by what they compute, never by where or when.
#include "pipeline/measure/tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

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

std::size_t count_tasks(const Study& study, const Layout& layout) {
  double cells = 0.0;
  for (const Family& family : layout.families) cells += static_cast<double>(CellSpace(study, family).size());
  if (cells > static_cast<double>(most_cells)) {
    throw BadInput(
        fmt::format("the study has {:.0f} tasks (at most {} can be counted) sweep fewer values", cells, most_cells));
  }
  return static_cast<std::size_t>(cells);
}

TaskList::TaskList(const Study& study, const Measurement& measurement) {
  const Layout layout = measurement.layout();
  count_tasks(study, layout);
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    const CellSpace space(study, layout.families[f]);
    // Realizations are the innermost dimension, and a point's draws cost the same.
    const std::size_t draws = layout.families[f].per_realization ? space.extents().back() : 1;
    for (std::size_t cell = 0; cell < space.size(); cell += draws) {
      append(static_cast<std::uint32_t>(f), cell, cell + draws,
             measurement.cost(f, Point(study, space.point_indices(cell))));
    }
  }
}

std::uint32_t TaskList::index_of(const Cost& cost) {
  const auto [position, is_new] =
      known_.emplace(std::tuple(cost.seconds, cost.bytes, cost.ranks_per_task, cost.keeps), costs_.size());
  if (is_new) costs_.push_back(cost);
  return position->second;
}

void TaskList::append(std::uint32_t family, std::size_t begin, std::size_t end, const Cost& cost) {
  if (begin == end) return;
  size_ += end - begin;
  const std::uint32_t index = index_of(cost);
  if (!runs_.empty() && runs_.back().family == family && runs_.back().cost == index && runs_.back().end == begin) {
    runs_.back().end = static_cast<std::uint32_t>(end);
    return;
  }
  runs_.push_back({family, index, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
}

SampledTasks sample_tasks(const Study& study, const Measurement& measurement, std::size_t strata) {
  const Layout layout = measurement.layout();
  count_tasks(study, layout);
  SampledTasks sample;
  double variance = 0.0;
  std::mt19937_64 random(study.points());
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    const CellSpace space(study, layout.families[f]);
    const std::size_t draws = layout.families[f].per_realization ? space.extents().back() : 1;
    const std::size_t points = space.size() / draws;
    const std::size_t pieces = std::min(points, strata);
    double before = 0.0;  // core-seconds of the stretch before, where it waits for its neighbour
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      const std::size_t begin = points * piece / pieces;
      const std::size_t end = points * (piece + 1) / pieces;
      const std::size_t drawn = begin + random() % (end - begin);
      const Cost cost = measurement.cost(f, Point(study, space.point_indices(drawn * draws)));
      sample.tasks.append(static_cast<std::uint32_t>(f), begin * draws, end * draws, cost);
      const double sum = cost.seconds * cost.ranks_per_task * static_cast<double>((end - begin) * draws);
      if (piece % 2 == 1 && pieces < points) variance += (sum - before) * (sum - before);
      before = sum;
    }
    sample.points += points;
    sample.drawn += pieces;
  }
  sample.core_seconds_error = std::sqrt(variance);
  return sample;
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

std::string TaskKeys::point_text(std::size_t cell) const {
  const std::vector<std::size_t> indices = cells_->point_indices(cell);
  std::vector<std::string> lines;
  for (const std::size_t d : dimensions_) {
    const SweepDimension& dimension = study_->sweep[d];
    add_parameters(dimension, dimension.values[indices[d]], lines);
  }
  return hexadecimal(common_) + "\n" + joined(std::move(lines));
}

TaskKey TaskKeys::operator()(std::size_t cell) const {
  // Realizations are the innermost dimension.
  const std::size_t point = per_realization_ ? cell / cells_->extents().back() : cell;
  if (point != point_) {
    text_ = point_text(cell);
    point_ = point;
  }
  const Digest digest =
      per_realization_ ? sha256(text_ + fmt::format("realization {}\n", cells_->realization(cell))) : sha256(text_);
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
