// The law of a layer's squared slopes phi'(h)^2, h ~ N(0, q): what a layer of gates contributes to the spectrum
// of a Jacobian (Pennington, Schoenholz, Ganguli 2018).
#pragma once

#include "kernels/networks/activation.hpp"

#include <complex>
#include <vector>

namespace meander {

/// The law of t = phi'(h)^2 / mean, h ~ N(0, q), scaled to mean 1. Piecewise-linear activations: atoms in closed
/// form. Others: the trapezoid rule in u, h = min(1, sqrt q) sinh u, whose step is halved until two of them agree
/// to the square root of the accuracy wanted (the rule converges geometrically, so that the finer is then right to
/// it); jumps of a caller's phi' of which
/// nothing is known keep it from that and leave about 1e-5. With breaks or narrow stretches (Activation::features):
/// Gauss-Legendre panels that follow them, halved until two levels agree so.
class SlopeLaw {
 public:
  using Complex = std::complex<double>;
  struct Atom {
    double place = 0.0;
    double weight = 0.0;
  };
  /// M(y) = E t / (y - t), its derivative, and E ln(1 - t / y).
  struct Transform {
    Complex value;
    Complex derivative;
    Complex log;
  };

  /// q >= 0 and finite; q = 0 is the limit q -> 0. Throws std::invalid_argument otherwise.
  SlopeLaw(const Activation& activation, double q);

  /// E phi'^2; the law is undefined where it is 0.
  double mean() const { return mean_; }
  /// E phi'^4 / (E phi'^2)^2 - 1.
  double variance() const { return variance_; }
  /// The largest value of t; infinity where phi' is unbounded.
  double largest() const { return largest_; }
  /// The atoms, ascending; empty for smooth activations.
  const std::vector<Atom>& atoms() const { return atoms_; }
  double weight_at(double place) const;
  double weight_at_zero() const { return weight_at(0.0); }
  double weight_at_largest() const { return atoms_.empty() ? 0.0 : atoms_.back().weight; }

  /// For y off the support; `log` is left out unless asked for.
  Transform transform(Complex y, bool with_log = false) const;
  /// P(t > level), and the density there, for any level > 0; atoms count in the former only.
  double mass_above(double level) const;
  double density(double level) const;

 private:
  struct Crossing {
    double h = 0.0;
    bool rising = false;
  };
  void read_pieces(const LinearPieces& pieces);
  void find_scale();
  void find_largest();
  double slope_squared(double h) const;
  const std::vector<double>& nodes(std::size_t level) const;
  std::vector<double> trapezoid_nodes(std::size_t level) const;
  std::vector<double> panel_nodes(std::size_t level) const;
  /// Places u between which phi'^2 is taken to be monotonic.
  std::vector<double> sample_places() const;
  std::vector<Crossing> crossings(double level) const;
  double grid_point(double u) const;

  Activation activation_;
  double q_ = 0.0;
  double mean_ = 0.0;
  double variance_ = 0.0;
  double largest_ = 0.0;
  std::vector<Atom> atoms_;
  double unit_ = 1.0;       // h = unit_ sinh u
  double u_largest_ = 0.0;  // |u| up to which the Gaussian has weight
  /// Ends of panels in u; empty for the trapezoid rule.
  std::vector<double> panel_ends_;
  /// Per level: values t and weights, alternating; of the trapezoid rule, even nodes of a level are the level before.
  mutable std::vector<std::vector<double>> nodes_;
};

}  // namespace meander
