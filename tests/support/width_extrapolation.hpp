// Simulated networks against infinite-width theory: measured / theory = intercept + slope / width, and the intercepts
// of five layers compared with 1 jointly.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

namespace meander::width_extrapolation {

constexpr std::size_t depth = 5;
/// The error probability of 3.5 standard errors, for the squared distance of 5 correlated
/// intercepts whose covariance is estimated with 100 degrees of freedom or more (Hotelling).
constexpr double joint_limit = 26.7;

using Layers = std::array<double, depth>;
using Matrix = std::array<Layers, depth>;

/// d' C^-1 d by Cholesky's factorisation of C.
inline double squared_distance(Matrix c, Layers d) {
  double sum = 0.0;
  for (std::size_t i = 0; i < depth; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      for (std::size_t k = 0; k < j; ++k) c[i][j] -= c[i][k] * c[j][k];
      c[i][j] /= c[j][j];
      c[i][i] -= c[i][j] * c[i][j];
      d[i] -= c[i][j] * d[j];
    }
    c[i][i] = std::sqrt(c[i][i]);
    d[i] /= c[i][i];
    sum += d[i] * d[i];
  }
  return sum;
}

struct Sample {
  int width;
  Layers ratio;
};

/// Least squares of ratio = intercept + slope / width over networks, layer by layer, each network
/// weighted with its width: the scatter of its ratios falls like 1 / sqrt(width).
struct Fit {
  Layers intercept{}, slope{}, error{}, slope_error{};
  double distance2 = 0.0;  // of the intercepts from one, in their joint covariance
};

inline Fit fit(const std::vector<Sample>& samples) {
  double weight = 0.0;
  double inverse = 0.0;
  double inverse2 = 0.0;
  Layers sum{};
  Layers sum_inverse{};
  for (const Sample& s : samples) {
    weight += s.width;
    inverse += 1.0;
    inverse2 += 1.0 / s.width;
    for (std::size_t l = 0; l < depth; ++l) {
      sum[l] += s.width * s.ratio[l];
      sum_inverse[l] += s.ratio[l];
    }
  }
  const double determinant = weight * inverse2 - inverse * inverse;
  Fit result;
  for (std::size_t l = 0; l < depth; ++l) {
    result.intercept[l] = (inverse2 * sum[l] - inverse * sum_inverse[l]) / determinant;
    result.slope[l] = (weight * sum_inverse[l] - inverse * sum[l]) / determinant;
  }
  Matrix scatter{};
  for (const Sample& s : samples) {
    Layers residual{};
    for (std::size_t l = 0; l < depth; ++l) {
      residual[l] = s.ratio[l] - result.intercept[l] - result.slope[l] / s.width;
      for (std::size_t k = 0; k <= l; ++k) scatter[l][k] += s.width * residual[l] * residual[k];
    }
  }
  const double freedom = static_cast<double>(samples.size()) - 2.0;
  Matrix covariance{};
  Layers deviation{};
  for (std::size_t l = 0; l < depth; ++l) {
    for (std::size_t k = 0; k <= l; ++k) covariance[l][k] = scatter[l][k] / freedom * inverse2 / determinant;
    // The theory's integrals are accurate to 1e-9; a count that has no scatter needs that floor.
    covariance[l][l] += 1e-18;
    result.error[l] = std::sqrt(covariance[l][l]);
    result.slope_error[l] = std::sqrt(scatter[l][l] / freedom * weight / determinant);
    deviation[l] = result.intercept[l] - 1.0;
  }
  result.distance2 = squared_distance(covariance, deviation);
  return result;
}

inline void print(const char* name, const Layers& values) {
  std::cout << "  " << std::setw(10) << std::left << name;
  for (const double value : values) std::cout << std::setw(12) << value;
  std::cout << "\n";
}

inline Fit expect_intercept_one(const std::string& what, const std::vector<Sample>& samples, double error_limit) {
  const Fit result = fit(samples);
  std::cout << what << ": squared distance " << result.distance2 << "\n" << std::setprecision(4);
  print("intercept", result.intercept);
  print("error", result.error);
  print("slope", result.slope);
  print("error", result.slope_error);
  EXPECT_LT(result.distance2, joint_limit) << what;
  for (std::size_t l = 0; l < depth; ++l) EXPECT_LT(result.error[l], error_limit) << what << ", layer " << l + 1;
  return result;
}

}  // namespace meander::width_extrapolation
