// Forward passes of two inputs and a growing bundle of tangents, one backward pass over weights drawn again.
#include "kernels/propagation/signal_propagation.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/row_arithmetic.hpp"
#include "kernels/curves/curve.hpp"
#include "kernels/networks/forward.hpp"
#include "kernels/propagation/signal_propagation_parts.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double square(std::span<const double> x) {
  return dot(x.data(), x.data(), static_cast<long>(x.size()));
}

class Propagator {
 public:
  Propagator(const Network& network, StreamKey key, const PropagationOptions& options)
      : network_(network), key_(key), options_(options) {}

  Propagation run(std::span<const double> x0, std::span<const double> x1) {
    use_one_blas_thread();
    std::vector<double> inputs(x0.begin(), x0.end());
    inputs.insert(inputs.end(), x1.begin(), x1.end());
    forward(network_, inputs, [this](const LayerImage<double>& image) { return pass(image); });
    if (result_.finite_layers == network_.depth()) {
      if (options_.gradients) pull_gradient();
      if (options_.perturbations) close_tangents();
    }
    return std::move(result_);
  }

 private:
  /// False where the lengths are no numbers.
  bool pass(const LayerImage<double>& image) {
    const int layer = image.layer;
    const auto width = static_cast<std::size_t>(network_.width(layer));
    if (options_.perturbations) push_tangents(layer, image.weight);
    if (!note(layer, image.h)) return false;
    result_.finite_layers = layer;
    drop_out(layer, image.x);
    if (options_.gradients || options_.perturbations) {
      slopes_.push_back(masked_slopes(network_.activation(layer), image.h.first(width), mask(layer, 0), options_.keep));
    }
    return true;
  }

  std::vector<double> mask(int layer, std::uint32_t input) const {
    return dropout_mask(key_, layer, input, network_.width(layer), options_.keep);
  }

  bool note(int layer, std::span<const double> all) {
    const auto width = static_cast<std::size_t>(network_.width(layer));
    const double q00 = square(all.first(width)) / static_cast<double>(width);
    const double q11 = square(all.last(width)) / static_cast<double>(width);
    const double q01 = dot(all.data(), all.data() + width, static_cast<long>(width)) / static_cast<double>(width);
    if (!std::isfinite(q00) || !std::isfinite(q11)) return false;
    result_.q.push_back(0.5 * (q00 + q11));
    const double size = std::sqrt(q00) * std::sqrt(q11);
    result_.c.push_back(size > 0.0 ? q01 / size : nan);
    return true;
  }

  void drop_out(int layer, std::span<double> x) const {
    const auto width = static_cast<std::size_t>(network_.width(layer));
    if (options_.keep == 1.0) return;
    for (std::uint32_t input = 0; input < 2; ++input) {
      const std::vector<double> kept = mask(layer, input);
      for (std::size_t i = 0; i < width; ++i) x[input * width + i] *= kept[i] / options_.keep;
    }
  }

  /// Tangents of h^(l-1) become those of h^l, and a new one begins.
  void push_tangents(int layer, std::span<const double> weight) {
    if (layer > 1) {
      const int rows = network_.width(layer), columns = network_.fan_in(layer), count = layer - 1;
      const std::vector<double>& slopes = slopes_.back();
      for (std::size_t i = 0; i < tangents_.size(); ++i) tangents_[i] *= slopes[i % slopes.size()];
      std::vector<double> next(static_cast<std::size_t>(count) * static_cast<std::size_t>(rows));
      multiply_transposed(count, rows, columns, tangents_.data(), columns, weight.data(), columns, next.data(), rows);
      tangents_ = std::move(next);
    }
    const std::vector<double> fresh = perturbation_direction(key_, layer, network_.width(layer));
    tangents_.insert(tangents_.end(), fresh.begin(), fresh.end());
  }

  void close_tangents() {
    const auto width = static_cast<std::size_t>(network_.width(network_.depth()));
    for (std::size_t l = 0; l * width < tangents_.size(); ++l)
      result_.perturbation_growth.push_back(square(std::span<const double>(tangents_).subspan(l * width, width)));
  }

  /// delta^L = phi'(h^L) beta, delta^l = phi'(h^l) W^(l+1)' delta^(l+1); its length is kept apart, so that it may leave
  /// the range of numbers in between.
  void pull_gradient() {
    const int depth = network_.depth();
    std::vector<double> delta = readout_direction(key_, network_.width(depth));
    std::vector<double> logarithms(static_cast<std::size_t>(depth), 0.0);
    double scale = 0.0;
    for (int layer = depth; layer >= 1; --layer) {
      const std::vector<double>& slopes = slopes_[static_cast<std::size_t>(layer - 1)];
      for (std::size_t i = 0; i < delta.size(); ++i) delta[i] *= slopes[i];
      const double length2 = square(delta);
      scale += std::log(length2);
      logarithms[static_cast<std::size_t>(layer - 1)] = scale;
      const double length = std::sqrt(length2);
      for (double& value : delta) value = length > 0.0 ? value / length : 0.0;
      if (layer == 1) break;
      const int rows = network_.width(layer), columns = network_.fan_in(layer);
      std::vector<double> weight(network_.weights(layer)), back(static_cast<std::size_t>(columns));
      network_.weight(layer, std::span<double>(weight));
      multiply_matrices(1, columns, rows, delta.data(), rows, weight.data(), columns, back.data(), columns);
      delta = std::move(back);
    }
    for (const double value : logarithms) result_.gradient.push_back(std::exp(value - logarithms.back()));
  }

  const Network& network_;
  StreamKey key_;
  PropagationOptions options_;
  /// phi'(h^l(x0)), masked, of the layers so far.
  std::vector<std::vector<double>> slopes_;
  std::vector<double> tangents_;
  Propagation result_;
};

void check(const Network& network, std::span<const double> x0, std::span<const double> x1,
           const PropagationOptions& options) {
  const double keep = options.keep;
  if (options.gradients || options.perturbations || keep != 1.0) {
    require_dense(network, "the propagation of gradients, perturbations or dropout");
  }
  const auto inputs = static_cast<std::size_t>(network.input_dimension());
  if (x0.size() != inputs || x1.size() != inputs) {
    throw std::invalid_argument("inputs of dimensions " + std::to_string(x0.size()) + " and " +
                                std::to_string(x1.size()) + " (the network takes " + std::to_string(inputs) +
                                ") give points of the network's input space");
  }
  if (!(keep > 0.0 && keep <= 1.0)) {
    throw std::invalid_argument("keep = " + std::to_string(keep) +
                                " (a probability; at 0 nothing is left) choose 0 < keep <= 1");
  }
}

}  // namespace

std::vector<double> dropout_mask(StreamKey key, int layer, std::uint32_t input, int width, double keep) {
  std::vector<double> mask(static_cast<std::size_t>(width), 1.0);
  if (keep == 1.0) return mask;
  std::vector<float> uniforms(mask.size());
  RandomStream(key, Purpose::dropout, static_cast<std::uint32_t>(layer)).uniforms(input, 0, uniforms);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = static_cast<double>(uniforms[i]) < keep ? 1.0 : 0.0;
  return mask;
}

std::vector<double> masked_slopes(const Activation& activation, std::span<const double> h, std::span<const double> mask,
                                  double keep) {
  std::vector<double> slopes(h.size());
  for (std::size_t i = 0; i < h.size(); ++i) slopes[i] = activation.derivative(h[i]) * mask[i] / keep;
  return slopes;
}

std::vector<double> readout_direction(StreamKey key, int width) {
  std::vector<float> normals(static_cast<std::size_t>(width));
  RandomStream(key, Purpose::readout, 0).normals(0, 0, normals);
  return {normals.begin(), normals.end()};
}

std::vector<double> perturbation_direction(StreamKey key, int layer, int width) {
  std::vector<float> normals(static_cast<std::size_t>(width));
  RandomStream(key, Purpose::perturbation, static_cast<std::uint32_t>(layer)).normals(0, 0, normals);
  std::vector<double> direction(normals.begin(), normals.end());
  rescale(direction, 1.0 / static_cast<double>(width));
  return direction;
}

Propagation propagate(const Network& network, std::span<const double> x0, std::span<const double> x1, StreamKey key,
                      const PropagationOptions& options) {
  check(network, x0, x1, options);
  return Propagator(network, key, options).run(x0, x1);
}

void correlate(std::span<double> x0, std::span<double> x1, double q0, double c0) {
  if (!(std::abs(c0) <= 1.0)) {
    throw std::invalid_argument("c0 = " + std::to_string(c0) + " (a correlation lies between -1 and 1) choose another");
  }
  rescale(x0, q0);
  if (std::abs(c0) == 1.0) {
    for (std::size_t i = 0; i < x0.size(); ++i) x1[i] = c0 * x0[i];
    return;
  }
  make_orthonormal(x0, x1);
  const double across = std::sqrt((1.0 - c0) * (1.0 + c0));
  for (std::size_t i = 0; i < x0.size(); ++i) x1[i] = c0 * x0[i] + across * x1[i];
  rescale(x1, q0);
}

}  // namespace meander
