// The exact walk against forward evaluation at every piece it claims, against its plain twin, and on
// networks with known counts.
#include "kernels/exact_curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <random>
#include <sstream>
#include <stdexcept>

#include "kernels/exact_states.hpp"

namespace meander {
namespace {

using Counts = std::vector<std::int64_t>;
using testing::Each;
using testing::ElementsAre;

struct Case {
  std::string description;
  RandomNetwork network;
  Curve curve;
};

/// A network and a curve drawn from `seed`, up to the given size.
Case drawn(std::uint64_t seed, int largest_width, int largest_depth) {
  std::mt19937_64 draw(seed);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(draw); };
  const auto real = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(draw); };
  RandomNetwork::Parameters parameters;
  // In one dimension a network without biases switches all its neurons at one point, which rounding blurs.
  parameters.input_dimension = pick(2, 12);
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
  const std::vector<double> x1 = gaussian_point(key, 1, parameters.input_dimension);
  const auto kind = static_cast<CurveKind>(pick(0, 2));
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
std::vector<std::vector<int>> pattern_at(const Network& network, const Curve& curve, double t) {
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

std::pair<double, double> range_of(const Curve& curve) {
  if (curve.kind == CurveKind::line) return {0.0, 1.0};
  if (curve.kind == CurveKind::circle) return {0.0, 2.0 * std::numbers::pi};
  return {curve.begin, curve.end};
}

/// Between any two events, and at fine samples, the network has the pattern that the events lead to. A switch that was
/// missed, made up or misplaced by more than the resolution would show.
void expect_pattern_everywhere(const Network& network, const Curve& curve, const std::vector<ExactEvent>& events) {
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

void expect_same_counts(const ExactCounts& a, const ExactCounts& b) {
  EXPECT_EQ(a.finite_layers, b.finite_layers);
  EXPECT_EQ(a.transitions, b.transitions);
  EXPECT_EQ(a.sign_changes, b.sign_changes);
  EXPECT_EQ(a.pieces, b.pieces);
  EXPECT_EQ(a.patterns, b.patterns);
  EXPECT_EQ(a.readout_sign_changes, b.readout_sign_changes);
  EXPECT_EQ(a.readout_starts_positive, b.readout_starts_positive);
}

void expect_same_lengths(const ExactCounts& a, const ExactCounts& b, double tolerance) {
  EXPECT_NEAR(a.input_length, b.input_length, tolerance * a.input_length);
  for (std::size_t l = 0; l < a.length.size(); ++l)
    EXPECT_NEAR(a.length[l], b.length[l], tolerance * a.length[l]) << "layer " << l + 1;
}

std::uint64_t fresh_seed() {
  return std::random_device{}();
}

TEST(ExactCurve, HasThePatternsOfTheNetworkEverywhere) {
  const std::uint64_t first = fresh_seed();
  for (std::uint64_t seed = first; seed < first + 60; ++seed) {
    const Case c = drawn(seed, seed % 4 == 0 ? 64 : 16, seed % 4 == 0 ? 4 : 12);
    SCOPED_TRACE(c.description);
    const ExactCounts counts = exact_curve(c.network, c.curve, {.events = true});
    expect_pattern_everywhere(c.network, c.curve, counts.events);
    std::int64_t transitions = 0;
    for (const std::int64_t n : counts.transitions) transitions += n;
    EXPECT_EQ(transitions, static_cast<std::int64_t>(counts.events.size()));
  }
}

TEST(ExactCurve, AgreesWithItsPlainTwin) {
  const std::uint64_t first = fresh_seed();
  for (std::uint64_t seed = first; seed < first + 80; ++seed) {
    const Case c = drawn(seed, seed % 4 == 0 ? 64 : 20, seed % 4 == 0 ? 4 : 12);
    SCOPED_TRACE(c.description);
    const ExactOptions options{.events = true, .readout_events = true};
    const ExactCounts fast = exact_curve(c.network, c.curve, options);
    const ExactCounts plain = exact_curve_plain(c.network, c.curve, options);
    expect_same_counts(fast, plain);
    // The twin's quadrature is coarse where the speed vanishes.
    expect_same_lengths(fast, plain, 1e-4);
    ASSERT_EQ(fast.readout_events.size(), plain.readout_events.size());
    for (std::size_t i = 0; i < fast.readout_events.size(); ++i)
      EXPECT_NEAR(fast.readout_events[i], plain.readout_events[i], 1e-8);
  }
}

TEST(ExactCurve, DoesNotDependOnTheStretches) {
  const std::uint64_t first = fresh_seed();
  for (std::uint64_t seed = first; seed < first + 10; ++seed) {
    const Case c = drawn(seed, 24, 6);
    SCOPED_TRACE(c.description);
    const ExactCounts whole = exact_curve(c.network, c.curve, {.live_boundaries = 1'000'000});
    for (const int live : {7, 40, 300}) {
      const ExactCounts cut = exact_curve(c.network, c.curve, {.live_boundaries = live});
      expect_same_counts(cut, whole);
      // Rounding of the maps, amplified by the layers, and of the sums.
      expect_same_lengths(cut, whole, 1e-11);
      EXPECT_EQ(cut.unresolved_events, whole.unresolved_events);
    }
  }
}

TEST(ExactCurve, EveryNeuronSwitchesAnEvenNumberOfTimesOnACircle) {
  const std::uint64_t first = fresh_seed();
  for (std::uint64_t seed = first; seed < first + 30; ++seed) {
    Case c = drawn(seed, 24, 8);
    SCOPED_TRACE(c.description);
    if (c.curve.kind == CurveKind::line) continue;
    c.curve.kind = CurveKind::circle;
    const ExactCounts counts = exact_curve(c.network, c.curve, {.events = true, .live_boundaries = 5});
    std::map<std::pair<int, int>, int> net;
    for (const ExactEvent& event : counts.events) net[{event.layer, event.neuron}] += event.after - event.before;
    for (const auto& [neuron, sum] : net) EXPECT_EQ(sum, 0);
    for (const std::int64_t n : counts.sign_changes) EXPECT_EQ(n % 2, 0);
    EXPECT_EQ(*counts.readout_sign_changes % 2, 0);
  }
}

/// T(x) = k x - 2 (k x - 1)+ + 2 (k x - 2)+ - ... rises and falls k times between 0 and 1; composed d times it has k^d
/// pieces. Its first neuron k T touches its breakpoint at every minimum, without crossing it.
StoredNetwork sawtooth(int k, int depth) {
  std::vector<StoredNetwork::Layer> layers;
  for (int layer = 0; layer < depth; ++layer) {
    StoredNetwork::Layer next{k, {}, {}};
    for (int i = 0; i < k; ++i) {
      next.bias.push_back(-i);
      if (layer == 0) next.weight.push_back(k);
      for (int j = 0; layer > 0 && j < k; ++j) next.weight.push_back(j == 0 ? k : j % 2 == 1 ? -2.0 * k : 2.0 * k);
    }
    layers.push_back(next);
  }
  StoredNetwork::Layer readout{1, {}, {-0.5}};
  for (int j = 0; j < k; ++j) readout.weight.push_back(j == 0 ? 1.0 : j % 2 == 1 ? -2.0 : 2.0);
  return StoredNetwork(1, layers, Activation::named("relu"), readout);
}

Curve line(std::vector<double> from, std::vector<double> to) {
  return curve_between(CurveKind::line, from, to);
}

TEST(ExactCurve, SawtoothHasKToTheDPieces) {
  for (const auto& [k, depth] : {std::pair{2, 20}, {3, 12}, {7, 6}, {10, 6}}) {
    SCOPED_TRACE(k);
    const ExactCounts counts = exact_curve(sawtooth(k, depth), line({0.0}, {1.0}));
    std::int64_t power = 1;
    for (std::size_t l = 0; l < static_cast<std::size_t>(depth); ++l) {
      EXPECT_EQ(counts.transitions[l], (k - 1) * power);
      EXPECT_EQ(counts.sign_changes[l], (k - 1) * power);
      power *= k;
      EXPECT_EQ(counts.pieces[l], power);
      EXPECT_EQ(counts.patterns[l], power);
    }
    EXPECT_EQ(counts.readout_sign_changes, power);
    EXPECT_EQ(counts.unresolved_events, 0);
    // Breakpoints at j / k^d, each right to the rounding of values of size k^d.
    EXPECT_NEAR(counts.smallest_gap, 1.0 / static_cast<double>(power), 1e-3 / static_cast<double>(power));
  }
}

TEST(ExactCurve, EventsOfASawtoothLieAtFractions) {
  const ExactCounts counts = exact_curve(sawtooth(3, 3), line({0.0}, {1.0}), {.events = true, .readout_events = true});
  ASSERT_EQ(counts.events.size(), 26u);
  for (std::size_t i = 0; i < 26; ++i) EXPECT_NEAR(counts.events[i].t, (static_cast<double>(i) + 1) / 27, 1e-14);
  ASSERT_EQ(counts.readout_events.size(), 27u);
  for (std::size_t i = 0; i < 27; ++i)
    EXPECT_NEAR(counts.readout_events[i], (static_cast<double>(i) + 0.5) / 27, 1e-14);
  EXPECT_FALSE(counts.readout_starts_positive);
}

/// One ReLU of the input (x, y).
StoredNetwork one_neuron(double wx, double wy, double bias, const char* activation = "relu") {
  return StoredNetwork(2, {{1, {wx, wy}, {bias}}}, Activation::named(activation), {1, {1.0}, {0.0}});
}

Curve unit_circle() {
  return curve_between(CurveKind::circle, std::vector{1.0, 0.0}, std::vector{0.0, 1.0});
}

TEST(ExactCurve, ATouchIsNoTransition) {
  for (const int live : {0, 1}) {
    const ExactOptions options{.live_boundaries = live};
    for (const double sign : {1.0, -1.0}) {
      for (const double angle : {0.0, 0.5 * std::numbers::pi, 1.0, 2.5}) {
        const double wx = sign * std::cos(angle);
        const double wy = sign * std::sin(angle);
        const double size = std::hypot(wx, wy);
        for (const double bias : {size, -size}) {
          const ExactCounts touch = exact_curve(one_neuron(wx, wy, bias), unit_circle(), options);
          EXPECT_THAT(touch.transitions, ElementsAre(0)) << angle << " " << bias;
          EXPECT_THAT(touch.pieces, ElementsAre(1));
          const ExactCounts cross = exact_curve(one_neuron(wx, wy, bias * (1 - 1e-9)), unit_circle(), options);
          EXPECT_THAT(cross.transitions, ElementsAre(2)) << angle << " " << bias;
          EXPECT_THAT(cross.pieces, ElementsAre(2));
          EXPECT_THAT(cross.patterns, ElementsAre(2));
        }
      }
    }
  }
}

TEST(ExactCurve, StartsAndEndsOnABreakpoint) {
  // h = sin t begins on its breakpoint and rises: one crossing at pi, and the one where the circle closes.
  EXPECT_THAT(exact_curve(one_neuron(0, 1, 0), unit_circle()).transitions, ElementsAre(2));
  EXPECT_THAT(exact_curve(one_neuron(0, -1, 0), unit_circle()).transitions, ElementsAre(2));
  // A line from or to the breakpoint does not cross it.
  EXPECT_THAT(exact_curve(one_neuron(1, 0, 0), line({0, 0}, {1, 0})).transitions, ElementsAre(0));
  EXPECT_THAT(exact_curve(one_neuron(1, 0, 0), line({-1, 0}, {0, 0})).transitions, ElementsAre(0));
  EXPECT_THAT(exact_curve(one_neuron(1, 0, 0), line({-1, 0}, {1, 0})).transitions, ElementsAre(1));
  // hard_tanh from one end to the other passes both breakpoints and zero.
  const ExactCounts through = exact_curve(one_neuron(4, 0, 0, "hard_tanh"), line({-1, 0}, {1, 0}), {.events = true});
  EXPECT_THAT(through.transitions, ElementsAre(2));
  EXPECT_THAT(through.sign_changes, ElementsAre(1));
  ASSERT_EQ(through.events.size(), 2u);
  EXPECT_DOUBLE_EQ(through.events[0].t, 0.375);
  EXPECT_DOUBLE_EQ(through.events[1].t, 0.625);
  EXPECT_EQ(through.events[1].before, 1);
  EXPECT_EQ(through.events[1].after, 2);
}

TEST(ExactCurve, AStayOnTheBreakpointIsNotAboveIt) {
  // Layer 1 is x+; layer 2 is x+ itself, at its breakpoint 0 while x < 0, and -x+, which never rises above.
  const StoredNetwork network(1, {{1, {1}, {0}}, {2, {1, -1}, {0, 0}}}, Activation::named("relu"));
  EXPECT_THAT(exact_curve(network, line({-1}, {1})).transitions, ElementsAre(1, 1));
  EXPECT_THAT(exact_curve(network, line({1}, {-1})).transitions, ElementsAre(1, 1));
  for (const int live : {0, 1}) {
    const Curve circle = curve_between(CurveKind::circle, std::vector{1.0}, std::vector{0.0});
    const ExactCounts counts = exact_curve(network, circle, {.live_boundaries = live});
    EXPECT_THAT(counts.transitions, ElementsAre(2, 2));
    // Events at one place are one boundary.
    EXPECT_THAT(counts.pieces, ElementsAre(2, 2));
    EXPECT_THAT(counts.patterns, ElementsAre(2, 2));
  }
}

TEST(ExactCurve, DeadLayersHaveNoEvents) {
  const StoredNetwork network(1, {{2, {1, -1}, {0.25, 0.5}}, {2, {-1, -1, -2, -3}, {-1, 0}}, {1, {1, 1}, {0}}},
                              Activation::named("relu"), {1, {1}, {0}});
  const ExactCounts counts = exact_curve(network, line({-1}, {1}));
  EXPECT_THAT(counts.transitions, ElementsAre(2, 0, 0));
  EXPECT_THAT(counts.sign_changes, ElementsAre(2, 0, 0));
  EXPECT_THAT(counts.pieces, Each(3));
  EXPECT_EQ(counts.length[1], 0.0);
  EXPECT_EQ(counts.length[2], 0.0);
  EXPECT_EQ(counts.readout_sign_changes, 0);
}

TEST(ExactCurve, ALinearNetworkTurnsACircleIntoEllipses) {
  // Semi-axes 3 and 2: perimeter 4 a E(k).
  const StoredNetwork network(2, {{2, {3, 0, 0, 2}, {0.5, 0}}, {2, {0, 2, 2, 0}, {0, 0}}}, Activation::named("linear"));
  const ExactCounts counts = exact_curve(network, unit_circle());
  const double perimeter = 12.0 * std::comp_ellint_2(std::sqrt(1.0 - 4.0 / 9.0));
  EXPECT_NEAR(counts.input_length, 2.0 * std::numbers::pi, 1e-13);
  EXPECT_NEAR(counts.length[0] / perimeter, 1.0, 1e-13);
  EXPECT_NEAR(counts.length[1] / perimeter, 2.0, 1e-13);
  EXPECT_THAT(counts.transitions, Each(0));
  EXPECT_THAT(counts.sign_changes, Each(4));
  EXPECT_THAT(counts.pieces, Each(1));
  EXPECT_THAT(counts.patterns, Each(1));
  EXPECT_TRUE(std::isnan(counts.smallest_gap));
}

TEST(ExactCurve, LengthsOfFlatEllipses) {
  // The speed nearly vanishes twice a turn: |cos t| at b = 0, an ellipse of axes 1 and b else.
  for (const double b : {0.0, 1e-12, 1e-7, 1e-3, 0.1}) {
    const StoredNetwork network(2, {{2, {1, 0, 0, b}, {0, 0}}}, Activation::named("linear"));
    for (const double turn : {0.0, 0.3}) {
      Curve curve = curve_between(CurveKind::arc, std::vector{std::cos(turn), -std::sin(turn)},
                                  std::vector{std::sin(turn), std::cos(turn)});
      curve.end = 2.0 * std::numbers::pi;
      const double perimeter = 4.0 * std::comp_ellint_2(std::sqrt(1.0 - b * b));
      EXPECT_NEAR(exact_curve(network, curve).length[0] / perimeter, 1.0, 1e-12) << b;
    }
  }
}

TEST(ExactCurve, LengthOfAPiecewiseCircle) {
  // One ReLU: its image goes 0 -> 1 -> 0 once a turn; two of opposite sign: the same in turns.
  EXPECT_NEAR(exact_curve(one_neuron(1, 0, 0), unit_circle()).length[0], 2.0, 1e-13);
  const StoredNetwork two(2, {{2, {1, 0, -1, 0}, {0.5, 0.5}}}, Activation::named("hard_tanh"));
  // h = 0.5 +- cos t, cut at 1, where |cos t| = 1/2: both move for |cos t| < 1/2, one for 1/2 < |cos t| < 1.
  EXPECT_NEAR(exact_curve(two, unit_circle()).length[0], 2.0 * std::numbers::sqrt2 + 2.0, 1e-13);
}

TEST(ExactCurve, PatternsRecurOnACircle) {
  // h = cos t - c for two neurons: four arcs between switches, three patterns.
  const StoredNetwork network(2, {{2, {1, 0, 1, 0}, {0.5, -0.5}}}, Activation::named("relu"));
  const ExactCounts counts = exact_curve(network, unit_circle());
  EXPECT_THAT(counts.transitions, ElementsAre(4));
  EXPECT_THAT(counts.pieces, ElementsAre(4));
  EXPECT_THAT(counts.patterns, ElementsAre(3));
  EXPECT_TRUE(exact_curve(network, unit_circle(), {.patterns = false}).patterns.empty());
}

TEST(ExactCurve, CoincidingEventsAreCertified) {
  // Two equal neurons switch together: one boundary, and no telling which comes first.
  const StoredNetwork network(1, {{2, {1, 1}, {-0.3, -0.3}}}, Activation::named("relu"));
  const ExactCounts counts = exact_curve(network, line({0}, {1}));
  EXPECT_THAT(counts.transitions, ElementsAre(2));
  EXPECT_THAT(counts.pieces, ElementsAre(2));
  EXPECT_EQ(counts.smallest_gap, 0.0);
  EXPECT_EQ(counts.unresolved_events, 1);
}

TEST(ExactCurve, OverflowKeepsTheLayersBefore) {
  std::vector<StoredNetwork::Layer> layers(8, {1, {1e60}, {0}});
  const StoredNetwork network(1, layers, Activation::named("linear"), {1, {1}, {0}});
  const ExactCounts counts = exact_curve(network, curve_between(CurveKind::circle, std::vector{1.0}, std::vector{0.5}));
  EXPECT_EQ(counts.finite_layers, 5);
  EXPECT_EQ(counts.sign_changes[4], 2);
  EXPECT_NEAR(counts.length[4] / 1e300, 4.0 * std::hypot(1.0, 0.5), 1e-9);
  EXPECT_EQ(counts.length[5], 0.0);
  EXPECT_FALSE(counts.readout_sign_changes.has_value());
}

TEST(ExactCurve, WalksFromAnyLayer) {
  const std::uint64_t seed = fresh_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const Case c = drawn(seed, 20, 6);
  const int depth = c.network.depth();
  for (int first = 1; first <= depth; ++first) {
    // A network whose first layer is the identity sees the pre-activations as its input.
    const int width = c.network.width(first);
    const auto size = static_cast<std::size_t>(width);
    std::vector<StoredNetwork::Layer> layers;
    const StreamKey key = stream_key(seed, 7);
    Curve sweep = curve_between(CurveKind::circle, gaussian_point(key, 0, width), gaussian_point(key, 1, width));
    sweep.center = gaussian_point(key, 2, width);
    StoredNetwork::Layer identity{width, std::vector<double>(size * size, 0.0), std::vector<double>(size, 0.0)};
    for (std::size_t i = 0; i < size; ++i) identity.weight[i * size + i] = 1.0;
    layers.push_back(identity);
    for (int layer = first + 1; layer <= depth; ++layer) {
      StoredNetwork::Layer next{c.network.width(layer), {}, {}};
      next.weight.resize(static_cast<std::size_t>(next.outputs) * static_cast<std::size_t>(c.network.fan_in(layer)));
      next.bias.resize(static_cast<std::size_t>(next.outputs));
      c.network.weight(layer, std::span<double>(next.weight));
      c.network.bias(layer, next.bias);
      layers.push_back(next);
    }
    StoredNetwork::Layer readout{1, std::vector<double>(static_cast<std::size_t>(c.network.width(depth))), {0.0}};
    c.network.readout_weight(readout.weight);
    const StoredNetwork tail(width, layers, c.network.activation(), readout);
    const ExactOptions options{.readout_events = true};
    const ExactCounts walked = ExactNetwork(c.network, first).walk(sweep, options);
    const ExactCounts expected = exact_curve_plain(tail, sweep, options);
    const auto tail_of = [&](const Counts& counts) { return Counts(counts.begin() + first - 1, counts.end()); };
    EXPECT_EQ(tail_of(walked.transitions), expected.transitions);
    EXPECT_EQ(tail_of(walked.patterns), expected.patterns);
    EXPECT_EQ(walked.readout_sign_changes, expected.readout_sign_changes);
    EXPECT_EQ(walked.readout_starts_positive, expected.readout_starts_positive);
    ASSERT_EQ(walked.readout_events.size(), expected.readout_events.size());
    for (std::size_t i = 0; i < walked.readout_events.size(); ++i)
      EXPECT_NEAR(walked.readout_events[i], expected.readout_events[i], 1e-8);
  }
}

TEST(ExactCurve, RefusesWhatItCannotDo) {
  const StoredNetwork smooth(2, {{1, {1, 1}, {0}}}, Activation::named("tanh"));
  EXPECT_THROW(exact_curve(smooth, unit_circle()), std::invalid_argument);
  EXPECT_THROW(exact_curve(one_neuron(1, 0, 0), line({0}, {1})), std::invalid_argument);
  EXPECT_THROW(ExactNetwork(one_neuron(1, 0, 0), 2), std::invalid_argument);
  EXPECT_THROW(ExactNetwork(one_neuron(1, 0, 0)).walk(unit_circle()), std::invalid_argument);
}

TEST(StateTable, MergesZeroWithTheBreakpoints) {
  const StateTable relu(*Activation::named("relu").pieces());
  EXPECT_EQ(relu.count(), 2);
  const StateTable hard(*Activation::named("hard_tanh").pieces());
  ASSERT_EQ(hard.count(), 4);
  EXPECT_EQ(hard[1].piece, 1);
  EXPECT_EQ(hard[2].piece, 1);
  EXPECT_EQ(hard.at_start(0.0, 1.0, 0.0, 1e-15), 2);
  EXPECT_EQ(hard.at_start(0.0, -1.0, 0.0, 1e-15), 1);
  EXPECT_EQ(hard.at_start(0.0, 0.0, 1.0, 1e-15), 2);
  EXPECT_EQ(hard.at_start(0.0, 0.0, 0.0, 1e-15), 1);
}

}  // namespace
}  // namespace meander
