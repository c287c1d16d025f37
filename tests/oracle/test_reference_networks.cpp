// Networks whose transitions are known exactly, sampled finely enough that no event is missed.
#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/trajectories/sampled_curve.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "tests/support/reference.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace meander {
namespace {

using Counts = std::vector<std::int64_t>;

using testing_support::reference_network;

struct StoredCase {
  StoredNetwork network;
  Curve curve;
};

StoredNetwork::Layer layer_of(const NamedArrays& file, const std::string& group) {
  const NamedArray* weight = file.find(group + "/weight");
  const NamedArray* bias = file.find(group + "/bias");
  if (weight == nullptr || bias == nullptr) throw std::runtime_error(group + " is incomplete");
  return {static_cast<int>(weight->shape.front()), weight->values, bias->values};
}

StoredCase load(const std::string& name) {
  const std::filesystem::path path = reference_network(name);
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const NamedArrays file = read_arrays(std::as_bytes(std::span(content)), path.string());
  std::vector<StoredNetwork::Layer> layers;
  while (file.find("/layers/" + std::to_string(layers.size()) + "/weight") != nullptr)
    layers.push_back(layer_of(file, "/layers/" + std::to_string(layers.size())));
  Curve curve;
  curve.center = file.find("/curve/center")->values;
  curve.u = file.find("/curve/u")->values;
  const NamedArray* v = file.find("/curve/v");
  curve.kind = v != nullptr ? CurveKind::circle : CurveKind::line;
  if (v != nullptr) curve.v = v->values;
  std::string activation = file.texts.at("activation");
  if (activation == "hardtanh") activation = "hard_tanh";
  return {
      StoredNetwork(curve.dimension(), std::move(layers), Activation::named(activation), layer_of(file, "/readout")),
      curve};
}

/// From transitions.json: `region_transitions_per_layer`, `sign_crossings_per_layer`,
/// `readout_sign_changes` and `distinct_patterns`. The samples lie closer than the closest two events.
struct Reference {
  std::string name;
  long samples = 0;
  Counts transitions, sign_changes;
  std::int64_t readout = 0;
  std::int64_t patterns = 0;
};

/// How test reports name one.
void PrintTo(const Reference& one, std::ostream* out) {
  *out << one.name;
}

class ReferenceNetwork : public testing::TestWithParam<Reference> {};

TEST_P(ReferenceNetwork, SampledFinelyGivesTheExactCounts) {
  const Reference& reference = GetParam();
  const StoredCase stored = load(reference.name);
  const SampledCounts counts = sample_curve(stored.network, stored.curve, {.samples = reference.samples});
  EXPECT_EQ(counts.transitions, reference.transitions);
  EXPECT_EQ(counts.sign_changes, reference.sign_changes);
  EXPECT_EQ(counts.readout_sign_changes, reference.readout);
  EXPECT_EQ(counts.patterns.back(), reference.patterns);
  // None of these curves meets a pattern twice, and the reference counts patterns between events.
  EXPECT_EQ(counts.pieces.back(), reference.patterns);
}

TEST_P(ReferenceNetwork, IsCountedExactlyHoweverItIsCut) {
  const Reference& reference = GetParam();
  const StoredCase stored = load(reference.name);
  for (const int live : {0, 2, 10, 100}) {
    const ExactCounts counts = exact_curve(stored.network, stored.curve, {.live_boundaries = live});
    EXPECT_EQ(counts.transitions, reference.transitions);
    EXPECT_EQ(counts.sign_changes, reference.sign_changes);
    EXPECT_EQ(counts.readout_sign_changes, reference.readout);
    EXPECT_EQ(counts.patterns.back(), reference.patterns);
    EXPECT_EQ(counts.pieces.back(), reference.patterns);
    EXPECT_EQ(counts.unresolved_events, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Networks, ReferenceNetwork,
    testing::Values(
        Reference{"relu_m5_k8_n3_sw22_sb0.5_line", 400000, {2, 1, 0}, {2, 1, 0}, 0, 4},
        Reference{"relu_m5_k8_n3_sw22_sb0.5_circle", 400000, {14, 14, 4}, {14, 14, 4}, 2, 32},
        Reference{"relu_m5_k16_n5_sw22_sb0.3_line", 400000, {10, 6, 7, 10, 7}, {10, 6, 7, 10, 7}, 0, 41},
        Reference{"relu_m5_k16_n5_sw22_sb0.3_circle", 400000, {30, 32, 42, 42, 42}, {30, 32, 42, 42, 42}, 0, 188},
        Reference{"hardtanh_m5_k8_n3_sw24_sb0.5_line", 400000, {3, 4, 7}, {3, 3, 6}, 1, 15},
        Reference{"hardtanh_m5_k8_n3_sw24_sb0.5_circle", 400000, {30, 36, 48}, {16, 20, 22}, 6, 114},
        Reference{
            "hardtanh_m10_k32_n6_sw28_sb0_line", 400000, {30, 46, 66, 82, 108, 185}, {15, 23, 23, 38, 67, 94}, 4, 518},
        Reference{"hardtanh_m10_k32_n6_sw28_sb0_circle",
                  2400000,
                  {116, 176, 264, 436, 572, 1076},
                  {64, 92, 172, 224, 312, 508},
                  26,
                  2640}),
    [](const auto& test) {
      std::string name = test.param.name;
      for (char& letter : name) letter = letter == '.' ? '_' : letter;
      return name;
    });

/// Telgarsky's triangle wave of 2 pieces, composed with itself: 2^(l-1) transitions in layer l and 2^depth
/// pieces, at j / 2^depth. Layer l holds T = 2 relu(s) - 4 relu(s - 1/2) of the layer before, lifted by
/// one in its first neuron, which never switches.
StoredNetwork sawtooth(int depth) {
  std::vector<StoredNetwork::Layer> layers{{2, {1, 1}, {1, -0.5}}};
  for (int layer = 2; layer <= depth; ++layer) layers.push_back({2, {2, -4, 2, -4}, {-1, -2.5}});
  return StoredNetwork(1, layers, Activation::named("relu"), {1, {2, -4}, {-2.5}});
}

Curve unit_interval() {
  Curve curve;
  curve.kind = CurveKind::line;
  curve.center = {0.0};
  curve.u = {1.0};
  return curve;
}

void expect_sawtooth(const SampledCounts& counts, int depth, std::int64_t readout) {
  Counts transitions, pieces;
  for (int layer = 1; layer <= depth; ++layer) {
    transitions.push_back(std::int64_t{1} << (layer - 1));
    pieces.push_back(std::int64_t{1} << layer);
  }
  EXPECT_EQ(counts.transitions, transitions);
  EXPECT_EQ(counts.sign_changes, transitions);
  EXPECT_EQ(counts.pieces, pieces);
  EXPECT_EQ(counts.patterns, pieces);
  EXPECT_EQ(counts.readout_sign_changes, readout);
}

TEST(Sawtooth, HasTwiceAsManyPiecesInEachLayer) {
  for (const int depth : {1, 2, 3, 6, 10}) {
    // The readout T - 1/2 changes sign on each of the 2^depth pieces. The second number of samples puts
    // one on every breakpoint and every zero.
    const std::int64_t pieces = std::int64_t{1} << depth;
    for (const long samples : {400001L, 4097L}) {
      for (const Precision precision : {Precision::double_, Precision::single}) {
        expect_sawtooth(sample_curve(sawtooth(depth), unit_interval(), {.samples = samples, .precision = precision}),
                        depth, pieces);
      }
    }
    expect_sawtooth(sample_curve_plain(sawtooth(depth), unit_interval(), {.samples = 4097}), depth, pieces);
  }
}

TEST(Sawtooth, OfTheReferenceFolderIsTheSame) {
  for (int depth = 1; depth <= 5; ++depth) {
    const StoredCase stored = load("sawtooth_k2_d" + std::to_string(depth));
    // Its readout is T itself, zero at j / 2^(depth-1) and above elsewhere: positive at every sample but
    // the first and, where they fall on those points, a few more.
    SampledCounts counts = sample_curve(stored.network, stored.curve, {.samples = 400000});
    EXPECT_LE(*counts.readout_sign_changes, 2);
    counts.readout_sign_changes = 0;
    expect_sawtooth(counts, depth, 0);
  }
}

}  // namespace
}  // namespace meander
