// The plain twin of the forward pass: each kind of layer as its definition reads, number by number.
#include <cmath>
#include <limits>

#include "kernels/networks/forward.hpp"

namespace meander {
namespace {

using Values = std::vector<double>;

/// A picture, with what lies outside of it.
struct Picture {
  const Values& values;
  const Shape& shape;

  bool has(int row, int column) const { return row >= 0 && row < shape[1] && column >= 0 && column < shape[2]; }
  int place(int channel, int row, int column) const { return (channel * shape[1] + row) * shape[2] + column; }
  double at(int channel, int row, int column, double outside) const {
    return has(row, column) ? values[static_cast<std::size_t>(place(channel, row, column))] : outside;
  }
};

/// One entry of the list at one point.
struct Entry {
  const NetworkLayer& layer;
  const Values& input;
  const Values& weight;
  const Values& bias;
  /// The network's input and the outputs of all entries before.
  const std::vector<Values>& outputs;
  /// Of a max pool.
  std::vector<int> winners = {};

  Values operator()(const Dense& dense) const {
    Values out(bias);
    for (std::size_t i = 0; i < static_cast<std::size_t>(dense.outputs); ++i) {
      for (std::size_t j = 0; j < input.size(); ++j) out[i] += weight[i * input.size() + j] * input[j];
    }
    return out;
  }

  Values operator()(const Convolution& f) const {
    const Picture picture{input, layer.input};
    const int channels = layer.input[0] / f.groups;
    Values out;
    for (int o = 0; o < layer.output[0]; ++o) {
      const int first = o / (f.channels / f.groups) * channels;
      for (int r = 0; r < layer.output[1]; ++r) {
        for (int c = 0; c < layer.output[2]; ++c) {
          double sum = bias[static_cast<std::size_t>(o)];
          for (int i = 0; i < channels; ++i) {
            for (int k = 0; k < f.kernel.rows; ++k) {
              for (int m = 0; m < f.kernel.columns; ++m) {
                const int at = ((o * channels + i) * f.kernel.rows + k) * f.kernel.columns + m;
                sum += weight[static_cast<std::size_t>(at)] *
                       picture.at(first + i, r * f.stride.rows + k * f.dilation.rows - f.padding.top,
                                  c * f.stride.columns + m * f.dilation.columns - f.padding.left, 0.0);
              }
            }
          }
          out.push_back(sum);
        }
      }
    }
    return out;
  }

  Values operator()(const AveragePool& pool) const {
    const Picture picture{input, layer.input};
    Values out;
    for (int channel = 0; channel < layer.output[0]; ++channel) {
      for (int r = 0; r < layer.output[1]; ++r) {
        for (int c = 0; c < layer.output[2]; ++c) {
          double sum = 0.0;
          for (int k = 0; k < pool.window.rows; ++k) {
            for (int m = 0; m < pool.window.columns; ++m) {
              sum += picture.at(channel, r * pool.stride.rows + k - pool.padding.top,
                                c * pool.stride.columns + m - pool.padding.left, 0.0);
            }
          }
          out.push_back(sum / (pool.window.rows * pool.window.columns));
        }
      }
    }
    return out;
  }

  Values operator()(const MaxPool& pool) {
    const Picture picture{input, layer.input};
    Values out;
    for (int channel = 0; channel < layer.output[0]; ++channel) {
      for (int r = 0; r < layer.output[1]; ++r) {
        for (int c = 0; c < layer.output[2]; ++c) {
          double largest = -std::numeric_limits<double>::infinity();
          int winner = -1;
          for (int k = 0; k < pool.window.rows; ++k) {
            for (int m = 0; m < pool.window.columns; ++m) {
              const int row = r * pool.stride.rows + k - pool.padding.top;
              const int column = c * pool.stride.columns + m - pool.padding.left;
              if (!picture.has(row, column)) continue;
              const double value = picture.at(channel, row, column, 0.0);
              const bool wins = value > largest || (std::isnan(value) && !std::isnan(largest));
              if (winner >= 0 && !wins) continue;
              largest = value;
              winner = picture.place(channel, row, column);
            }
          }
          out.push_back(largest);
          winners.push_back(winner);
        }
      }
    }
    return out;
  }

  Values operator()(const ScaleShift& f) const {
    const std::size_t each = input.size() / f.scale.size();
    Values out;
    for (std::size_t channel = 0; channel < f.scale.size(); ++channel) {
      for (std::size_t i = 0; i < each; ++i)
        out.push_back(f.scale[channel] * input[channel * each + i] + f.shift[channel]);
    }
    return out;
  }

  Values operator()(const Flatten&) const { return input; }

  Values operator()(const Add& add) const {
    const Values& other = outputs[static_cast<std::size_t>(add.from + 1)];
    Values out(input);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += other[i];
    return out;
  }
};

}  // namespace

std::vector<PlainImage> forward_plain(const Network& network, std::span<const double> point) {
  std::vector<PlainImage> images;
  std::vector<PoolWinners> winners;
  std::vector<Values> outputs{Values(point.begin(), point.end())};
  Values weight, bias;
  for (std::size_t i = 0; i < network.layers().size(); ++i) {
    const NetworkLayer& layer = network.layers()[i];
    if (has_weights(layer.kind)) {
      images.emplace_back();
      const int number = static_cast<int>(images.size());
      weight.resize(network.weights(number));
      bias.resize(network.biases(number));
      network.weight(number, std::span<double>(weight));
      network.bias(number, bias);
    }
    Entry entry{layer, outputs.back(), weight, bias, outputs};
    const Values h = std::visit([&entry](const auto& kind) { return entry(kind); }, layer.kind);
    Values x = h;
    for (double& value : x) value = layer.activation ? layer.activation->phi(value) : value;
    if (!entry.winners.empty()) winners.push_back({static_cast<int>(i), entry.winners});
    if (!images.empty()) {
      PlainImage& image = images.back();
      if (network.parts(static_cast<int>(images.size())).activation == static_cast<int>(i)) {
        image.h = h;
        image.activated = x;
      }
      image.x = x;
      image.winners.insert(image.winners.end(), winners.begin(), winners.end());
      winners.clear();
    }
    outputs.push_back(std::move(x));
  }
  return images;
}

}  // namespace meander
