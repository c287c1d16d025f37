#include "studies/jacobians/jacobian_point.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/curves/curve.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr double most_depth_over_width = 0.05;

}  // namespace

JacobianPointKeys::JacobianPointKeys(Declaration& declare)
    : networks(declare, {.stored = false, .readout = false}),
      input(declare, {.images = false,
                      .labels = false,
                      .dimension_description = "dimension of the input: the width, as J is square; may be left out"}) {}

JacobianPoint::JacobianPoint(const Study& study, const JacobianPointKeys& keys, Diagnostics& diagnostics)
    : networks_(network_source(study, keys.networks, diagnostics)),
      scale_(study, keys.input.q0, networks_, diagnostics) {
  if (has_networks()) check_square(study, keys, diagnostics);
}

void JacobianPoint::check_square(const Study& study, const JacobianPointKeys& keys, Diagnostics& diagnostics) const {
  for (const Point& point : distinct_points(study, {"width", "depth", "widths"})) {
    const std::vector<int> widths = networks_->widths(point);
    const bool same = std::all_of(widths.begin(), widths.end(), [&](int width) { return width == widths.front(); });
    if (!same) {
      diagnostics.error(study.place("sweep.widths"),
                        fmt::format("'widths' has layers of {} and other widths (J is a product of square matrices "
                                    "here) give every layer one width",
                                    widths.front()));
      return;
    }
    if (keys.input.dimension && *keys.input.dimension != widths.front()) {
      diagnostics.error(study.place("input.dimension"),
                        fmt::format("'dimension' is {} and the width is {} (J is a product of square matrices here) "
                                    "leave 'dimension' out: it is the width",
                                    *keys.input.dimension, widths.front()));
      return;
    }
  }
}

std::vector<double> JacobianPoint::input(const Point& point, StreamKey key) const {
  std::vector<double> input = gaussian_point(key, 0, width(point));
  rescale(input, scale_(point).value_or(1.0));
  return input;
}

void JacobianPoint::export_cell(const Task& task, const std::string& path) const {
  const StreamKey key = task_stream(task);
  NamedArrays arrays;
  add_network(RandomNetwork(parameters(task.point), key), networks_->activation_text(task.point), arrays);
  const std::vector<double> x = input(task.point, key);
  arrays.arrays["/points"] = {{1, x.size()}, x};
  write_arrays(path, arrays);
}

std::optional<WeightEnsemble> JacobianPoint::ensemble(const Point& point) const {
  switch (networks_->law(point)->kind) {
    case WeightLaw::Kind::gaussian:
      return WeightEnsemble::gaussian;
    case WeightLaw::Kind::orthogonal:
      return WeightEnsemble::orthogonal;
    default:
      return std::nullopt;
  }
}

std::optional<FreeSpectrum> JacobianPoint::theory(const Point& point, WeightEnsemble ensemble) const {
  const auto parameters = this->parameters(point);
  if (parameters.sigma_w == 0.0) return std::nullopt;
  const auto layers = mean_field_layers(parameters.activation, parameters.sigma_w, parameters.sigma_b,
                                        scale_(point).value_or(1.0), static_cast<int>(parameters.widths.size()));
  if (layers.empty()) return std::nullopt;
  return FreeSpectrum(ensemble, parameters.sigma_w, layers);
}

bool JacobianPoint::is_wide_enough(const Point& point) const {
  const std::vector<int> widths = networks_->widths(point);
  return static_cast<double>(widths.size()) <= most_depth_over_width * widths.front();
}

}  // namespace meander
