// Matrix products over blocks of samples; one QR factorisation for all basis functions.
#include "kernels/trajectories/curve_outputs.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"
#include "kernels/base/row_arithmetic.hpp"
#include "kernels/curves/curve_image.hpp"
#include "kernels/networks/forward.hpp"
#include "kernels/trajectories/curve_spread.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

std::size_t product(long a, long b) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
}

/// h^1 of samples first .. first + count - 1, (count, N_1): the curve's image under W^1, and the bias.
void first_layer(const Network& network, const Curve& image, const Curve& curve, long samples, long first, long count,
                 std::vector<double>& out) {
  const auto width = static_cast<std::size_t>(network.width(1));
  std::vector<double> bias(width);
  network.bias(1, bias);
  for (long k = 0; k < count; ++k) {
    const std::span<double> row(out.data() + static_cast<std::size_t>(k) * width, width);
    image.point(curve.parameter(first + k, samples), row);
    for (std::size_t i = 0; i < width; ++i) row[i] += bias[i];
  }
}

/// W^l and b^l, of the last layer: its outputs stand the other way round than `forward` gives them.
struct HeldLayer {
  int outputs, inputs;
  std::vector<double> weight, bias;

  HeldLayer(const Network& network, int layer) : outputs(network.width(layer)), inputs(network.fan_in(layer)) {
    weight.resize(product(outputs, inputs));
    network.weight(layer, std::span<double>(weight));
    bias.resize(static_cast<std::size_t>(outputs));
    network.bias(layer, bias);
  }

  /// h of the rows of `x` (count, inputs), one row an output, `stride` apart.
  void write_outputs(std::span<const double> x, long count, double* out, long stride) const {
    multiply_transposed(outputs, static_cast<int>(count), inputs, weight.data(), inputs, x.data(), inputs, out,
                        static_cast<int>(stride));
    for (const double b : bias) {
      for (long k = 0; k < count; ++k) out[k] += b;
      out += stride;
    }
  }
};

void transpose(const std::vector<double>& x, long count, long width, double* out, long stride) {
  for (long i = 0; i < width; ++i) {
    for (long k = 0; k < count; ++k) out[i * stride + k] = x[static_cast<std::size_t>(k * width + i)];
  }
}

void centre(std::span<double> row) {
  CompensatedSum sum;
  for (const double value : row) sum.add(value);
  const double mean = sum.value() / static_cast<double>(row.size());
  for (double& value : row) value -= mean;
}

/// A centred output is one column of a column-major (samples, count) matrix: A = Q R.
struct Factorised {
  std::vector<double> a, tau;
  int rows, columns;

  Factorised(std::vector<double> matrix, int samples, int count)
      : a(std::move(matrix)), tau(static_cast<std::size_t>(count)), rows(samples), columns(count) {
    lapack::require(lapack::geqrf(rows, columns, a.data(), rows, tau.data()), "dgeqrf");
  }

  /// Q' times the `count` columns of `c`.
  void apply(std::vector<double>& c, int count) const {
    lapack::require(lapack::ormqr("L", "T", rows, count, columns, a.data(), rows, tau.data(), c.data(), rows),
                    "dormqr");
  }

  /// R = U S V': U column-major, and S.
  std::pair<std::vector<double>, std::vector<double>> left_singular_vectors() const {
    const auto n = static_cast<std::size_t>(columns);
    std::vector<double> r(n * n, 0.0), u(n * n), vt(n * n), s(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double* column = a.data() + j * static_cast<std::size_t>(rows);
      std::copy(column, column + j + 1, r.begin() + static_cast<std::ptrdiff_t>(j * n));
    }
    lapack::require(
        lapack::gesdd("A", columns, columns, r.data(), columns, s.data(), u.data(), columns, vt.data(), columns),
        "dgesdd");
    return {u, s};
  }
};

/// Centred sin(w t) and cos(w t) in turn, one after another.
std::vector<double> basis_functions(const std::vector<double>& t, int frequencies) {
  std::vector<double> functions;
  functions.reserve(2 * static_cast<std::size_t>(frequencies) * t.size());
  for (int w = 1; w <= frequencies; ++w) {
    for (const double at : t) functions.push_back(std::sin(w * at));
    for (const double at : t) functions.push_back(std::cos(w * at));
  }
  for (std::size_t f = 0; f < 2 * static_cast<std::size_t>(frequencies); ++f) {
    centre(std::span(functions).subspan(f * t.size(), t.size()));
  }
  return functions;
}

}  // namespace

CurveOutputs curve_outputs(const Network& network, const Curve& curve, long samples) {
  require_dense(network, "a network's outputs along a curve");
  if (curve.dimension() != network.input_dimension()) {
    throw std::invalid_argument("the curve has dimension " + std::to_string(curve.dimension()) + " (the network has " +
                                std::to_string(network.input_dimension()) + " inputs), give a curve of that dimension");
  }
  use_one_blas_thread();
  const Curve image = first_layer_image(network, curve);
  const int depth = network.depth();
  const long block = curve_block(network.max_width(), samples);
  CurveSpread spread(network);
  std::vector<double> outputs(product(network.width(depth), samples));
  std::vector<double> now;
  ForwardPass<double> hidden(network, {.first = 2, .last = std::max(depth - 1, 1), .pre_activations = false});
  for (long first = 0; first < samples; first += block) {
    const long count = std::min(block, samples - first);
    now.resize(product(count, network.width(1)));
    first_layer(network, image, curve, samples, first, count, now);
    if (depth == 1) {
      transpose(now, count, network.width(1), outputs.data() + first, samples);
      continue;
    }
    network.activation(1).apply(now);
    spread.take(1, now, count);
    hidden.push(now, [&](const LayerImage<double>& layer) {
      spread.take(layer.layer, layer.x, count);
      return true;
    });
    HeldLayer(network, depth).write_outputs(now, count, outputs.data() + first, samples);
  }
  return spread.outputs(std::move(outputs), curve);
}

double curve_outputs_bytes(int input_dimension, const std::vector<int>& widths, long samples) {
  const int widest = *std::max_element(widths.begin(), widths.end());
  double largest = 0.0, inputs = input_dimension;
  for (const double outputs : widths) {
    largest = std::max(largest, inputs * outputs);
    inputs = outputs;
  }
  const double block = static_cast<double>(curve_block(widest, samples));
  return 8.0 *
         (static_cast<double>(samples) * widths.back() + (widths.size() > 2 ? 2.0 : 1.0) * block * widest + largest);
}

FourierRegression fourier_regression(std::vector<double> outputs, int count, const std::vector<double>& t,
                                     int frequencies, const RegressionLimits& limits) {
  const auto samples = static_cast<int>(t.size());
  if (samples <= count + 1 || outputs.size() != product(count, samples)) {
    throw std::invalid_argument("a regression on " + std::to_string(count) + " outputs with " +
                                std::to_string(samples) + " samples (with so few any function fits), take more");
  }
  if (!std::all_of(outputs.begin(), outputs.end(), [](double value) { return std::isfinite(value); }))
    throw std::domain_error("the network's outputs overflow (they grow with depth), take a smaller sigma_w or depth");
  use_one_blas_thread();
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    centre(std::span(outputs).subspan(i * t.size(), t.size()));
  const Factorised factorised(std::move(outputs), samples, count);
  const auto [u, s] = factorised.left_singular_vectors();
  FourierRegression result;
  const double share = std::max({limits.tolerance, limits.rounding, samples * std::numeric_limits<double>::epsilon()});
  const double negligible = share * s.front();
  const int most = limits.rank_bound < 0 ? count : std::min(count, limits.rank_bound);
  while (result.rank < most && s[static_cast<std::size_t>(result.rank)] > negligible) ++result.rank;
  if (result.rank > 0) result.condition = s.front() / s[static_cast<std::size_t>(result.rank - 1)];

  std::vector<double> functions = basis_functions(t, frequencies);
  const int number = 2 * frequencies;
  std::vector<double> norms;
  for (int f = 0; f < number; ++f) norms.push_back(cblas_dnrm2(samples, functions.data() + product(f, samples), 1));
  factorised.apply(functions, number);
  std::vector<double> projections(product(std::max(result.rank, 1), number), 0.0);
  if (result.rank > 0) {
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, result.rank, number, count, 1.0, u.data(), count,
                functions.data(), samples, 0.0, projections.data(), result.rank);
  }
  for (int f = 0; f < number; ++f) {
    const double fitted = cblas_dnrm2(result.rank, projections.data() + product(f, result.rank), 1);
    // Rounding may leave the fit longer than the function by a bit.
    result.error.push_back(std::max(0.0, 1.0 - fitted / norms[static_cast<std::size_t>(f)]));
  }
  return result;
}

}  // namespace meander
