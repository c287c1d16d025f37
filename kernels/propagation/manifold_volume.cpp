#include "kernels/propagation/manifold_volume.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/base/blas.hpp"

namespace meander {
namespace {

/// What is left of a vector of which less than this share is new is rounding.
constexpr double rounding = 1e-13;

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void subtract(std::span<double> from, double factor, std::span<const double> what) {
  for (std::size_t i = 0; i < from.size(); ++i) from[i] -= factor * what[i];
}

/// Rows of `width` numbers, made orthonormal one after another (Gram-Schmidt, twice: then to rounding). ln of the
/// volume that they spanned; -infinity, and rows of no meaning, where they are dependent to rounding.
double orthonormalise(std::span<double> rows, std::size_t width) {
  double log_volume = 0.0;
  for (std::size_t begin = 0; begin < rows.size(); begin += width) {
    const auto row = rows.subspan(begin, width);
    double largest = 0.0;
    for (const double x : row) largest = std::max(largest, std::abs(x));
    if (!(largest > 0.0)) return -std::numeric_limits<double>::infinity();
    for (double& x : row) x /= largest;  // squares neither over- nor underflow
    const double before = std::sqrt(dot(row, row));
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t other = 0; other < begin; other += width) {
        const auto unit = rows.subspan(other, width);
        subtract(row, dot(row, unit), unit);
      }
    }
    const double length = std::sqrt(dot(row, row));
    if (!(length > rounding * before)) return -std::numeric_limits<double>::infinity();
    for (double& x : row) x /= length;
    log_volume += std::log(largest) + std::log(length);
  }
  return log_volume;
}

/// The point in row 0 and its tangents below, pushed from layer to layer.
class Piece {
 public:
  Piece(const Network& network, std::span<const double> point, std::span<const double> tangents)
      : network_(network), width_(point.size()), rows_(1 + tangents.size() / point.size()) {
    values_.assign(point.begin(), point.end());
    values_.insert(values_.end(), tangents.begin(), tangents.end());
  }

  std::span<double> tangents() { return std::span<double>(values_).subspan(width_); }
  std::size_t width() const { return width_; }

  /// False where a number is not finite.
  bool advance(int layer) {
    const int outputs = network_.width(layer);
    const int inputs = network_.fan_in(layer);
    weight_.resize(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs));
    network_.weight(layer, std::span<double>(weight_));
    bias_.resize(static_cast<std::size_t>(outputs));
    network_.bias(layer, bias_);
    next_.resize(rows_ * static_cast<std::size_t>(outputs));
    multiply_transposed(static_cast<int>(rows_), outputs, inputs, values_.data(), inputs, weight_.data(), inputs,
                        next_.data(), outputs);
    values_.swap(next_);
    width_ = static_cast<std::size_t>(outputs);
    return activate(layer);
  }

 private:
  bool activate(int layer) {
    const Activation& activation = network_.activation(layer);
    for (std::size_t i = 0; i < width_; ++i) {
      const double h = values_[i] + bias_[i];
      const double slope = activation.derivative(h);
      values_[i] = activation(h);
      if (!std::isfinite(h) || !std::isfinite(slope) || !std::isfinite(values_[i])) return false;
      for (std::size_t row = 1; row < rows_; ++row) values_[row * width_ + i] *= slope;
    }
    return true;
  }

  const Network& network_;
  std::size_t width_;
  std::size_t rows_;
  std::vector<double> values_, next_, weight_, bias_;
};

void check_sizes(const Network& network, std::span<const double> point, std::span<const double> tangents) {
  const auto inputs = static_cast<std::size_t>(network.input_dimension());
  if (point.size() != inputs || tangents.empty() || tangents.size() % inputs != 0 ||
      tangents.size() > inputs * inputs) {
    throw std::invalid_argument("a point of " + std::to_string(point.size()) + " and tangents of " +
                                std::to_string(tangents.size()) + " numbers (the network takes " +
                                std::to_string(inputs) + " inputs), give one point and 1 to " + std::to_string(inputs) +
                                " whole tangents");
  }
}

}  // namespace

ManifoldVolume manifold_volume(const Network& network, std::span<const double> point,
                               std::span<const double> tangents) {
  require_dense(network, "the volume of a small piece");
  check_sizes(network, point, tangents);
  use_one_blas_thread();
  Piece piece(network, point, tangents);
  if (std::isinf(orthonormalise(piece.tangents(), piece.width()))) {
    throw std::invalid_argument("tangents are dependent (they span no volume), give independent ones");
  }
  ManifoldVolume result;
  double log_volume = 0.0;
  for (int layer = 1; layer <= network.depth() && piece.advance(layer); ++layer) {
    if (std::isfinite(log_volume)) log_volume += orthonormalise(piece.tangents(), piece.width());
    result.log_volume.push_back(log_volume);
    ++result.finite_layers;
  }
  return result;
}

std::vector<double> perpendicular_tangents(StreamKey key, std::span<const double> point, int k) {
  const std::size_t dimension = point.size();
  if (k < 1 || static_cast<std::size_t>(k) >= dimension) {
    throw std::invalid_argument(std::to_string(k) + " directions perpendicular to a point in " +
                                std::to_string(dimension) + " dimensions, choose 1 to " +
                                std::to_string(static_cast<long>(dimension) - 1));
  }
  std::vector<double> rows(point.begin(), point.end());
  std::vector<float> normals(dimension);
  const RandomStream stream(key, Purpose::perturbation, 0);
  for (int row = 0; row < k; ++row) {
    stream.normals(static_cast<std::uint32_t>(row), 0, normals);
    rows.insert(rows.end(), normals.begin(), normals.end());
  }
  if (std::isinf(orthonormalise(rows, dimension))) {
    throw std::invalid_argument("the point is zero (nothing is perpendicular to it), choose another");
  }
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(dimension));
  return rows;
}

}  // namespace meander
