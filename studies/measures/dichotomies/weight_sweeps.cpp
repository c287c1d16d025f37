// Checks every shape and number of a stored sweep before a kernel sees it.
#include "studies/measures/dichotomies/weight_sweeps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

std::string shape_text(const NamedArray& array) {
  return fmt::format("({})", fmt::join(array.shape, ", "));
}

void require_finite(const NamedArray& array, const std::string& path, const std::string& name) {
  const auto bad =
      std::find_if_not(array.values.begin(), array.values.end(), [](double x) { return std::isfinite(x); });
  if (bad == array.values.end()) return;
  throw BadInput(fmt::format("{}: dataset {} holds {} at flat index {} (all numbers must be finite) repair the file",
                             name, path, *bad, bad - array.values.begin()));
}

std::vector<std::vector<double>> points_from(const NamedArrays& arrays, const std::string& name, int inputs) {
  const NamedArray* found = arrays.find("/points");
  if (found == nullptr) {
    throw BadInput(name + ": dataset /points is missing (a sweep labels points, one a row) add it");
  }
  if (found->shape.size() != 2 || found->shape[1] != static_cast<std::size_t>(inputs)) {
    throw BadInput(fmt::format("{}: /points has shape {} (the network has {} inputs) it must be (s, {})", name,
                               shape_text(*found), inputs, inputs));
  }
  if (found->shape[0] < 1 || found->shape[0] > static_cast<std::size_t>(most_points)) {
    throw BadInput(fmt::format("{}: /points holds {} points (1 to {} can be labeled) choose some of them", name,
                               found->shape[0], most_points));
  }
  require_finite(*found, "/points", name);
  std::vector<std::vector<double>> points;
  for (auto row = found->values.begin(); row != found->values.end(); row += inputs) {
    points.emplace_back(row, row + inputs);
  }
  return points;
}

}  // namespace

StoredSweeps sweeps_from(const NamedArrays& arrays, const std::string& name, const Network& network) {
  if (network.readout_outputs() == 0) {
    throw BadInput("the network has no readout (its sign is the label) add /readout/weight to the network's file");
  }
  StoredSweeps sweeps{points_from(arrays, name, network.input_dimension()), {}};
  std::vector<std::string> known;
  for (int layer = 1; layer <= network.depth(); ++layer) {
    const std::string path = fmt::format("/sweep/{}/weight", layer - 1);
    const NamedArray* weight = arrays.find(path);
    if (weight == nullptr) continue;
    const auto outputs = static_cast<std::size_t>(network.width(layer));
    const auto inputs = static_cast<std::size_t>(network.fan_in(layer));
    if (weight->shape != std::vector<std::size_t>{outputs, inputs}) {
      throw BadInput(fmt::format("{}: {} has shape {} (the layer's own weight is ({}, {})) give it that shape", name,
                                 path, shape_text(*weight), outputs, inputs));
    }
    require_finite(*weight, path, name);
    sweeps.sweeps.push_back({layer, weight->values});
    known.push_back(path);
  }
  for (const auto& [path, array] : arrays.arrays) {
    if (path.starts_with("/sweep/") && std::find(known.begin(), known.end(), path) == known.end()) {
      throw BadInput(
          fmt::format("{}: {} belongs to no layer (the network has layers 0 to {}, each swept by "
                      "/sweep/<layer>/weight) rename or remove it",
                      name, path, network.depth() - 1));
    }
  }
  if (sweeps.sweeps.empty()) {
    throw BadInput(name + ": no layer is swept (there is no /sweep/0/weight or the like) add one");
  }
  return sweeps;
}

void add_sweeps(const StoredSweeps& sweeps, const Network& network, NamedArrays& arrays) {
  NamedArray points{{sweeps.points.size(), sweeps.points.front().size()}, {}};
  for (const auto& point : sweeps.points) points.values.insert(points.values.end(), point.begin(), point.end());
  arrays.arrays["/points"] = std::move(points);
  for (const WeightSweep& sweep : sweeps.sweeps) {
    arrays.arrays[fmt::format("/sweep/{}/weight", sweep.layer - 1)] = {
        {static_cast<std::size_t>(network.width(sweep.layer)), static_cast<std::size_t>(network.fan_in(sweep.layer))},
        sweep.weight};
  }
}

}  // namespace meander
