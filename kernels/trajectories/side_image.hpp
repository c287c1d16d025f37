// What an activation makes of a short side from h to h + d: phi(h + d) - phi(h) to its last digits.
#pragma once

#include <span>
#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// Made ready for many sides under one activation, which has to outlive it.
class SideImage {
 public:
  explicit SideImage(const Activation& activation);

  /// Linear pieces: the parts of [h, h + d] times their slopes. Others: the integral of phi' over the interval, between
  /// kinks (Gauss-Legendre, two or three nodes), where it agrees with the difference of the values to the rounding of
  /// these; else that difference, which then is the better of the two.
  double operator()(double h, double d) const;
  /// changes[j] <- phi(h[j] + changes[j]) - phi(h[j]), and h[j] <- phi(h[j]); smooth activations a row at a time.
  void apply(std::span<double> h, std::span<double> changes);

 private:
  double of_pieces(const LinearPieces& pieces, double h, double d) const;
  double of_integral(double h, double d) const;

  double chosen(double h, double d, double before, double after, double integral, double slope) const;

  const Activation& activation_;
  std::vector<double> kinks_;
  std::vector<double> after_, integral_, slope_, node_, first_, second_;
};

}  // namespace meander
