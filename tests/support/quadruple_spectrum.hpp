// The plain twin of small singular values: a product of layers in quadruple precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace meander {

__extension__ using Quad = __float128;

/// One layer: weights, row-major, and the slopes at the point that arrives there.
struct PlainLayer {
  std::vector<double> weight;
  std::vector<double> slope;
};

inline Quad root(Quad x) {
  Quad y = std::sqrt(static_cast<double>(x));
  for (int i = 0; i < 3 && y > 0; ++i) y = (y + x / y) / 2;
  return y;
}

/// Natural logarithms of the singular values, descending: J formed in quadruple precision, then one-sided Jacobi on its
/// rows. Right where the singular values span less than 1e-30.
inline std::vector<double> quadruple_logs(const std::vector<PlainLayer>& layers) {
  const std::size_t n = layers.front().slope.size();
  std::vector<Quad> j(n * n);
  for (std::size_t i = 0; i < n; ++i) j[i * n + i] = 1;
  for (const PlainLayer& layer : layers) {
    std::vector<Quad> next(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        const Quad a = static_cast<Quad>(layer.slope[i]) * layer.weight[i * n + k];
        for (std::size_t c = 0; a != 0 && c < n; ++c) next[i * n + c] += a * j[k * n + c];
      }
    }
    j = std::move(next);
  }
  const auto dot = [&](std::size_t a, std::size_t b) {
    Quad sum = 0;
    for (std::size_t c = 0; c < n; ++c) sum += j[a * n + c] * j[b * n + c];
    return sum;
  };
  bool rotated = true;
  for (int sweep = 0; sweep < 60 && rotated; ++sweep) {
    rotated = false;
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a + 1; b < n; ++b) {
        const Quad x = dot(a, a), y = dot(b, b), p = dot(a, b);
        if (p * p <= 1e-50 * x * y) continue;
        rotated = true;
        const Quad z = (y - x) / (2 * p);
        const Quad t = (z < 0 ? -1 : 1) / ((z < 0 ? -z : z) + root(1 + z * z));
        const Quad cosine = 1 / root(1 + t * t);
        for (std::size_t c = 0; c < n; ++c) {
          const Quad u = j[a * n + c], v = j[b * n + c];
          j[a * n + c] = cosine * (u - t * v);
          j[b * n + c] = cosine * (t * u + v);
        }
      }
    }
  }
  std::vector<double> logs;
  for (std::size_t a = 0; a < n; ++a) logs.push_back(0.5 * std::log(static_cast<double>(dot(a, a))));
  std::sort(logs.rbegin(), logs.rend());
  return logs;
}

}  // namespace meander
