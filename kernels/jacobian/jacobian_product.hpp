// The input-output Jacobian J = prod_l D^l W^l of a network at one input, and all its singular values.
#pragma once

#include "kernels/jacobian/ranked_product.hpp"
#include "kernels/networks/network.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace meander {

/// `full` for laws with a density; rademacher and sparse weights may be singular.
WeightRank weight_rank(const WeightLaw& law);

struct JacobianSpectrum {
  /// Descending, (fan_in(1)) for square layers: exact zeros beyond the rank, subnormal or 0 below a double's range,
  /// infinity above it.
  std::vector<double> values;
  /// Their natural logarithms, whatever the range; -infinity for exact zeros.
  std::vector<double> log;
  /// The rank of the product of the matrices as they were drawn, which rounding does not touch.
  std::int64_t rank = 0;
  /// Values that are known; those from there to the rank are not zero and were lost in rounding: NaN. Fewer than the
  /// rank only under WeightRank::exact.
  std::int64_t resolved = 0;
  /// False where Jacobi rotations ran into their bound.
  bool converged = true;
  /// Mean of phi'(h^l)^2 over the layer's neurons: for 0/1 gates the realised fraction that is open.
  std::vector<double> slope_square;
  /// The layers before h overflowed; nothing else is filled in where that is not all.
  int finite_layers = 0;
};

/// All singular values of J at x^0 (fan_in(1)), J = D^L W^L ... D^1 W^1, D^l = diag(phi'(h^l)) (Pennington et al.
/// 2017, equation 2). Layers are multiplied one by one into a graded product, so that small singular values are as
/// right as large ones; slopes below a double's range count with their logarithms (scaled_slope). What that cannot
/// resolve is computed in extended precision, where it takes no longer than some seconds (wide_singular_values). Takes
/// 8 bytes times jacobian_copies(rank) times the square of the largest width.
JacobianSpectrum jacobian_spectrum(const Network& network, std::span<const double> input,
                                   WeightRank rank = WeightRank::exact);

/// Matrices of the largest width that jacobian_spectrum holds at once.
constexpr double jacobian_copies(WeightRank rank) {
  return rank == WeightRank::exact ? 20.0 : 9.0;
}
/// Seconds that it takes for square layers on a core that multiply-adds 25e9 numbers a second (3 GHz, AVX2): measured
/// to a factor of 1.6 for layers that pass everything on, N = 256 to 2048 (bench_extremes_costs); closed rows save
/// time.
double jacobian_spectrum_seconds(int n, int depth, WeightRank rank);

}  // namespace meander
