// Gauss-Legendre nodes by Newton's method on the three-term recurrence.
#include "kernels/base/quadrature.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace meander {

QuadratureRule gauss_legendre(int n) {
  const auto size = static_cast<std::size_t>(n);
  QuadratureRule rule{std::vector<double>(size), std::vector<double>(size)};
  for (int i = 0; i < (n + 1) / 2; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5));
    double slope = 1.0;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double previous = 1.0;
      double current = x;
      for (int k = 2; k <= n; ++k) {
        const double next = ((2.0 * k - 1.0) * x * current - (k - 1.0) * previous) / k;
        previous = current;
        current = next;
      }
      slope = n * (previous - x * current) / ((1.0 - x) * (1.0 + x));
      const double step = current / slope;
      x -= step;
      if (std::abs(step) < 1e-15) break;
    }
    const double weight = 2.0 / ((1.0 - x) * (1.0 + x) * slope * slope);
    const auto low = static_cast<std::size_t>(i);
    const std::size_t high = size - 1 - low;
    rule.nodes[low] = -x;
    rule.nodes[high] = x;
    rule.weights[low] = weight;
    rule.weights[high] = weight;
  }
  return rule;
}

}  // namespace meander
