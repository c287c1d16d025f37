// How far pre-activations are from Gaussian over weights that are not: what decides where infinite-width theory holds.
#pragma once

#include <span>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

/// How few components carry an input x and a tangent y: sum x_i^4 / (sum x_i^2)^2, sum x_i^2 y_i^2 / (sum x_i^2 sum
/// y_i^2) and sum y_i^4 / (sum y_i^2)^2. Between 1/N and 1, the inverse of the number of components that take part.
/// Without a tangent the last two are 0.
struct Participation {
  double position = 0.0, mixed = 0.0, tangent = 0.0;
};
Participation participation(std::span<const double> x);
/// Root mean squares over 64 points of the curve.
Participation participation(const Curve& curve);
/// Means over points uniform on a sphere (what rescaled Gaussian points are), and tangents perpendicular to them.
Participation random_point_participation(int dimension);
Participation random_curve_participation(int dimension);

/// Mean of |x|^2 / dimension over the same points of the curve.
double mean_square(const Curve& curve);

/// The excess kurtosis of h = sum_j W_ij x_j over the weights of one layer: kappa P of a law with excess kurtosis kappa
/// at participation P, -6 / (max(N_in, N_out) + 2) of a Haar matrix, whatever x is (a component of a random unit
/// vector). Student's t has a kurtosis for more than four degrees of freedom only, and what its tails do to a sum of n
/// terms falls off more slowly than 1/n near there: for up to 30 degrees of freedom it is the kurtosis that would
/// change the density of h at zero as much as 1 / P equal terms do (8 times the relative change, an integral over the
/// law's characteristic function).
class ExcessKurtosis {
 public:
  explicit ExcessKurtosis(const WeightLaw& law);
  double operator()(double participation, int inputs, int outputs) const;
  const WeightLaw& law() const { return law_; }

 private:
  WeightLaw law_;
  std::vector<double> log_characteristic_;  // of Student's t, over a grid
};

/// Relative corrections of what a layer's theory is made of, for a law of weights that is not Gaussian: the first of
/// Edgeworth's series, (kappa_h / 24) E f He_4 / E f for an average of f(h) with kappa_h the excess kurtosis of h, and
/// 35/384 kappa_h^2 for what follows it. Absolute values, so that no cancellation is relied upon, but for Haar
/// matrices: simulations deviate by a half to a tenth of it.
struct GaussianCorrection {
  /// By layer, 1..depth: the largest of those of the density of h at zero (along a curve: of the rate of sign changes),
  /// E phi^2 and E phi'^2 (along a curve: E phi'^2 h'^2). 0 for Gaussian weights; NaN where q is not a number.
  std::vector<double> layers;
  /// The same for the rate of switches: its largest at any of the activation's breakpoints. Empty without pieces.
  std::vector<double> switches;
  /// Layers 1..moments_hold have the pre-activations' second moments that theory says; in layers 1..averages_hold what
  /// is averaged over the pre-activations holds, too.
  int moments_hold = 0, averages_hold = 0;

  /// NaN for what does not hold: values of layers 1..depth that are second moments of pre-activations, averages over
  /// them, or numbers of switches.
  void mask_moments(std::span<double> values) const;
  void mask_averages(std::span<double> values) const;
  void mask_switches(std::span<double> values) const;
  /// Products over layers l..depth, and over l..depth-1, whose last is empty.
  void mask_products(std::span<double> values) const;
  void mask_products_before_last(std::span<double> values) const;
  /// Whether averages hold in the last layer (whatever they do before): limits of deep networks do there.
  bool deep_layers_hold() const;
};

/// Theory is taken to hold while corrections stay below this.
inline constexpr double tolerated_correction = 0.05;

/// The post-activations' own fourth moments give the participation in deeper layers, so corrections fall like 1 /
/// width. Biases are Gaussian and dilute. Second moments of layer 1 hold under every law; a layer whose correction is
/// too large hands wrong averages on to all behind it. `q0` is the mean square of the input's components, `keep` the
/// share of each layer's neurons that dropout leaves.
GaussianCorrection gaussian_correction(const RandomNetwork::Parameters& network, double q0, const Participation& input,
                                       double keep = 1.0);

}  // namespace meander
