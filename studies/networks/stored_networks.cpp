// Checks every shape and number of a stored network before a kernel sees it.
#include "studies/networks/stored_networks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "studies/networks/stored_arrays.hpp"
#include "studies/networks/stored_layers.hpp"

namespace meander {
namespace {

/// The second number of the version, 0 or 1 (or more, of which all is read that this program knows).
int check_header(const NamedArrays& arrays, const std::string& name) {
  const auto filetype = arrays.texts.find("filetype");
  if (filetype == arrays.texts.end() || filetype->second != "meander_network") {
    refuse_file(name,
                fmt::format("not a network file (its attribute filetype {}, not \"meander_network\") name a file of a "
                            "network",
                            filetype == arrays.texts.end() ? "is missing" : "is \"" + filetype->second + "\""));
  }
  const auto version = arrays.integers.find("version");
  if (version == arrays.integers.end() || version->second.size() != 2 || version->second[0] != 1 ||
      version->second[1] < 0) {
    refuse_file(
        name, fmt::format("network file of another version (its attribute version {}, this program reads [1, 0] "
                          "and [1, 1]) write the file in version [1, 1]",
                          version == arrays.integers.end() ? "is missing"
                                                           : fmt::format("is [{}]", fmt::join(version->second, ", "))));
  }
  return version->second[1] == 0 ? 0 : 1;
}

/// The readout behind an output of shape `below`.
StoredNetwork::Layer readout_from(const NamedArrays& arrays, const Shape& below, const std::string& name) {
  StoredNetwork::Layer readout;
  if (arrays.find("/readout/weight") == nullptr) {
    if (arrays.find("/readout/bias") != nullptr) {
      refuse_file(name, "dataset /readout/weight is missing (/readout/bias is there) add it, or remove the bias");
    }
    return readout;
  }
  if (below.size() != 1) {
    refuse_file(name, fmt::format("/readout takes vectors (the last layer hands on {}) end the layers with a flatten",
                                  shape_text(below)));
  }
  const NamedArray& weight = require_array(arrays, "/readout/weight", name, "a readout has a weight (out, in)");
  if (weight.shape.size() != 2 || weight.shape[0] == 0 || weight.shape[0] > std::numeric_limits<int>::max()) {
    refuse_file(
        name, fmt::format("/readout/weight has shape {} (it must be (out, in), both at least 1)", shape_text(weight)));
  }
  if (weight.shape[1] != static_cast<std::size_t>(below[0])) {
    refuse_file(name, fmt::format("shapes do not chain (/readout/weight is {}, the layer before has {} outputs) its "
                                  "second extent must be {}",
                                  shape_text(weight), below[0], below[0]));
  }
  readout.outputs = static_cast<int>(weight.shape[0]);
  readout.weight = weight.values;
  readout.bias.assign(weight.shape[0], 0.0);
  if (arrays.find("/readout/bias") == nullptr) return readout;
  const NamedArray& bias = require_array(arrays, "/readout/bias", name, "one number per output");
  if (bias.shape != std::vector<std::size_t>{weight.shape[0]}) {
    refuse_file(name, fmt::format("shapes do not chain (/readout/bias is {}, /readout/weight is {}) the bias must have "
                                  "{} numbers",
                                  shape_text(bias), shape_text(weight), weight.shape[0]));
  }
  readout.bias = bias.values;
  return readout;
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
  refuse_file(name, fmt::format("attribute kind of /curve is \"{}\" (it must be circle, arc or line)", text->second));
}

std::vector<double> curve_vector(const NamedArrays& arrays, const std::string& path, std::size_t dimension,
                                 const std::string& name, const char* what) {
  const NamedArray& array = require_array(arrays, path, name, what);
  if (array.shape.size() != 1 || array.shape[0] == 0 || (dimension != 0 && array.shape[0] != dimension)) {
    refuse_file(name,
                fmt::format("{} has shape {} ({}) write the curve again", path, shape_text(array),
                            dimension == 0
                                ? "a vector of the input's dimension is needed"
                                : fmt::format("/curve/u has {} numbers, and both are points of one space", dimension)));
  }
  return array.values;
}

NamedArray vector_array(const std::vector<double>& values) {
  return {{values.size()}, values};
}

}  // namespace

StoredNetwork network_from(const NamedArrays& arrays, const std::string& name) {
  const int minor = check_header(arrays, name);
  StoredLayers layers = layers_from(arrays, minor, name);
  StoredNetwork::Layer readout = readout_from(arrays, layers.output, name);
  try {
    return {std::move(layers.input_shape), std::move(layers.entries), std::move(readout)};
  } catch (const std::invalid_argument& error) {
    refuse_file(name, error.what());
  }
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
      wish.span
          ? *wish.span
          : require_array(arrays, "/curve/span", name, "an arc needs [curve] span = [a, b], or this dataset").values;
  if (span.size() != 2 || !(span[0] < span[1])) {
    refuse_file(name,
                fmt::format("span [{}] of an arc (it must be [a, b] with a < b, in radians)", fmt::join(span, ", ")));
  }
  curve.begin = span[0];
  curve.end = span[1];
  return curve;
}

void add_network(const Network& network, const std::string& activation, NamedArrays& arrays) {
  const bool old = fits_version_1_0(network);
  arrays.texts["filetype"] = "meander_network";
  arrays.integers["version"] = {1, old ? 0 : 1};
  if (old) arrays.texts["activation"] = activation;
  if (!old) add_layers(network, arrays);
  for (int layer = 1; old && layer <= network.depth(); ++layer) {
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
  const std::size_t inputs = size_of_shape(network.output_shape());
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
