// Keys, checks, input and theory of a product of square layers at a Gaussian point.
#include "studies/jacobians/jacobian_point.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/curves/curve.hpp"
#include "studies/inputs/input_curve.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/networks/network_choice.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

constexpr double most_depth_over_width = 0.05;

void check_square(const Study& study, Diagnostics& diagnostics) {
  const Value* dimension = study.setting("input.dimension");
  for (const Point& point : distinct_points(study, {"width", "depth", "widths"})) {
    const std::vector<int> widths = widths_of(point);
    const bool same = std::all_of(widths.begin(), widths.end(), [&](int width) { return width == widths.front(); });
    if (!same) {
      diagnostics.error(study.place("sweep.widths"),
                        fmt::format("'widths' has layers of {} and other widths (J is a product of square matrices "
                                    "here) give every layer one width",
                                    widths.front()));
      return;
    }
    if (dimension != nullptr && static_cast<int>(dimension->number()) != widths.front()) {
      diagnostics.error(study.place("input.dimension"),
                        fmt::format("'dimension' is {} and the width is {} (J is a product of square matrices here) "
                                    "leave 'dimension' out: it is the width",
                                    dimension->number(), widths.front()));
      return;
    }
  }
}

}  // namespace

std::vector<Key> jacobian_point_keys() {
  std::vector<Key> keys = random_network_keys();
  std::erase_if(keys, [](const Key& key) { return key.section == "readout"; });
  for (Key& key : input_points_keys()) {
    if (key.name == "images") continue;
    if (key.name == "dimension") {
      key.description = "dimension of the input: the width, as J is square; may be left out";
      key.optional = true;
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

bool check_jacobian_point(const Study& study, Diagnostics& diagnostics) {
  check_networks(study, diagnostics);
  if (diagnostics.failed()) return false;
  check_square(study, diagnostics);
  check_fixed_point(study, diagnostics);
  return true;
}

std::vector<double> jacobian_input(const Point& point, StreamKey key) {
  std::vector<double> input = gaussian_point(key, 0, widths_of(point).front());
  rescale(input, q0_of(point).value_or(1.0));
  return input;
}

std::optional<WeightEnsemble> weight_ensemble(const Point& point) {
  switch (network_parameters(point, 1).law.kind) {
    case WeightLaw::Kind::gaussian:
      return WeightEnsemble::gaussian;
    case WeightLaw::Kind::orthogonal:
      return WeightEnsemble::orthogonal;
    default:
      return std::nullopt;
  }
}

std::optional<FreeSpectrum> jacobian_theory(const Point& point, WeightEnsemble ensemble) {
  const auto parameters = network_parameters(point, 1);
  if (parameters.sigma_w == 0.0) return std::nullopt;
  const auto layers = mean_field_layers(parameters.activation, parameters.sigma_w, parameters.sigma_b,
                                        q0_of(point).value_or(1.0), static_cast<int>(parameters.widths.size()));
  if (layers.empty()) return std::nullopt;
  return FreeSpectrum(ensemble, parameters.sigma_w, layers);
}

bool is_wide_enough(const Point& point) {
  const std::vector<int> widths = widths_of(point);
  return static_cast<double>(widths.size()) <= most_depth_over_width * widths.front();
}

}  // namespace meander
