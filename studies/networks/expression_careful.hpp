// Where a formula's plain evaluation may be trusted, and its precise one where not.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "studies/networks/expression_tree.hpp"

namespace meander {

/// An open interval of x.
struct ExpressionRange {
  double low = 0.0;
  double high = 0.0;
};

/// For phi, phi' and phi'': where `plain` differs from precise_values by more than rounding, ascending. Rounding is
/// 1e-14 of the largest value that the function takes no farther from zero (an average over a Gaussian of any width
/// weighs nearer values more), and what some units in the last place of x make. Found at about a thousand places over
/// forty octaves on either side, on finer ones in `narrow` stretches too, each standing for what lies up to the next.
std::array<std::vector<ExpressionRange>, 3> doubtful_ranges(const ExpressionTree& tree,
                                                            const std::array<std::function<double(double)>, 3>& plain,
                                                            const std::vector<double>& extra_places,
                                                            const std::vector<double>& breaks);

/// `plain` functions, and the precise ones where those are not finite or lie in their doubtful range. For one thread.
std::array<std::function<double(double)>, 3> careful_functions(
    std::shared_ptr<const ExpressionTree> tree, const std::array<std::function<double(double)>, 3>& plain,
    const std::array<std::vector<ExpressionRange>, 3>& doubtful);

}  // namespace meander
