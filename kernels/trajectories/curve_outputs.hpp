// A network's outputs along a curve, all samples at once, and how well a linear readout of them gives sines and cosines
// (Poole et al. 2016, figure 5).
#pragma once

#include <limits>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

struct CurveOutputs {
  /// Pre-activations of the last layer, (N_D, samples), row-major: one row an output.
  std::vector<double> outputs;
  /// Length of the image x^l as a polygon through the samples, for the hidden layers l = 1 .. D - 1.
  std::vector<double> length;
  /// Size of a hidden layer's values over that of their differences to the first sample's, the largest of all layers (1
  /// where there is none, infinity where a layer does not move but for rounding): so many times a double's rounding of
  /// the values is what the differences between outputs are right to.
  double contraction = 1.0;
  /// Size of the differences where it is least, of the layers that move at all; infinity where there is none.
  double least_difference = std::numeric_limits<double>::infinity();
  /// The centred outputs have no more directions than this: one of a line and two of a circle as long as layers are
  /// linear, and then the neurons of the last hidden layer that are not constant along the curve.
  int rank_bound = 0;
};

/// h^D at samples 0 .. samples - 1 of the curve (Curve::parameter); in blocks of samples, so that no more than
/// `curve_outputs_bytes` are held. Values may overflow to infinity and NaN, in activations without bound.
CurveOutputs curve_outputs(const Network& network, const Curve& curve, long samples);

/// Peak memory of `curve_outputs`, its result included.
double curve_outputs_bytes(int input_dimension, const std::vector<int>& widths, long samples);

/// What a linear readout with an intercept can make of sines and cosines of the curve's parameter.
struct FourierRegression {
  /// 1 - cos(angle) between a centred basis function and its least-squares fit, that is 1 - sqrt(R^2), of sin(w t) and
  /// cos(w t) in turn: (frequencies, 2), row-major, w = 1 .. frequencies.
  std::vector<double> error;
  /// Singular values of the centred outputs above the tolerance; the others are taken for rounding or noise, and no
  /// readout uses them.
  int rank = 0;
  /// Largest over smallest of those kept; 1 where the rank is 0.
  double condition = 1.0;
};

/// What keeps a direction of the outputs from a regression, besides the rounding of the regression itself.
struct RegressionLimits {
  /// Smallest singular value over the largest.
  double tolerance = 0.0;
  /// CurveOutputs::rank_bound; negative: none is known.
  int rank_bound = -1;
  /// Relative error of the differences between outputs, before they were centred.
  double rounding = 0.0;
};

/// Regression of the functions on `outputs` (count rows of `samples` values, taken at parameters t): a QR
/// factorisation, the singular values of R (rank-revealing), and the orthogonal projection of every function on the
/// left singular vectors of values above the limits (at least samples times epsilon times the largest: below that they
/// are rounding). The outputs are destroyed. Throws std::invalid_argument unless samples > count + 1,
/// std::domain_error where an output is not finite, std::runtime_error where LAPACK fails.
FourierRegression fourier_regression(std::vector<double> outputs, int count, const std::vector<double>& t,
                                     int frequencies, const RegressionLimits& limits = {});

}  // namespace meander
