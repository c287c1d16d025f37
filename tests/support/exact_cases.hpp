// Networks and curves drawn afresh for tests of exact counts, and the network's own patterns to hold against them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <numbers>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "kernels/linear_regions/exact_curve.hpp"

namespace meander {

struct Case {
  std::string description;
  RandomNetwork network;
  Curve curve;
};

/// A network and a curve drawn from `seed`, up to the given size.
inline Case drawn(std::uint64_t seed, int largest_width, int largest_depth) {
  std::mt19937_64 draw(seed);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(draw); };
  const auto real = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(draw); };
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = pick(0, 7) == 0 ? 1 : pick(2, 12);
  const int depth = pick(1, largest_depth);
  for (int l = 0; l < depth; ++l) parameters.widths.push_back(pick(1, largest_width));
  const int law = pick(0, 3);
  parameters.activation = law == 0   ? Activation::named("relu")
                          : law == 1 ? Activation::named("hard_tanh")
                          : law == 2 ? Activation::piecewise_linear({-0.7, 0.2, 1.1}, {0.1, 1.0, -0.5, 0.3}, 0.0, 0.1)
                                     : Activation::piecewise_linear({0.0}, {0.2, 1.0}, 0.0, 0.0);
  parameters.sigma_w = law == 1 ? real(1.0, 3.0) : real(0.8, 1.6);
  parameters.sigma_b = pick(0, 1) * real(0.05, 1.0);
  parameters.readout_sigma = 1.0;
  const StreamKey key = stream_key(seed, 0);
  const std::vector<double> x0 = gaussian_point(key, 0, parameters.input_dimension);
  std::vector<double> x1 = gaussian_point(key, 1, parameters.input_dimension);
  const auto kind = static_cast<CurveKind>(pick(0, 2));
  if (kind == CurveKind::line && pick(0, 3) == 0) {
    const double ratio = real(0.1, 5.0);
    for (std::size_t i = 0; i < x0.size(); ++i) x1[i] = -ratio * x0[i];  // through the origin
  }
  Curve curve = curve_between(kind, x0, x1);
  if (kind == CurveKind::arc) {
    curve.begin = real(-4.0, 2.0);
    curve.end = curve.begin + real(0.1, 6.0);
  }
  if (kind != CurveKind::line && pick(0, 1) == 1) curve.center = gaussian_point(key, 2, parameters.input_dimension);
  std::ostringstream text;
  text << "seed " << seed << ": depth " << depth << ", activation " << law << ", kind " << static_cast<int>(kind);
  return {text.str(), RandomNetwork(parameters, key), curve};
}

/// Pieces of all neurons at t, layer after layer, straight from the network's definition.
inline std::vector<std::vector<int>> pattern_at(const Network& network, const Curve& curve, double t) {
  std::vector<double> x(static_cast<std::size_t>(curve.dimension()));
  curve.point(t, x);
  std::vector<std::vector<int>> pattern;
  for (int layer = 1; layer <= network.depth(); ++layer) {
    const auto width = static_cast<std::size_t>(network.width(layer));
    std::vector<double> weight(width * x.size());
    std::vector<double> h(width);
    network.weight(layer, std::span<double>(weight));
    network.bias(layer, h);
    std::vector<int>& pieces = pattern.emplace_back(width, 0);
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t j = 0; j < x.size(); ++j) h[i] += weight[i * x.size() + j] * x[j];
      for (const double breakpoint : network.activation().pieces()->breakpoints) pieces[i] += h[i] > breakpoint ? 1 : 0;
      h[i] = network.activation()(h[i]);
    }
    x = h;
  }
  return pattern;
}

inline std::pair<double, double> range_of(const Curve& curve) {
  if (curve.kind == CurveKind::line) return {0.0, 1.0};
  if (curve.kind == CurveKind::circle) return {0.0, 2.0 * std::numbers::pi};
  return {curve.begin, curve.end};
}

/// Between any two events, and at fine samples, the network has the pattern that the events lead to. A switch that was
/// missed, made up or misplaced by more than the resolution would show.
inline void expect_pattern_everywhere(const Network& network, const Curve& curve,
                                      const std::vector<ExactEvent>& events) {
  constexpr double resolution = 1e-9;
  const auto [begin, end] = range_of(curve);
  std::vector<double> places;
  for (int i = 0; i < 1500; ++i) places.push_back(begin + (end - begin) * (i + 0.5) / 1500);
  for (std::size_t e = 1; e < events.size(); ++e) places.push_back(0.5 * (events[e - 1].t + events[e].t));
  std::sort(places.begin(), places.end());
  auto pattern = pattern_at(network, curve, begin + 1e-12 * (end - begin));
  std::size_t next = 0;
  for (const double t : places) {
    for (; next < events.size() && events[next].t <= t; ++next) {
      int& piece =
          pattern[static_cast<std::size_t>(events[next].layer - 1)][static_cast<std::size_t>(events[next].neuron)];
      ASSERT_EQ(piece, events[next].before) << "at t = " << events[next].t;
      piece = events[next].after;
    }
    const bool near_last = next > 0 && t - events[next - 1].t < resolution;
    const bool near_next = next < events.size() && events[next].t - t < resolution;
    if (near_last || near_next) continue;
    ASSERT_EQ(pattern, pattern_at(network, curve, t)) << "at t = " << t;
  }
}

inline void expect_same_counts(const ExactCounts& a, const ExactCounts& b) {
  EXPECT_EQ(a.finite_layers, b.finite_layers);
  EXPECT_EQ(a.transitions, b.transitions);
  EXPECT_EQ(a.sign_changes, b.sign_changes);
  EXPECT_EQ(a.pieces, b.pieces);
  EXPECT_EQ(a.patterns, b.patterns);
  EXPECT_EQ(a.readout_sign_changes, b.readout_sign_changes);
  EXPECT_EQ(a.readout_starts_positive, b.readout_starts_positive);
}

/// How far lengths may be off, by layer: the accuracy that is promised for images, and what rounding of t at every
/// piece boundary amounts to, which is all there is to say where a steep network moves within a sliver of t alone.
inline std::vector<double> length_tolerances(const ExactCounts& plain, const std::vector<double>& rounding) {
  std::vector<double> tolerances;
  for (std::size_t l = 0; l < rounding.size(); ++l) tolerances.push_back(1e-12 * plain.length[l] + rounding[l]);
  return tolerances;
}
inline std::vector<double> length_tolerances(const Case& c) {
  std::vector<double> rounding;
  const ExactCounts plain = exact_curve_plain(c.network, c.curve, {.patterns = false}, &rounding);
  return length_tolerances(plain, rounding);
}

inline void expect_same_lengths(const ExactCounts& a, const ExactCounts& b, const std::vector<double>& tolerances) {
  EXPECT_NEAR(a.input_length, b.input_length, 1e-12 * a.input_length);
  ASSERT_EQ(a.length.size(), tolerances.size());
  for (std::size_t l = 0; l < a.length.size(); ++l)
    EXPECT_NEAR(a.length[l], b.length[l], tolerances[l]) << "layer " << l + 1;
}

/// Where a test's networks start: afresh every time. A failure names the seed of its network; with that in
/// MEANDER_TEST_SEED the test starts from it.
inline std::uint64_t fresh_seed() {
  const char* const seed = std::getenv("MEANDER_TEST_SEED");
  return seed != nullptr ? std::strtoull(seed, nullptr, 10) : std::random_device{}();
}

/// `count` seeds from a fresh one on, and before them those of networks that once failed.
inline std::vector<std::uint64_t> fresh_seeds(int count, std::vector<std::uint64_t> known = {}) {
  const std::uint64_t first = fresh_seed();
  for (int k = 0; k < count; ++k) known.push_back(first + static_cast<std::uint64_t>(k));
  return known;
}

}  // namespace meander
