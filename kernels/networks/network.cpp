// Networks drawn from the stream, row by row, and networks held in memory.
#include "kernels/networks/network.hpp"

#include "kernels/networks/orthogonal.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw std::invalid_argument(message);
}

void require_size(std::size_t given, std::size_t needed, const char* what) {
  if (given != needed) {
    refuse(std::string(what) + " has room for " + std::to_string(given) + " values (needs " + std::to_string(needed) +
           "), pass a buffer of that size");
  }
}

void require_layer(const Network& network, int layer) {
  if (layer < 1 || layer > network.depth()) {
    refuse("no layer " + std::to_string(layer) + " (layers count from 1 to " + std::to_string(network.depth()) +
           "), choose one of them");
  }
}

std::size_t product(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

void check_law(const WeightLaw& law) {
  if (law.kind == WeightLaw::Kind::student_t && !(law.parameter > 2.0 && std::isfinite(law.parameter))) {
    refuse("student_t has dof = " + std::to_string(law.parameter) +
           " (its variance is finite only for dof > 2), choose dof above 2");
  }
  if (law.kind == WeightLaw::Kind::sparse && !(law.parameter > 0.0 && law.parameter <= 1.0)) {
    refuse("sparse has density = " + std::to_string(law.parameter) +
           " (the share of nonzero weights), choose 0 < density <= 1");
  }
}

RandomNetwork::Parameters checked(RandomNetwork::Parameters parameters) {
  check_law(parameters.law);
  if (!std::isfinite(parameters.sigma_w) || parameters.sigma_w < 0.0) {
    refuse("sigma_w = " + std::to_string(parameters.sigma_w) + " (a standard deviation), choose a finite value >= 0");
  }
  if (!std::isfinite(parameters.sigma_b) || parameters.sigma_b < 0.0) {
    refuse("sigma_b = " + std::to_string(parameters.sigma_b) + " (a standard deviation), choose a finite value >= 0");
  }
  if (!std::isfinite(parameters.readout_sigma)) {
    refuse("readout sigma = " + std::to_string(parameters.readout_sigma) +
           " (a standard deviation), choose a finite value");
  }
  return parameters;
}

std::vector<int> widths_of(const std::vector<StoredNetwork::Layer>& layers) {
  std::vector<int> widths;
  widths.reserve(layers.size());
  for (const auto& layer : layers) widths.push_back(layer.outputs);
  return widths;
}

Shape checked_input(int input_dimension) {
  if (input_dimension < 1) {
    refuse("input dimension " + std::to_string(input_dimension) + " (must be positive), choose at least 1");
  }
  return {input_dimension};
}

int size_of_input(const Shape& shape) {
  std::size_t size = 1;
  bool sound = shape.size() == 1 || shape.size() == 3;
  for (const int extent : shape) {
    sound =
        sound && extent >= 1 && size <= std::size_t{std::numeric_limits<int>::max()} / static_cast<std::size_t>(extent);
    size *= sound ? static_cast<std::size_t>(extent) : 1;
  }
  if (!sound) {
    refuse("input shape " + shape_text(shape) +
           " (it must be [n] or [channels, rows, columns], each at least 1, fewer than 2147483648 numbers in all), "
           "give another");
  }
  return static_cast<int>(size);
}

std::vector<NetworkLayer> dense_layers(const std::vector<int>& widths, const Activation& activation) {
  if (widths.empty()) refuse("a network has no layers (widths is empty), give at least one width");
  std::vector<NetworkLayer> layers;
  layers.reserve(widths.size());
  for (const int width : widths) {
    if (width < 1) refuse("width " + std::to_string(width) + " (must be positive), choose at least 1");
    layers.push_back({Dense{width}, LayerActivation{activation, activation.text()}, {}, {}});
  }
  return layers;
}

std::vector<NetworkLayer> layers_of(const std::vector<StoredNetwork::Entry>& entries) {
  std::vector<NetworkLayer> layers;
  layers.reserve(entries.size());
  for (const auto& entry : entries) layers.push_back({entry.kind, entry.activation, {}, {}});
  return layers;
}

void check_layer(const StoredNetwork::Layer& layer, int inputs, const std::string& name) {
  if (layer.weight.size() != product(layer.outputs, inputs)) {
    refuse(name + " has " + std::to_string(layer.weight.size()) + " weights (needs " + std::to_string(layer.outputs) +
           " x " + std::to_string(inputs) + ", outputs times the outputs of the layer before), make the shapes chain");
  }
  if (layer.bias.size() != static_cast<std::size_t>(layer.outputs)) {
    refuse(name + " has " + std::to_string(layer.bias.size()) + " biases (needs " + std::to_string(layer.outputs) +
           ", one per output), give one bias per output");
  }
}

/// Rows of `draw_row` scaled in double and rounded once to Real.
template <typename Real>
void fill_rows(const WeightLaw& law, StreamKey key, Purpose purpose, std::uint32_t layer, double scale, int rows,
               std::size_t columns, std::span<Real> out) {
  // Short rows of normals are drawn several at a time, as many as stay in the first-level cache.
  const std::size_t at_once =
      law.kind == WeightLaw::Kind::gaussian ? std::clamp<std::size_t>(4096 / columns, 1, 16) : 1;
  std::vector<float> variates(at_once * columns);
  const RandomStream stream(key, purpose, layer);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); row += at_once) {
    const std::size_t now = std::min(at_once, static_cast<std::size_t>(rows) - row);
    if (now > 1) {
      stream.normals(static_cast<std::uint32_t>(row), now, 0, columns, variates.data(), columns);
    } else {
      draw_row(law, key, purpose, layer, static_cast<std::uint32_t>(row), std::span(variates).first(columns));
    }
    std::transform(variates.begin(), variates.begin() + static_cast<std::ptrdiff_t>(now * columns),
                   out.begin() + static_cast<std::ptrdiff_t>(row * columns),
                   [scale](float variate) { return static_cast<Real>(scale * static_cast<double>(variate)); });
  }
}

}  // namespace

Network::Network(int input_dimension, std::vector<int> widths, Activation activation, int readout_outputs)
    : Network(checked_input(input_dimension), dense_layers(widths, activation), readout_outputs) {}

Network::Network(Shape input_shape, std::vector<NetworkLayer> layers, int readout_outputs)
    : input_shape_(std::move(input_shape)),
      input_dimension_(size_of_input(input_shape_)),
      layers_(std::move(layers)),
      readout_outputs_(readout_outputs) {
  if (readout_outputs_ < 0) {
    refuse("readout with " + std::to_string(readout_outputs_) + " outputs (must not be negative), use 0 for none");
  }
  infer_shapes();
  find_parts();
  for (int layer = 2; layer <= depth(); ++layer) {
    has_one_activation_ = has_one_activation_ && activation_text(layer) == activation_text(1);
  }
}

void Network::infer_shapes() {
  std::vector<Shape> shapes{input_shape_};
  for (NetworkLayer& layer : layers_) {
    layer.input = shapes.back();
    layer.output = meander::output_shape(layer.kind, shapes);
    shapes.push_back(layer.output);
  }
}

void Network::find_parts() {
  const int count = static_cast<int>(layers_.size());
  for (int i = 0; i < count; ++i) {
    const NetworkLayer& layer = layers_[static_cast<std::size_t>(i)];
    if (has_weights(layer.kind)) {
      parts_.push_back({i, i, i});
      fan_ins_.push_back(static_cast<int>(fan_in_of(layer.kind, layer.input)));
    }
    if (parts_.empty()) continue;
    LayerParts& parts = parts_.back();
    parts.last = i;
    const NetworkLayer& holder = layers_[static_cast<std::size_t>(parts.activation)];
    const bool found = holder.activation && !is_identity(holder.activation->phi);
    if (!found && layer.activation && !is_identity(layer.activation->phi)) parts.activation = i;
  }
  if (parts_.empty()) refuse("a network has no layers (none of its list has weights), give at least one");
  for (const LayerParts& parts : parts_) {
    widths_.push_back(static_cast<int>(size_of_shape(layers_[static_cast<std::size_t>(parts.activation)].output)));
  }
}

int Network::max_width() const {
  return *std::max_element(widths_.begin(), widths_.end());
}

const Activation& Network::activation(int layer) const {
  static const Activation identity = Activation::named("linear");
  const auto& activation = layers_[static_cast<std::size_t>(parts(layer).activation)].activation;
  return activation ? activation->phi : identity;
}

std::string_view Network::activation_text(int layer) const {
  const auto& activation = layers_[static_cast<std::size_t>(parts(layer).activation)].activation;
  return activation ? std::string_view(activation->text) : "linear";
}

const Activation& Network::activation() const {
  if (!has_one_activation_) require_one_activation(*this, "what asks for it");
  return activation(1);
}

std::size_t Network::weights(int layer) const {
  return biases(layer) * static_cast<std::size_t>(fan_in(layer));
}

std::size_t Network::biases(int layer) const {
  return static_cast<std::size_t>(layers_[static_cast<std::size_t>(parts(layer).weights)].output.front());
}

bool has_linear_pieces(const Network& network) {
  for (int layer = 1; layer <= network.depth(); ++layer) {
    if (network.activation(layer).pieces() == nullptr) return false;
  }
  return true;
}

std::optional<std::string> dense_problem(const Network& network, std::string_view who) {
  constexpr int most_named = 4;
  std::string others;
  int count = 0;
  for (std::size_t i = 0; i < network.layers().size(); ++i) {
    const NetworkLayer& layer = network.layers()[i];
    const bool passes = std::holds_alternative<Flatten>(layer.kind) && !layer.activation;
    if (std::holds_alternative<Dense>(layer.kind) || passes || ++count > most_named) continue;
    const std::string_view kind = kind_name(layer.kind);
    others += (others.empty() ? "" : ", ") + layer_name(static_cast<int>(i)) + " is " +
              (kind.front() == 'a' ? "an " : "a ") + std::string(kind);
    if (std::holds_alternative<Flatten>(layer.kind)) others += " with an activation";
  }
  if (count == 0) return std::nullopt;
  if (count > most_named) others += " and " + std::to_string(count - most_named) + " more are not dense";
  return others + " (" + std::string(who) + " takes dense layers only), take a network of dense layers";
}

std::optional<std::string> one_activation_problem(const Network& network, std::string_view who) {
  if (auto problem = dense_problem(network, who)) return problem;
  for (int layer = 2; layer <= network.depth(); ++layer) {
    if (network.activation_text(layer) == network.activation_text(1)) continue;
    return layer_name(network.parts(layer).weights) + " has activation " + std::string(network.activation_text(layer)) +
           " and " + layer_name(network.parts(1).weights) + " has " + std::string(network.activation_text(1)) + " (" +
           std::string(who) + " takes one activation for all layers), take a network with one";
  }
  return std::nullopt;
}

void require_dense(const Network& network, std::string_view who) {
  if (const auto problem = dense_problem(network, who)) refuse(*problem);
}

void require_one_activation(const Network& network, std::string_view who) {
  if (const auto problem = one_activation_problem(network, who)) refuse(*problem);
}

RandomNetwork::RandomNetwork(Parameters parameters, StreamKey key)
    : Network(parameters.input_dimension, parameters.widths, parameters.activation,
              parameters.readout_sigma < 0.0 ? 0 : 1),
      parameters_(checked(std::move(parameters))),
      key_(key) {}

void RandomNetwork::weight(int layer, std::span<double> out) const {
  draw_weight(layer, Purpose::weights, out);
}

void RandomNetwork::second_weight(int layer, std::span<double> out) const {
  draw_weight(layer, Purpose::curve, out);
}

void RandomNetwork::draw_weight(int layer, Purpose purpose, std::span<double> out) const {
  require_layer(*this, layer);
  require_size(out.size(), product(width(layer), fan_in(layer)), "weight buffer");
  const auto address = static_cast<std::uint32_t>(layer);
  if (parameters_.law.kind == WeightLaw::Kind::orthogonal) {
    orthogonal_matrix(key_, address, width(layer), fan_in(layer), parameters_.sigma_w, out, purpose);
    return;
  }
  const double scale = parameters_.sigma_w / std::sqrt(static_cast<double>(fan_in(layer)));
  fill_rows(parameters_.law, key_, purpose, address, scale, width(layer), static_cast<std::size_t>(fan_in(layer)), out);
}

void RandomNetwork::weight(int layer, std::span<float> out) const {
  require_layer(*this, layer);
  require_size(out.size(), product(width(layer), fan_in(layer)), "weight buffer");
  const auto address = static_cast<std::uint32_t>(layer);
  if (parameters_.law.kind == WeightLaw::Kind::orthogonal) {
    std::vector<double> exact(out.size());
    weight(layer, std::span<double>(exact));
    std::transform(exact.begin(), exact.end(), out.begin(), [](double w) { return static_cast<float>(w); });
    return;
  }
  const double scale = parameters_.sigma_w / std::sqrt(static_cast<double>(fan_in(layer)));
  fill_rows(parameters_.law, key_, Purpose::weights, address, scale, width(layer),
            static_cast<std::size_t>(fan_in(layer)), out);
}

void RandomNetwork::bias(int layer, std::span<double> out) const {
  require_layer(*this, layer);
  require_size(out.size(), static_cast<std::size_t>(width(layer)), "bias buffer");
  std::vector<float> variates(out.size());
  RandomStream(key_, Purpose::biases, static_cast<std::uint32_t>(layer)).normals(0, 0, variates);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = parameters_.sigma_b * static_cast<double>(variates[i]);
}

void RandomNetwork::readout_weight(std::span<double> out) const {
  const int fan_in_last = width(depth());
  require_size(out.size(), product(readout_outputs(), fan_in_last), "readout buffer");
  std::vector<float> variates(out.size());
  // Layer 0, so that the readout does not depend on the depth.
  RandomStream(key_, Purpose::readout, 0).normals(0, 0, variates);
  const double scale = parameters_.readout_sigma / std::sqrt(static_cast<double>(fan_in_last));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = scale * static_cast<double>(variates[i]);
}

void RandomNetwork::readout_bias(std::span<double> out) const {
  require_size(out.size(), static_cast<std::size_t>(readout_outputs()), "readout bias buffer");
  std::fill(out.begin(), out.end(), 0.0);
}

StoredNetwork::StoredNetwork(int input_dimension, std::vector<Layer> layers, Activation activation, Layer readout)
    : Network(input_dimension, widths_of(layers), std::move(activation), readout.outputs),
      readout_(std::move(readout)) {
  for (int layer = 1; layer <= depth(); ++layer) {
    Layer& given = layers[static_cast<std::size_t>(layer - 1)];
    check_layer(given, fan_in(layer), "layer " + std::to_string(layer));
    layers_.push_back({std::move(given.weight), std::move(given.bias)});
  }
  check_layer(readout_, width(depth()), "the readout");
}

StoredNetwork::StoredNetwork(int input_dimension, std::vector<Layer> layers, Activation activation)
    : StoredNetwork(input_dimension, std::move(layers), std::move(activation), Layer()) {}

StoredNetwork::StoredNetwork(Shape input_shape, std::vector<Entry> entries, Layer readout)
    : Network(std::move(input_shape), layers_of(entries), readout.outputs), readout_(std::move(readout)) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    const std::string name = layer_name(static_cast<int>(i));
    if (!has_weights(entry.kind)) {
      if (entry.weight.empty() && entry.bias.empty()) continue;
      refuse(name + " has weights (a layer of kind " + std::string(kind_name(entry.kind)) + " has none), remove them");
    }
    const NetworkLayer& layer = layers()[i];
    if (entry.bias.empty()) entry.bias.assign(static_cast<std::size_t>(layer.output.front()), 0.0);
    check_layer({layer.output.front(), entry.weight, entry.bias}, static_cast<int>(fan_in_of(layer.kind, layer.input)),
                name);
    layers_.push_back({std::move(entry.weight), std::move(entry.bias)});
  }
  if (readout_outputs() > 0 && output_shape().size() != 1) {
    refuse("the readout takes shape " + shape_text(output_shape()) +
           " (it takes vectors), end the list with a flatten");
  }
  check_layer(readout_, static_cast<int>(size_of_shape(output_shape())), "the readout");
}

StoredNetwork::StoredNetwork(Shape input_shape, std::vector<Entry> entries)
    : StoredNetwork(std::move(input_shape), std::move(entries), Layer()) {}

void StoredNetwork::weight(int layer, std::span<double> out) const {
  require_layer(*this, layer);
  const auto& stored = layers_[static_cast<std::size_t>(layer - 1)].weight;
  require_size(out.size(), stored.size(), "weight buffer");
  std::copy(stored.begin(), stored.end(), out.begin());
}

void StoredNetwork::weight(int layer, std::span<float> out) const {
  require_layer(*this, layer);
  const auto& stored = layers_[static_cast<std::size_t>(layer - 1)].weight;
  require_size(out.size(), stored.size(), "weight buffer");
  std::transform(stored.begin(), stored.end(), out.begin(), [](double w) { return static_cast<float>(w); });
}

void StoredNetwork::bias(int layer, std::span<double> out) const {
  require_layer(*this, layer);
  const auto& stored = layers_[static_cast<std::size_t>(layer - 1)].bias;
  require_size(out.size(), stored.size(), "bias buffer");
  std::copy(stored.begin(), stored.end(), out.begin());
}

void StoredNetwork::readout_weight(std::span<double> out) const {
  require_size(out.size(), readout_.weight.size(), "readout buffer");
  std::copy(readout_.weight.begin(), readout_.weight.end(), out.begin());
}

void StoredNetwork::readout_bias(std::span<double> out) const {
  require_size(out.size(), readout_.bias.size(), "readout bias buffer");
  std::copy(readout_.bias.begin(), readout_.bias.end(), out.begin());
}

}  // namespace meander
