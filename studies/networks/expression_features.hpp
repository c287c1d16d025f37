// Where a formula is not smooth, and where it changes on a fine scale: proved on its tree, not seen on a grid.
#pragma once

#include <optional>
#include <vector>

#include "kernels/networks/activation.hpp"
#include "studies/networks/expression_tree.hpp"

namespace meander {

struct ExpressionFeatures {
  Activation::Features features;
  /// Those of the breaks at which phi or phi' jumps.
  std::vector<double> kinks;
  /// A place where phi, phi' or phi'' is infinite, and which of them (0, 1, 2).
  struct Pole {
    double place = 0.0;
    int derivative = 0;
  };
  std::optional<Pole> pole;
};

/// Interval arithmetic on the tree: the formula's Taylor coefficients over whole boxes of the x axis are bounded
/// (Moore, Methods and Applications of Interval Analysis). A box is done where the tenth shows that phi is analytic on
/// the scale of the box, and is halved where not; boxes that stay down to the rounding of x hold a break. The axis is
/// taken in from zero outwards, until the work allowed is spent: `reach` is zero where it was spent at once.
ExpressionFeatures features_of(const ExpressionTree& tree);

}  // namespace meander
