// Networks drawn from the stream, row by row, and networks held in memory.
#include "kernels/networks/network.hpp"

#include "kernels/networks/orthogonal.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
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
    : input_dimension_(input_dimension),
      widths_(std::move(widths)),
      activation_(std::move(activation)),
      readout_outputs_(readout_outputs) {
  if (input_dimension_ < 1) {
    refuse("input dimension " + std::to_string(input_dimension_) + " (must be positive), choose at least 1");
  }
  if (widths_.empty()) refuse("a network has no layers (widths is empty), give at least one width");
  for (const int width : widths_) {
    if (width < 1) refuse("width " + std::to_string(width) + " (must be positive), choose at least 1");
  }
  if (readout_outputs_ < 0) {
    refuse("readout with " + std::to_string(readout_outputs_) + " outputs (must not be negative), use 0 for none");
  }
}

int Network::max_width() const {
  return *std::max_element(widths_.begin(), widths_.end());
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
      layers_(std::move(layers)),
      readout_(std::move(readout)) {
  for (int layer = 1; layer <= depth(); ++layer) {
    check_layer(layers_[static_cast<std::size_t>(layer - 1)], fan_in(layer), "layer " + std::to_string(layer));
  }
  check_layer(readout_, width(depth()), "the readout");
}

StoredNetwork::StoredNetwork(int input_dimension, std::vector<Layer> layers, Activation activation)
    : StoredNetwork(input_dimension, std::move(layers), std::move(activation), Layer()) {}

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
