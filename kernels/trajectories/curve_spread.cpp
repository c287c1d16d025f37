#include "kernels/trajectories/curve_spread.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace meander {
namespace {

constexpr double block_bytes = 128e6;

bool is_linear(const Activation& phi) {
  return phi.pieces() != nullptr && phi.pieces()->breakpoints.empty();
}

}  // namespace

long curve_block(int widest, long samples) {
  const auto fitting = static_cast<long>(block_bytes / (8.0 * widest));
  return std::clamp(fitting, 16L, std::max(samples, 16L));
}

CurveSpread::CurveSpread(const Network& network)
    : network_(network),
      layers_(static_cast<std::size_t>(network.depth() - 1)),
      changes_(network.depth() > 1 ? static_cast<std::size_t>(network.width(network.depth() - 1)) : 0, false) {}

void CurveSpread::take(int layer, std::span<const double> x, long count) {
  Layer& at = layers_[static_cast<std::size_t>(layer - 1)];
  const long width = network_.width(layer);
  const double* row = x.data();
  if (at.first.empty()) at.first.assign(row, row + width);
  // The polygon, from the last sample of the block before.
  if (!at.last.empty()) at.length.add(distance(at.last.data(), row, width));
  for (long k = 1; k < count; ++k) at.length.add(distance(row + (k - 1) * width, row + k * width, width));
  at.last.assign(row + (count - 1) * width, row + count * width);
  const bool is_last = layer == network_.depth() - 1;
  for (long k = 0; k < count; ++k) {
    for (long i = 0; i < width; ++i) {
      const auto neuron = static_cast<std::size_t>(i);
      const double value = row[k * width + i], difference = std::abs(value - at.first[neuron]);
      at.value = std::max(at.value, std::abs(value));
      at.difference = std::max(at.difference, difference);
      if (is_last && difference != 0.0) changes_[neuron] = true;
    }
  }
}

/// A line or circle spans one dimension or two, and neurons after a bend as many as there are of them.
int CurveSpread::rank_bound(const Curve& curve) const {
  int rank = curve.v.empty() ? 1 : 2;
  for (int l = 1; l < network_.depth(); ++l) {
    const auto changing = static_cast<int>(std::count(changes_.begin(), changes_.end(), true));
    const int neurons = l == network_.depth() - 1 ? changing : network_.width(l);
    rank = is_linear(network_.activation(l)) ? std::min(rank, neurons) : neurons;
  }
  return std::min(rank, network_.width(network_.depth()));
}

CurveOutputs CurveSpread::outputs(std::vector<double> outputs, const Curve& curve) const {
  CurveOutputs result{.outputs = std::move(outputs), .length = {}, .rank_bound = rank_bound(curve)};
  for (const Layer& layer : layers_) {
    result.length.push_back(layer.length.value());
    if (layer.difference > 0.0) result.least_difference = std::min(result.least_difference, layer.difference);
    if (layer.value > 0.0) result.contraction = std::max(result.contraction, layer.value / layer.difference);
  }
  return result;
}

}  // namespace meander
