// Blocks of samples through all layers; weights are packed once, or drawn again for each block where they are many.
#include "kernels/trajectories/polygon_differences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "kernels/base/buffer.hpp"
#include "kernels/base/row_arithmetic.hpp"
#include "kernels/curves/curve_image.hpp"
#include "kernels/products/layer_product.hpp"
#include "kernels/trajectories/sampled_curve_panels.hpp"
#include "kernels/trajectories/side_image.hpp"

namespace meander {

namespace {

constexpr long most_at_once = 120;
constexpr double kept_weights = 12.0 * (1L << 20U);

long block_of(long samples) {
  return std::min(most_at_once, samples + samples % 2);
}

/// From the second layer on.
double all_weights(std::span<const int> widths) {
  double weights = 0.0;
  for (std::size_t l = 1; l < widths.size(); ++l) weights += static_cast<double>(widths[l]) * widths[l - 1];
  return weights;
}

double norm(const std::vector<double>& x) {
  const std::vector<double> zero(x.size());
  return distance(x.data(), zero.data(), static_cast<long>(x.size()));
}

class DifferencePolygon {
 public:
  DifferencePolygon(const Network& network, const Curve& curve, long samples, int layers)
      : network_(network),
        curve_(curve),
        samples_(samples),
        block_(block_of(samples)),
        layers_(layers),
        image_(first_layer_image(network, curve)),
        all_(static_cast<std::size_t>(layers)),
        half_(static_cast<std::size_t>(layers)) {
    std::vector<double> bias(image_.center.size());
    network.bias(1, bias);
    for (std::size_t j = 0; j < bias.size(); ++j) image_.center[j] += bias[j];
    std::vector<int> widths;
    for (int layer = 1; layer <= layers; ++layer) widths.push_back(network.width(layer));
    keep_ = all_weights(widths) < kept_weights;
    packed_.resize(keep_ ? static_cast<std::size_t>(layers) : 1);
    stride_ = row_stride(*std::max_element(widths.begin(), widths.end()));
    for (Buffer<double>* rows : {&x_, &next_x_, &side_, &next_side_})
      *rows = Buffer<double>(block_ * stride_ + word_elements);
  }

  PolygonLengths run() {
    const long sides = curve_.closed() ? samples_ : samples_ - 1;
    for (long first = 0; first < sides; first += block_) pass_block(first, std::min(block_, sides - first));
    PolygonLengths result;
    for (const CompensatedSum& sum : all_) result.length.push_back(sum.value());
    for (const CompensatedSum& sum : half_) result.length_half.push_back(sum.value());
    return result;
  }

 private:
  struct Packed {
    PackedLayer<double> weights;  // without the bias, which sides do not have
    std::vector<double> bias;
  };

  void pass_block(long first, long count) {
    for (long k = 0; k < count; ++k) first_layer(first + k, k);
    for (int layer = 1; layer <= layers_; ++layer) {
      if (layer > 1) {
        Packed& packed = load(layer);
        packed.weights.multiply(x_.data(), stride_, count, next_x_.data(), stride_);
        packed.weights.multiply(side_.data(), stride_, count, next_side_.data(), stride_);
        for (long k = 0; k < count; ++k) {
          double* const h = next_x_.data() + k * stride_;
          for (std::size_t j = 0; j < packed.bias.size(); ++j) h[j] += packed.bias[j];
        }
        std::swap(x_, next_x_);
        std::swap(side_, next_side_);
      }
      SideImage difference(network_.activation(layer));
      const auto width = static_cast<std::size_t>(network_.width(layer));
      for (long k = 0; k < count; ++k) {
        const std::span<double> h(x_.data() + k * stride_, width);
        difference.apply(h, std::span<double>(side_.data() + k * stride_, width));
      }
      measure(layer, count);
    }
  }

  /// h^1 at sample i, and the way from there to the next: differences of sines and cosines by half angles.
  void first_layer(long i, long row) {
    const double t = curve_.parameter(i, samples_);
    const bool last = i + 1 == samples_;
    const double step = (last ? 2.0 * std::numbers::pi : curve_.parameter(i + 1, samples_)) - t;
    const std::size_t width = image_.center.size();
    image_.point(curve_.coefficients(t), std::span<double>(x_.data() + row * stride_, width));
    double along_u = step;
    double along_v = 0.0;
    if (curve_.kind != CurveKind::line) {
      const double twice = 2.0 * std::sin(0.5 * step);
      along_u = -twice * std::sin(t + 0.5 * step);
      along_v = twice * std::cos(t + 0.5 * step);
    }
    double* const side = side_.data() + row * stride_;
    for (std::size_t j = 0; j < width; ++j)
      side[j] = along_u * image_.u[j] + (image_.v.empty() ? 0.0 : along_v * image_.v[j]);
  }

  Packed& load(int layer) {
    auto& packed = packed_[keep_ ? static_cast<std::size_t>(layer - 1) : 0];
    if (keep_ && !packed.weights.empty()) return packed;
    const auto outputs = static_cast<std::size_t>(network_.width(layer));
    std::vector<double> weight(outputs * static_cast<std::size_t>(network_.fan_in(layer)));
    packed.bias.resize(outputs);
    network_.bias(layer, packed.bias);
    network_.weight(layer, std::span<double>(weight));
    packed.weights.pack(layer_paths<double>().front(), weight, std::vector<double>(outputs));
    return packed;
  }

  /// Blocks begin at even samples: two sides are one at half the samples, and the last may be alone.
  void measure(int layer, long count) {
    const auto l = static_cast<std::size_t>(layer - 1);
    const auto width = static_cast<std::size_t>(network_.width(layer));
    std::vector<double> two(width);
    for (long k = 0; k < count; ++k) {
      const double* const side = side_.data() + k * stride_;
      for (std::size_t j = 0; j < width; ++j) two[j] = k % 2 == 0 ? side[j] : two[j] + side[j];
      all_[l].add(norm({side, side + width}));
      if (k % 2 == 1 || k + 1 == count) half_[l].add(norm(two));
    }
  }

  const Network& network_;
  const Curve& curve_;
  long samples_, block_;
  int layers_;
  Curve image_;
  std::vector<CompensatedSum> all_, half_;
  bool keep_ = true;
  std::vector<Packed> packed_;
  long stride_ = 0;
  Buffer<double> x_, next_x_, side_, next_side_;
};

}  // namespace

PolygonLengths polygon_by_differences(const Network& network, const Curve& curve, long samples, int layers) {
  require_dense(network, "a polygon's sides");
  return DifferencePolygon(network, curve, samples, layers).run();
}

double polygon_by_differences_bytes(std::span<const int> widths, long samples) {
  double most = 0.0;
  for (std::size_t l = 1; l < widths.size(); ++l) most = std::max(most, static_cast<double>(widths[l]) * widths[l - 1]);
  const double all = all_weights(widths);
  const double stride = static_cast<double>(row_stride(*std::max_element(widths.begin(), widths.end())));
  return 8.0 *
         (most + (all < kept_weights ? all : most) + (4.0 * static_cast<double>(block_of(samples)) + 9.0) * stride);
}

bool is_near_rounding(double length, long sides, double norm, Precision precision) {
  using Single = std::numeric_limits<float>;
  using Double = std::numeric_limits<double>;
  const bool single = precision == Precision::single;
  const double rounding =
      single ? Single::epsilon() * norm + Single::denorm_min() : Double::epsilon() * norm + Double::denorm_min();
  return length * (single ? 2e-3 : 1e-6) < static_cast<double>(sides) * rounding;
}

}  // namespace meander
