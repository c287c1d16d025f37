// Packs weights for the layer product and chooses its path.
#include "kernels/products/layer_product.hpp"

#include <algorithm>
#include <type_traits>

#include "kernels/base/processor.hpp"

namespace meander {

extern const LayerPath<double> double_layer_path_x86_64_v4, double_layer_path_x86_64_v3, double_layer_path_baseline;
extern const LayerPath<float> float_layer_path_x86_64_v4, float_layer_path_x86_64_v3, float_layer_path_baseline;

namespace {

/// Weights (outputs, inputs) of neurons first.. as (inputs, neurons), zero beyond the last neuron.
template <class Real>
Real* transpose_band(std::span<const Real> weight, long outputs, long inputs, long first, long neurons, Real* out) {
  const long real = std::clamp(outputs - first, 0L, neurons);
  // So many inputs at a time that what is written stays in the first-level cache until it is full.
  constexpr long inputs_at_once = 64;
  constexpr long line = 64 / sizeof(Real);
  for (long k = 0; k < inputs; k += inputs_at_once) {
    const long now = std::min(inputs_at_once, inputs - k);
    if (real < neurons) std::fill_n(out, now * neurons, Real{0});
    for (long j = 0; j < real; ++j) {
      const Real* row = weight.data() + (first + j) * inputs + k;
      // So many rows are too many for the processor to foresee what is read next.
      for (long i = 0; i < inputs_at_once; i += line) __builtin_prefetch(row + inputs_at_once + i);
      for (long i = 0; i < now; ++i) out[i * neurons + j] = row[i];
    }
    out += now * neurons;
  }
  return out;
}

}  // namespace

template <>
std::span<const LayerPath<double>> layer_paths() {
  static const auto paths =
      usable_paths(double_layer_path_x86_64_v4, double_layer_path_x86_64_v3, double_layer_path_baseline);
  return paths;
}

template <>
std::span<const LayerPath<float>> layer_paths() {
  static const auto paths =
      usable_paths(float_layer_path_x86_64_v4, float_layer_path_x86_64_v3, float_layer_path_baseline);
  return paths;
}

template <class Real>
void PackedLayer<Real>::pack(const LayerPath<Real>& path, std::span<const Real> weight, std::span<const double> bias) {
  path_ = &path;
  outputs_ = static_cast<long>(bias.size());
  inputs_ = static_cast<long>(weight.size() / bias.size());
  const NeuronBands bands(outputs_, path.lanes, path.vectors, path.narrow);
  const auto make_room = [](Buffer<Real>& buffer, long& room, long size) {
    if (size > room) buffer = Buffer<Real>(size);
    room = std::max(room, size);
  };
  const long biases = (bands.registers + 1) * path.lanes;
  make_room(weight_, weight_room_, (bands.registers * path.lanes + path.narrow) * inputs_);
  make_room(bias_, bias_room_, biases);
  std::fill_n(bias_.data(), biases, Real{0});
  std::transform(bias.begin(), bias.end(), bias_.data(), [](double b) { return static_cast<Real>(b); });
  Real* out = weight_.data();
  for (long b = 0; b < bands.bands; ++b) {
    const long first = bands.begin(b) * path.lanes;
    out = transpose_band(weight, outputs_, inputs_, first, bands.begin(b + 1) * path.lanes - first, out);
  }
  if (bands.narrow) transpose_band(weight, outputs_, inputs_, bands.registers * path.lanes, path.narrow, out);
}

template class PackedLayer<float>;
template class PackedLayer<double>;

}  // namespace meander
