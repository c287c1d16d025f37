// The kinds of layer that a network is a list of, as plain data, and the shapes that they make of their inputs. Layouts
// and conventions are PyTorch's: pictures are channels, rows, columns; a convolution is a cross-correlation; sizes are
// rounded down; padding counts in averages and never wins in a max pool.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// [n], or [channels, rows, columns] of a picture; every extent is at least 1.
using Shape = std::vector<int>;

/// The number of numbers.
std::size_t size_of_shape(const Shape& shape);
/// "[3, 32, 32]".
std::string shape_text(const Shape& shape);

struct Extents {
  int rows = 1;
  int columns = 1;

  friend bool operator==(const Extents&, const Extents&) = default;
};

struct Padding {
  int top = 0;
  int bottom = 0;
  int left = 0;
  int right = 0;

  friend bool operator==(const Padding&, const Padding&) = default;
};

/// W x + b of a vector; W is (outputs, inputs).
struct Dense {
  int outputs = 0;
};

/// out[o][r][c] = b[o] + sum_(i, k, m) W[o][i][k][m] in[i of o's group][r stride + k dilation - top][...], zero
/// outside; W is (channels, input channels / groups, rows, columns of the kernel), output channels o of group o groups
/// / channels.
struct Convolution {
  int channels = 0;  // of the output
  Extents kernel;
  Extents stride;
  Extents dilation;
  Padding padding;
  int groups = 1;
};

/// The mean over a window, padding counted as zeros.
struct AveragePool {
  Extents window;
  Extents stride;
  Padding padding;
};

/// The largest number in a window; padding is -infinity. NaN wins, as in PyTorch; of equals, the first row by row.
struct MaxPool {
  Extents window;
  Extents stride;
  Padding padding;
};

/// scale x + shift, one of each per channel of a picture or per component of a vector (batch normalisation at rest).
struct ScaleShift {
  std::vector<double> scale;
  std::vector<double> shift;
};

/// A picture as a vector: channels, rows, columns in this order.
struct Flatten {};

/// Adds the output of an earlier layer of the list, counted from 0; -1 is the network's input.
struct Add {
  int from = -1;
};

using LayerKind = std::variant<Dense, Convolution, AveragePool, MaxPool, ScaleShift, Flatten, Add>;

/// "dense", "convolution", "average_pool", "max_pool", "scale_shift", "flatten", "add": as network files name them.
std::string_view kind_name(const LayerKind& kind);
/// The kind of that name with nothing filled in, or nothing.
std::optional<LayerKind> kind_named(std::string_view name);
/// The names that `kind_named` knows.
std::vector<std::string> kind_names();
/// Dense and convolution: what the papers count as layers.
bool has_weights(const LayerKind& kind);

/// How messages call layer `index` (from 0) of a list: "/layers/3", as network files do.
std::string layer_name(int index);

/// Shape of the last layer's output; `shapes` are those of the network's input and of the outputs of all layers before,
/// so that the last of them is this layer's input. Throws std::invalid_argument, the layer's name and kind in the
/// message, where the layer cannot take them or a parameter of it is out of range.
Shape output_shape(const LayerKind& kind, std::span<const Shape> shapes);

/// Weights of one output number of a dense layer or convolution with input `input`: what the papers call fan-in.
std::size_t fan_in_of(const LayerKind& kind, const Shape& input);

/// phi, and how messages and network files name it.
struct LayerActivation {
  Activation phi;
  std::string text;

  static LayerActivation named(const std::string& name) { return {Activation::named(name), name}; }
};

/// x as it is.
bool is_identity(const Activation& activation);

/// One entry of a network's list.
struct NetworkLayer {
  LayerKind kind;
  /// Nothing: x as it is.
  std::optional<LayerActivation> activation;
  /// Filled in by the network.
  Shape input, output;
};

}  // namespace meander
