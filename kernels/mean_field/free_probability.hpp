// Spectra of products of free random matrices: the eigenvalues lambda of JJ' for J = prod_l D^l W^l at infinite
// width, from the S-transforms of its factors (Pennington, Schoenholz, Ganguli 2017, 2018).
#pragma once

#include "kernels/gaussian_averages/slope_law.hpp"

#include <complex>
#include <memory>
#include <vector>

namespace meander {

/// The weights' law, as far as free probability tells laws apart: S_WW' = 1 / (sigma_w^2 (1 + z)) or 1 / sigma_w^2.
enum class WeightEnsemble { gaussian, orthogonal };

/// What the spectrum tends to as depth grows and the variance sigma_0^2 of lambda / mean stays: S = exp(-sigma_0^2 z)
/// for smooth activations, exp(-sigma_0^2 z / (1 + z)) for gates that are 0 or 1 (Pennington et al. 2018, section 4).
enum class UniversalClass { smooth, bernoulli };

/// The law of lambda. With m = M(lambda) = lambda G(lambda) - 1 and M_l the transform of layer l's slopes, scaled to
/// mean 1, S-transforms that multiply say that
///
///     ln(lambda / mean) = ln((1 + m) / m) + sum_l [ g ln(1 + m) + ln y_l + ln(m / (1 + m)) ],   M_l(y_l) = m,
///
/// g = 1 for Gaussian and 0 for orthogonal weights. For lambda in the upper half-plane there is one solution with m in
/// the lower and every y_l in the upper half-plane (the y_l are reciprocals of Biane's subordination functions, 1998).
/// It is known far away, m = 1 / lambda, and followed down to the real axis by Newton's method in steps small enough
/// that no iterate leaves the half-planes; the logarithms' imaginary parts must add up to arg lambda without a
/// multiple of 2 pi, which no other branch does.
class FreeSpectrum {
 public:
  struct Layer {
    std::shared_ptr<const SlopeLaw> slopes;
    int count = 1;  // layers alike
  };

  /// Layers of one sigma_w. Throws std::invalid_argument where there is none, or where a law has mean 0.
  FreeSpectrum(WeightEnsemble ensemble, double sigma_w, std::vector<Layer> layers);
  /// The universal limit of the given mean and variance of lambda / mean.
  FreeSpectrum(UniversalClass universal, double variance, double mean);

  double mean() const;
  double log_mean() const { return log_mean_; }
  /// Of lambda / mean: sum_l (mu_2 / mu_1^2 - 1), plus the depth for Gaussian weights, mu_k = E phi'^(2k).
  double variance() const { return variance_; }
  /// The upper end of the support, the largest atom included; infinity where slopes are unbounded.
  double lambda_max() const;
  /// The weight at lambda = 0: the largest of the layers'.
  double zero_weight() const;
  /// The atoms above 0, with orthogonal weights only. From two layers on there is at most one: the product of one
  /// slope of each layer, of weight 1 - sum_l (1 - w_l) if that is positive.
  std::vector<SlopeLaw::Atom> atoms() const;
  /// The density without atoms at lambda > 0; NaN where the solution was not found.
  double density(double lambda) const;
  /// P(eigenvalue > lambda), atoms included, lambda >= 0; NaN where the solution was not found.
  double mass_above(double lambda) const;

 private:
  using Complex = std::complex<double>;
  struct Solution {
    Complex m;
    std::vector<Complex> y;
  };
  struct Residual;

  bool is_single_orthogonal_layer() const;
  bool solve(double scaled, Solution& solution) const;
  bool newton(Complex target, Solution& solution) const;
  bool descend(double scaled, Solution& solution) const;
  double slope_of_log(double m, double& log_lambda) const;

  WeightEnsemble ensemble_ = WeightEnsemble::orthogonal;
  std::vector<Layer> layers_;
  bool is_limit_ = false;
  UniversalClass universal_ = UniversalClass::smooth;
  double log_mean_ = 0.0;
  double variance_ = 0.0;
  // ln(lambda / mean) = plus_ ln(1 + m) + power_ ln m + sum_l count_l ln y_l (+ the limit's term)
  double plus_ = 1.0;
  double power_ = -1.0;
};

/// Lower and upper end of a universal limit's support at mean 1, atoms included (0 < variance). For `bernoulli` the
/// upper end is an atom of weight 1 - variance where variance < 1, and the lower end, apart from the atom at 0, is 0.
struct UniversalEdges {
  double lower = 0.0;
  double upper = 0.0;
  double weight_at_upper = 0.0;
};
UniversalEdges universal_edges(UniversalClass universal, double variance);

/// The layers of a mean-field network: q^1 = sigma_w^2 q0 + sigma_b^2, q^(l+1) = V(q^l), with layers of (nearly) one q
/// put together. Empty where a q is not finite or a layer's slopes are all zero.
std::vector<FreeSpectrum::Layer> mean_field_layers(const Activation& activation, double sigma_w, double sigma_b,
                                                   double q0, int depth);

}  // namespace meander
