// Geometry of a curve's image in every layer of a network: metric, extrinsic curvature, lengths,
// autocorrelation and principal components of the pre-activations h^l(t).
#pragma once

#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/trajectories/layer_similarity.hpp"
#include "kernels/trajectories/sampled_curve.hpp"

namespace meander {

struct GeometryOptions {
  /// Points on the curve, both ends of an open one included; at least 2 (line, arc) or 3 (circle).
  long samples = 1000;
  Precision precision = Precision::double_;
  /// Curvature and Grassmannian length, which need phi''.
  bool curvature = true;
  /// Similarity of points at every multiple of the samples' distance, up to half a circle. Circles only.
  bool autocorrelation = false;
  /// Layers whose curve is taken apart into its first `components` principal components; ascending.
  std::vector<int> component_layers = {};
  int components = 3;
};

/// v = dh/dt, a = d^2h/dt^2, N the layer's width (Poole et al. 2016, section 4). Averages along the curve
/// are means over t: over the samples of a circle, by the trapezoid rule on an open curve. Vectors run
/// over layers 1..depth.
struct ManifoldGeometry {
  /// Number of leading layers in which everything is finite; what follows them is meaningless.
  int finite_layers = 0;
  /// Mean of |h|^2 / N.
  std::vector<double> q;
  /// g^E / N = |v|^2 / N: mean over t and standard deviation along the curve.
  std::vector<double> metric, metric_sd;
  /// sqrt(N) kappa, kappa^2 = (|v|^2 |a|^2 - (v.a)^2) / |v|^6: mean and standard deviation along the curve.
  /// NaN where the curve stands still. Empty without `curvature`, as is `grassmannian_length`.
  std::vector<double> curvature, curvature_sd;
  /// Integral of |v| dt, and of kappa |v| dt; and both from every second sample (closed: of an odd number, all
  /// but the last).
  std::vector<double> length, grassmannian_length;
  std::vector<double> length_half, grassmannian_length_half;
  /// q(k dt) / q(0), q(k dt) = mean over t of h(t).h(t + k dt) / N, k = 0..samples / 2; one vector a layer.
  std::vector<std::vector<double>> autocorrelation;
  /// One entry for each of `component_layers`.
  std::vector<PrincipalComponents> components;
};

/// The fused kernel: h, v and a stacked in one matrix, one product a layer and block of samples, v' = phi' v and
/// a' = phi'' v^2 + phi' a (exact forward-mode derivatives) in one pass over its output. Where the activation
/// has kinks, `curvature` means nothing: a jump of phi' is not seen. Throws std::invalid_argument where the
/// curve's dimension is not the network's or samples are too few.
ManifoldGeometry manifold_geometry(const Network& network, const Curve& curve, const GeometryOptions& options);

/// Bytes that `manifold_geometry` holds at most.
double manifold_geometry_bytes(int input_dimension, std::span<const int> widths, const GeometryOptions& options);

/// The plain twin: one sample at a time in double, sums as the definitions have them.
ManifoldGeometry manifold_geometry_plain(const Network& network, const Curve& curve, const GeometryOptions& options);

}  // namespace meander
