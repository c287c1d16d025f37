// The fused sampled-curve kernel: layers over panels of samples, one product with packed weights per layer
// and block, and one pass over its rows while they are in the cache.
#include "kernels/trajectories/sampled_curve.hpp"

#include "kernels/curves/curve_image.hpp"
#include "kernels/products/layer_product.hpp"
#include "kernels/trajectories/layer_scan.hpp"
#include "kernels/trajectories/polygon_differences.hpp"
#include "kernels/trajectories/sampled_curve_panels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace meander {

namespace {

/// Where all layers' weights take less than this they are drawn and packed once, and panels are so small that
/// their activations stay in a core's cache from layer to layer...
constexpr double kept_weight_bytes = 96.0 * (1L << 20U);
constexpr long cached_panel_bytes = 256L << 10U;
constexpr long least_cached_panel = 240;
/// ... otherwise layers are drawn anew for each panel, which is as large as this (and at least one block).
constexpr long panel_bytes = 192L << 20U;
/// Rows that are multiplied before they are looked at: their pre-activations are still in the cache then. A
/// multiple of the product's tiles.
constexpr long block_samples = 240;
constexpr long block_tile = 12;

/// The most weights of a layer from the second on, which are the ones that are drawn here.
long most_weights(const Network& network) {
  long most = 0;
  for (int layer = 2; layer <= network.depth(); ++layer)
    most = std::max(most, static_cast<long>(network.width(layer)) * network.fan_in(layer));
  return most;
}

/// Signs of the first readout output along the curve.
class ReadoutScan {
 public:
  explicit ReadoutScan(const Network& network) {
    const auto outputs = static_cast<std::size_t>(network.readout_outputs());
    const auto width = static_cast<std::size_t>(network.width(network.depth()));
    std::vector<double> bias(outputs);
    weight_.resize(outputs * width);
    if (outputs == 0) return;
    network.readout_weight(weight_);
    network.readout_bias(bias);
    weight_.resize(width);
    bias_ = bias.front();
  }

  bool exists() const { return !weight_.empty(); }
  template <class Real>
  void take(std::span<const Real> x) {
    const bool above = dot(weight_.data(), x.data(), static_cast<long>(x.size())) + bias_ > 0.0;
    if (!started_) first_ = last_ = above;
    started_ = true;
    changes_ += above != last_ ? 1 : 0;
    last_ = above;
  }
  std::int64_t changes(bool closed) const { return changes_ + (closed && first_ != last_ ? 1 : 0); }

 private:
  std::vector<double> weight_;
  double bias_ = 0.0;
  bool started_ = false, first_ = false, last_ = false;
  std::int64_t changes_ = 0;
};

template <class Real>
class CurveSampler {
 public:
  CurveSampler(const Network& network, const Curve& curve, const SampledOptions& options, const PanelPlan& plan)
      : network_(network),
        curve_(curve),
        samples_(options.samples),
        transitions_(options.transitions && has_linear_pieces(network)),
        plan_(plan),
        readout_(network),
        active_(network.depth()),
        polygon_(curve, options.samples),
        pieces_(static_cast<std::size_t>(network.depth())),
        weight_(most_weights(network)),
        layers_(plan.keep_weights ? pieces_.size() : 1),
        x_(plan.panel * plan.stride + word_elements),
        next_x_(plan.panel * plan.stride + word_elements) {
    for (int layer = 1; layer <= network.depth(); ++layer)
      thresholds_.push_back(thresholds_of(network.activation(layer), transitions_));
    for (int layer = 1; layer <= network.depth(); ++layer)
      scans_.emplace_back(layer_paths<Real>().front(), layer, network.width(layer),
                          thresholds_[static_cast<std::size_t>(layer - 1)], transitions_);
    seen_.switched.resize(static_cast<std::size_t>(plan.panel));
    seen_.hashes.resize(static_cast<std::size_t>(plan.panel));
  }

  SampledCounts run() {
    image_ = first_layer_image(network_, curve_);
    std::vector<double> bias(image_.center.size());
    network_.bias(1, bias);
    for (std::size_t j = 0; j < bias.size(); ++j) image_.center[j] += bias[j];
    for (long begin = 0; begin < samples_; begin += plan_.panel)
      pass_panel(begin, std::min(samples_, begin + plan_.panel));
    return counts();
  }

  /// Of each layer's post-activations; see LayerScan.
  std::vector<double> norms_at_ends() const {
    std::vector<double> norms;
    for (const LayerScan<Real>& scan : scans_) norms.push_back(scan.norm_at_ends());
    return norms;
  }

 private:
  void pass_panel(long begin, long end) {
    std::fill(seen_.switched.begin(), seen_.switched.end(), std::uint8_t{0});
    std::fill(seen_.hashes.begin(), seen_.hashes.end(), PatternHash{});
    for (int layer = 1; layer <= active_; ++layer) {
      load_layer(layer);
      for (long block = begin; block < end; block += plan_.block) {
        const long count = std::min(plan_.block, end - block);
        multiply_block(layer, block, block - begin, count);
        if (!scan_block(layer, block - begin, count)) {
          active_ = layer - 1;
          return;
        }
      }
      scans_[static_cast<std::size_t>(layer - 1)].keep();
      std::swap(x_, next_x_);
    }
  }

  PackedLayer<Real>& packed_layer(int layer) {
    return layers_[plan_.keep_weights ? static_cast<std::size_t>(layer - 1) : 0];
  }

  void load_layer(int layer) {
    PackedLayer<Real>& packed = packed_layer(layer);
    if (layer == 1 || (plan_.keep_weights && !packed.empty())) return;
    const auto width = static_cast<std::size_t>(network_.width(layer));
    std::vector<double> bias(width);
    network_.bias(layer, bias);
    const std::span<Real> whole = weight_.first(network_.width(layer) * static_cast<long>(network_.fan_in(layer)));
    network_.weight(layer, whole);
    packed.pack(layer_paths<Real>().front(), whole, bias);
  }

  /// Rows of next_x_ <- W^l x^(l-1) + b^l of samples `sample`.., which lie from row `row` on in the panel.
  void multiply_block(int layer, long sample, long row, long count) {
    Real* h = next_x_.data() + row * plan_.stride;
    if (layer > 1) {
      packed_layer(layer).multiply(x_.data() + row * plan_.stride, plan_.stride, count, h, plan_.stride);
      return;
    }
    for (long i = 0; i < count; ++i) {
      const Curve::Coefficients at = curve_.coefficients(curve_.parameter(sample + i, samples_));
      polygon_.take(at);
      image_.point(at, std::span<Real>(h + i * plan_.stride, image_.center.size()));
    }
  }

  /// False where a pre-activation is not finite. What overflows only in phi or in a length shows in the
  /// length, at the end.
  bool scan_block(int layer, long row, long count) {
    Real* rows = next_x_.data() + row * plan_.stride;
    if (!scans_[static_cast<std::size_t>(layer - 1)].take(rows, plan_.stride, count, network_.activation(layer), seen_,
                                                          row))
      return false;
    if (layer < network_.depth() || !readout_.exists()) return true;
    const auto width = static_cast<std::size_t>(network_.width(layer));
    for (long i = 0; i < count; ++i) readout_.take(std::span<const Real>(rows + i * plan_.stride, width));
    return true;
  }

  SampledCounts counts();
  void finish_layers();

  const Network& network_;
  const Curve& curve_;
  long samples_;
  bool transitions_;
  PanelPlan plan_;
  /// Of each layer.
  std::vector<std::vector<Threshold>> thresholds_;
  ReadoutScan readout_;
  /// Leading layers whose pre-activations were finite so far.
  int active_;
  /// The curve's image in layer 1, bias included.
  Curve image_;
  SampledPolygon polygon_;
  std::vector<LayerScan<Real>> scans_;
  std::vector<std::int64_t> pieces_;
  /// A layer's weights as they are drawn.
  Buffer<Real> weight_;
  /// Of every layer (the first has image_ instead), or of the one at hand.
  std::vector<PackedLayer<Real>> layers_;
  /// Of the panel's samples, the activations of one layer, and the pre-activations and then activations of the next.
  Buffer<Real> x_, next_x_;
  PanelPatterns seen_;
};

template <class Real>
void CurveSampler<Real>::finish_layers() {
  bool switched = false;
  for (int layer = 1; layer <= active_; ++layer) {
    const auto l = static_cast<std::size_t>(layer - 1);
    switched = scans_[l].finish(curve_.closed()) || switched;
    if (!std::isfinite(scans_[l].all().length.value()) || !std::isfinite(scans_[l].half().length.value())) {
      active_ = layer - 1;
      return;
    }
    pieces_[l] = scans_[l].switching_intervals() + (switched ? 1 : 0);
    pieces_[l] = curve_.closed() ? std::max<std::int64_t>(1, pieces_[l]) : pieces_[l] + 1;
  }
}

template <class Real>
SampledCounts CurveSampler<Real>::counts() {
  finish_layers();
  SampledCounts counts;
  counts.finite_layers = active_;
  polygon_.finish();
  counts.input_length = polygon_.length();
  counts.input_length_half = polygon_.length_half();
  for (std::size_t l = 0; l < scans_.size(); ++l) {
    const bool finite = static_cast<int>(l) < active_;
    const IntervalSums none;
    const IntervalSums& all = finite ? scans_[l].all() : none;
    const IntervalSums& half = finite ? scans_[l].half() : none;
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    counts.length.push_back(finite ? all.length.value() : nan);
    counts.length_half.push_back(finite ? half.length.value() : nan);
    counts.sign_changes.push_back(all.sign_changes);
    counts.sign_changes_half.push_back(half.sign_changes);
    if (!transitions_) continue;
    counts.transitions.push_back(all.transitions);
    counts.transitions_half.push_back(half.transitions);
    counts.pieces.push_back(finite ? pieces_[l] : 0);
    counts.patterns.push_back(finite ? scans_[l].patterns() : 0);
  }
  if (readout_.exists())
    counts.readout_sign_changes = active_ == network_.depth() ? readout_.changes(curve_.closed()) : 0;
  return counts;
}

/// From the first layer on whose sides are not far above rounding of its values, lengths are those of sides that were
/// carried as such.
void mend_lengths(const Network& network, const Curve& curve, const SampledOptions& options,
                  const std::vector<double>& norms, SampledCounts& counts) {
  const long sides = curve.closed() ? options.samples : options.samples - 1;
  const auto finite = static_cast<std::size_t>(counts.finite_layers);
  std::size_t good = 0;
  while (good < finite && !is_near_rounding(counts.length[good], sides, norms[good], options.precision)) ++good;
  if (good == finite) return;
  const PolygonLengths lengths = polygon_by_differences(network, curve, options.samples, counts.finite_layers);
  for (std::size_t l = good; l < finite; ++l) {
    counts.length[l] = lengths.length[l];
    counts.length_half[l] = lengths.length_half[l];
  }
}

template <class Real>
SampledCounts sample_with(const Network& network, const Curve& curve, const SampledOptions& options,
                          const PanelPlan& plan) {
  SampledCounts counts;
  std::vector<double> norms;
  {
    CurveSampler<Real> sampler(network, curve, options, plan);
    counts = sampler.run();
    norms = sampler.norms_at_ends();
  }
  mend_lengths(network, curve, options, norms, counts);
  return counts;
}

}  // namespace

std::vector<Threshold> thresholds_of(const Activation& activation, bool transitions) {
  std::vector<Threshold> thresholds{{.value = 0.0, .is_sign = true, .is_breakpoint = false}};
  if (!transitions) return thresholds;
  for (const double breakpoint : activation.pieces()->breakpoints) {
    if (breakpoint == 0.0) {
      thresholds.front().is_breakpoint = true;
    } else {
      thresholds.push_back({.value = breakpoint, .is_sign = false, .is_breakpoint = true});
    }
  }
  return thresholds;
}

long row_stride(long width) {
  const long stride = (width + widest_register - 1) / widest_register * widest_register;
  // Rows a multiple of 512 bytes apart compete for the same few places of the cache.
  return stride % 64 == 0 ? stride + widest_register : stride;
}

PanelPlan plan_panels(std::span<const int> widths, long samples, Precision precision) {
  const long element = precision == Precision::single ? 4 : 8;
  double weights = 0.0;
  for (std::size_t l = 1; l < widths.size(); ++l) weights += static_cast<double>(widths[l]) * widths[l - 1];
  PanelPlan plan;
  plan.stride = row_stride(*std::max_element(widths.begin(), widths.end()));
  plan.keep_weights = weights * static_cast<double>(element) < kept_weight_bytes;
  const long affordable = (plan.keep_weights ? cached_panel_bytes : panel_bytes / 2) / (plan.stride * element);
  const long least = plan.keep_weights ? least_cached_panel : block_samples;
  const long all = samples + samples % 2;
  plan.panel = std::min(all, std::max(affordable / block_tile * block_tile, least));
  plan.block = std::min(plan.panel, block_samples);
  return plan;
}

double sampled_curve_bytes(int input_dimension, std::span<const int> widths, const SampledOptions& options) {
  const double element = options.precision == Precision::single ? 4.0 : 8.0;
  const PanelPlan plan = plan_panels(widths, options.samples, options.precision);
  double most_weights = 0.0;
  double all_weights = 0.0;
  double neurons = 0.0;
  for (std::size_t l = 0; l < widths.size(); ++l) {
    neurons += widths[l];
    if (l == 0) continue;
    const double weights = static_cast<double>(widths[l]) * widths[l - 1];
    most_weights = std::max(most_weights, weights);
    all_weights += weights;
  }
  const double first_weights = 8.0 * widths.front() * input_dimension;
  // Drawn, and packed.
  const double weights = most_weights + (plan.keep_weights ? all_weights : most_weights);
  const double activations = element * 2.0 * static_cast<double>(plan.panel * plan.stride);
  // Of each neuron its hash words, three samples and the bits of twenty for a few thresholds; of each sample and
  // layer a pattern's hash, in a vector that may have grown to twice its content.
  const double states = neurons * (sizeof(PatternHash) + 3.0 * element + 8.0);
  const double patterns = options.transitions ? 2.0 * sizeof(PatternHash) * static_cast<double>(options.samples) : 0.0;
  const double sampler =
      first_weights + element * weights + activations + states + patterns * (static_cast<double>(widths.size()) + 1);
  return std::max(sampler, first_weights + polygon_by_differences_bytes(widths, options.samples));
}

void check_sampled_curve(const Network& network, const Curve& curve, const SampledOptions& options) {
  require_dense(network, "a sampled curve");
  const long least = curve.closed() ? 3 : 2;
  if (options.samples < least)
    throw std::invalid_argument("samples = " + std::to_string(options.samples) +
                                " (a curve's image is a polygon between samples) use at least " +
                                std::to_string(least));
  const bool planar = curve.kind != CurveKind::line;
  if (curve.dimension() != network.input_dimension() || curve.center.size() != curve.u.size() ||
      (planar && curve.v.size() != curve.u.size()))
    throw std::invalid_argument("curve of dimensions " + std::to_string(curve.center.size()) + ", " +
                                std::to_string(curve.u.size()) + ", " + std::to_string(curve.v.size()) +
                                " (center, u, v; the network has " + std::to_string(network.input_dimension()) +
                                " inputs) use vectors of the network's input dimension");
}

SampledCounts sample_curve(const Network& network, const Curve& curve, const SampledOptions& options,
                           const PanelPlan& plan) {
  check_sampled_curve(network, curve, options);
  if (options.precision == Precision::single) return sample_with<float>(network, curve, options, plan);
  return sample_with<double>(network, curve, options, plan);
}

SampledCounts sample_curve(const Network& network, const Curve& curve, const SampledOptions& options) {
  std::vector<int> widths;
  for (int layer = 1; layer <= network.depth(); ++layer) widths.push_back(network.width(layer));
  return sample_curve(network, curve, options, plan_panels(widths, options.samples, options.precision));
}

}  // namespace meander
