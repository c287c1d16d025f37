// What mean-field theory says of a decision boundary's normal and curvature in every layer.
#pragma once

#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// Index 0 is the input, index l layer l.
struct BoundaryTheory {
  /// Layers before the first whose q is beyond the range of numbers, or undefined. Where it is not all of them, nothing
  /// is known of any.
  int finite_layers = 0;
  /// False where an average that is defined was not found: what needs it is NaN.
  bool converged = true;
  std::vector<double> gradient_norm;  // for |beta| = 1
  std::vector<double> curvature_rms;  // root mean square over the N - 1 principal curvatures; NaN where N = 1
};

/// At infinite width, for an input of mean square q0 and weights of any law. With q^l the length of layer l, averages
/// over h ~ N(0, q^l), and W independent of what lies above it,
///   |grad^l|^2 = E phi'^2 |r|^2,  |r|^2 = |beta|^2 in the last layer and sigma_w^2 |grad^(l+1)|^2 before it;
///   K^l = tr H^2 / |grad^l|^2 = chi_1 K^(l+1) + E phi''^2 / E phi'^2  (the second term alone in the last layer),
/// because tr (S W' H W S)^2 = (sigma_w^2 E phi'^2)^2 tr H^2 up to terms of relative order 1/N, and the diagonal
/// phi''(h) r that a layer adds is independent of it. At the input |grad|^2 = sigma_w^2 |grad^1|^2 and
/// K^0 = sigma_w^2 K^1. The mean square of a principal curvature is K / (N - 1): the normal takes part in H only to
/// order 1/N. So in the chaotic phase curvature grows by sqrt(chi_1) with every layer towards the input, in the ordered
/// one K levels off at (chi_2 / chi_1) / (1 - chi_1). (Not in Poole et al.; derived here, tested by simulation.)
BoundaryTheory boundary_theory(const Activation& activation, int input_dimension, const std::vector<int>& widths,
                               double sigma_w, double sigma_b, double q0);

}  // namespace meander
