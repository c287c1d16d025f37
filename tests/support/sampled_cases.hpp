// Networks, curves and comparisons that the tests of sampled curves share.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "kernels/trajectories/sampled_curve.hpp"

namespace meander::sampled_cases {

using Layer = StoredNetwork::Layer;

/// Three breakpoints, one of them at zero, and a falling piece.
inline Activation zigzag() {
  return Activation::piecewise_linear({-0.7, 0.0, 0.4}, {0.2, 1.0, -0.5, 1.3}, 0.0, 0.1);
}

struct Case {
  std::string name;
  int inputs = 7;
  std::vector<int> widths;
  Activation activation = Activation::named("relu");
  CurveKind kind = CurveKind::circle;
  long samples = 1000;
  double sigma_w = 1.5;
  double sigma_b = 0.3;
  bool readout = true;
};

/// How test reports name one.
inline void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

inline RandomNetwork network_of(const Case& c, std::uint64_t seed = 4) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = c.inputs;
  parameters.widths = c.widths;
  parameters.activation = c.activation;
  parameters.sigma_w = c.sigma_w;
  parameters.sigma_b = c.sigma_b;
  if (c.readout) parameters.readout_sigma = 1.0;
  return RandomNetwork(parameters, stream_key(seed, 0));
}

/// Neither orthogonal nor of equal norms, so that no symmetry hides a mistake.
inline Curve curve_of(CurveKind kind, int dimension, std::uint64_t seed = 4) {
  const StreamKey key = stream_key(seed, 0);
  Curve curve = curve_between(kind, gaussian_point(key, 0, dimension), gaussian_point(key, 1, dimension));
  if (kind == CurveKind::arc) {
    curve.begin = 0.4;
    curve.end = 5.1;
  }
  if (kind != CurveKind::line) curve.center = gaussian_point(key, 2, dimension);
  return curve;
}

inline SampledOptions options_of(long samples, Precision precision = Precision::double_) {
  return {.samples = samples, .precision = precision, .transitions = true};
}

inline void expect_same_counts(const SampledCounts& a, const SampledCounts& b) {
  EXPECT_EQ(a.finite_layers, b.finite_layers);
  EXPECT_EQ(a.transitions, b.transitions);
  EXPECT_EQ(a.transitions_half, b.transitions_half);
  EXPECT_EQ(a.sign_changes, b.sign_changes);
  EXPECT_EQ(a.sign_changes_half, b.sign_changes_half);
  EXPECT_EQ(a.pieces, b.pieces);
  EXPECT_EQ(a.patterns, b.patterns);
  EXPECT_EQ(a.readout_sign_changes, b.readout_sign_changes);
}

inline void expect_close_lengths(const SampledCounts& a, const SampledCounts& b, double tolerance) {
  EXPECT_NEAR(a.input_length / b.input_length, 1.0, tolerance);
  EXPECT_NEAR(a.input_length_half / b.input_length_half, 1.0, tolerance);
  ASSERT_EQ(a.length.size(), b.length.size());
  ASSERT_EQ(a.length_half.size(), b.length_half.size());
  for (std::size_t l = 0; l < a.length.size(); ++l) {
    // A dead layer has no length, in either.
    EXPECT_NEAR(a.length[l], b.length[l], tolerance * b.length[l]) << "layer " << l + 1;
    EXPECT_NEAR(a.length_half[l], b.length_half[l], tolerance * b.length_half[l]) << "layer " << l + 1;
  }
}

inline StoredNetwork one_layer(std::vector<double> weight, std::vector<double> bias, int inputs,
                               const Activation& activation) {
  const int outputs = static_cast<int>(bias.size());
  return StoredNetwork(inputs, {Layer{outputs, std::move(weight), std::move(bias)}}, activation);
}

inline Curve unit_circle() {
  Curve curve;
  curve.kind = CurveKind::circle;
  curve.center = {0.0, 0.0};
  curve.u = {1.0, 0.0};
  curve.v = {0.0, 1.0};
  return curve;
}

inline Curve interval(double from, double to) {
  Curve curve;
  curve.kind = CurveKind::line;
  curve.center = {from};
  curve.u = {to - from};
  return curve;
}

}  // namespace meander::sampled_cases
