// Pushes a point through the layers and multiplies their Jacobians as it goes.
#include "kernels/jacobian/jacobian_product.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/spectra/graded_product.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// The rows and columns of row-major w (any, columns) that are alive.
std::vector<double> alive_part(const std::vector<double>& w, int columns, const std::vector<int>& rows,
                               const std::vector<int>& alive_columns) {
  std::vector<double> part;
  part.reserve(rows.size() * alive_columns.size());
  for (const int row : rows) {
    const double* from = w.data() + size_of(row) * size_of(columns);
    for (const int column : alive_columns) part.push_back(from[column]);
  }
  return part;
}

bool is_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

void finish(const GradedProduct& product, int columns, JacobianSpectrum& result) {
  const auto spectrum = product.singular_values();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  result.converged = spectrum.converged;
  result.rank = std::count_if(spectrum.log.begin(), spectrum.log.end(), [](double x) { return x > -infinity; });
  result.log = spectrum.log;
  result.log.resize(size_of(columns), -infinity);
  for (const double x : result.log) result.values.push_back(std::exp(x));
}

}  // namespace

JacobianSpectrum jacobian_spectrum(const Network& network, std::span<const double> input) {
  require_dense(network, "the product of Jacobians");
  const int columns = network.input_dimension();
  if (input.size() != size_of(columns)) {
    throw std::invalid_argument("the input has dimension " + std::to_string(input.size()) + " (the network takes " +
                                std::to_string(columns) + "), give one of that dimension");
  }
  use_one_blas_thread();
  JacobianSpectrum result;
  GradedProduct product(columns);
  std::vector<double> x(input.begin(), input.end());
  std::vector<int> alive(x.size());
  std::iota(alive.begin(), alive.end(), 0);
  for (int layer = 1; layer <= network.depth(); ++layer) {
    const int rows = network.width(layer), fan_in = network.fan_in(layer);
    const Activation& phi = network.activation(layer);
    std::vector<double> w(size_of(rows) * size_of(fan_in)), h(size_of(rows));
    network.weight(layer, std::span<double>(w));
    network.bias(layer, h);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, rows, fan_in, 1.0, w.data(), fan_in, x.data(), 1, 1.0, h.data(), 1);
    std::vector<int> open;
    std::vector<double> slopes;
    double square = 0.0;
    for (int i = 0; i < rows; ++i) {
      const double slope = phi.derivative(h[size_of(i)]);
      square += slope * slope;
      if (slope == 0.0) continue;
      open.push_back(i);
      slopes.push_back(slope);
    }
    if (!is_finite(h) || !is_finite(slopes)) return result;
    result.slope_square.push_back(square / rows);
    product.multiply(slopes, alive_part(w, fan_in, open, alive));
    alive = std::move(open);
    phi.apply(std::span<double>(h));
    x = std::move(h);
    result.finite_layers = layer;
  }
  finish(product, columns, result);
  return result;
}

double jacobian_spectrum_seconds(int n, int depth) {
  const double width = n;
  // A pivoted QR and three products a layer, then Jacobi sweeps.
  return 1e-4 + width * width * width * (2e-10 * depth + 1.6e-9);
}

}  // namespace meander
