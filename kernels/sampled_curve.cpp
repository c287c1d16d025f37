// The fused sampled-curve kernel: layers over panels of samples, one matrix product per layer and
// block, and one pass over its output.
#include "kernels/sampled_curve.hpp"

#include "kernels/blas.hpp"
#include "kernels/curve_image.hpp"
#include "kernels/layer_scan.hpp"
#include "kernels/sampled_curve_panels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace meander {

namespace {

/// Activations of a panel take at most this much, unless one block takes more.
constexpr long panel_bytes = 192L << 20U;
/// Long enough that packing the weights anew for each block does not show, short enough that a
/// block's products stay in the cache until the pass reads them.
constexpr long block_samples = 512;

/// Memory for numbers, aligned to vector registers and, unlike std::vector, not written to before it is
/// used.
template <class Real>
class Buffer {
 public:
  explicit Buffer(long size)
      : data_(static_cast<Real*>(::operator new(static_cast<std::size_t>(size) * sizeof(Real), alignment))) {}
  Real* data() { return data_.get(); }
  std::span<Real> first(long size) { return {data_.get(), static_cast<std::size_t>(size)}; }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Free {
    void operator()(Real* data) const { ::operator delete(data, alignment); }
  };
  std::unique_ptr<Real, Free> data_;
};

/// The most weights of a layer from the second on, which are the ones that gemm needs.
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
        transitions_(options.transitions && network.activation().pieces() != nullptr),
        plan_(plan),
        thresholds_(thresholds_of(network.activation(), transitions_)),
        readout_(network),
        active_(network.depth()),
        pieces_(static_cast<std::size_t>(network.depth())),
        patterns_(pieces_.size()),
        weight_(most_weights(network)),
        x_(plan.panel * plan.stride),
        h_(plan.block * plan.stride) {
    for (int layer = 1; layer <= network.depth(); ++layer)
      scans_.emplace_back(layer, network.width(layer), thresholds_);
    switched_.resize(static_cast<std::size_t>(plan.panel));
    hashes_.resize(static_cast<std::size_t>(plan.panel));
  }

  SampledCounts run() {
    use_one_blas_thread();
    image_ = first_layer_image(network_, curve_);
    for (long begin = 0; begin < samples_; begin += plan_.panel)
      pass_panel(begin, std::min(samples_, begin + plan_.panel));
    return counts();
  }

 private:
  void pass_panel(long begin, long end) {
    std::fill(switched_.begin(), switched_.end(), std::uint8_t{0});
    std::fill(hashes_.begin(), hashes_.end(), PatternHash{});
    for (int layer = 1; layer <= active_; ++layer) {
      load_layer(layer);
      for (long block = begin; block < end; block += plan_.block) {
        const long count = std::min(plan_.block, end - block);
        multiply_block(layer, block, block - begin, count);
        if (!scan_block(layer, block - begin, count)) {
          active_ = layer - 1;
          break;
        }
      }
    }
  }

  void load_layer(int layer) {
    const int width = network_.width(layer);
    if (layer > 1) network_.weight(layer, weight_.first(static_cast<long>(width) * network_.fan_in(layer)));
    std::vector<double> bias(static_cast<std::size_t>(width));
    network_.bias(layer, bias);
    bias_.assign(bias.begin(), bias.end());
  }

  /// Rows of h_ <- W^l x^(l-1) of samples `sample`.., which lie from row `row` on in the panel.
  void multiply_block(int layer, long sample, long row, long count) {
    const int width = network_.width(layer);
    if (layer > 1) {
      const int inputs = network_.fan_in(layer);
      multiply_transposed(static_cast<int>(count), width, inputs, x_.data() + row * plan_.stride,
                          static_cast<int>(plan_.stride), weight_.data(), inputs, h_.data(),
                          static_cast<int>(plan_.stride));
      return;
    }
    std::vector<double> point(static_cast<std::size_t>(width));
    for (long i = 0; i < count; ++i) {
      image_.point(curve_.parameter(sample + i, samples_), point);
      std::transform(point.begin(), point.end(), h_.data() + i * plan_.stride,
                     [](double value) { return static_cast<Real>(value); });
    }
  }

  /// False where a pre-activation is not finite. What overflows only in phi or in a length shows in the
  /// length, at the end.
  bool scan_block(int layer, long row, long count) {
    const auto l = static_cast<std::size_t>(layer - 1);
    const auto width = static_cast<std::size_t>(network_.width(layer));
    LayerScan<Real>& scan = scans_[l];
    const bool last_layer = layer == network_.depth();
    for (long i = 0; i < count; ++i) {
      const std::span<Real> x(x_.data() + (row + i) * plan_.stride, width);
      if (!add_rows(h_.data() + i * plan_.stride, bias_.data(), x.data(), network_.width(layer))) return false;
      const bool switched = scan.take(x, network_.activation());
      if (transitions_) note_pattern(l, static_cast<std::size_t>(row + i), switched);
      if (last_layer && readout_.exists()) readout_.take(std::span<const Real>(x));
    }
    return true;
  }

  void note_pattern(std::size_t l, std::size_t i, bool switched) {
    switched_[i] = static_cast<std::uint8_t>(switched_[i] != 0 || switched);
    hashes_[i] += scans_[l].hash();
    pieces_[l] += switched_[i];
    if (switched_[i] != 0 || scans_[l].samples() == 1) patterns_[l].insert(hashes_[i]);
  }

  SampledCounts counts();
  void finish_layers();

  const Network& network_;
  const Curve& curve_;
  long samples_;
  bool transitions_;
  PanelPlan plan_;
  std::vector<Threshold> thresholds_;
  ReadoutScan readout_;
  /// Leading layers whose pre-activations were finite so far.
  int active_;
  Curve image_;
  std::vector<LayerScan<Real>> scans_;
  std::vector<std::int64_t> pieces_;
  std::vector<PatternSet> patterns_;
  Buffer<Real> weight_, x_, h_;
  std::vector<Real> bias_;
  /// Of the panel's samples, over the layers so far: whether a neuron switched, the pattern's hash.
  std::vector<std::uint8_t> switched_;
  std::vector<PatternHash> hashes_;
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
    pieces_[l] += switched ? 1 : 0;
    pieces_[l] = curve_.closed() ? std::max<std::int64_t>(1, pieces_[l]) : pieces_[l] + 1;
  }
}

template <class Real>
SampledCounts CurveSampler<Real>::counts() {
  finish_layers();
  SampledCounts counts;
  counts.finite_layers = active_;
  counts.input_length = polygon_length(curve_, samples_, 1);
  counts.input_length_half = polygon_length(curve_, samples_, 2);
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
    counts.patterns.push_back(finite ? patterns_[l].size() : 0);
  }
  if (readout_.exists())
    counts.readout_sign_changes = active_ == network_.depth() ? readout_.changes(curve_.closed()) : 0;
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

PanelPlan plan_panels(int max_width, long samples, Precision precision) {
  const long element = precision == Precision::single ? 4 : 8;
  PanelPlan plan;
  plan.stride = (max_width + 7L) / 8 * 8;
  // Rows a multiple of 512 bytes apart compete for the same few places of the cache.
  if (plan.stride % 64 == 0) plan.stride += 8;
  const long affordable = panel_bytes / (plan.stride * element) / block_samples * block_samples;
  const long all = samples + samples % 2;
  plan.panel = std::min(all, std::max(affordable, block_samples));
  plan.block = std::min(plan.panel, block_samples);
  return plan;
}

double sampled_curve_bytes(int input_dimension, std::span<const int> widths, const SampledOptions& options) {
  const double element = options.precision == Precision::single ? 4.0 : 8.0;
  const PanelPlan plan =
      plan_panels(*std::max_element(widths.begin(), widths.end()), options.samples, options.precision);
  double weights = 0.0;
  double neurons = 0.0;
  for (std::size_t l = 0; l < widths.size(); ++l) {
    neurons += widths[l];
    if (l > 0) weights = std::max(weights, static_cast<double>(widths[l]) * widths[l - 1]);
  }
  const double first_weights = 8.0 * widths.front() * input_dimension;
  const double activations = element * static_cast<double>((plan.panel + plan.block) * plan.stride);
  // Of each neuron its hash words and three samples; of each sample and layer a pattern's hash, in a
  // vector that may have grown to twice its content.
  const double states = neurons * (sizeof(PatternHash) + 3.0 * element);
  const double patterns = options.transitions ? 2.0 * sizeof(PatternHash) * static_cast<double>(options.samples) : 0.0;
  return first_weights + element * weights + activations + states + patterns * (static_cast<double>(widths.size()) + 1);
}

void check_sampled_curve(const Network& network, const Curve& curve, const SampledOptions& options) {
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
  if (options.precision == Precision::single) return CurveSampler<float>(network, curve, options, plan).run();
  return CurveSampler<double>(network, curve, options, plan).run();
}

SampledCounts sample_curve(const Network& network, const Curve& curve, const SampledOptions& options) {
  return sample_curve(network, curve, options, plan_panels(network.max_width(), options.samples, options.precision));
}

}  // namespace meander
