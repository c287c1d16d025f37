// The exact walk on networks with known counts, and its policy for touches, ties and dead layers.
#include "kernels/linear_regions/exact_curve.hpp"

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

#include "kernels/base/wide_float.hpp"
#include "kernels/linear_regions/exact_states.hpp"

namespace meander {
namespace {

using Counts = std::vector<std::int64_t>;
using testing::Each;
using testing::ElementsAre;

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
  // Every valley of every layer is on a threshold: a touch, which takes more digits than a double's to be told.
  for (const auto& [k, depth] : {std::pair{2, 18}, {3, 11}, {7, 5}, {10, 5}}) {
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
          // A bias that is rounded down cuts the circle twice, 1e-8 apart.
          const auto square = [](double x) { return WideFloat<4>(x) * WideFloat<4>(x); };
          const bool cuts = square(wx) + square(wy) > square(bias);
          const ExactCounts touch = exact_curve(one_neuron(wx, wy, bias), unit_circle(), options);
          EXPECT_THAT(touch.transitions, ElementsAre(cuts ? 2 : 0)) << angle << " " << bias;
          EXPECT_THAT(touch.pieces, ElementsAre(cuts ? 2 : 1));
          EXPECT_EQ(touch.unresolved_events, 0);
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

TEST(ExactCurve, TheSmallestGapMayLieWhereACircleCloses) {
  // cos t = cos 0.01 at t = 0.01 and at 2 pi - 0.01.
  const ExactCounts counts = exact_curve(one_neuron(1, 0, -std::cos(0.01)), unit_circle());
  EXPECT_THAT(counts.transitions, ElementsAre(2));
  EXPECT_NEAR(counts.smallest_gap, 0.02, 1e-12);
  EXPECT_EQ(counts.unresolved_events, 0);
}

TEST(ExactCurve, AReadoutThatOverflowsHasNoSign) {
  const StoredNetwork network(2, {{2, {1e200, 0, 0, 1e200}, {0, 0}}}, Activation::named("relu"),
                              {1, {1e200, -1e200}, {0}});
  const ExactCounts counts = exact_curve(network, unit_circle());
  EXPECT_EQ(counts.finite_layers, 1);
  EXPECT_THAT(counts.transitions, ElementsAre(4));
  EXPECT_FALSE(counts.readout_sign_changes.has_value());
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

TEST(ExactCurve, RefusesWhatItCannotDo) {
  const StoredNetwork smooth(2, {{1, {1, 1}, {0}}}, Activation::named("tanh"));
  EXPECT_THROW(exact_curve(smooth, unit_circle()), std::invalid_argument);
  EXPECT_THROW(exact_curve(one_neuron(1, 0, 0), line({0}, {1})), std::invalid_argument);
  EXPECT_THROW(ExactNetwork(one_neuron(1, 0, 0), 2), std::invalid_argument);
  EXPECT_THROW(ExactNetwork(one_neuron(1, 0, 0)).walk(unit_circle()), std::invalid_argument);
}

TEST(StateTable, KnowsWhereOutputsVanish) {
  const StateTable relu(*Activation::named("relu").pieces());
  EXPECT_EQ(relu.thresholds[0].image, 0.0);
  EXPECT_TRUE(relu.keeps_zero(std::vector{0.0, -0.5, 0.0}));
  EXPECT_FALSE(relu.keeps_zero(std::vector{0.0, 1e-300}));
  const StateTable shifted(*Activation::piecewise_linear({-0.7, 0.2}, {0.1, 0.0, 0.3}, 0.2, 0.0).pieces());
  EXPECT_EQ(shifted.image(0.0), 0.0);
  EXPECT_EQ(shifted.thresholds[0].image, 0.0);
  EXPECT_NE(StateTable(*Activation::piecewise_linear({0.0}, {0.5, 1.0}, 0.0, 0.1).pieces()).thresholds[0].image, 0.0);
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
