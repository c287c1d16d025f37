// The exact walk on networks drawn afresh: against forward evaluation at every piece it claims, and against its
// plain twin.
#include <gtest/gtest.h>

#include <map>

#include "kernels/linear_regions/exact_curve.hpp"
#include "tests/support/exact_cases.hpp"

namespace meander {
namespace {

using Counts = std::vector<std::int64_t>;

TEST(ExactRandom, HasThePatternsOfTheNetworkEverywhere) {
  for (const std::uint64_t seed : fresh_seeds(60)) {
    const Case c = drawn(seed, seed % 4 == 0 ? 64 : 16, seed % 4 == 0 ? 4 : 12);
    SCOPED_TRACE(c.description);
    const ExactCounts counts = exact_curve(c.network, c.curve, {.events = true});
    expect_pattern_everywhere(c.network, c.curve, counts.events);
    std::int64_t transitions = 0;
    for (const std::int64_t n : counts.transitions) transitions += n;
    EXPECT_EQ(transitions, static_cast<std::int64_t>(counts.events.size()));
  }
}

TEST(ExactRandom, AgreesWithItsPlainTwin) {
  // Known: lines on which all neurons vanish at one t, by a narrow layer and by the origin, with a steep network
  // behind.
  for (const std::uint64_t seed : fresh_seeds(80, {3078033599, 1821600477, 1821600581, 90000659})) {
    const Case c = drawn(seed, seed % 4 == 0 ? 64 : 20, seed % 4 == 0 ? 4 : 12);
    SCOPED_TRACE(c.description);
    const ExactOptions options{.events = true, .readout_events = true};
    const ExactCounts fast = exact_curve(c.network, c.curve, options);
    std::vector<double> rounding;
    const ExactCounts plain = exact_curve_plain(c.network, c.curve, options, &rounding);
    expect_same_counts(fast, plain);
    expect_same_lengths(fast, plain, length_tolerances(plain, rounding));
    ASSERT_EQ(fast.readout_events.size(), plain.readout_events.size());
    for (std::size_t i = 0; i < fast.readout_events.size(); ++i)
      EXPECT_NEAR(fast.readout_events[i], plain.readout_events[i], 1e-8);
  }
}

TEST(ExactRandom, DoesNotDependOnTheStretches) {
  for (const std::uint64_t seed : fresh_seeds(10)) {
    const Case c = drawn(seed, 24, 6);
    SCOPED_TRACE(c.description);
    const std::vector<double> tolerances = length_tolerances(c);
    const ExactCounts whole = exact_curve(c.network, c.curve, {.live_boundaries = 1'000'000});
    for (const int live : {7, 40, 300}) {
      const ExactCounts cut = exact_curve(c.network, c.curve, {.live_boundaries = live});
      expect_same_counts(cut, whole);
      expect_same_lengths(cut, whole, tolerances);
      EXPECT_EQ(cut.unresolved_events, whole.unresolved_events);
    }
  }
}

TEST(ExactRandom, EveryNeuronSwitchesAnEvenNumberOfTimesOnACircle) {
  for (const std::uint64_t seed : fresh_seeds(30)) {
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

TEST(ExactRandom, WalksFromAnyLayer) {
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

}  // namespace
}  // namespace meander
