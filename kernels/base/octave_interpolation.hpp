// Interpolation in ln q over one octave: what MeanFieldTable is made of. Not for use elsewhere.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <numbers>
#include <span>
#include <vector>

namespace meander::detail {

/// Chebyshev nodes an octave. The Bernstein ellipse that reaches the singularities of Gaussian averages at
/// ln q +- i pi/2 has parameter 9.2, and 9.2^-16 is below rounding.
inline constexpr std::size_t node_count = 16;

/// Eight numbers that the compiler keeps in vector registers.
inline constexpr std::size_t lanes = 8;
using Lanes [[gnu::vector_size(lanes * sizeof(double))]] = double;

inline void load(const double* from, Lanes& to) {
  std::memcpy(&to, from, sizeof to);
}

/// q = 2^exponent 2^((t + 1) / 2), t in [-1, 1).
struct OctavePlace {
  explicit OctavePlace(double q) {
    const double mantissa = std::frexp(q, &exponent);
    exponent -= 1;
    t = 2.0 * std::log2(2.0 * mantissa) - 1.0;
  }
  static double q(int exponent, double t) { return std::ldexp(std::exp2(0.5 * (t + 1.0)), exponent); }
  int exponent = 0;
  double t = 0.0;
};

inline double octave_node(std::size_t i) {
  return std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / node_count);
}

using NodeMatrix = std::array<std::array<double, node_count>, node_count>;

/// Entry [n][i]: what a value at node i adds to the coefficient of the Chebyshev polynomial T_n.
inline const NodeMatrix& chebyshev_transform() {
  static const NodeMatrix matrix = [] {
    NodeMatrix result{};
    for (std::size_t n = 0; n < node_count; ++n) {
      for (std::size_t i = 0; i < node_count; ++i) {
        const double angle = std::numbers::pi * static_cast<double>(n) * (static_cast<double>(i) + 0.5) / node_count;
        result[n][i] = (n == 0 ? 1.0 : 2.0) / node_count * std::cos(angle);
      }
    }
    return result;
  }();
  return matrix;
}

/// Turns coefficients of Chebyshev polynomials (row n of `rows`, `width` functions in a row) into those of powers of t.
/// The former fall like 9.2^-n here, faster than the powers' coefficients in T_n grow: no digits are lost.
inline void powers_from_chebyshev(double* rows, std::size_t width) {
  // powers[n][j]: of t^j in T_n.
  NodeMatrix powers{};
  powers[0][0] = powers[1][1] = 1.0;
  for (std::size_t n = 2; n < node_count; ++n) {
    for (std::size_t j = 0; j < node_count; ++j) {
      powers[n][j] = (j > 0 ? 2.0 * powers[n - 1][j - 1] : 0.0) - powers[n - 2][j];
    }
  }
  for (std::size_t k = 0; k < width; ++k) {
    // T_n holds t^n and lower powers: row j needs rows n >= j only, and is overwritten after its last use.
    for (std::size_t j = 0; j < node_count; ++j) {
      double sum = 0.0;
      for (std::size_t n = j; n < node_count; ++n) sum += powers[n][j] * rows[n * width + k];
      rows[j * width + k] = sum;
    }
  }
}

/// Eight functions of t at once.
class EightPolynomials {
 public:
  void add_node(std::size_t i, const std::array<double, lanes>& values) {
    for (std::size_t j = 0; j < node_count; ++j) {
      for (std::size_t k = 0; k < lanes; ++k) rows_[j][k] += chebyshev_transform()[j][i] * values[k];
    }
  }
  /// After the last node.
  void finish() { powers_from_chebyshev(rows_.front().data(), lanes); }
  /// Estrin's scheme: few operations wait for each other.
  std::array<double, lanes> at(double t) const {
    std::array<Lanes, node_count> part;
    for (std::size_t j = 0; j < node_count; ++j) load(rows_[j].data(), part[j]);
    double power = t;
    for (std::size_t count = node_count; count > 1; count /= 2, power *= power) {
      for (std::size_t j = 0; j < count / 2; ++j) part[j] = part[2 * j] + power * part[2 * j + 1];
    }
    std::array<double, lanes> values;
    std::memcpy(values.data(), part.data(), sizeof values);
    return values;
  }

 private:
  std::array<std::array<double, lanes>, node_count> rows_{};
};

/// `count` functions of t at once, a multiple of 16.
class ManyPolynomials {
 public:
  explicit ManyPolynomials(std::size_t count) : count_(count), rows_(node_count * count, 0.0) {}

  void add_node(std::size_t i, std::span<const double> values) {
    for (std::size_t j = 0; j < node_count; ++j) {
      const double weight = chebyshev_transform()[j][i];
      for (std::size_t k = 0; k < count_; ++k) rows_[j * count_ + k] += weight * values[k];
    }
  }
  /// After the last node.
  void finish() { powers_from_chebyshev(rows_.data(), count_); }
  /// The first of them, a multiple of 16.
  void at(double t, std::span<double> values) const {
    std::array<double, node_count> power{1.0, t};
    for (std::size_t j = 2; j < node_count; ++j) power[j] = power[j / 2] * power[j - j / 2];
    for (std::size_t k = 0; k < values.size(); k += 2 * lanes) {
      Lanes low{};
      Lanes high{};
      for (std::size_t j = 0; j < node_count; ++j) {
        const double* row = &rows_[j * count_ + k];
        Lanes here;
        load(row, here);
        low += power[j] * here;
        load(row + lanes, here);
        high += power[j] * here;
      }
      std::memcpy(&values[k], &low, sizeof low);
      std::memcpy(&values[k + lanes], &high, sizeof high);
    }
  }

 private:
  std::size_t count_;
  std::vector<double> rows_;
};

}  // namespace meander::detail
