// The first sample is pushed alone; then differences to it, block by block.
#include "kernels/trajectories/curve_differences.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/curves/curve_image.hpp"
#include "kernels/trajectories/curve_spread.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace meander {
namespace {

/// Nodes and weights of Gauss and Legendre on [0, 1], symmetric about 1/2 (Abramowitz and Stegun, table 25.4).
struct Node {
  double from_middle, weight;
};
constexpr std::array<Node, 4> nodes{{{0.5 * 0.183434642495649804939476142360, 0.5 * 0.362683783378361982965150449277},
                                     {0.5 * 0.525532409916328985817739049189, 0.5 * 0.313706645877887287337962201987},
                                     {0.5 * 0.796666477413626739591553936476, 0.5 * 0.222381034453374470544355994426},
                                     {0.5 * 0.960289856497536231683560868569, 0.5 * 0.101228536290376259152531354310}}};
/// How far a difference of values may be off, in units of the values and of the slope times the argument; and the share
/// of itself that this may be where there is nothing to be won.
constexpr double rounding_of_values = 16.0 * std::numeric_limits<double>::epsilon();
constexpr double rounding_of_difference = 64.0 * std::numeric_limits<double>::epsilon();

struct Layer {
  int outputs, inputs;
  std::vector<double> weight, bias;

  Layer(const Network& network, int layer) : outputs(network.width(layer)), inputs(network.fan_in(layer)) {
    weight.resize(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs));
    network.weight(layer, std::span<double>(weight));
    bias.resize(static_cast<std::size_t>(outputs));
    network.bias(layer, bias);
  }
};

/// h^l of the first sample for l = 1 .. D - 1.
std::vector<std::vector<double>> first_images(const Network& network, const Curve& image, double t) {
  std::vector<std::vector<double>> result;
  std::vector<double> h(static_cast<std::size_t>(network.width(1))), bias(h.size());
  image.point(t, h);
  network.bias(1, bias);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += bias[i];
  for (int l = 2; l <= network.depth(); ++l) {
    result.push_back(h);
    network.activation(l - 1).apply(std::span<double>(h));
    const Layer layer(network, l);
    std::vector<double> next = layer.bias;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, layer.outputs, layer.inputs, 1.0, layer.weight.data(), layer.inputs,
                h.data(), 1, 1.0, next.data(), 1);
    h = std::move(next);
  }
  return result;
}

/// What sample `i` has over the first, in the first layer: the center is in both.
Curve::Coefficients difference(const Curve& curve, long i, long samples) {
  const double from = curve.parameter(0, samples), to = curve.parameter(i, samples);
  if (curve.kind == CurveKind::line) return {to - from, 0.0};
  const double half = 0.5 * (to - from), middle = 0.5 * (to + from);
  return {-2.0 * std::sin(half) * std::sin(middle), 2.0 * std::sin(half) * std::cos(middle)};
}

}  // namespace

double ActivationDifference::along_pieces(double a, double d) const {
  const std::vector<double>&points = pieces_->breakpoints, &slopes = pieces_->slopes;
  auto k = static_cast<std::size_t>(std::lower_bound(points.begin(), points.end(), a) - points.begin());
  double sum = 0.0, done = 0.0;
  for (; d > 0.0 && k < points.size() && points[k] - a < d; ++k) {
    sum += slopes[k] * (points[k] - a - done);
    done = points[k] - a;
  }
  for (; d < 0.0 && k > 0 && points[k - 1] - a > d; --k) {
    sum += slopes[k] * (points[k - 1] - a - done);
    done = points[k - 1] - a;
  }
  return sum + slopes[k] * (d - done);
}

double ActivationDifference::integral(double a, double d) const {
  double mean = 0.0;
  for (const Node& node : nodes) {
    mean += node.weight *
            (phi_.derivative(a + (0.5 - node.from_middle) * d) + phi_.derivative(a + (0.5 + node.from_middle) * d));
  }
  return mean * d;
}

double ActivationDifference::operator()(double a, double d) const {
  if (pieces_ != nullptr) return along_pieces(a, d);
  const double from = phi_(a), to = phi_(a + d), plain = to - from;
  // Rounding of a + d counts as much as that of the values.
  const double rounding =
      rounding_of_values * (std::max(std::abs(from), std::abs(to)) +
                            std::max(std::abs(phi_.derivative(a)), std::abs(phi_.derivative(a + d))) *
                                std::max(std::abs(a), std::abs(a + d)));
  if (rounding <= rounding_of_difference * std::abs(plain)) return plain;
  const double found = integral(a, d);  // right, unless phi bends too sharply for it
  return std::abs(found - plain) <= rounding ? found : plain;
}

CurveOutputs curve_differences(const Network& network, const Curve& curve, long samples) {
  use_one_blas_thread();
  const Curve image = first_layer_image(network, curve);
  const int depth = network.depth();
  const auto first_of = first_images(network, image, curve.parameter(0, samples));
  CurveSpread spread(network);
  std::vector<double> outputs(static_cast<std::size_t>(network.width(depth)) * static_cast<std::size_t>(samples));
  const long block = curve_block(network.max_width(), samples);
  for (long first = 0; first < samples; first += block) {
    const long count = std::min(block, samples - first);
    auto width = static_cast<std::size_t>(network.width(1));
    std::vector<double> d(static_cast<std::size_t>(count) * width);
    for (long k = 0; k < count; ++k) {
      const Curve::Coefficients along = difference(curve, first + k, samples);
      double* const row = d.data() + static_cast<std::size_t>(k) * width;
      for (std::size_t i = 0; i < width; ++i) {
        row[i] = image.u[i] * along.along_u + (image.v.empty() ? 0.0 : image.v[i] * along.along_v);
      }
    }
    for (int l = 1; l < depth; ++l) {
      const ActivationDifference difference_of(network.activation(l));
      const std::vector<double>& h = first_of[static_cast<std::size_t>(l - 1)];
      for (std::size_t k = 0; k < d.size(); ++k) d[k] = difference_of(h[k % width], d[k]);
      spread.take(l, d, count);
      const Layer layer(network, l + 1);
      if (l + 1 == depth) {
        multiply_transposed(layer.outputs, static_cast<int>(count), layer.inputs, layer.weight.data(), layer.inputs,
                            d.data(), layer.inputs, outputs.data() + first, static_cast<int>(samples));
        break;
      }
      width = static_cast<std::size_t>(layer.outputs);
      std::vector<double> next(static_cast<std::size_t>(count) * width);
      multiply_transposed(static_cast<int>(count), layer.outputs, layer.inputs, d.data(), layer.inputs,
                          layer.weight.data(), layer.inputs, next.data(), layer.outputs);
      d = std::move(next);
    }
    if (depth == 1) {
      for (std::size_t i = 0; i < width; ++i) {
        for (long k = 0; k < count; ++k)
          outputs[i * static_cast<std::size_t>(samples) + static_cast<std::size_t>(first + k)] =
              d[static_cast<std::size_t>(k) * width + i];
      }
    }
  }
  return spread.outputs(std::move(outputs), curve);
}

}  // namespace meander
