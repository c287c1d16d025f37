// Writes every attribute of a layer, those that a reader would fill in as well: a file says all it means.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "studies/networks/stored_layers.hpp"

namespace meander {
namespace {

using Integers = std::vector<std::int64_t>;

Integers integers(const Extents& extents) {
  return {extents.rows, extents.columns};
}

Integers integers(const Padding& padding) {
  return {padding.top, padding.bottom, padding.left, padding.right};
}

/// The attributes and datasets of a kind that has no weights, and the attributes of one that has.
void add_kind(const LayerKind& kind, const std::string& group, NamedArrays& arrays) {
  arrays.texts[group + "/kind"] = kind_name(kind);
  const auto add_pool = [&](const auto& pool) {
    arrays.integers[group + "/window"] = integers(pool.window);
    arrays.integers[group + "/stride"] = integers(pool.stride);
    arrays.integers[group + "/padding"] = integers(pool.padding);
  };
  if (const auto* convolution = std::get_if<Convolution>(&kind)) {
    arrays.integers[group + "/stride"] = integers(convolution->stride);
    arrays.integers[group + "/dilation"] = integers(convolution->dilation);
    arrays.integers[group + "/padding"] = integers(convolution->padding);
    arrays.integers[group + "/groups"] = {convolution->groups};
  }
  if (const auto* pool = std::get_if<AveragePool>(&kind)) add_pool(*pool);
  if (const auto* pool = std::get_if<MaxPool>(&kind)) add_pool(*pool);
  if (const auto* add = std::get_if<Add>(&kind)) arrays.integers[group + "/from"] = {add->from};
  if (const auto* layer = std::get_if<ScaleShift>(&kind)) {
    arrays.arrays[group + "/scale"] = {{layer->scale.size()}, layer->scale};
    arrays.arrays[group + "/shift"] = {{layer->shift.size()}, layer->shift};
  }
}

void add_weights(const Network& network, int layer, const NetworkLayer& entry, const std::string& group,
                 NamedArrays& arrays) {
  const auto extent = [](int n) { return static_cast<std::size_t>(n); };
  NamedArray weight{{}, std::vector<double>(network.weights(layer))};
  if (const auto* convolution = std::get_if<Convolution>(&entry.kind)) {
    weight.shape = {extent(convolution->channels), extent(entry.input[0] / convolution->groups),
                    extent(convolution->kernel.rows), extent(convolution->kernel.columns)};
  } else {
    weight.shape = {extent(entry.output[0]), extent(entry.input[0])};
  }
  NamedArray bias{{network.biases(layer)}, std::vector<double>(network.biases(layer))};
  network.weight(layer, std::span<double>(weight.values));
  network.bias(layer, bias.values);
  arrays.arrays[group + "/weight"] = std::move(weight);
  arrays.arrays[group + "/bias"] = std::move(bias);
}

}  // namespace

bool fits_version_1_0(const Network& network) {
  return network.input_shape().size() == 1 && network.has_one_activation() &&
         std::all_of(network.layers().begin(), network.layers().end(),
                     [](const NetworkLayer& layer) { return std::holds_alternative<Dense>(layer.kind); });
}

void add_layers(const Network& network, NamedArrays& arrays) {
  const Shape& input = network.input_shape();
  arrays.integers["input_shape"] = {input.begin(), input.end()};
  int layer = 0;
  for (std::size_t i = 0; i < network.layers().size(); ++i) {
    const NetworkLayer& entry = network.layers()[i];
    const std::string group = layer_name(static_cast<int>(i));
    add_kind(entry.kind, group, arrays);
    if (has_weights(entry.kind)) add_weights(network, ++layer, entry, group, arrays);
    if (entry.activation || has_weights(entry.kind)) {
      arrays.texts[group + "/activation"] = entry.activation ? entry.activation->text : "linear";
    }
  }
}

}  // namespace meander
