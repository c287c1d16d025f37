// Quadrature rules on [-1, 1].
#pragma once

#include <vector>

namespace meander {

struct QuadratureRule {
  std::vector<double> nodes;    // ascending, in (-1, 1)
  std::vector<double> weights;  // sum 2
};

/// The n-point Gauss-Legendre rule, exact for polynomials of degree 2 n - 1; n >= 1.
QuadratureRule gauss_legendre(int n);

}  // namespace meander
