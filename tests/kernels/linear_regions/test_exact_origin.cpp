// Curves through the origin of a network without biases: all its neurons meet zero at one t. Switches there count once
// for every neuron that has another state after than before, all at one place, and however the curve is cut.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "kernels/linear_regions/exact_curve.hpp"
#include "tests/support/exact_cases.hpp"

namespace meander {
namespace {

using Counts = std::vector<std::int64_t>;
using Pattern = std::vector<std::vector<int>>;
using testing::Each;
using testing::ElementsAre;

struct OriginCase {
  Case drawn;
  std::vector<double> origins;  // parameters at which x = 0
};

Activation activation_of(int law) {
  switch (law) {
    case 0:
      return Activation::named("relu");
    case 1:
      return Activation::named("hard_tanh");
    case 2:
      return Activation::piecewise_linear({0.0}, {0.2, 1.0}, 0.0, 0.0);
    default:
      return Activation::piecewise_linear({-1.0, 0.0, 1.0}, {0.0, 0.5, 1.0, 0.0}, 0.0, 0.0);
  }
}

/// A network without biases and a curve in one dimension, or a line through the origin of several.
OriginCase drawn_through_origin(std::uint64_t seed, int law) {
  std::mt19937_64 draw(seed);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(draw); };
  const auto real = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(draw); };
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = pick(0, 1) == 0 ? 1 : pick(2, 12);
  const int depth = pick(1, 12);
  for (int l = 0; l < depth; ++l) parameters.widths.push_back(pick(1, depth > 4 ? 20 : 64));
  parameters.activation = activation_of(law);
  parameters.sigma_w = law == 1 || law == 3 ? real(1.0, 2.5) : real(0.8, 1.6);
  parameters.readout_sigma = 1.0;
  const StreamKey key = stream_key(seed, 0);
  const std::vector<double> x0 = gaussian_point(key, 0, parameters.input_dimension);
  std::vector<double> x1 = gaussian_point(key, 1, parameters.input_dimension);
  auto kind = static_cast<CurveKind>(pick(0, 2));
  std::vector<double> origins;
  if (parameters.input_dimension > 1 || kind == CurveKind::line) {
    kind = CurveKind::line;
    const double ratio = pick(0, 1) == 0 ? 1.0 : real(0.1, 5.0);
    for (std::size_t i = 0; i < x0.size(); ++i) x1[i] = -ratio * x0[i];
    origins = {1.0 / (1.0 + ratio)};
  } else {
    const double first = std::atan2(-x0[0], x1[0]);
    for (int turn = -3; turn < 5; ++turn) origins.push_back(first + turn * std::numbers::pi);
  }
  Curve curve = curve_between(kind, x0, x1);
  if (kind == CurveKind::arc) {
    curve.begin = real(-4.0, 2.0);
    curve.end = curve.begin + real(0.1, 6.0);
  }
  std::ostringstream text;
  text << "seed " << seed << ": activation " << law << ", dimension " << parameters.input_dimension << ", depth "
       << depth << ", kind " << static_cast<int>(kind);
  return {{text.str(), RandomNetwork(parameters, key), curve}, origins};
}

/// Switches between two patterns, by layer.
Counts difference(const Pattern& a, const Pattern& b) {
  Counts counts(a.size(), 0);
  for (std::size_t l = 0; l < a.size(); ++l) {
    for (std::size_t i = 0; i < a[l].size(); ++i) counts[l] += std::abs(a[l][i] - b[l][i]);
  }
  return counts;
}

/// At the origin: one place, as many switches as the patterns on both sides differ by.
void expect_one_switch_each(const Case& c, const std::vector<ExactEvent>& events, double origin) {
  constexpr double near = 1e-9;
  const auto [begin, end] = range_of(c.curve);
  double before = begin;
  double after = end;
  Counts found(static_cast<std::size_t>(c.network.depth()), 0);
  double place = std::numeric_limits<double>::quiet_NaN();
  for (const ExactEvent& event : events) {
    if (event.t < origin - near) before = event.t;
    if (event.t > origin + near) after = std::min(after, event.t);
    if (std::abs(event.t - origin) > near) continue;
    found[static_cast<std::size_t>(event.layer - 1)] += std::abs(event.after - event.before);
    if (std::isnan(place)) place = event.t;
    EXPECT_NEAR(event.t, place, 4.0 * std::numeric_limits<double>::epsilon() * std::abs(origin));
  }
  EXPECT_EQ(found, difference(pattern_at(c.network, c.curve, 0.5 * (before + origin)),
                              pattern_at(c.network, c.curve, 0.5 * (origin + after))))
      << "at t = " << origin;
}

TEST(ExactOrigin, EveryNeuronThatChangesSwitchesOnce) {
  for (const std::uint64_t seed : fresh_seeds(120)) {
    const auto [c, origins] = drawn_through_origin(seed, static_cast<int>(seed % 4));
    SCOPED_TRACE(c.description);
    const ExactCounts counts = exact_curve(c.network, c.curve, {.events = true});
    expect_pattern_everywhere(c.network, c.curve, counts.events);
    const auto [begin, end] = range_of(c.curve);
    for (const double origin : origins) {
      if (origin > begin + 1e-6 && origin < end - 1e-6) expect_one_switch_each(c, counts.events, origin);
    }
  }
}

void expect_independent_of_stretches(const Case& c) {
  SCOPED_TRACE(c.description);
  std::vector<double> rounding;
  const ExactCounts plain = exact_curve_plain(c.network, c.curve, {}, &rounding);
  const std::vector<double> tolerances = length_tolerances(plain, rounding);
  for (const int live : {3, 40, 0, 1'000'000}) {
    const ExactCounts counts = exact_curve(c.network, c.curve, {.live_boundaries = live});
    expect_same_counts(counts, plain);
    expect_same_lengths(counts, plain, tolerances);
  }
}

TEST(ExactOrigin, CountsDoNotDependOnTheStretches) {
  for (const std::uint64_t seed : fresh_seeds(90))
    expect_independent_of_stretches(drawn_through_origin(seed, static_cast<int>(seed % 4)).drawn);
}

/// Twelve layers with a kink at zero, saturation and large weights: everything happens within a sliver about the
/// origin.
TEST(ExactOrigin, SteepNetworks) {
  for (const std::uint64_t seed : fresh_seeds(20)) {
    std::mt19937_64 draw(seed);
    RandomNetwork::Parameters parameters;
    parameters.input_dimension = seed % 2 == 0 ? 1 : 4;
    parameters.widths.assign(12, std::uniform_int_distribution<int>(8, 16)(draw));
    parameters.activation = activation_of(3);
    parameters.sigma_w = std::uniform_real_distribution<double>(2.0, 4.0)(draw);
    parameters.readout_sigma = 1.0;
    const StreamKey key = stream_key(seed, 0);
    const std::vector<double> x0 = gaussian_point(key, 0, parameters.input_dimension);
    std::vector<double> x1 = x0;
    for (double& x : x1) x *= -1.3;
    expect_independent_of_stretches(
        {"seed " + std::to_string(seed), RandomNetwork(parameters, key), curve_between(CurveKind::line, x0, x1)});
  }
}

/// A circle in one dimension that barely passes the origin: neurons are slow there, and their own crossings as many
/// places as rounding makes them.
TEST(ExactOrigin, CirclesThatBarelyPassIt) {
  for (const std::uint64_t seed : fresh_seeds(8)) {
    for (const double depth : {1e-2, 1e-4, 1e-6, 1e-8, 1e-10}) {
      RandomNetwork::Parameters parameters;
      parameters.input_dimension = 1;
      parameters.widths.assign(4, 16);
      parameters.activation = activation_of(seed % 2 == 0 ? 0 : 3);
      parameters.sigma_w = 1.5;
      parameters.readout_sigma = 1.0;
      const StreamKey key = stream_key(seed, 0);
      Curve curve = curve_between(CurveKind::circle, gaussian_point(key, 0, 1), gaussian_point(key, 1, 1));
      curve.center = {(1.0 - depth) * std::hypot(curve.u[0], curve.v[0])};
      expect_independent_of_stretches(
          {"seed " + std::to_string(seed) + ", depth " + std::to_string(depth), RandomNetwork(parameters, key), curve});
    }
  }
}

/// Layers of one to three neurons, with and without biases: zeros arise anywhere along any curve, and whole layers die.
/// Known: a layer that moves by 3e-6 in all, where one neuron barely rises above zero.
TEST(ExactOrigin, NarrowNetworks) {
  for (const std::uint64_t seed : fresh_seeds(100, {991980380})) {
    std::mt19937_64 draw(seed);
    const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(draw); };
    RandomNetwork::Parameters parameters;
    parameters.input_dimension = pick(1, 6);
    const int depth = pick(2, 12);
    for (int l = 0; l < depth; ++l) parameters.widths.push_back(pick(0, 1) == 0 ? pick(1, 3) : pick(1, 16));
    parameters.activation = activation_of(static_cast<int>(seed % 4));
    parameters.sigma_w = 1.6;
    parameters.sigma_b = pick(0, 4) == 0 ? 0.3 : 0.0;
    parameters.readout_sigma = 1.0;
    const StreamKey key = stream_key(seed, 0);
    Curve curve = curve_between(static_cast<CurveKind>(pick(0, 2)), gaussian_point(key, 0, parameters.input_dimension),
                                gaussian_point(key, 1, parameters.input_dimension));
    if (curve.kind != CurveKind::line && pick(0, 1) == 0)
      curve.center = gaussian_point(key, 2, parameters.input_dimension);
    expect_independent_of_stretches({"seed " + std::to_string(seed), RandomNetwork(parameters, key), curve});
  }
}

/// phi(a x) = a phi(x), a > 0: nothing happens but at the origin, and both ends of the line tell what.
TEST(ExactOrigin, HomogeneousNetworksSwitchNowhereElse) {
  // Lines that need one product for their whole direction, and neurons so slow that they stand beside zero.
  for (const std::uint64_t seed : fresh_seeds(120, {6, 7, 13, 46, 524, 2026, 2058, 4064})) {
    const auto [c, origins] = drawn_through_origin(seed, seed % 2 == 0 ? 0 : 2);
    if (c.curve.kind == CurveKind::arc) continue;
    SCOPED_TRACE(c.description);
    const bool line = c.curve.kind == CurveKind::line;
    const double other = line ? 1.0 : std::numbers::pi;
    Counts expected = difference(pattern_at(c.network, c.curve, 0.0), pattern_at(c.network, c.curve, other));
    for (std::int64_t& n : expected) n *= line ? 1 : 2;
    for (const int live : {0, 3}) {
      const ExactCounts counts = exact_curve(c.network, c.curve, {.live_boundaries = live});
      EXPECT_EQ(counts.transitions, expected);
      EXPECT_EQ(counts.sign_changes, expected);
      // A first neuron switches whatever its weight.
      EXPECT_THAT(counts.pieces, Each(2));
      EXPECT_THAT(counts.patterns, Each(2));
    }
  }
}

/// A narrow layer makes a curve of its own through the origin of the layer above, wherever it vanishes. Known: what is
/// nothing but rounding behind it was once counted at a place of its own.
TEST(ExactOrigin, OneNeuronThatVanishesTakesTheNextLayersAlong) {
  for (const std::uint64_t seed : fresh_seeds(60, {160634688})) {
    RandomNetwork::Parameters parameters;
    parameters.input_dimension = 5;
    parameters.widths = {12, 1, 16, 16, 16, 16};
    parameters.activation = activation_of(seed % 2 == 0 ? 0 : 2);
    parameters.sigma_w = 1.4;
    parameters.readout_sigma = 1.0;
    const StreamKey key = stream_key(seed, 0);
    const RandomNetwork network(parameters, key);
    const Curve curve = curve_between(CurveKind::circle, gaussian_point(key, 0, 5), gaussian_point(key, 1, 5));
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const ExactCounts counts = exact_curve(network, curve, {.events = true});
    expect_pattern_everywhere(network, curve, counts.events);
    // Layers 3 and above switch where layer 2 does: each neuron once at most.
    EXPECT_THAT(counts.pieces, Each(testing::Le(counts.pieces[1])));
    std::map<double, std::map<std::pair<int, int>, int>> places;
    for (const ExactEvent& event : counts.events) {
      if (event.layer >= 2) ++places[event.t][{event.layer, event.neuron}];
    }
    EXPECT_EQ(static_cast<std::int64_t>(places.size()), counts.transitions[1]);
    for (const auto& [t, neurons] : places) {
      EXPECT_EQ(neurons.count({2, 0}), 1u) << t;
      for (const auto& [neuron, times] : neurons) EXPECT_EQ(times, 1);
    }
    for (const int live : {3, 1'000'000})
      expect_same_counts(exact_curve(network, curve, {.live_boundaries = live}), counts);
  }
}

TEST(ExactOrigin, KnownNetworks) {
  // Layer 2 sees |t|, layer 3 -|t| and |t|: it touches zero, and one of its neurons stays below.
  const StoredNetwork network(1, {{2, {1, -1}, {0, 0}}, {1, {1, 1}, {0}}, {2, {-1, 1}, {0, 0}}},
                              Activation::named("relu"), {1, {1, -1}, {0}});
  Curve line = curve_between(CurveKind::line, std::vector{-0.3}, std::vector{0.7});
  const ExactCounts along = exact_curve(network, line, {.events = true});
  EXPECT_THAT(along.transitions, ElementsAre(2, 0, 0));
  EXPECT_THAT(along.pieces, Each(2));
  EXPECT_THAT(along.patterns, Each(2));
  EXPECT_EQ(along.readout_sign_changes, 0);
  for (const ExactEvent& event : along.events) EXPECT_NEAR(event.t, 0.3, 1e-16);
  // From and to the origin nothing is crossed.
  for (const auto& [from, to] : {std::pair{0.0, 1.0}, {-1.0, 0.0}, {0.0, -2.0}, {3.0, 0.0}}) {
    const ExactCounts half = exact_curve(network, curve_between(CurveKind::line, std::vector{from}, std::vector{to}));
    EXPECT_THAT(half.transitions, Each(0)) << from << " to " << to;
    EXPECT_THAT(half.pieces, Each(1));
  }
  // cos t vanishes twice a turn, sin t where the circle begins as well.
  for (const auto& [x0, x1] : {std::pair{1.0, 0.0}, {0.0, 1.0}, {0.0, -1.0}, {0.6, 0.8}}) {
    const ExactCounts around = exact_curve(network, curve_between(CurveKind::circle, std::vector{x0}, std::vector{x1}));
    EXPECT_THAT(around.transitions, ElementsAre(4, 0, 0)) << x0 << " " << x1;
    EXPECT_THAT(around.pieces, Each(2));
    EXPECT_THAT(around.patterns, Each(2));
  }
}

/// A neuron whose slope is all cancellation when it leaves zero: in double its state after would be anyone's guess.
TEST(ExactOrigin, StatesThatCancellationLeavesAreResolved) {
  const auto counts_with = [](double weight) {
    const StoredNetwork network(1, {{1, {1}, {0}}, {2, {0.1, 0.7}, {0, 0}}, {1, {7, -weight}, {0}}},
                                Activation::named("relu"));
    return exact_curve(network, curve_between(CurveKind::line, std::vector{-0.3}, std::vector{0.7}));
  };
  // Four switches at one place; or three, where 7 x 0.1 - weight x 0.7 is below zero: the doubles next to 0.1 and 0.7
  // make it 8.3e-17 at weight 1 and -2.3e-16 two epsilons further on (fractions).
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  for (const auto& [weight, switches] :
       {std::pair{0.5, 1}, {1.0 - epsilon, 1}, {1.0, 1}, {1.0 + 2.0 * epsilon, 0}, {1.0 + 4.0 * epsilon, 0}}) {
    SCOPED_TRACE(weight);
    const ExactCounts counts = counts_with(weight);
    EXPECT_THAT(counts.transitions, ElementsAre(1, 2, switches));
    EXPECT_EQ(counts.unresolved_events, 2 + switches);
  }
}

}  // namespace
}  // namespace meander
