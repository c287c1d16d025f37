// A curve's image under a matrix, and the length of a polygon through its points.
#include "kernels/curves/curve_image.hpp"

#include "kernels/base/blas.hpp"

#include <cmath>
#include <span>
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

double distance_between(const std::array<double, 2>& a, const std::array<double, 2>& b) {
  return std::hypot(b[0] - a[0], b[1] - a[1]);
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

SampledPolygon::SampledPolygon(const Curve& curve, long samples)
    : curve_(curve), samples_(samples), planar_(planar_image(curve)) {}

void SampledPolygon::take(Curve::Coefficients at) {
  Point next{};
  planar_.point(at, std::span<double>(next));
  if (taken_ == 0) first_ = last_ = last_even_ = next;
  all_.add(distance_between(last_, next));
  if (taken_ % 2 == 0) {
    half_.add(distance_between(last_even_, next));
    last_even_ = next;
  }
  last_ = next;
  ++taken_;
}

void SampledPolygon::finish() {
  while (taken_ < samples_) take(curve_.coefficients(curve_.parameter(taken_, samples_)));
  const Point& end = curve_.closed() ? first_ : last_;
  all_.add(distance_between(last_, end));
  half_.add(distance_between(last_even_, end));
}

}  // namespace meander
