#include "kernels/trajectories/participation_ratio.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>

#include "kernels/base/blas.hpp"
#include "kernels/networks/forward.hpp"

namespace meander {
namespace {

/// Row-major (rows, columns) made to have mean zero in every column and entries of at most 1, which changes no ratio.
/// The first row is subtracted first: then what stands still is exactly zero, and no mean's rounding.
void centre(std::vector<double>& cloud, std::size_t rows, std::size_t columns) {
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = 0; j < columns; ++j) cloud[i * columns + j] -= cloud[j];
  }
  std::vector<double> mean(columns, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) mean[j] += cloud[i * columns + j] / static_cast<double>(rows);
  }
  double largest = 0.0;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      cloud[i * columns + j] -= mean[j];
      largest = std::max(largest, std::abs(cloud[i * columns + j]));
    }
  }
  if (!(largest > 0.0)) return;
  for (double& x : cloud) x /= largest;
}

double ratio_of(std::vector<double> cloud, std::size_t rows, std::size_t columns) {
  centre(cloud, rows, columns);
  const std::size_t side = std::min(rows, columns);
  std::vector<double> gram(side * side);
  const int m = static_cast<int>(rows), n = static_cast<int>(columns);
  if (rows <= columns) {
    multiply_transposed(m, m, n, cloud.data(), n, cloud.data(), n, gram.data(), m);
  } else {
    std::vector<double> turned(cloud.size());
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) turned[j * rows + i] = cloud[i * columns + j];
    }
    multiply_transposed(n, n, m, turned.data(), m, turned.data(), m, gram.data(), n);
  }
  double trace = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < side; ++i) trace += gram[i * side + i];
  for (const double entry : gram) squares += entry * entry;
  return squares > 0.0 ? trace * trace / squares : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

ParticipationRatio participation_ratio(const Network& network, const Curve& curve, long samples) {
  if (samples < 2) {
    throw std::invalid_argument(std::to_string(samples) + " samples of a curve (a spread needs two), take more");
  }
  if (curve.dimension() != network.input_dimension()) {
    throw std::invalid_argument("a curve in " + std::to_string(curve.dimension()) + " dimensions (the network has " +
                                std::to_string(network.input_dimension()) + " inputs), give one of that dimension");
  }
  use_one_blas_thread();
  const auto rows = static_cast<std::size_t>(samples);
  const auto inputs = static_cast<std::size_t>(curve.dimension());
  std::vector<double> points(rows * inputs);
  for (long i = 0; i < samples; ++i) {
    curve.point(curve.parameter(i, samples), std::span(points).subspan(static_cast<std::size_t>(i) * inputs, inputs));
  }
  ParticipationRatio result;
  forward(network, std::span<const double>(points),
          [&](const LayerImage<double>& image) {
            if (!std::all_of(image.x.begin(), image.x.end(), [](double x) { return std::isfinite(x); })) return false;
            result.ratio.push_back(ratio_of({image.x.begin(), image.x.end()}, rows, image.x.size() / rows));
            ++result.finite_layers;
            return true;
          },
          {.pre_activations = false});
  return result;
}

double participation_ratio_bytes(int input_dimension, const std::vector<int>& widths, long samples) {
  double widest = input_dimension, weights = 0.0, inputs = input_dimension;
  for (const double width : widths) {
    widest = std::max(widest, width);
    weights = std::max(weights, inputs * width);
    inputs = width;
  }
  const double side = std::min(static_cast<double>(samples), widest);
  // The batch and its image, two copies of the latter to centre and turn, the Gram matrix.
  return 8.0 * (weights + 5.0 * static_cast<double>(samples) * widest + side * side);
}

}  // namespace meander
