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

/// What is left of a vector of which less than this share is new is rounding, where its entries are rounded alike.
constexpr double rounding = 1e-13;
/// More than numbers of any size can be apart.
constexpr int most_passes = 40;
constexpr double none = -std::numeric_limits<double>::infinity();

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void subtract(std::span<double> from, double factor, std::span<const double> what) {
  for (std::size_t i = 0; i < from.size(); ++i) from[i] -= factor * what[i];
}

struct Spanned {
  /// ln of the volume; -infinity where a row is exactly dependent on others.
  double log_volume = 0.0;
  /// The least share of a row that was perpendicular to those before it.
  double independence = 1.0;
};

/// Rows of `width` numbers, made orthonormal one after another, and what they spanned; rows of no meaning where that
/// was nothing. Gram-Schmidt, each row until a pass leaves it as it is: two passes mostly, and one more for every
/// sixteen orders of magnitude that columns are apart.
Spanned orthonormalise(std::span<double> rows, std::size_t width) {
  Spanned spanned;
  if (rows.size() > width * width) return {none, 0.0};
  for (std::size_t begin = 0; begin < rows.size(); begin += width) {
    const auto row = rows.subspan(begin, width);
    double largest = 0.0;
    for (const double x : row) largest = std::max(largest, std::abs(x));
    if (!(largest > 0.0)) return {none, 0.0};
    for (double& x : row) x /= largest;  // squares neither over- nor underflow
    const double before = std::sqrt(dot(row, row));
    double length = before, last = 0.0;
    double scale = 1.0;  // that was taken out on the way
    for (int pass = 0; pass < 2 || length < 0.5 * last; ++pass) {
      if (pass == most_passes || length == 0.0) return {none, 0.0};
      if (length < 0x1p-300) {
        for (double& x : row) x *= 0x1p300;
        length *= 0x1p300;
        scale *= 0x1p-300;
        spanned.log_volume -= std::log(0x1p300);
      }
      last = length;
      for (std::size_t other = 0; other < begin; other += width) {
        const auto unit = rows.subspan(other, width);
        subtract(row, dot(row, unit), unit);
      }
      length = std::sqrt(dot(row, row));
    }
    if (!(length > 0.0)) return {none, 0.0};
    for (double& x : row) x /= length;
    spanned.log_volume += std::log(largest) + std::log(length);
    spanned.independence = std::min(spanned.independence, length * scale / before);
  }
  return spanned;
}

/// The point in row 0 and its tangents below, pushed from layer to layer.
class Piece {
 public:
  Piece(const Network& network, std::span<const double> point, std::span<const double> tangents)
      : network_(network), width_(point.size()), rows_(1 + tangents.size() / point.size()) {
    values_.assign(point.begin(), point.end());
    values_.insert(values_.end(), tangents.begin(), tangents.end());
  }

  /// ln of the volume that the tangents span, and orthonormal ones in their place; -infinity where they span none.
  ///
  /// Saturated units shrink single columns by any factor: such tangents look dependent and are not, and Gram-Schmidt
  /// keeps their digits. What tells is how they stood before the slopes, in the units that have one.
  double volume() {
    const auto tangents = std::span<double>(values_).subspan(width_);
    before_.assign(tangents.begin(), tangents.end());
    const Spanned spanned = orthonormalise(tangents, width_);
    if (spanned.independence > rounding || std::isinf(spanned.log_volume)) return spanned.log_volume;
    for (std::size_t i = 0; i < before_.size(); ++i) {
      const double slope = slopes_.empty() ? 1.0 : slopes_[i % width_];
      if (slope != 0.0) before_[i] /= slope;
    }
    return orthonormalise(before_, width_).independence > rounding ? spanned.log_volume : none;
  }

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
    slopes_.resize(width_);
    for (std::size_t i = 0; i < width_; ++i) {
      const double h = values_[i] + bias_[i];
      const double slope = activation.derivative(h);
      values_[i] = activation(h);
      if (!std::isfinite(h) || !std::isfinite(slope) || !std::isfinite(values_[i])) return false;
      slopes_[i] = slope;
      for (std::size_t row = 1; row < rows_; ++row) {
        values_[row * width_ + i] *= slope;
        if (!std::isfinite(values_[row * width_ + i])) return false;
      }
    }
    return true;
  }

  const Network& network_;
  std::size_t width_;
  std::size_t rows_;
  std::vector<double> values_, next_, weight_, bias_;
  std::vector<double> slopes_, before_;
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
  if (std::isinf(piece.volume())) {
    throw std::invalid_argument("tangents are dependent (they span no volume), give independent ones");
  }
  ManifoldVolume result;
  double log_volume = 0.0;
  for (int layer = 1; layer <= network.depth() && piece.advance(layer); ++layer) {
    if (std::isfinite(log_volume)) log_volume += piece.volume();
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
  if (!(orthonormalise(rows, dimension).independence > rounding)) {
    throw std::invalid_argument("the point is zero (nothing is perpendicular to it), choose another");
  }
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(dimension));
  return rows;
}

}  // namespace meander
