// Orthogonal layers against their reflectors multiplied out one by one, and against moments of the Haar measure.
#include "kernels/networks/orthogonal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace meander {
namespace {

constexpr double sigma_w = 1.7;

std::vector<double> drawn(int rows, int columns, std::uint64_t realization = 0, double scale = sigma_w) {
  // Whatever stands in the result's place must go.
  std::vector<double> w(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns), std::nan(""));
  orthogonal_matrix(stream_key(9, realization), 3, rows, columns, scale, w);
  return w;
}

/// The plain twin: H_1 ... H_n [I; 0] diag(signs), (m, n), row-major, from the last reflector to the first.
std::vector<double> product_of_reflectors(std::size_t m, std::size_t n) {
  std::vector<double> w(m * n);
  const RandomStream stream(stream_key(9, 0), Purpose::weights, 3);
  for (std::size_t k = n; k-- > 0;) {
    std::vector<float> x(m - k);
    stream.normals(static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(k), x);
    std::vector<double> u(x.begin(), x.end());
    double square = 0.0;
    for (const double value : u) square += value * value;
    // u = x - s |x| e_1, H x = s |x| e_1, and s is the sign that R_kk would have.
    const double sign = u[0] >= 0.0 ? -1.0 : 1.0;
    u[0] -= sign * std::sqrt(square);
    square = 0.0;
    for (const double value : u) square += value * value;
    w[k * n + k] = sign;
    for (std::size_t column = k; column < n; ++column) {
      double product = 0.0;
      for (std::size_t j = k; j < m; ++j) product += u[j - k] * w[j * n + column];
      for (std::size_t j = k; j < m; ++j) w[j * n + column] -= 2.0 * u[j - k] * product / square;
    }
  }
  return w;
}

TEST(OrthogonalMatrix, IsTheProductOfItsReflectors) {
  for (const auto& [m, n] : {std::pair<int, int>{20, 12}, {15, 15}, {150, 150}, {200, 70}, {7, 1}, {1, 1}}) {
    const auto rows = static_cast<std::size_t>(m), columns = static_cast<std::size_t>(n);
    const std::vector<double> twin = product_of_reflectors(rows, columns);
    const std::vector<double> tall = drawn(m, n);
    const std::vector<double> wide = drawn(n, m);
    const double scale = sigma_w * std::sqrt(static_cast<double>(m) / n);
    // Entries are at most 1, each of n reflectors rounds them.
    const double rounding = 2e-16 * (n + 10);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        EXPECT_NEAR(tall[i * columns + j] / scale, twin[i * columns + j], rounding) << m << " x " << n;
        // A square matrix is not turned over.
        if (m > n) {
          EXPECT_NEAR(wide[j * rows + i] / sigma_w, twin[i * columns + j], rounding) << n << " x " << m;
        }
      }
    }
  }
}

/// The Gram matrix of the rows (or columns) of W over scale^2 must be the unit matrix.
void expect_partial_isometry(const std::vector<double>& w, std::size_t rows, std::size_t columns, double scale) {
  const bool by_rows = rows <= columns;
  const std::size_t count = std::min(rows, columns);
  const std::size_t length = std::max(rows, columns);
  const auto entry = [&](std::size_t vector, std::size_t k) {
    return (by_rows ? w[vector * columns + k] : w[k * columns + vector]) / scale;
  };
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double product = 0.0;
      for (std::size_t k = 0; k < length; ++k) product += entry(i, k) * entry(j, k);
      EXPECT_NEAR(product, i == j ? 1.0 : 0.0, 1e-13) << i << " " << j;
    }
  }
}

TEST(OrthogonalMatrix, IsAScaledPartialIsometry) {
  expect_partial_isometry(drawn(60, 60), 60, 60, sigma_w);
  expect_partial_isometry(drawn(25, 60), 25, 60, sigma_w);
  expect_partial_isometry(drawn(100, 25), 100, 25, sigma_w * 2.0);
  expect_partial_isometry(drawn(1, 100), 1, 100, sigma_w);
  expect_partial_isometry(drawn(7, 1), 7, 1, sigma_w * std::sqrt(7.0));
}

/// A zero vector has no direction: it counts as the axis, and the reflector stays one.
TEST(HouseholderReflector, OfZeroTurnsTheAxis) {
  const HouseholderReflector reflector = householder_reflector(0.0, 0.0);
  EXPECT_EQ(reflector.head * reflector.head, 2.0 * reflector.half_square);
  EXPECT_EQ(reflector.sign, -1.0);
}

double determinant(std::vector<double> a, std::size_t n) {
  double result = 1.0;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    }
    if (pivot != k) {
      for (std::size_t j = 0; j < n; ++j) std::swap(a[k * n + j], a[pivot * n + j]);
      result = -result;
    }
    result *= a[k * n + k];
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / a[k * n + k];
      for (std::size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return result;
}

/// Mean of `values` is `expected` within 4.5 of its own standard errors.
void expect_mean(const std::vector<double>& values, double expected, const char* what) {
  const auto count = static_cast<double>(values.size());
  double sum = 0.0, square = 0.0;
  for (const double value : values) sum += value;
  for (const double value : values) square += (value - sum / count) * (value - sum / count);
  EXPECT_NEAR(sum / count, expected, 4.5 * std::sqrt(square) / count) << what;
}

/// Moments of the Haar measure on O(4): signs left to the reflectors would make the first diagonal entry negative and
/// the determinant always the same.
TEST(OrthogonalMatrix, HasTheMomentsOfTheHaarMeasure) {
  constexpr std::size_t n = 4;
  constexpr int draws = 8000;
  std::vector<double> entry[n], first_square, first_fourth, trace, trace_square, trace_fourth, square_trace, sign;
  for (int realization = 0; realization < draws; ++realization) {
    const auto w = drawn(4, 4, static_cast<std::uint64_t>(realization), 1.0);
    double t = 0.0, t2 = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      entry[i].push_back(w[i * n + i]);
      t += w[i * n + i];
      for (std::size_t j = 0; j < n; ++j) t2 += w[i * n + j] * w[j * n + i];
    }
    const double last = w[n * n - 1];
    first_square.push_back(last * last);
    first_fourth.push_back(last * last * last * last);
    trace.push_back(t);
    trace_square.push_back(t * t);
    trace_fourth.push_back(t * t * t * t);
    square_trace.push_back(t2);
    sign.push_back(determinant(w, n));
    EXPECT_NEAR(std::abs(sign.back()), 1.0, 1e-13);
  }
  for (const auto& values : entry) expect_mean(values, 0.0, "W_ii");
  expect_mean(first_square, 1.0 / 4.0, "W_44^2");
  expect_mean(first_fourth, 3.0 / (4.0 * 6.0), "W_44^4");
  // Diaconis and Shahshahani 1994, theorem 4: traces have the moments of normals as long as the dimension allows.
  expect_mean(trace, 0.0, "tr W");
  expect_mean(trace_square, 1.0, "(tr W)^2");
  expect_mean(trace_fourth, 3.0, "(tr W)^4");
  expect_mean(square_trace, 1.0, "tr W^2");
  expect_mean(sign, 0.0, "det W");
}

TEST(OrthogonalMatrix, OfOneEntryIsAFairSign) {
  std::vector<double> signs;
  for (std::uint64_t realization = 0; realization < 4000; ++realization) {
    signs.push_back(drawn(1, 1, realization, 1.0)[0]);
    EXPECT_EQ(std::abs(signs.back()), 1.0);
  }
  expect_mean(signs, 0.0, "W");
}

}  // namespace
}  // namespace meander
