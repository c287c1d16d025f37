// A polynomial activation made for a chosen chi_1: its Hermite coefficients, or why there are none.
#pragma once

#include <vector>

namespace meander {

/// phi = sum_n c_n He_n(x) / sqrt(n!) over `orders`, with the fixed point q* = 1 of the length map.
struct HermiteTarget {
  double chi_1 = 1.0;
  double length_slope = 0.5;  // V'(1) wanted at most; less than 1
  std::vector<int> orders;    // of the terms that may be used; ascending, not negative
  double sigma_w = 1.0;
  double sigma_b = 0.0;
};

struct HermiteDesign {
  /// Whether there are coefficients; if not, why.
  enum class Outcome {
    found,
    no_room,       // sigma_w^2 sum c_n^2 = 1 - sigma_b^2 is not positive
    out_of_reach,  // chi_1 lies outside `lowest_chi_1` .. `highest_chi_1`
    unstable       // even the smallest V'(1) is not below 1
  };
  Outcome outcome = Outcome::found;
  /// c_0 .. c_n, n the largest order of the target; empty unless found.
  std::vector<double> coefficients;
  /// V'(1) of the coefficients; where there are none the smallest that these orders can have at this chi_1, NaN
  /// where chi_1 itself is out of reach.
  double length_slope = 0.0;
  /// 1 - sigma_b^2 times the smallest and the largest order: what chi_1 can be at q* = 1.
  double lowest_chi_1 = 0.0;
  double highest_chi_1 = 0.0;
};

/// The least curved (smallest chi_2 = sigma_w^2 sum n (n-1) c_n^2) of the coefficients with q* = 1, chi_1 and
/// V'(1) <= length_slope; where no slope that small is possible, those with the smallest slope. At q* = 1 (Hermite
/// polynomials are orthonormal, h_n' = sqrt(n) h_(n-1))
///
///     sigma_w^2 sum c_n^2 + sigma_b^2 = 1,   sigma_w^2 sum n c_n^2 = chi_1,
///     V'(1) = chi_1 + sigma_w^2 sum c_n c_(n+2) sqrt((n+1)(n+2)),
///
/// so that a common factor changes nothing (the first two fix chi_1 / (1 - sigma_b^2) as the mean order): what can be
/// chosen is the ratios, and stability wants c_n and c_(n+2) of opposite signs. Little curvature keeps the basin
/// wide, which ends somewhere for every polynomial of degree above 1: a network whose q wanders out of it blows up.
/// The first even and the first odd coefficient that is not zero are positive.
/// A reinterpretation of the Hermite activation of Zhang et al. 2019, whose formulas are not public.
HermiteDesign design_hermite(const HermiteTarget& target);

}  // namespace meander
