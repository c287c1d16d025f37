// The fused geometry kernel: position, velocity and acceleration of all samples pass a layer in one matrix product
// and one sweep over its rows.
#include "kernels/trajectories/manifold_geometry.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/row_arithmetic.hpp"
#include "kernels/curves/curve_averages.hpp"
#include "kernels/curves/curve_image.hpp"
#include "kernels/trajectories/layer_similarity.hpp"
#include "kernels/trajectories/sampled_curve_panels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace meander {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Samples that pass a layer at a time: the product packs the weights once for each such block.
constexpr long block_samples = 512;

/// Inner products of position, velocity and acceleration at one sample.
struct Products {
  double hh = 0.0, vv = 0.0, va = 0.0, aa = 0.0;
};

/// Part of the acceleration perpendicular to the velocity, squared: in two passes, so that nothing cancels.
template <class Real>
double perpendicular2(const Real* v, const Real* a, long size, const Products& products) {
  const double along = products.va / products.vv;
  double sum = 0.0;
  for (long i = 0; i < size; ++i) {
    const double rest = static_cast<double>(a[i]) - along * static_cast<double>(v[i]);
    sum += rest * rest;
  }
  return sum;
}

/// kappa. Ratios to |v|^2 keep powers of it within range.
template <class Real>
double curvature_of(const Real* v, const Real* a, long size, const Products& products) {
  if (!(products.vv > 0.0)) return nan;
  const double along = products.va / products.vv;
  double across2 = products.aa / products.vv - along * along;
  if (!(across2 > 1e-6 * products.aa / products.vv)) across2 = perpendicular2(v, a, size, products) / products.vv;
  return std::sqrt(across2 / products.vv);
}

template <class Real>
void accumulate(const Real* h, const Real* v, const Real* a, long size, Products& products) {
  std::array<double, lanes> hh{}, vv{}, va{}, aa{};
  const auto add = [&](long i, std::size_t k) {
    const double position = static_cast<double>(h[i]);
    const double velocity = static_cast<double>(v[i]);
    const double acceleration = static_cast<double>(a[i]);
    hh[k] += position * position;
    vv[k] += velocity * velocity;
    va[k] += velocity * acceleration;
    aa[k] += acceleration * acceleration;
  };
  long i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (long k = 0; k < lanes; ++k) add(i + k, static_cast<std::size_t>(k));
  }
  for (long k = 0; i + k < size; ++k) add(i + k, static_cast<std::size_t>(k));
  products = {sum_of_lanes(hh), sum_of_lanes(vv), sum_of_lanes(va), sum_of_lanes(aa)};
}

template <class Real>
class GeometryKernel {
 public:
  GeometryKernel(const Network& network, const Curve& curve, const GeometryOptions& options)
      : network_(network),
        curve_(curve),
        options_(options),
        stride_(row_stride(network.max_width())),
        rows_(options.curvature ? 3 : 2),
        averages_(curve, options.samples) {
    const auto elements = static_cast<std::size_t>(rows_ * options.samples * stride_);
    x_.resize(elements);
    h_.resize(elements);
    const auto samples = static_cast<std::size_t>(options.samples);
    for (auto* values : {&q_, &metric_, &speed_, &curvature_, &turning_}) values->resize(samples);
  }

  ManifoldGeometry run() {
    use_one_blas_thread();
    for (int layer = 1; layer <= network_.depth(); ++layer) {
      layer == 1 ? fill_first_layer() : multiply(layer);
      if (!pass(layer)) break;
      reduce(layer);
      result_.finite_layers = layer;
    }
    return std::move(result_);
  }

 private:
  /// Row of part 0 (position), 1 (velocity) or 2 (acceleration) of a sample: a block's parts lie one after another.
  long row(long sample, int part) const {
    const long begin = sample / block_samples * block_samples;
    const long count = std::min(block_samples, options_.samples - begin);
    return rows_ * begin + part * count + (sample - begin);
  }
  Real* h(long sample, int part) { return h_.data() + row(sample, part) * stride_; }
  Real* x(long sample, int part) { return x_.data() + row(sample, part) * stride_; }

  /// The image of a line, circle or arc is one again: its derivatives are known.
  void fill_first_layer() {
    const Curve image = first_layer_image(network_, curve_);
    const bool line = image.kind == CurveKind::line;
    const auto width = static_cast<std::size_t>(network_.width(1));
    for (long sample = 0; sample < options_.samples; ++sample) {
      const double t = curve_.parameter(sample, options_.samples);
      const double cosine = std::cos(t);
      const double sine = std::sin(t);
      for (std::size_t i = 0; i < width; ++i) {
        const double across = line ? 0.0 : image.v[i];
        const double along = line ? t * image.u[i] : cosine * image.u[i] + sine * across;
        h(sample, 0)[i] = static_cast<Real>(image.center[i] + along);
        h(sample, 1)[i] = static_cast<Real>(line ? image.u[i] : cosine * across - sine * image.u[i]);
        if (rows_ == 3) h(sample, 2)[i] = static_cast<Real>(line ? 0.0 : -along);
      }
    }
  }

  void multiply(int layer) {
    const int width = network_.width(layer);
    const int inputs = network_.fan_in(layer);
    weight_.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(inputs));
    network_.weight(layer, std::span<Real>(weight_));
    for (long begin = 0; begin < options_.samples; begin += block_samples) {
      const long count = std::min(block_samples, options_.samples - begin);
      multiply_transposed(static_cast<int>(rows_ * count), width, inputs, x(begin, 0), static_cast<int>(stride_),
                          weight_.data(), inputs, h(begin, 0), static_cast<int>(stride_));
    }
  }

  /// Adds the bias, takes the inner products and writes the next layer's operand; false where a number is not finite.
  bool pass(int layer) {
    const auto width = static_cast<std::size_t>(network_.width(layer));
    std::vector<double> bias(width);
    network_.bias(layer, bias);
    const std::vector<Real> shift(bias.begin(), bias.end());
    first_.resize(width);
    second_.resize(width);
    const bool last = layer == network_.depth();
    for (long sample = 0; sample < options_.samples; ++sample) {
      Real* position = h(sample, 0);
      for (std::size_t i = 0; i < width; ++i) position[i] += shift[i];
      const Real* velocity = h(sample, 1);
      const Real* acceleration = rows_ == 3 ? h(sample, 2) : velocity;
      Products products;
      accumulate(position, velocity, acceleration, static_cast<long>(width), products);
      if (!std::isfinite(products.hh) || !std::isfinite(products.vv) || !std::isfinite(products.aa)) return false;
      note(static_cast<std::size_t>(sample), velocity, acceleration, products, width);
      if (!last) apply(layer, sample, width);
    }
    return true;
  }

  void note(std::size_t sample, const Real* velocity, const Real* acceleration, const Products& products,
            std::size_t width) {
    const double neurons = static_cast<double>(width);
    q_[sample] = products.hh / neurons;
    metric_[sample] = products.vv / neurons;
    speed_[sample] = std::sqrt(products.vv);
    if (rows_ < 3) return;
    const double kappa = curvature_of(velocity, acceleration, static_cast<long>(width), products);
    curvature_[sample] = std::sqrt(neurons) * kappa;
    turning_[sample] = kappa * speed_[sample];
  }

  /// x = phi(h), x' = phi' v, x'' = phi'' v^2 + phi' a.
  void apply(int layer, long sample, std::size_t width) {
    const Real* velocity = h(sample, 1);
    Real* out = x(sample, 0);
    std::copy_n(h(sample, 0), width, out);
    network_.activation(layer).apply_with_derivatives(std::span<Real>(out, width), std::span<Real>(first_),
                                                      std::span<Real>(second_));
    Real* velocity_out = x(sample, 1);
    for (std::size_t i = 0; i < width; ++i) velocity_out[i] = first_[i] * velocity[i];
    if (rows_ < 3) return;
    const Real* acceleration = h(sample, 2);
    Real* acceleration_out = x(sample, 2);
    for (std::size_t i = 0; i < width; ++i)
      acceleration_out[i] = second_[i] * (velocity[i] * velocity[i]) + first_[i] * acceleration[i];
  }

  void reduce(int layer) {
    result_.q.push_back(averages_.mean(q_));
    result_.metric.push_back(averages_.mean(metric_));
    result_.metric_sd.push_back(averages_.deviation(metric_));
    result_.length.push_back(averages_.integral(speed_));
    result_.length_half.push_back(averages_.integral_half(speed_));
    if (rows_ == 3) {
      result_.curvature.push_back(averages_.mean(curvature_));
      result_.curvature_sd.push_back(averages_.deviation(curvature_));
      result_.grassmannian_length.push_back(averages_.integral(turning_));
      result_.grassmannian_length_half.push_back(averages_.integral_half(turning_));
    }
    const auto& wanted = options_.component_layers;
    const bool apart = std::find(wanted.begin(), wanted.end(), layer) != wanted.end();
    if (!options_.autocorrelation && !apart) return;
    std::vector<const Real*> points;
    for (long sample = 0; sample < options_.samples; ++sample) points.push_back(h(sample, 0));
    if (options_.autocorrelation) result_.autocorrelation.push_back(autocorrelation(points, network_.width(layer)));
    if (apart) result_.components.push_back(principal_components(points, network_.width(layer), options_.components));
  }

  const Network& network_;
  const Curve& curve_;
  const GeometryOptions& options_;
  long stride_;
  int rows_;
  CurveAverages averages_;
  std::vector<Real> x_, h_, weight_, first_, second_;
  /// At the samples, in the layer at hand.
  std::vector<double> q_, metric_, speed_, curvature_, turning_;
  ManifoldGeometry result_;
};

}  // namespace

ManifoldGeometry manifold_geometry(const Network& network, const Curve& curve, const GeometryOptions& options) {
  check_sampled_curve(network, curve, {.samples = options.samples, .precision = options.precision});
  if (options.precision == Precision::single) return GeometryKernel<float>(network, curve, options).run();
  return GeometryKernel<double>(network, curve, options).run();
}

double manifold_geometry_bytes(int input_dimension, std::span<const int> widths, const GeometryOptions& options) {
  const double element = options.precision == Precision::single ? 4.0 : 8.0;
  const int widest = *std::max_element(widths.begin(), widths.end());
  const double samples = static_cast<double>(options.samples);
  double weights = 0.0;
  for (std::size_t l = 1; l < widths.size(); ++l)
    weights = std::max(weights, static_cast<double>(widths[l]) * widths[l - 1]);
  const double stride = static_cast<double>(row_stride(widest));
  const double operands = (options.curvature ? 6.0 : 4.0) * samples * stride * element;
  // The factorisation's copy, both factors and its workspace.
  const double factors =
      options.component_layers.empty() ? 0.0 : 8.0 * 6.0 * std::min(samples, stride) * (samples + stride);
  return 8.0 * widths.front() * input_dimension + element * weights + operands + factors + 64.0 * samples;
}

}  // namespace meander
