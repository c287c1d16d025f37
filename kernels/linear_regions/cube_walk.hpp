// The simple random walk on the cube {0, 1}^s, to which dichotomies are compared (Raghu et al. 2017), and
// what Vapnik-Chervonenkis theory says of the number of labelings.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace meander {

/// Expected number of distinct corners that a simple random walk on the s-cube has visited after T steps,
/// the start included, for each T of `steps`. By reversal in time a step reaches a new corner with the
/// probability that the walk has not returned to its start, so the expectation is sum_{n <= T} S_n with
/// S_n = P(no return within n steps), and S_n follows the distance from the start (s + 1 states, the start
/// absorbing). Nothing is subtracted, so the result is good to rounding. O(s max T). Throws
/// std::invalid_argument for s < 1 or a negative T.
std::vector<double> expected_corners(int s, std::span<const std::int64_t> steps);

/// Sauer-Shelah: a class of VC dimension d has at most sum_{i <= d} C(s, i) labelings of s points.
double sauer_shelah_bound(int s, int vc_dimension);

/// The VC dimension, on the points at hand, of a closed sweep along which no single label flips more than
/// `flips` times: d points of which all 2^d labelings occur need 2^d flips between them, so 2^d <= d flips;
/// at least 1 where a label flips at all, at most s.
int vc_dimension_bound(int s, std::int64_t flips);

}  // namespace meander
