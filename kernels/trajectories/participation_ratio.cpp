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

/// A spread below this share of the numbers themselves is their rounding: one of 1e-13 has still three digits.
constexpr double rounding = 1e-13;

double largest_of(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double x : values) largest = std::max(largest, std::abs(x));
  return largest;
}

/// Row-major (rows, columns) made to have mean zero in every column and entries of at most 1, which changes no ratio.
/// False where nothing but rounding is left. The first row is subtracted first: then what stands still is exactly zero,
/// and no mean's rounding.
bool centre(std::vector<double>& cloud, std::size_t rows, std::size_t columns) {
  const double size = largest_of(cloud);
  if (!(size > 0.0)) return false;
  // A power of two, which rounds nothing, so that differences of the largest numbers are numbers.
  int exponent = 0;
  std::frexp(size, &exponent);
  if (exponent > 1000) {
    for (double& x : cloud) x = std::ldexp(x, -exponent);
  }
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = 0; j < columns; ++j) cloud[i * columns + j] -= cloud[j];
  }
  std::vector<double> mean(columns, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) mean[j] += cloud[i * columns + j] / static_cast<double>(rows);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) cloud[i * columns + j] -= mean[j];
  }
  const double spread = largest_of(cloud);
  if (!(spread > rounding * (exponent > 1000 ? std::ldexp(size, -exponent) : size))) return false;
  for (double& x : cloud) x /= spread;
  return true;
}

double ratio_of(std::vector<double> cloud, std::size_t rows, std::size_t columns) {
  if (!centre(cloud, rows, columns)) return std::numeric_limits<double>::quiet_NaN();
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
  return trace * trace / squares;
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

double participation_ratio_bytes(const Network& network, long samples) {
  const ForwardCost pass = forward_cost(network);
  const auto points = static_cast<double>(samples);
  const double side = std::min(points, pass.widest);
  // The batch and its image, three copies of the latter (as handed over, centred, turned), the Gram matrix.
  return 8.0 * (pass.largest + pass.patches + points * (4.0 * pass.widest + pass.remembered) + side * side);
}

}  // namespace meander
