// The phase diagram of one activation, thousands of points a millisecond: Gaussian averages are interpolated in ln q,
// correlations summed as power series.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kernels/gaussian_averages/gaussian_moments.hpp"
#include "kernels/mean_field/mean_field.hpp"
#include "kernels/networks/activation.hpp"

namespace meander {

/// Mean-field theory of one activation, for many (sigma_w, sigma_b).
///
/// E f(h), h ~ N(0, q), is analytic in q wherever Re q > 0, whatever f: in ln q its nearest singularities are pi / 2
/// away. So 16 Chebyshev nodes an octave of q interpolate every average to rounding, kinks or not. Octaves are
/// computed when they are first needed, each held against quadrature between its nodes; where it misses, quadrature
/// is used there. A result depends on the arguments alone, never on what was asked before.
///
/// Not for several threads at once: the octaves are kept.
class MeanFieldTable {
 public:
  explicit MeanFieldTable(const Activation& activation);
  ~MeanFieldTable();
  MeanFieldTable(MeanFieldTable&&) noexcept;
  MeanFieldTable& operator=(MeanFieldTable&&) noexcept;

  const Activation& activation() const { return activation_; }

  /// As the functions of the same names (gaussian_moments.hpp, mean_field.hpp), to 1e-12; moments
  /// also at q = infinity, where those without a limit are NaN.
  GaussianMoments gaussian_moments(double q) const;
  PhasePoint phase_point(const MeanFieldParameters& parameters) const;
  double sigma_w_critical(const MeanFieldParameters& parameters) const;
  std::vector<LengthFixedPoint> length_fixed_points(const MeanFieldParameters& parameters) const;

  /// The edges of the basin of `q_star`, an attractor of these parameters.
  Basin length_basin(const MeanFieldParameters& parameters, double q_star) const;

  /// Layers from q0 until |q - q_star| <= deviation q_star for the first time. Nothing where q_star is not a positive
  /// number, and where `most` layers do not do.
  std::optional<int> layers_to(const MeanFieldParameters& parameters, double q_star, double deviation,
                               int most = 10000) const;

 private:
  struct Octave;
  struct Series;

  Octave& octave(int exponent) const;
  /// sum over n > k of f_n(q)^2 for k < count (a multiple of 16), until the next call.
  std::span<const double> tails(double q, double phi2, std::size_t count) const;
  const Series& series(int exponent, std::size_t count) const;
  double attractor(const MeanFieldParameters& parameters) const;
  bool has_one_fixed_point() const;

  Activation activation_;
  bool is_homogeneous_;
  bool is_odd_;
  mutable std::map<int, std::unique_ptr<Octave>> octaves_;
  mutable std::vector<double> scratch_;
  mutable std::optional<bool> one_fixed_point_;
  mutable std::optional<GaussianMoments> at_zero_, at_infinity_;
};

}  // namespace meander
