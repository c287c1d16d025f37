// One forward pass keeps what the backward passes need; matrices are only multiplied with vectors, but for the
// dense Hessians.
#include "kernels/decision_boundary/boundary_function.hpp"

#include "kernels/base/blas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

std::size_t index(int layer) {
  return static_cast<std::size_t>(layer - 1);
}

void scale_by(std::vector<double>& x, const std::vector<double>& factors) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= factors[i];
}

}  // namespace

BoundaryFunction::BoundaryFunction(const Network& network, std::vector<double> beta, double beta_0)
    : input_dimension_(network.input_dimension()), beta_(std::move(beta)), beta_0_(beta_0) {
  require_dense(network, "the decision boundary");
  use_one_blas_thread();
  if (beta_.size() != static_cast<std::size_t>(network.width(network.depth()))) {
    throw std::invalid_argument("beta has " + std::to_string(beta_.size()) + " numbers (the last layer has " +
                                std::to_string(network.width(network.depth())) + " neurons), give one for each");
  }
  for (int layer = 1; layer <= network.depth(); ++layer) {
    Layer held{network.width(layer), network.fan_in(layer), network.activation(layer), {}, {}};
    if (held.activation.has_kinks()) {
      throw std::invalid_argument(
          "the activation has kinks (its decision boundary is flat but for edges, where curvature is infinite), take "
          "a smooth one");
    }
    held.weight.resize(static_cast<std::size_t>(held.outputs) * static_cast<std::size_t>(held.inputs));
    held.bias.resize(static_cast<std::size_t>(held.outputs));
    network.weight(layer, std::span<double>(held.weight));
    network.bias(layer, held.bias);
    layers_.push_back(std::move(held));
  }
}

int BoundaryFunction::size(int layer) const {
  return layer == 0 ? input_dimension_ : layers_[index(layer)].outputs;
}

std::vector<double> BoundaryFunction::multiply(const Layer& layer, std::span<const double> x) {
  std::vector<double> out(static_cast<std::size_t>(layer.outputs));
  cblas_dgemv(CblasRowMajor, CblasNoTrans, layer.outputs, layer.inputs, 1.0, layer.weight.data(), layer.inputs,
              x.data(), 1, 0.0, out.data(), 1);
  return out;
}

std::vector<double> BoundaryFunction::multiply_back(const Layer& layer, std::span<const double> g) {
  std::vector<double> out(static_cast<std::size_t>(layer.inputs));
  cblas_dgemv(CblasRowMajor, CblasTrans, layer.outputs, layer.inputs, 1.0, layer.weight.data(), layer.inputs, g.data(),
              1, 0.0, out.data(), 1);
  return out;
}

double BoundaryFunction::value(std::span<const double> x) const {
  std::vector<double> signal(x.begin(), x.end());
  for (const Layer& layer : layers_) {
    signal = multiply(layer, signal);
    for (std::size_t i = 0; i < signal.size(); ++i) signal[i] += layer.bias[i];
    layer.activation.apply(signal);
  }
  double sum = -beta_0_;
  for (std::size_t i = 0; i < beta_.size(); ++i) sum += beta_[i] * signal[i];
  return sum;
}

BoundaryPoint BoundaryFunction::at(std::span<const double> x) const {
  BoundaryPoint point;
  point.x.assign(x.begin(), x.end());
  std::vector<double> signal = point.x;
  for (const Layer& layer : layers_) {
    signal = multiply(layer, signal);
    for (std::size_t i = 0; i < signal.size(); ++i) signal[i] += layer.bias[i];
    point.h.push_back(signal);
    layer.activation.apply(signal);
  }
  point.value = -beta_0_;
  point.scale = std::abs(beta_0_);
  for (std::size_t i = 0; i < beta_.size(); ++i) {
    point.value += beta_[i] * signal[i];
    point.scale += std::abs(beta_[i] * signal[i]);
  }
  const std::size_t depth = layers_.size();
  point.slope.resize(depth);
  point.gradient.resize(depth);
  point.bend.resize(depth);
  std::vector<double> back = beta_;  // dG/dx^l
  for (std::size_t l = depth; l-- > 0;) {
    point.slope[l].resize(back.size());
    point.bend[l].resize(back.size());
    for (std::size_t i = 0; i < back.size(); ++i) {
      point.slope[l][i] = layers_[l].activation.derivative(point.h[l][i]);
      point.bend[l][i] = layers_[l].activation.second_derivative(point.h[l][i]) * back[i];
      back[i] *= point.slope[l][i];
    }
    point.gradient[l] = std::move(back);
    back = multiply_back(layers_[l], point.gradient[l]);
  }
  point.input_gradient = std::move(back);
  return point;
}

std::span<const double> BoundaryFunction::gradient(const BoundaryPoint& point, int layer) {
  return layer == 0 ? point.input_gradient : point.gradient[index(layer)];
}

void BoundaryFunction::hessian_product(const BoundaryPoint& point, int layer, std::span<const double> v,
                                       std::span<double> out) const {
  // Tangents of h^m for m = max(layer, 1) .. D.
  const auto first = static_cast<std::size_t>(std::max(layer, 1) - 1);
  std::vector<std::vector<double>> tangent(layers_.size());
  tangent[first] = layer == 0 ? multiply(layers_[0], v) : std::vector<double>(v.begin(), v.end());
  for (std::size_t m = first + 1; m < layers_.size(); ++m) {
    std::vector<double> signal = tangent[m - 1];
    scale_by(signal, point.slope[m - 1]);
    tangent[m] = multiply(layers_[m], signal);
  }
  // Tangents of dG/dh^m, backwards: those of dG/dx^m, times the slope, and what bends at m.
  std::vector<double> back(beta_.size(), 0.0);
  for (std::size_t m = layers_.size(); m-- > first;) {
    for (std::size_t i = 0; i < back.size(); ++i) {
      back[i] = point.slope[m][i] * back[i] + point.bend[m][i] * tangent[m][i];
    }
    if (m > first || layer == 0) back = multiply_back(layers_[m], back);
  }
  std::copy(back.begin(), back.end(), out.begin());
}

std::vector<double> BoundaryFunction::hessian(const BoundaryPoint& point, int layer,
                                              const std::vector<double>& above) const {
  const int n = size(layer);
  const auto stride = static_cast<std::size_t>(n);
  std::vector<double> result(stride * stride, 0.0);
  if (!above.empty()) {
    const Layer& next = layers_[static_cast<std::size_t>(layer)];
    std::vector<double> scaled = next.weight;
    if (layer > 0) {
      for (std::size_t k = 0; k < scaled.size(); ++k) scaled[k] *= point.slope[index(layer)][k % stride];
    }
    std::vector<double> half(scaled.size());
    cblas_dsymm(CblasRowMajor, CblasLeft, CblasUpper, next.outputs, n, 1.0, above.data(), next.outputs, scaled.data(),
                n, 0.0, half.data(), n);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, next.outputs, 1.0, scaled.data(), n, half.data(), n, 0.0,
                result.data(), n);
  }
  for (std::size_t i = 0; i < stride; ++i) {
    if (layer > 0) result[i * stride + i] += point.bend[index(layer)][i];
    for (std::size_t j = 0; j < i; ++j) {  // the products' roundings differ in the last bit
      result[i * stride + j] = result[j * stride + i] = 0.5 * (result[i * stride + j] + result[j * stride + i]);
    }
  }
  return result;
}

}  // namespace meander
