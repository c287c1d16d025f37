// What a study says of a parameter, and the points at which it differs: for checks before anything is decoded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/study/study.hpp"

namespace meander {

/// True where every point of the sweep gives the parameter `name`.
bool is_swept(const Study& study, std::string_view name);

/// True where some point of the sweep gives it.
bool is_mentioned(const Study& study, std::string_view name);

/// The key path under which Study::place finds it: "sweep.<name>", or "sweep.point" where points give it.
std::string sweep_path(const Study& study, std::string_view name);

/// The points that differ in any of `names`, one of each combination: checks need no more.
std::vector<Point> distinct_points(const Study& study, const std::vector<std::string_view>& names);

}  // namespace meander
