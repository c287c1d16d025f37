// Checks every shape and number of a stored network before a kernel sees it.
#include "studies/networks/stored_networks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "studies/networks/activation_value.hpp"

namespace meander {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& problem) {
  throw BadInput(name + ": " + problem);
}

std::string shape_text(const NamedArray& array) {
  return fmt::format("({})", fmt::join(array.shape, ", "));
}

const NamedArray& require(const NamedArrays& arrays, const std::string& path, const std::string& name,
                          const char* what) {
  const NamedArray* array = arrays.find(path);
  if (array == nullptr) refuse(name, fmt::format("dataset {} is missing ({}) add it", path, what));
  const auto bad =
      std::find_if_not(array->values.begin(), array->values.end(), [](double x) { return std::isfinite(x); });
  if (bad != array->values.end()) {
    refuse(name, fmt::format("dataset {} holds {} at flat index {} (all numbers must be finite) repair the file", path,
                             *bad, bad - array->values.begin()));
  }
  return *array;
}

void check_header(const NamedArrays& arrays, const std::string& name) {
  const auto filetype = arrays.texts.find("filetype");
  if (filetype == arrays.texts.end() || filetype->second != "meander_network") {
    refuse(name, fmt::format(
                     "not a network file (its attribute filetype {}, not \"meander_network\") name a file of a network",
                     filetype == arrays.texts.end() ? "is missing" : "is \"" + filetype->second + "\""));
  }
  const auto version = arrays.integers.find("version");
  if (version == arrays.integers.end() || version->second.size() != 2 || version->second[0] != 1) {
    refuse(name, fmt::format(
                     "network file of another version (its attribute version {}, this program reads [1, 0]) write the "
                     "file in version [1, 0]",
                     version == arrays.integers.end() ? "is missing"
                                                      : fmt::format("is [{}]", fmt::join(version->second, ", "))));
  }
}

Activation activation_of(const NamedArrays& arrays, const std::string& name) {
  const auto text = arrays.texts.find("activation");
  if (text == arrays.texts.end())
    refuse(name, "attribute activation is missing (it names phi) add it, \"relu\" for instance");
  try {
    return activation_from(activation_value(text->second));
  } catch (const std::invalid_argument& error) {
    refuse(name, fmt::format("attribute activation: {}", error.what()));
  }
}

/// The layer under `group`, whose input must have `inputs` numbers (0: any).
StoredNetwork::Layer layer_from(const NamedArrays& arrays, const std::string& group, std::size_t inputs,
                                bool needs_bias, const std::string& name) {
  const NamedArray& weight = require(arrays, group + "/weight", name, "every layer has a weight (out, in)");
  if (weight.shape.size() != 2 || weight.shape[0] == 0 || weight.shape[1] == 0 ||
      weight.shape[0] > std::numeric_limits<int>::max() || weight.shape[1] > std::numeric_limits<int>::max()) {
    refuse(name,
           fmt::format("{}/weight has shape {} (it must be (out, in), both at least 1)", group, shape_text(weight)));
  }
  if (inputs != 0 && weight.shape[1] != inputs) {
    refuse(name,
           fmt::format(
               "shapes do not chain ({}/weight is {}, the layer before has {} outputs) its second extent must be {}",
               group, shape_text(weight), inputs, inputs));
  }
  StoredNetwork::Layer layer;
  layer.outputs = static_cast<int>(weight.shape[0]);
  layer.weight = weight.values;
  layer.bias.assign(weight.shape[0], 0.0);
  if (!needs_bias && arrays.find(group + "/bias") == nullptr) return layer;
  const NamedArray& bias = require(arrays, group + "/bias", name, "write zeros for a layer without bias");
  if (bias.shape != std::vector<std::size_t>{weight.shape[0]}) {
    refuse(name, fmt::format("shapes do not chain ({0}/bias is {1}, {0}/weight is {2}) the bias must have {3} numbers",
                             group, shape_text(bias), shape_text(weight), weight.shape[0]));
  }
  layer.bias = bias.values;
  return layer;
}

/// The number of layers; refuses gaps, which would silently cut the network short.
std::size_t count_layers(const NamedArrays& arrays, const std::string& name) {
  std::size_t count = 0;
  while (arrays.find(fmt::format("/layers/{}/weight", count)) != nullptr) ++count;
  for (const auto& [path, array] : arrays.arrays) {
    if (!path.starts_with("/layers/")) continue;
    std::size_t l = 0;
    while (l < count && !path.starts_with(fmt::format("/layers/{}/", l))) ++l;
    if (l == count) {
      refuse(name, fmt::format("dataset {} belongs to no layer (layers are /layers/0, /layers/1, ... without gaps, and "
                               "/layers/{}/weight is missing)",
                               path, count));
    }
  }
  if (count == 0) refuse(name, "no layers (dataset /layers/0/weight is missing) add them");
  return count;
}

const char* kind_name(CurveKind kind) {
  return kind == CurveKind::line ? "line" : kind == CurveKind::circle ? "circle" : "arc";
}

CurveKind kind_of(const NamedArrays& arrays, const std::string& name, const CurveWish& wish) {
  if (wish.kind) return *wish.kind;
  const auto text = arrays.texts.find("/curve/kind");
  if (text == arrays.texts.end()) return arrays.find("/curve/v") != nullptr ? CurveKind::circle : CurveKind::line;
  for (const CurveKind kind : {CurveKind::line, CurveKind::circle, CurveKind::arc}) {
    if (text->second == kind_name(kind)) return kind;
  }
  refuse(name, fmt::format("attribute kind of /curve is \"{}\" (it must be circle, arc or line)", text->second));
}

std::vector<double> curve_vector(const NamedArrays& arrays, const std::string& path, std::size_t dimension,
                                 const std::string& name, const char* what) {
  const NamedArray& array = require(arrays, path, name, what);
  if (array.shape.size() != 1 || array.shape[0] == 0 || (dimension != 0 && array.shape[0] != dimension)) {
    refuse(name, fmt::format("{} has shape {} ({}) write the curve again", path, shape_text(array),
                             dimension == 0 ? "a vector of the input's dimension is needed"
                                            : fmt::format("/curve/u has {} numbers, and both are points of one space",
                                                          dimension)));
  }
  return array.values;
}

NamedArray vector_array(const std::vector<double>& values) {
  return {{values.size()}, values};
}

}  // namespace

StoredNetwork network_from(const NamedArrays& arrays, const std::string& name) {
  check_header(arrays, name);
  std::vector<StoredNetwork::Layer> layers;
  std::size_t inputs = 0;
  const std::size_t count = count_layers(arrays, name);
  for (std::size_t l = 0; l < count; ++l) {
    layers.push_back(layer_from(arrays, fmt::format("/layers/{}", l), inputs, true, name));
    inputs = static_cast<std::size_t>(layers.back().outputs);
  }
  const int input_dimension = static_cast<int>(arrays.find("/layers/0/weight")->shape[1]);
  StoredNetwork::Layer readout;
  if (arrays.find("/readout/weight") != nullptr) readout = layer_from(arrays, "/readout", inputs, false, name);
  return {input_dimension, std::move(layers), activation_of(arrays, name), std::move(readout)};
}

Curve curve_from(const NamedArrays& arrays, const std::string& name, const CurveWish& wish) {
  Curve curve;
  curve.u =
      curve_vector(arrays, "/curve/u", 0, name, "a curve is /curve/center, /curve/u and, unless a line, /curve/v");
  curve.center =
      curve_vector(arrays, "/curve/center", curve.u.size(), name, "write zeros for a curve about the origin");
  curve.kind = kind_of(arrays, name, wish);
  if (curve.kind == CurveKind::line) {
    curve.begin = 0.0;
    curve.end = 1.0;
    return curve;
  }
  curve.v = curve_vector(arrays, "/curve/v", curve.u.size(), name,
                         "a circle or arc needs it; [curve] kind = \"line\" does not");
  curve.begin = 0.0;
  curve.end = 2 * std::numbers::pi;
  if (curve.kind == CurveKind::circle) return curve;
  const std::vector<double> span =
      wish.span ? *wish.span
                : require(arrays, "/curve/span", name, "an arc needs [curve] span = [a, b], or this dataset").values;
  if (span.size() != 2 || !(span[0] < span[1])) {
    refuse(name, fmt::format("span [{}] of an arc (it must be [a, b] with a < b, in radians)", fmt::join(span, ", ")));
  }
  curve.begin = span[0];
  curve.end = span[1];
  return curve;
}

void add_network(const Network& network, const std::string& activation, NamedArrays& arrays) {
  arrays.texts["filetype"] = "meander_network";
  arrays.texts["activation"] = activation;
  arrays.integers["version"] = {1, 0};
  for (int layer = 1; layer <= network.depth(); ++layer) {
    const auto outputs = static_cast<std::size_t>(network.width(layer));
    const auto inputs = static_cast<std::size_t>(network.fan_in(layer));
    NamedArray weight{{outputs, inputs}, std::vector<double>(outputs * inputs)};
    NamedArray bias{{outputs}, std::vector<double>(outputs)};
    network.weight(layer, std::span<double>(weight.values));
    network.bias(layer, bias.values);
    arrays.arrays[fmt::format("/layers/{}/weight", layer - 1)] = std::move(weight);
    arrays.arrays[fmt::format("/layers/{}/bias", layer - 1)] = std::move(bias);
  }
  if (network.readout_outputs() == 0) return;
  const auto outputs = static_cast<std::size_t>(network.readout_outputs());
  const auto inputs = static_cast<std::size_t>(network.width(network.depth()));
  NamedArray weight{{outputs, inputs}, std::vector<double>(outputs * inputs)};
  NamedArray bias{{outputs}, std::vector<double>(outputs)};
  network.readout_weight(weight.values);
  network.readout_bias(bias.values);
  arrays.arrays["/readout/weight"] = std::move(weight);
  arrays.arrays["/readout/bias"] = std::move(bias);
}

void add_curve(const Curve& curve, NamedArrays& arrays) {
  arrays.texts["/curve/kind"] = kind_name(curve.kind);
  arrays.arrays["/curve/center"] = vector_array(curve.center);
  arrays.arrays["/curve/u"] = vector_array(curve.u);
  if (curve.kind != CurveKind::line) arrays.arrays["/curve/v"] = vector_array(curve.v);
  if (curve.kind == CurveKind::arc) arrays.arrays["/curve/span"] = vector_array({curve.begin, curve.end});
}

}  // namespace meander
