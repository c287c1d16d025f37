// Survival probabilities of the walk's distance from its start.
#include "kernels/linear_regions/cube_walk.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace meander {

std::vector<double> expected_corners(int s, std::span<const std::int64_t> steps) {
  if (s < 1) {
    throw std::invalid_argument("a cube of dimension " + std::to_string(s) + " (it has no edges), choose at least 1");
  }
  std::vector<std::size_t> order(steps.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return steps[a] < steps[b]; });
  if (!order.empty() && steps[order.front()] < 0) {
    throw std::invalid_argument("a walk of " + std::to_string(steps[order.front()]) +
                                " steps (it cannot be negative), choose at least 0");
  }
  const auto size = static_cast<std::size_t>(s);
  // before[w]: probability of distance w without a return so far; the first step leads to distance 1.
  std::vector<double> before(size + 2, 0.0), after(size + 2, 0.0), out(steps.size());
  before[1] = 1.0;
  double survival = 1.0;
  double sum = 1.0, carry = 0.0;  // Neumaier's compensated sum
  std::int64_t n = 0;
  for (const std::size_t index : order) {
    for (; n < steps[index] && survival > 0.0; ++n) {
      if (n > 0) {
        survival = 0.0;
        for (std::size_t w = 1; w <= size; ++w) {
          after[w] = (before[w - 1] * static_cast<double>(size - w + 1) + before[w + 1] * static_cast<double>(w + 1)) /
                     static_cast<double>(size);
          survival += after[w];
        }
        after.swap(before);
      }
      const double next = sum + survival;
      carry += (sum - next) + survival;
      sum = next;
    }
    out[index] = sum + carry;
  }
  return out;
}

double sauer_shelah_bound(int s, int vc_dimension) {
  double term = 1.0, sum = 1.0;
  for (int i = 1; i <= std::min(s, vc_dimension); ++i) {
    term = term * (s - i + 1) / i;
    sum += term;
  }
  return sum;
}

int vc_dimension_bound(int s, std::int64_t flips) {
  if (flips == 0) return 0;
  int dimension = 1;
  for (int d = 2; d <= s; ++d) {
    if (std::ldexp(1.0, d) <= d * static_cast<double>(flips)) dimension = d;
  }
  return dimension;
}

}  // namespace meander
