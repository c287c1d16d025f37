// Pushes a point through the layers and multiplies their Jacobians as it goes.
#include "kernels/jacobian/jacobian_product.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/networks/scaled_slope.hpp"
#include "kernels/spectra/graded_product.hpp"
#include "kernels/spectra/modular_image.hpp"
#include "kernels/spectra/row_basis.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// Rows of a basis closer to the others, relative to their length, are hardly known.
constexpr double least_distance = 1e-10;
/// Slopes that differ by less do not make rows of rounding larger than others.
constexpr double most_alike = 20.0;

bool alike(const std::vector<ScaledNumber>& scale) {
  const auto [least, most] = std::minmax_element(scale.begin(), scale.end(),
                                                 [](const auto& x, const auto& y) { return size_of(x) < size_of(y); });
  return scale.empty() || size_of(*most) - size_of(*least) < most_alike;
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

/// A product of layers whose rank is decided by the weights as they are drawn.
class RankedProduct {
 public:
  RankedProduct(int columns, WeightRank rank) : product_(columns) {
    if (rank == WeightRank::exact) image_.emplace(columns);
  }

  /// J <- diag(scale) B J as in GradedProduct.
  void multiply(const std::vector<ScaledNumber>& scale, std::vector<double> b);

  /// Singular values that are not zero, and their number, which the rank may exceed only where `converged` is false.
  GradedProduct::Spectrum singular_values();
  std::int64_t rank() const { return image_ ? image_->rank() : product_.rank(); }

 private:
  void multiply_basis(const std::vector<double>& b) {
    product_.multiply(std::vector<double>(b.size() / columns(), 1.0), b);
  }
  std::size_t columns() const { return size_of(product_.rows()); }

  GradedProduct product_;
  std::optional<ModularImage> image_;
  /// J = basis_ times the product where rows were dependent: (rows, product_.rows()); else empty.
  std::vector<double> basis_;
  double distance_ = 1.0;
};

/// Rows that are combinations of others in exact arithmetic would be rounding here, of the size of the largest singular
/// value, where J has zeros: the product goes on with a basis of its rows, and the rest is told by a matrix in front.
void RankedProduct::multiply(const std::vector<ScaledNumber>& scale, std::vector<double> b) {
  if (!image_) return product_.multiply(scale, b);
  const int rows = static_cast<int>(scale.size());
  std::vector<double> through = b;
  if (!basis_.empty()) {
    const int inner = image_->rows(), rank = product_.rows();
    through.assign(size_of(rows) * size_of(rank), 0.0);
    if (rows > 0 && rank > 0) {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, rank, inner, 1.0, b.data(), inner, basis_.data(),
                  rank, 0.0, through.data(), rank);
    }
    basis_.clear();
  }
  const int before = image_->rank(), width = product_.rows();
  const std::vector<int> order = preferred_rows(scale, through, width);
  const std::vector<int> kept = image_->multiply(scale, b, order);
  const bool as_shaped = kept.size() == std::min(scale.size(), size_of(before));
  if (as_shaped && (kept.size() == scale.size() || alike(scale))) return product_.multiply(scale, through);
  RowBasis basis = row_basis(scale, through, width, order, kept);
  distance_ = std::min(distance_, basis.distance);
  std::vector<ScaledNumber> scale_of_kept;
  std::vector<double> rows_of_kept;
  for (const int i : kept) {
    scale_of_kept.push_back(scale[size_of(i)]);
    const auto row = through.begin() + static_cast<std::ptrdiff_t>(size_of(i) * size_of(width));
    rows_of_kept.insert(rows_of_kept.end(), row, row + width);
  }
  product_.multiply(scale_of_kept, rows_of_kept);
  basis_ = std::move(basis.e);
}

GradedProduct::Spectrum RankedProduct::singular_values() {
  if (!basis_.empty()) multiply_basis(basis_);
  GradedProduct::Spectrum spectrum = product_.singular_values();
  spectrum.converged = spectrum.converged && distance_ > least_distance && product_.rank() == rank();
  return spectrum;
}

bool is_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

void finish(RankedProduct& product, int columns, JacobianSpectrum& result) {
  const auto spectrum = product.singular_values();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  result.converged = spectrum.converged;
  result.rank = product.rank();
  result.log = spectrum.log;
  result.log.resize(size_of(columns), -infinity);
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
    std::vector<ScaledNumber> slopes;
    double square = 0.0;
    if (!is_finite(h)) return result;
    for (int i = 0; i < rows; ++i) {
      const ScaledNumber slope = scaled_slope(phi, h[size_of(i)]);
      if (!std::isfinite(slope.mantissa)) return result;
      const double value = scaled(slope.mantissa, slope.exponent);
      square += value * value;
      if (slope.mantissa == 0.0) continue;
      open.push_back(i);
      slopes.push_back(slope);
    }
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

double jacobian_spectrum_seconds(int n, int depth, WeightRank rank) {
  const double width = n, cube = width * width * width;
  // A pivoted QR and three products a layer, then Jacobi sweeps; for an exact rank, one more QR, a product of residues
  // and their elimination.
  return 1e-4 + cube * (2e-10 * depth + 1.6e-9) + (rank == WeightRank::exact ? 1.3e-9 * depth * cube : 0.0);
}

}  // namespace meander
