// Dense layers are one matrix product a batch; a convolution is one a point and group, over the patches that its kernel
// covers.
#include "kernels/networks/forward.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/base/blas.hpp"

namespace meander {
namespace {

std::size_t product(int a, int b) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
}

/// Calls body(channel, output place, row, column) for the output of a window layer: row and column, which may lie in
/// the padding, are those of the window's upper left corner in the input.
template <class Pool, class Body>
void for_windows(const Pool& pool, const NetworkLayer& layer, Body&& body) {
  std::size_t place = 0;
  for (int channel = 0; channel < layer.output[0]; ++channel) {
    for (int r = 0; r < layer.output[1]; ++r) {
      for (int c = 0; c < layer.output[2]; ++c) {
        body(channel, place++, r * pool.stride.rows - pool.padding.top, c * pool.stride.columns - pool.padding.left);
      }
    }
  }
}

/// The part of a window of `extent` at `begin` that lies within 0 .. size.
std::pair<int, int> inside(int begin, int extent, int size) {
  return {std::max(begin, 0), std::min(begin + extent, size)};
}

/// `patches` (places, fan-in) <- what the kernel covers at each place of the output, of the input channels first ..
/// first + channels - 1.
template <class Real>
void gather(const Convolution& convolution, const NetworkLayer& layer, const Real* input, int first, int channels,
            Real* patches) {
  const int rows = layer.input[1], columns = layer.input[2];
  for (int r = 0; r < layer.output[1]; ++r) {
    for (int c = 0; c < layer.output[2]; ++c) {
      for (int channel = first; channel < first + channels; ++channel) {
        const Real* plane = input + product(channel, rows) * static_cast<std::size_t>(columns);
        for (int k = 0; k < convolution.kernel.rows; ++k) {
          const int row = r * convolution.stride.rows + k * convolution.dilation.rows - convolution.padding.top;
          for (int m = 0; m < convolution.kernel.columns; ++m) {
            const int column =
                c * convolution.stride.columns + m * convolution.dilation.columns - convolution.padding.left;
            const bool covered = row >= 0 && row < rows && column >= 0 && column < columns;
            *patches++ = covered ? plane[product(row, columns) + static_cast<std::size_t>(column)] : Real(0);
          }
        }
      }
    }
  }
}

}  // namespace

template <class Real>
ForwardPass<Real>::ForwardPass(const Network& network, ForwardOptions options)
    : network_(network),
      options_(options),
      remembered_(network.layers().size() + 1),
      wanted_(network.layers().size() + 1, false) {
  if (options_.last == 0) options_.last = network.depth();
  const int first = options_.first, last = options_.last;
  if (first < 1 || first > last + 1 || last > network.depth()) {
    throw std::invalid_argument("layers " + std::to_string(first) + " to " + std::to_string(last) +
                                " (the network has 1 to " + std::to_string(network.depth()) + "), choose among them");
  }
  held_.resize(options_.keep_weights ? static_cast<std::size_t>(network.depth()) : 1);
  if (first > last) return;
  for (int entry = first_entry(); entry <= network.parts(last).last; ++entry) {
    const auto* add = std::get_if<Add>(&network.layers()[static_cast<std::size_t>(entry)].kind);
    if (add == nullptr) continue;
    if (add->from + 1 < first_entry()) {
      throw std::invalid_argument(layer_name(entry) + " adds " +
                                  (add->from < 0 ? std::string("the input") : layer_name(add->from)) +
                                  " (which lies before the first layer passed), pass the network from its beginning");
    }
    wanted_[static_cast<std::size_t>(add->from + 1)] = true;
  }
}

/// What stands before the first weights is passed with layer 1.
template <class Real>
int ForwardPass<Real>::first_entry() const {
  return options_.first == 1 ? 0 : network_.parts(options_.first).weights;
}

template <class Real>
void ForwardPass<Real>::push(std::vector<Real>& values, const Visit& visit) {
  if (options_.first > options_.last) return;
  const std::size_t inputs = size_of_shape(network_.layers()[static_cast<std::size_t>(first_entry())].input);
  if (values.empty() || values.size() % inputs != 0) {
    throw std::invalid_argument(std::to_string(values.size()) + " numbers (layer " + std::to_string(options_.first) +
                                " takes points of " + std::to_string(inputs) + "), give whole points");
  }
  use_one_blas_thread();
  points_ = values.size() / inputs;
  values_.swap(values);
  pass_layers(visit);
  values_.swap(values);
}

template <class Real>
void ForwardPass<Real>::pass_layers(const Visit& visit) {
  int entry = first_entry();
  remember(entry - 1);
  for (int layer = options_.first; layer <= options_.last; ++layer) {
    const LayerParts& parts = network_.parts(layer);
    winners_.clear();
    load(layer);
    while (entry <= parts.last) enter(entry++, layer);
    if (visit) {
      const std::span<const Real> activated(parts.activation == parts.last ? values_ : activated_);
      if (!visit({layer, points_, h_, activated, values_, at_hand_->weight, winners_})) return;
    }
    remember(parts.last);
  }
}

/// Passes one entry of the list with its activation.
template <class Real>
void ForwardPass<Real>::enter(int entry, int number) {
  const NetworkLayer& layer = network_.layers()[static_cast<std::size_t>(entry)];
  const LayerParts& parts = network_.parts(number);
  apply(layer, entry);
  if (entry == parts.activation && options_.pre_activations) h_ = values_;
  if (layer.activation) layer.activation->phi.apply(std::span<Real>(values_));
  if (entry == parts.activation && entry != parts.last) activated_ = values_;
  // A visitor may still change the last one.
  if (entry != parts.last) remember(entry);
}

template <class Real>
void ForwardPass<Real>::remember(int entry) {
  const auto slot = static_cast<std::size_t>(entry + 1);
  if (wanted_[slot]) remembered_[slot] = values_;
}

template <class Real>
void ForwardPass<Real>::load(int layer) {
  Held& held = held_[options_.keep_weights ? static_cast<std::size_t>(layer - 1) : 0];
  at_hand_ = &held;
  if (options_.keep_weights && !held.bias.empty()) return;
  held.weight.resize(network_.weights(layer));
  network_.weight(layer, std::span<Real>(held.weight));
  std::vector<double> bias(network_.biases(layer));
  network_.bias(layer, bias);
  held.bias.assign(bias.begin(), bias.end());
}

/// values_ <- the entry's map of values_, without its activation.
template <class Real>
void ForwardPass<Real>::apply(const NetworkLayer& layer, int entry) {
  if (std::holds_alternative<Flatten>(layer.kind)) return;
  if (const auto* shift = std::get_if<ScaleShift>(&layer.kind)) return scale(*shift, layer);
  if (const auto* add = std::get_if<Add>(&layer.kind)) {
    const std::vector<Real>& other = remembered_[static_cast<std::size_t>(add->from + 1)];
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += other[i];
    return;
  }
  next_.resize(points_ * size_of_shape(layer.output));
  if (const auto* dense = std::get_if<Dense>(&layer.kind)) multiply(*dense, layer);
  if (const auto* convolution = std::get_if<Convolution>(&layer.kind)) convolve(*convolution, layer);
  if (const auto* pool = std::get_if<AveragePool>(&layer.kind)) average(*pool, layer);
  if (const auto* pool = std::get_if<MaxPool>(&layer.kind)) choose(*pool, layer, entry);
  values_.swap(next_);
}

template <class Real>
void ForwardPass<Real>::multiply(const Dense& dense, const NetworkLayer& layer) {
  const int outputs = dense.outputs, inputs = layer.input.front();
  multiply_transposed(static_cast<int>(points_), outputs, inputs, values_.data(), inputs, at_hand_->weight.data(),
                      inputs, next_.data(), outputs);
  const auto width = static_cast<std::size_t>(outputs);
  for (std::size_t row = 0; row < next_.size(); row += width) {
    for (std::size_t i = 0; i < width; ++i) next_[row + i] += at_hand_->bias[i];
  }
}

template <class Real>
void ForwardPass<Real>::convolve(const Convolution& convolution, const NetworkLayer& layer) {
  const int channels = layer.input[0] / convolution.groups, outputs = convolution.channels / convolution.groups;
  const int places = layer.output[1] * layer.output[2];
  const auto fan_in = static_cast<int>(fan_in_of(layer.kind, layer.input));
  patches_.resize(product(places, fan_in));
  const std::size_t input_size = size_of_shape(layer.input), output_size = size_of_shape(layer.output);
  for (std::size_t p = 0; p < points_; ++p) {
    for (int group = 0; group < convolution.groups; ++group) {
      gather(convolution, layer, values_.data() + p * input_size, group * channels, channels, patches_.data());
      Real* out = next_.data() + p * output_size + product(group * outputs, places);
      multiply_transposed(outputs, places, fan_in, at_hand_->weight.data() + product(group * outputs, fan_in), fan_in,
                          patches_.data(), fan_in, out, places);
      for (int o = 0; o < outputs; ++o) {
        const Real bias = at_hand_->bias[static_cast<std::size_t>(group * outputs + o)];
        for (int i = 0; i < places; ++i) *out++ += bias;
      }
    }
  }
}

template <class Real>
void ForwardPass<Real>::average(const AveragePool& pool, const NetworkLayer& layer) {
  const int rows = layer.input[1], columns = layer.input[2];
  const Real area = static_cast<Real>(pool.window.rows) * static_cast<Real>(pool.window.columns);
  for (std::size_t p = 0; p < points_; ++p) {
    const Real* in = values_.data() + p * size_of_shape(layer.input);
    Real* out = next_.data() + p * size_of_shape(layer.output);
    for_windows(pool, layer, [&](int channel, std::size_t place, int row, int column) {
      const auto [top, bottom] = inside(row, pool.window.rows, rows);
      const auto [left, right] = inside(column, pool.window.columns, columns);
      Real sum = 0;
      for (int r = top; r < bottom; ++r) {
        const Real* line = in + product(channel * rows + r, columns);
        for (int c = left; c < right; ++c) sum += line[c];
      }
      out[place] = sum / area;
    });
  }
}

template <class Real>
void ForwardPass<Real>::choose(const MaxPool& pool, const NetworkLayer& layer, int entry) {
  const int rows = layer.input[1], columns = layer.input[2];
  const std::size_t output_size = size_of_shape(layer.output);
  PoolWinners& winners = winners_.emplace_back();
  winners.entry = entry;
  winners.places.resize(points_ * output_size);
  for (std::size_t p = 0; p < points_; ++p) {
    const Real* in = values_.data() + p * size_of_shape(layer.input);
    for_windows(pool, layer, [&](int channel, std::size_t place, int row, int column) {
      const auto [top, bottom] = inside(row, pool.window.rows, rows);
      const auto [left, right] = inside(column, pool.window.columns, columns);
      std::size_t best = product(channel * rows + top, columns) + static_cast<std::size_t>(left);
      for (int r = top; r < bottom; ++r) {
        for (int c = left; c < right; ++c) {
          const std::size_t at = product(channel * rows + r, columns) + static_cast<std::size_t>(c);
          if (in[at] > in[best] || (std::isnan(in[at]) && !std::isnan(in[best]))) best = at;
        }
      }
      next_[p * output_size + place] = in[best];
      winners.places[p * output_size + place] = static_cast<int>(best);
    });
  }
}

template <class Real>
void ForwardPass<Real>::scale(const ScaleShift& shift, const NetworkLayer& layer) {
  const std::size_t size = size_of_shape(layer.input), each = size / shift.scale.size();
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const std::size_t channel = i % size / each;
    values_[i] = static_cast<Real>(shift.scale[channel]) * values_[i] + static_cast<Real>(shift.shift[channel]);
  }
}

template class ForwardPass<double>;
template class ForwardPass<float>;

ForwardCost forward_cost(const Network& network) {
  ForwardCost cost;
  for (const NetworkLayer& layer : network.layers()) {
    const auto inputs = static_cast<double>(size_of_shape(layer.input));
    const auto outputs = static_cast<double>(size_of_shape(layer.output));
    double window = 1.0;
    if (has_weights(layer.kind)) {
      const auto fan_in = static_cast<double>(fan_in_of(layer.kind, layer.input));
      const double weights = fan_in * layer.output.front();
      cost.products += fan_in * outputs;
      cost.weights += weights;
      cost.largest = std::max(cost.largest, weights);
      if (const auto* convolution = std::get_if<Convolution>(&layer.kind)) {
        const double patches = fan_in * layer.output[1] * layer.output[2];
        cost.patches = std::max(cost.patches, patches);
        cost.steps += patches * convolution->groups;
      }
    }
    if (const auto* pool = std::get_if<AveragePool>(&layer.kind))
      window = 1.0 * pool->window.rows * pool->window.columns;
    if (const auto* pool = std::get_if<MaxPool>(&layer.kind)) window = 1.0 * pool->window.rows * pool->window.columns;
    // A window's part in the padding is not looked at.
    if (layer.input.size() == 3) window = std::min(window, 1.0 * layer.input[1] * layer.input[2]);
    cost.steps += window * outputs;
    cost.widest = std::max(cost.widest, inputs + outputs);
    if (const auto* add = std::get_if<Add>(&layer.kind)) {
      const Shape& shape =
          add->from < 0 ? network.input_shape() : network.layers()[static_cast<std::size_t>(add->from)].output;
      cost.remembered += static_cast<double>(size_of_shape(shape));
    }
  }
  return cost;
}

}  // namespace meander
