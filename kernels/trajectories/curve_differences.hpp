// A curve's image where layers contract it to a spot: what tells its points apart is carried, not the points.
#pragma once

#include "kernels/networks/activation.hpp"
#include "kernels/trajectories/curve_outputs.hpp"

namespace meander {

/// phi(a + d) - phi(a) for any d, right to rounding of itself: piece by piece where phi is linear, and else, where the
/// difference of the values would be rounding of them, by integrating phi' (Gauss and Legendre, eight points).
class ActivationDifference {
 public:
  /// `phi` has to outlive this.
  explicit ActivationDifference(const Activation& phi) : phi_(phi), pieces_(phi.pieces()) {}
  double operator()(double a, double d) const;

 private:
  double along_pieces(double a, double d) const;
  double integral(double a, double d) const;

  const Activation& phi_;
  const LinearPieces* pieces_;
};

/// curve_outputs of h^D(t) - h^D(t_0), t_0 the first sample's parameter, and the same lengths, from differences to the
/// first sample in every layer: d^l = W^l (phi(h_0 + d) - phi(h_0)). Each is right to rounding of itself, however small
/// beside h_0, whose own rounding is another bias. Twice the memory of a block more than curve_outputs.
CurveOutputs curve_differences(const Network& network, const Curve& curve, long samples);

}  // namespace meander
