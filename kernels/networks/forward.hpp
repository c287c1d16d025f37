// The forward pass: images of a batch of points in every layer of a network, whatever its layers are. Kernels that need
// images alone take them from here; those that need more (derivatives, panels that stay in the cache) go their own way
// through dense layers.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <type_traits>
#include <vector>

#include "kernels/networks/network.hpp"

namespace meander {

/// Which numbers won in a max pool: places in the pool's input (of one point), (points, numbers in its output).
struct PoolWinners {
  /// The pool's place in the network's list.
  int entry = 0;
  std::vector<int> places;
};

/// What a batch of points is in a layer, as the papers count layers; everything row-major, one point a row.
template <class Real>
struct LayerImage {
  int layer = 0;
  std::size_t points = 0;
  /// h^l, (points, width(layer)); nothing where `pre_activations` says so.
  std::span<const Real> h;
  /// phi(h^l), before the pools and the like that belong to the layer.
  std::span<const Real> activated;
  /// x^l, what the layer hands on: phi(h^l) again where nothing stands behind. What a visitor writes here is handed on
  /// instead (dropout, noise).
  std::span<Real> x;
  /// W^l as it was multiplied with.
  std::span<const Real> weight;
  /// Of the layer's max pools; those before the first weights count with layer 1.
  std::span<const PoolWinners> winners;
};

struct ForwardOptions {
  /// Layers first .. last of the network, as the papers count them; last = 0 is its depth. Between first = depth + 1
  /// and the depth lies none, and nothing is done.
  int first = 1;
  int last = 0;
  /// Weights are drawn once and kept, for networks that many batches pass; else anew for each batch, a layer at a time.
  bool keep_weights = false;
  /// Visitors see h, at the price of a copy.
  bool pre_activations = true;
};

/// A network made ready for forward passes. Not to be shared between threads.
template <class Real>
class ForwardPass {
 public:
  using Visit = std::function<bool(const LayerImage<Real>&)>;

  /// `network` has to outlive this. Throws std::invalid_argument where the range is not the network's, or an `add`
  /// reaches out of it.
  explicit ForwardPass(const Network& network, ForwardOptions options = {});

  /// Pushes points, (points, inputs of the first layer), through the layers, so that `values` becomes what the last one
  /// hands on; shows each layer to `visit`, where there is one, until that gives false. A dense layer is one matrix
  /// product a batch, X W^T, with the bias added behind it: its bits depend on nothing but how points are batched.
  /// Throws std::invalid_argument where they are no whole number.
  void push(std::vector<Real>& values, const Visit& visit = {});

 private:
  struct Held {
    std::vector<Real> weight, bias;
  };

  int first_entry() const;
  void pass_layers(const Visit& visit);
  void enter(int entry, int number);
  void remember(int entry);
  void load(int layer);
  void apply(const NetworkLayer& layer, int entry);
  void multiply(const Dense& dense, const NetworkLayer& layer);
  void convolve(const Convolution& convolution, const NetworkLayer& layer);
  void average(const AveragePool& pool, const NetworkLayer& layer);
  void choose(const MaxPool& pool, const NetworkLayer& layer, int entry);
  void scale(const ScaleShift& shift, const NetworkLayer& layer);

  const Network& network_;
  ForwardOptions options_;
  std::vector<Held> held_;
  const Held* at_hand_ = nullptr;
  std::size_t points_ = 0;
  /// What stands at the entry at hand, and room for the next.
  std::vector<Real> values_, next_;
  std::vector<Real> h_, activated_, patches_;
  /// Outputs that a later `add` asks for, by the entry's number + 1.
  std::vector<std::vector<Real>> remembered_;
  std::vector<bool> wanted_;
  std::vector<PoolWinners> winners_;
};

extern template class ForwardPass<double>;
extern template class ForwardPass<float>;

namespace forward_detail {
template <class Real, class Visit>
void run(const Network& network, std::span<const Real> points, Visit& visit, const ForwardOptions& options) {
  std::vector<Real> values(points.begin(), points.end());
  ForwardPass<Real>(network, options).push(values, [&visit](const LayerImage<Real>& image) {
    if constexpr (std::is_void_v<std::invoke_result_t<Visit&, const LayerImage<Real>&>>) {
      visit(image);
      return true;
    } else {
      return visit(image);
    }
  });
}
}  // namespace forward_detail

/// Shows `visit` a LayerImage of every layer; where it gives bools, false ends the pass.
template <class Visit>
void forward(const Network& network, std::span<const double> points, Visit&& visit,
             const ForwardOptions& options = {}) {
  forward_detail::run<double>(network, points, visit, options);
}
template <class Visit>
void forward(const Network& network, std::span<const float> points, Visit&& visit, const ForwardOptions& options = {}) {
  forward_detail::run<float>(network, points, visit, options);
}

/// What a pass through a whole network takes, for plans. Counted in numbers, not bytes.
struct ForwardCost {
  double products = 0.0;    // multiplications with weights, of one point
  double steps = 0.0;       // numbers that all entries give or look at besides, of one point
  double weights = 0.0;     // of all layers
  double largest = 0.0;     // weights of the layer with the most
  double widest = 0.0;      // of one point, in the entry that takes and gives the most
  double remembered = 0.0;  // of one point, for entries that add
  double patches = 0.0;     // of one point, in the largest convolution
};
ForwardCost forward_cost(const Network& network);

/// What one point is in a layer.
struct PlainImage {
  std::vector<double> h, activated, x;
  std::vector<PoolWinners> winners;
};

/// The plain twin: one point, every number from its definition. One entry a layer.
std::vector<PlainImage> forward_plain(const Network& network, std::span<const double> point);

}  // namespace meander
