// A curve's image under a matrix, and the length of a polygon through its points.
#include "kernels/curve_image.hpp"

#include "kernels/blas.hpp"
#include "kernels/row_arithmetic.hpp"

#include <array>
#include <cmath>
#include <utility>

namespace meander {

namespace {

double norm(const std::vector<double>& x) {
  const std::vector<double> zero(x.size(), 0.0);
  return distance(x.data(), zero.data(), static_cast<long>(x.size()));
}

/// The same curve about the origin in two dimensions: all distances between its points are kept.
Curve planar_image(const Curve& curve) {
  Curve image = curve;
  const double norm_u = norm(curve.u);
  image.center = {0.0, 0.0};
  image.u = {norm_u, 0.0};
  if (curve.v.empty()) return image;
  double along = 0.0;
  std::vector<double> across = curve.v;
  if (norm_u > 0.0) {
    std::vector<double> direction = curve.u;
    for (double& component : direction) component /= norm_u;
    along = dot(direction.data(), curve.v.data(), static_cast<long>(direction.size()));
    for (std::size_t j = 0; j < across.size(); ++j) across[j] -= along * direction[j];
  }
  image.v = {along, norm(across)};
  return image;
}

}  // namespace

Curve first_layer_image(const Network& network, const Curve& curve) {
  const int width = network.width(1);
  const int inputs = network.input_dimension();
  std::vector<double> weight(static_cast<std::size_t>(width) * static_cast<std::size_t>(inputs));
  network.weight(1, std::span<double>(weight));
  Curve image = curve;
  for (std::vector<double>* part : {&image.center, &image.u, &image.v}) {
    if (part->empty()) continue;
    std::vector<double> product(static_cast<std::size_t>(width));
    multiply_transposed(1, width, inputs, part->data(), inputs, weight.data(), inputs, product.data(), width);
    *part = std::move(product);
  }
  return image;
}

double polygon_length(const Curve& curve, long samples, long step) {
  const Curve planar = planar_image(curve);
  const auto point = [&](long i) {
    std::array<double, 2> x{};
    planar.point(planar.parameter(i, samples), x);
    return x;
  };
  CompensatedSum length;
  std::array<double, 2> previous = point(0);
  const auto go_to = [&](const std::array<double, 2>& next) {
    length.add(std::hypot(next[0] - previous[0], next[1] - previous[1]));
    previous = next;
  };
  for (long i = step; i < samples; i += step) go_to(point(i));
  if (curve.closed()) {
    go_to(point(0));
  } else if ((samples - 1) % step != 0) {
    go_to(point(samples - 1));
  }
  return length.value();
}

}  // namespace meander
