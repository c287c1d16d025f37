// Dichotomies: the labelings of fixed points that a network reaches while one layer's weights sweep a great
// circle W cos t + W' sin t (Raghu et al. 2017, section 2.2). A label is the sign of the readout.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

/// Points that can be told apart in one labeling of 64 bits.
inline constexpr int most_points = 64;

/// Layer `layer` (from 1) sweeps W cos t + W' sin t, t in [0, 2 pi); its bias stays.
struct WeightSweep {
  int layer = 1;
  std::vector<double> weight;  // W', row-major (width(layer), fan_in(layer))
};

struct DichotomyCounts {
  /// Distinct labelings along the closed sweep, at least 1.
  std::int64_t dichotomies = 0;
  /// Label changes, summed over the points; and those of the point that changes most.
  std::int64_t label_flips = 0;
  std::int64_t most_flips_of_a_point = 0;
  /// Exact counts only: the smallest distance in t between two flips of different points that are not at
  /// the very same parameter (those count as one step). Infinity where there are no two.
  double smallest_gap = std::numeric_limits<double>::infinity();
  /// Sampled counts only: label flips when every second step is used.
  std::int64_t label_flips_half = 0;
  /// False where a value overflowed; the counts then mean nothing.
  bool finite = true;
};

/// For each point the pre-activations of the swept layer: center + u cos t + v sin t with center = b,
/// u = W x, v = W' x, x the point's image after layer - 1 layers. Throws std::invalid_argument for a layer
/// that does not exist, a W' of another shape, or points of another dimension than the input's.
std::vector<Curve> swept_pre_activations(const Network& network, const WeightSweep& sweep,
                                         std::span<const std::vector<double>> points);

/// Distinct labelings and flips when label p changes at the parameters flips[p] (ascending, in [0, 2 pi)),
/// starting from the labels `first` (bit p: point p). Flips at the very same parameter are one step.
DichotomyCounts merge_flips(std::span<const std::vector<double>> flips, std::uint64_t first);

/// Exact counts; the activation must have linear pieces, the readout's first output gives the labels.
/// Throws std::invalid_argument otherwise, or for more than most_points or no points.
DichotomyCounts exact_dichotomies(const Network& network, const WeightSweep& sweep,
                                  std::span<const std::vector<double>> points);

/// Counts between `steps` evenly spaced parameters, the last joined to the first; any activation. Misses
/// pairs of flips between two steps.
DichotomyCounts sampled_dichotomies(const Network& network, const WeightSweep& sweep,
                                    std::span<const std::vector<double>> points, long steps);

/// The plain twin of both: the swept network evaluated point by point, without BLAS.
DichotomyCounts plain_dichotomies(const Network& network, const WeightSweep& sweep,
                                  std::span<const std::vector<double>> points, long steps);

}  // namespace meander
