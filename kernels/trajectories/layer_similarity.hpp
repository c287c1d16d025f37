// How alike the points of a curve's image are in one layer: their similarity against the distance between
// them, and the principal components of their cloud.
#pragma once

#include <vector>

namespace meander {

/// Principal components of the points h(t_i) of a layer about their mean.
struct PrincipalComponents {
  /// Singular values over their sum, descending; min(samples, width) of them. Those that rounding of the points (in
  /// Real) could have made are zero, and so are their coordinates; NaN where nothing else is left.
  std::vector<double> singular_value_fraction;
  /// Coordinates of the samples along the first components, row-major (components, samples); each
  /// component's sign makes its largest coordinate positive. Missing components are zero.
  std::vector<double> coordinates;
};

/// q(k) / q(0) with q(k) = mean over i of h_i.h_(i+k), indices modulo the number of points, k = 0..points / 2; no mean
/// is removed (Poole et al. 2016, section 3). From the neurons' power spectra (Wiener-Khinchin). Each point has
/// `width` components.
template <class Real>
std::vector<double> autocorrelation(const std::vector<const Real*>& points, int width);

/// Principal components of the points about their mean, by singular value decomposition.
template <class Real>
PrincipalComponents principal_components(const std::vector<const Real*>& points, int width, int components);

}  // namespace meander
