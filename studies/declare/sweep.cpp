#include "studies/declare/sweep.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace meander {
namespace {

bool gives(const Value& point, std::string_view name) {
  const Table* table = point.get_if<Table>();
  return table != nullptr && table->find(name) != nullptr;
}

}  // namespace

bool is_swept(const Study& study, std::string_view name) {
  if (study.dimension(name) != nullptr) return true;
  const SweepDimension* points = study.dimension("point");
  return points != nullptr && std::all_of(points->values.begin(), points->values.end(),
                                          [&](const Value& point) { return gives(point, name); });
}

bool is_mentioned(const Study& study, std::string_view name) {
  if (study.dimension(name) != nullptr) return true;
  const SweepDimension* points = study.dimension("point");
  return points != nullptr && std::any_of(points->values.begin(), points->values.end(),
                                          [&](const Value& point) { return gives(point, name); });
}

std::string sweep_path(const Study& study, std::string_view name) {
  const bool alone = study.dimension(name) != nullptr || study.dimension("point") == nullptr;
  return alone ? "sweep." + std::string(name) : "sweep.point";
}

std::vector<Point> distinct_points(const Study& study, const std::vector<std::string_view>& names) {
  std::vector<std::vector<std::size_t>> combinations{std::vector<std::size_t>(study.sweep.size(), 0)};
  for (std::size_t d = 0; d < study.sweep.size(); ++d) {
    const SweepDimension& dimension = study.sweep[d];
    if (dimension.name != "point" && std::find(names.begin(), names.end(), dimension.name) == names.end()) continue;
    std::vector<std::vector<std::size_t>> longer;
    for (std::vector<std::size_t>& indices : combinations) {
      for (indices[d] = 0; indices[d] < dimension.values.size(); ++indices[d]) longer.push_back(indices);
    }
    combinations = std::move(longer);
  }
  std::vector<Point> points;
  points.reserve(combinations.size());
  for (std::vector<std::size_t>& indices : combinations) points.emplace_back(study, std::move(indices));
  return points;
}

}  // namespace meander
