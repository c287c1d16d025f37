// Names and shapes of the kinds of layer, each parameter checked before a kernel meets it.
#include "kernels/networks/layer.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>

namespace meander {
namespace {

/// In the order of LayerKind.
constexpr std::string_view names[] = {"dense",       "convolution", "average_pool", "max_pool",
                                      "scale_shift", "flatten",     "add"};

constexpr std::int64_t largest = std::numeric_limits<int>::max();

/// Finds the output's shape of layer `index`, or complains of it by name.
class ShapeOf {
 public:
  ShapeOf(std::string_view name, std::span<const Shape> shapes) : name_(name), shapes_(shapes), input_(shapes.back()) {}

  Shape of(const LayerKind& kind) const {
    Shape output = std::visit([this](const auto& layer) { return shape(layer); }, kind);
    std::int64_t size = 1;
    for (const int extent : output) {
      size *= extent;
      if (size > largest) {
        refuse("its output of shape " + shape_text(output) +
               " is too large (at most 2147483647 numbers), make it smaller");
      }
    }
    return output;
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw std::invalid_argument(layer_name(index()) + " (" + std::string(name_) + "): " + problem);
  }
  int index() const { return static_cast<int>(shapes_.size()) - 1; }

  void require_range(const char* what, int value, int least) const {
    if (value >= least) return;
    refuse(std::string(what) + " is " + std::to_string(value) + " (it must be at least " + std::to_string(least) +
           "), choose another");
  }
  void require_range(const char* what, const Extents& extents, int least) const {
    require_range((std::string(what) + " (rows)").c_str(), extents.rows, least);
    require_range((std::string(what) + " (columns)").c_str(), extents.columns, least);
  }
  void require_range(const Padding& padding) const {
    require_range("padding (top)", padding.top, 0);
    require_range("padding (bottom)", padding.bottom, 0);
    require_range("padding (left)", padding.left, 0);
    require_range("padding (right)", padding.right, 0);
  }
  void require_picture() const {
    if (input_.size() != 3) {
      refuse(
          "its input has shape " + shape_text(input_) +
          " (it takes pictures [channels, rows, columns]), put it before a flatten or give input_shape three extents");
    }
  }

  /// Places of a window along one side; the window's reach is dilation (extent - 1) + 1.
  int places(const char* side, int input, int before, int after, int extent, int dilation, int stride) const {
    const std::int64_t reach = static_cast<std::int64_t>(dilation) * (extent - 1) + 1;
    const std::int64_t room = static_cast<std::int64_t>(input) + before + after;
    if (room > largest) refuse(std::string("its input and padding have too many ") + side + ", take less padding");
    if (reach > room) {
      refuse("its window reaches over " + std::to_string(reach) + " " + side + " (the input has " +
             std::to_string(room) + ", padding included), take a smaller window or more padding");
    }
    const std::int64_t count = (room - reach) / stride + 1;
    if (count > largest) refuse(std::string("its output has too many ") + side + ", take a larger stride");
    return static_cast<int>(count);
  }
  Shape windows(int channels, const Extents& window, const Extents& dilation, const Extents& stride,
                const Padding& padding) const {
    return {
        channels, places("rows", input_[1], padding.top, padding.bottom, window.rows, dilation.rows, stride.rows),
        places("columns", input_[2], padding.left, padding.right, window.columns, dilation.columns, stride.columns)};
  }

  Shape shape(const Dense& dense) const {
    if (input_.size() != 1) {
      refuse("its input has shape " + shape_text(input_) + " (it takes vectors), put a flatten before it");
    }
    require_range("the number of outputs", dense.outputs, 1);
    return {dense.outputs};
  }

  Shape shape(const Convolution& convolution) const {
    require_picture();
    require_range("the number of channels", convolution.channels, 1);
    require_range("kernel", convolution.kernel, 1);
    require_range("stride", convolution.stride, 1);
    require_range("dilation", convolution.dilation, 1);
    require_range(convolution.padding);
    require_range("groups", convolution.groups, 1);
    for (const auto& [what, channels] : {std::pair("input", input_[0]), std::pair("output", convolution.channels)}) {
      if (channels % convolution.groups == 0) continue;
      refuse("groups is " + std::to_string(convolution.groups) + " (it must divide the " + std::to_string(channels) +
             " channels of the " + what + "), choose another");
    }
    return windows(convolution.channels, convolution.kernel, convolution.dilation, convolution.stride,
                   convolution.padding);
  }

  template <class Pool>
  Shape pool(const Pool& pool) const {
    require_picture();
    require_range("window", pool.window, 1);
    require_range("stride", pool.stride, 1);
    require_range(pool.padding);
    const Padding& padding = pool.padding;
    if (std::max(padding.top, padding.bottom) >= pool.window.rows ||
        std::max(padding.left, padding.right) >= pool.window.columns) {
      refuse("padding [" + std::to_string(padding.top) + ", " + std::to_string(padding.bottom) + ", " +
             std::to_string(padding.left) + ", " + std::to_string(padding.right) + "] reaches the window [" +
             std::to_string(pool.window.rows) + ", " + std::to_string(pool.window.columns) +
             "] (a window may then hold nothing else), take less padding");
    }
    return windows(input_[0], pool.window, {}, pool.stride, padding);
  }
  Shape shape(const AveragePool& average) const { return pool(average); }
  Shape shape(const MaxPool& max) const { return pool(max); }

  Shape shape(const ScaleShift& layer) const {
    const auto wanted = static_cast<std::size_t>(input_[0]);
    for (const auto& [what, count] : {std::pair("scale", layer.scale.size()), std::pair("shift", layer.shift.size())}) {
      if (count == wanted) continue;
      refuse(std::string(what) + " has " + std::to_string(count) + " numbers (the input of shape " +
             shape_text(input_) + " needs " + std::to_string(wanted) + ", one per " +
             (input_.size() == 3 ? "channel" : "component") + "), give that many");
    }
    return input_;
  }

  Shape shape(const Flatten&) const { return {static_cast<int>(size_of_shape(input_))}; }

  Shape shape(const Add& add) const {
    if (add.from < -1 || add.from >= index()) {
      refuse("from is " + std::to_string(add.from) + " (it names an earlier layer, 0 to " +
             std::to_string(index() - 1) + ", or -1 for the input), choose one of them");
    }
    const Shape& other = shapes_[static_cast<std::size_t>(add.from + 1)];
    if (other != input_) {
      refuse("it adds " + (add.from < 0 ? std::string("the input") : layer_name(add.from)) + " of shape " +
             shape_text(other) + " to shape " + shape_text(input_) + " (both must be the same), choose another layer");
    }
    return input_;
  }

  std::string_view name_;
  std::span<const Shape> shapes_;
  const Shape& input_;
};

}  // namespace

std::size_t size_of_shape(const Shape& shape) {
  std::size_t size = 1;
  for (const int extent : shape) size *= static_cast<std::size_t>(extent);
  return size;
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const int extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

std::string_view kind_name(const LayerKind& kind) {
  return names[kind.index()];
}

std::optional<LayerKind> kind_named(std::string_view name) {
  const LayerKind kinds[] = {Dense(), Convolution(), AveragePool(), MaxPool(), ScaleShift(), Flatten(), Add()};
  for (const LayerKind& kind : kinds) {
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

std::vector<std::string> kind_names() {
  return {std::begin(names), std::end(names)};
}

bool has_weights(const LayerKind& kind) {
  return std::holds_alternative<Dense>(kind) || std::holds_alternative<Convolution>(kind);
}

std::string layer_name(int index) {
  return "/layers/" + std::to_string(index);
}

Shape output_shape(const LayerKind& kind, std::span<const Shape> shapes) {
  return ShapeOf(kind_name(kind), shapes).of(kind);
}

std::size_t fan_in_of(const LayerKind& kind, const Shape& input) {
  if (const auto* convolution = std::get_if<Convolution>(&kind)) {
    return size_of_shape({input[0] / convolution->groups, convolution->kernel.rows, convolution->kernel.columns});
  }
  return size_of_shape(input);
}

bool is_identity(const Activation& activation) {
  const LinearPieces* pieces = activation.pieces();
  return pieces != nullptr && pieces->breakpoints.empty() && pieces->slopes.front() == 1.0 &&
         pieces->intercepts.front() == 0.0;
}

}  // namespace meander
