// Pushes a point through the layers and multiplies their Jacobians as it goes.
#include "kernels/jacobian/jacobian_product.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/jacobian/ranked_product.hpp"
#include "kernels/networks/scaled_slope.hpp"
#include "kernels/spectra/wide_product.hpp"

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

/// What may be spent on values that double precision cannot resolve.
constexpr double most_wide_seconds = 2.0;

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

/// Pushes the input through the layers and shows each layer's slopes that are not zero and the weights between what is
/// alive; `result` gets what layers tell. False where a number is not finite.
bool each_layer(const Network& network, std::span<const double> input, JacobianSpectrum& result, const Factor& show) {
  std::vector<double> x(input.begin(), input.end());
  std::vector<int> alive(x.size());
  std::iota(alive.begin(), alive.end(), 0);
  result.slope_square.clear();
  for (int layer = 1; layer <= network.depth(); ++layer) {
    const int rows = network.width(layer), fan_in = network.fan_in(layer);
    const Activation& phi = network.activation(layer);
    std::vector<double> w(size_of(rows) * size_of(fan_in)), h(size_of(rows));
    network.weight(layer, std::span<double>(w));
    network.bias(layer, h);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, rows, fan_in, 1.0, w.data(), fan_in, x.data(), 1, 1.0, h.data(), 1);
    std::vector<int> open;
    std::vector<ScaledNumber> slopes;
    double square = 0.0;
    if (!is_finite(h)) return false;
    for (int i = 0; i < rows; ++i) {
      const ScaledNumber slope = scaled_slope(phi, h[size_of(i)]);
      if (!std::isfinite(slope.mantissa)) return false;
      const double value = scaled(slope.mantissa, slope.exponent);
      square += value * value;
      if (slope.mantissa == 0.0) continue;
      open.push_back(i);
      slopes.push_back(slope);
    }
    result.slope_square.push_back(square / rows);
    show(slopes, alive_part(w, fan_in, open, alive));
    alive = std::move(open);
    phi.apply(std::span<double>(h));
    x = std::move(h);
    result.finite_layers = layer;
  }
  return true;
}

void set_values(std::vector<double> log, std::int64_t rank, int columns, JacobianSpectrum& result) {
  result.rank = rank;
  result.resolved = static_cast<std::int64_t>(log.size());
  result.log = std::move(log);
  result.log.resize(static_cast<std::size_t>(rank), std::numeric_limits<double>::quiet_NaN());
  result.log.resize(size_of(columns), -std::numeric_limits<double>::infinity());
  result.values.clear();
  for (const double x : result.log) result.values.push_back(std::exp(x));
}

}  // namespace

WeightRank weight_rank(const WeightLaw& law) {
  const bool singular = law.kind == WeightLaw::Kind::rademacher || law.kind == WeightLaw::Kind::sparse;
  return singular ? WeightRank::exact : WeightRank::full;
}

JacobianSpectrum jacobian_spectrum(const Network& network, std::span<const double> input, WeightRank rank) {
  require_dense(network, "the product of Jacobians");
  const int columns = network.input_dimension();
  if (input.size() != size_of(columns)) {
    throw std::invalid_argument("the input has dimension " + std::to_string(input.size()) + " (the network takes " +
                                std::to_string(columns) + "), give one of that dimension");
  }
  use_one_blas_thread();
  JacobianSpectrum result;
  RankedProduct product(columns, rank);
  const Factor take = [&](const auto& scale, const auto& b) { product.multiply(scale, b); };
  if (!each_layer(network, input, result, take)) return result;
  RankedProduct::Spectrum spectrum = product.singular_values();
  result.converged = spectrum.converged;
  set_values(std::move(spectrum.log), spectrum.rank, columns, result);
  if (result.resolved == result.rank && result.converged) return result;
  std::vector<double> log = wide_singular_values(
      columns, static_cast<int>(result.rank), [&](const Factor& show) { each_layer(network, input, result, show); },
      most_wide_seconds);
  if (log.empty()) return result;
  result.converged = true;
  set_values(std::move(log), result.rank, columns, result);
  return result;
}

double jacobian_spectrum_seconds(int n, int depth, WeightRank rank) {
  const double width = n, cube = width * width * width;
  // A pivoted QR and three products a layer, then Jacobi sweeps; for an exact rank, one more QR, a product of residues
  // and their elimination.
  return 1e-4 + cube * (2e-10 * depth + 1.6e-9) + (rank == WeightRank::exact ? 1.3e-9 * depth * cube : 0.0);
}

}  // namespace meander
