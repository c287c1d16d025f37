// The plain twin of the geometry kernel: one sample at a time, straight from the definitions.
#include "kernels/trajectories/manifold_geometry.hpp"

#include "kernels/curves/curve_averages.hpp"
#include "kernels/trajectories/sampled_curve_panels.hpp"

#include <cmath>
#include <cstddef>

namespace meander {

namespace {

using Row = std::vector<double>;

/// Position, velocity and acceleration of one sample.
struct Jet {
  Row h, v, a;
};

double dot(const Row& a, const Row& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Jet input_jet(const Curve& curve, double t) {
  const std::size_t size = curve.u.size();
  Jet jet{curve.center, Row(size, 0.0), Row(size, 0.0)};
  for (std::size_t i = 0; i < size; ++i) {
    if (curve.kind == CurveKind::line) {
      jet.h[i] += t * curve.u[i];
      jet.v[i] = curve.u[i];
    } else {
      jet.h[i] += curve.u[i] * std::cos(t) + curve.v[i] * std::sin(t);
      jet.v[i] = -curve.u[i] * std::sin(t) + curve.v[i] * std::cos(t);
      jet.a[i] = -curve.u[i] * std::cos(t) - curve.v[i] * std::sin(t);
    }
  }
  return jet;
}

Row product(const Row& weight, const Row& x) {
  Row out(weight.size() / x.size(), 0.0);
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) out[i] += weight[i * x.size() + j] * x[j];
  }
  return out;
}

/// x = phi(h), x' = phi' h', x'' = phi'' h'^2 + phi' h''.
Jet activate(const Activation& phi, const Jet& jet) {
  Jet out = jet;
  for (std::size_t i = 0; i < jet.h.size(); ++i) {
    const double first = phi.derivative(jet.h[i]);
    out.h[i] = phi(jet.h[i]);
    out.v[i] = first * jet.v[i];
    out.a[i] = phi.second_derivative(jet.h[i]) * jet.v[i] * jet.v[i] + first * jet.a[i];
  }
  return out;
}

/// Poole et al. 2016, section 4.
double curvature(const Jet& jet) {
  const double vv = dot(jet.v, jet.v);
  const double va = dot(jet.v, jet.a);
  return std::sqrt((vv * dot(jet.a, jet.a) - va * va) / (vv * vv * vv));
}

/// One layer's samples.
void reduce(const std::vector<Jet>& jets, const Curve& curve, const GeometryOptions& options,
            ManifoldGeometry& result) {
  const double neurons = static_cast<double>(jets.front().h.size());
  const CurveAverages averages(curve, options.samples);
  Row q, metric, speed, kappa, turning;
  for (const Jet& jet : jets) {
    q.push_back(dot(jet.h, jet.h) / neurons);
    metric.push_back(dot(jet.v, jet.v) / neurons);
    speed.push_back(std::sqrt(dot(jet.v, jet.v)));
    kappa.push_back(std::sqrt(neurons) * curvature(jet));
    turning.push_back(curvature(jet) * speed.back());
  }
  result.q.push_back(averages.mean(q));
  result.metric.push_back(averages.mean(metric));
  result.metric_sd.push_back(averages.deviation(metric));
  result.length.push_back(averages.integral(speed));
  result.length_half.push_back(averages.integral_half(speed));
  if (options.curvature) {
    result.curvature.push_back(averages.mean(kappa));
    result.curvature_sd.push_back(averages.deviation(kappa));
    result.grassmannian_length.push_back(averages.integral(turning));
    result.grassmannian_length_half.push_back(averages.integral_half(turning));
  }
  if (!options.autocorrelation) return;
  Row& similarity = result.autocorrelation.emplace_back();
  for (std::size_t k = 0; k <= jets.size() / 2; ++k) {
    double sum = 0.0;
    for (std::size_t i = 0; i < jets.size(); ++i) sum += dot(jets[i].h, jets[(i + k) % jets.size()].h);
    similarity.push_back(sum);
  }
  const double none = similarity.front();
  for (double& value : similarity) value /= none;
}

}  // namespace

ManifoldGeometry manifold_geometry_plain(const Network& network, const Curve& curve, const GeometryOptions& options) {
  check_sampled_curve(network, curve, {.samples = options.samples, .precision = options.precision});
  std::vector<Jet> jets;
  for (long i = 0; i < options.samples; ++i) jets.push_back(input_jet(curve, curve.parameter(i, options.samples)));
  ManifoldGeometry result;
  for (int layer = 1; layer <= network.depth(); ++layer) {
    const auto width = static_cast<std::size_t>(network.width(layer));
    Row weight(width * static_cast<std::size_t>(network.fan_in(layer)));
    Row bias(width);
    network.weight(layer, std::span<double>(weight));
    network.bias(layer, bias);
    for (Jet& jet : jets) {
      if (layer > 1) jet = activate(network.activation(layer - 1), jet);
      jet = {product(weight, jet.h), product(weight, jet.v), product(weight, jet.a)};
      for (std::size_t i = 0; i < width; ++i) jet.h[i] += bias[i];
    }
    reduce(jets, curve, options, result);
    result.finite_layers = layer;
  }
  return result;
}

}  // namespace meander
