// The forward pass: every kind of layer against values by hand and against its plain twin, and dense layers bit for bit
// as one product and one sum.
#include "kernels/networks/forward.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "kernels/base/blas.hpp"

namespace meander {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Entry = StoredNetwork::Entry;

std::vector<double> numbers(std::size_t count, std::uint32_t seed) {
  std::vector<float> normals(count);
  RandomStream(stream_key(seed, 0), Purpose::weights, 1).normals(0, 0, normals);
  return {normals.begin(), normals.end()};
}

std::vector<double> counting(int count) {
  std::vector<double> out(static_cast<std::size_t>(count));
  std::iota(out.begin(), out.end(), 1.0);
  return out;
}

/// A dense layer of weight 1 on one number in front, so that lists without weights of their own can be passed.
std::vector<double> image(const Shape& input, std::vector<Entry> entries, std::vector<double> point) {
  const StoredNetwork network(input, std::move(entries));
  ForwardPass<double>(network).push(point);
  return point;
}

/// A 1 x 1 convolution that changes nothing: gives lists of pools their layer with weights.
Entry identity(int channels) {
  Entry entry{Convolution{channels, {1, 1}, {1, 1}, {1, 1}, {}, 1}};
  for (int o = 0; o < channels; ++o) {
    for (int i = 0; i < channels; ++i) entry.weight.push_back(o == i ? 1.0 : 0.0);
  }
  return entry;
}

TEST(Forward, AConvolutionIsACrossCorrelation) {
  // [1 2 3; 4 5 6; 7 8 9] with the kernel [1 2; 3 4], not flipped.
  const Entry entry{Convolution{1, {2, 2}, {1, 1}, {1, 1}, {}, 1}, {}, {1, 2, 3, 4}, {0.5}};
  EXPECT_THAT(image({1, 3, 3}, {entry}, counting(9)), ElementsAre(37.5, 47.5, 67.5, 77.5));
}

TEST(Forward, PaddingIsTopBottomLeftRight) {
  // A row of zeros above and two columns to the left, nothing elsewhere: 2 x 3 places.
  const Entry entry{Convolution{1, {2, 2}, {1, 1}, {1, 1}, {1, 0, 2, 0}, 1}, {}, {1, 10, 100, 1000}};
  EXPECT_THAT(image({1, 2, 2}, {entry}, {1, 2, 3, 4}), ElementsAre(0, 1000, 2100,  //
                                                                   0, 3010, 4321));
  const Entry below{Convolution{1, {2, 2}, {1, 1}, {1, 1}, {0, 1, 0, 1}, 1}, {}, {1, 10, 100, 1000}};
  EXPECT_THAT(image({1, 2, 2}, {below}, {1, 2, 3, 4}), ElementsAre(4321, 402, 43, 4));
}

TEST(Forward, StrideAndDilation) {
  // Places (0, 0), (0, 2), (2, 0), (2, 2) of a 5 x 5 picture and two rows, one column further.
  const Entry entry{Convolution{1, {2, 2}, {2, 2}, {2, 1}, {}, 1}, {}, {1, 0, 0, 100}};
  EXPECT_THAT(image({1, 5, 5}, {entry}, counting(25)), ElementsAre(1 + 1200, 3 + 1400,  //
                                                                   11 + 2200, 13 + 2400));
}

TEST(Forward, GroupsSeeTheirOwnChannels) {
  // Four channels of one number; outputs 0, 1 see channels 0, 1 and outputs 2, 3 see channels 2, 3.
  const Entry entry{Convolution{4, {1, 1}, {1, 1}, {1, 1}, {}, 2}, {}, {1, 2, 3, 4, 5, 6, 7, 8}, {0, 0, 0, 1000}};
  EXPECT_THAT(image({4, 1, 1}, {entry}, {1, 10, 100, 1000}), ElementsAre(21, 43, 6500, 9700));
}

TEST(Forward, AveragesCountPadding) {
  const AveragePool pool{{2, 2}, {2, 2}, {1, 0, 0, 1}};
  // 3 x 3 with a row above and a column to the right: windows {1 2}, {3}, {4 5 7 8}, {6 9} of four numbers each.
  EXPECT_THAT(image({1, 3, 3}, {identity(1), {pool}}, counting(9)), ElementsAre(0.75, 0.75, 6, 3.75));
}

TEST(Forward, MaxPoolsIgnorePaddingAndNameTheirWinners) {
  const StoredNetwork network(Shape{1, 3, 3}, {identity(1), {MaxPool{{2, 2}, {2, 2}, {1, 0, 0, 1}}}});
  const std::vector<double> point{-1, -2, -3, -4, -5, -6, -7, -8, -9};
  forward(network, std::span<const double>(point), [](const LayerImage<double>& layer) {
    EXPECT_THAT(layer.x, ElementsAre(-1, -3, -4, -6));
    ASSERT_EQ(layer.winners.size(), 1U);
    EXPECT_EQ(layer.winners[0].entry, 1);
    EXPECT_THAT(layer.winners[0].places, ElementsAre(0, 2, 3, 5));
  });
}

TEST(Forward, OfEqualsTheFirstWinsAndNaNAlways) {
  const StoredNetwork network(Shape{1, 2, 2}, {identity(1), {MaxPool{{2, 2}, {2, 2}, {}}}});
  std::vector<int> winners;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> points{1, 3, 3, 3, 7, 7, 7, 7, 1, 2, nan, 3};
  forward(network, std::span<const double>(points),
          [&](const LayerImage<double>& layer) { winners = layer.winners[0].places; });
  EXPECT_THAT(std::vector<int>(winners.begin(), winners.begin() + 2), ElementsAre(1, 0));
  // Through the convolution NaN stays in its place, as 0 NaN is not summed over places.
  EXPECT_EQ(winners[2], 2);
}

TEST(Forward, ScaleAndShiftPerChannelOrComponent) {
  EXPECT_THAT(image({2, 1, 2}, {identity(2), {ScaleShift{{2, -1}, {0.5, 10}}}}, {1, 2, 3, 4}),
              ElementsAre(2.5, 4.5, 7, 6));
  const Entry sum{Dense{2}, {}, {1, 0, 0, 1}};
  EXPECT_THAT(image({2}, {sum, {ScaleShift{{2, -1}, {0.5, 10}}}}, {1, 2}), ElementsAre(2.5, 8));
}

TEST(Forward, AddTakesTheInputOrAnEarlierOutput) {
  const Entry twice{Dense{2}, LayerActivation::named("relu"), {2, 0, 0, 2}};
  // relu(2 x) = (2, 0); plus the input (3, -1).
  EXPECT_THAT(image({2}, {twice, {Add{-1}}}, {1, -1}), ElementsAre(3, -1));
  // The outputs of entry 0 after its activation: (2, 0); entry 1: (4, 0); the sum, with its own activation.
  EXPECT_THAT(image({2}, {twice, twice, {Add{0}}}, {1, -1}), ElementsAre(6, 0));
  EXPECT_THAT(image({2}, {twice, {Add{-1}, LayerActivation::named("relu")}}, {1, -1}), ElementsAre(3, 0));
  // Of the entry right before: twice as much.
  EXPECT_THAT(image({2}, {twice, {Add{0}}}, {1, -1}), ElementsAre(4, 0));
}

/// Every kind, activations on several of them, an entry before the first weights and a branch.
StoredNetwork everything(std::uint32_t seed) {
  std::vector<Entry> entries;
  const auto act = [](const char* name) { return LayerActivation::named(name); };
  entries.push_back({MaxPool{{2, 1}, {1, 1}, {0, 1, 0, 0}}});
  entries.push_back({ScaleShift{numbers(2, seed), numbers(2, seed + 1)}});
  entries.push_back({Convolution{4, {3, 2}, {1, 2}, {2, 1}, {2, 2, 0, 1}, 2}, act("tanh"), numbers(24, seed + 2),
                     numbers(4, seed + 3)});
  entries.push_back({AveragePool{{2, 3}, {2, 1}, {1, 0, 1, 1}}});
  entries.push_back({Convolution{4, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1}, {}, numbers(144, seed + 4)});
  entries.push_back({ScaleShift{numbers(4, seed + 5), numbers(4, seed + 6)}});
  entries.push_back({Add{3}, act("relu")});
  entries.push_back({MaxPool{{2, 2}, {2, 1}, {1, 0, 1, 1}}, act("sigmoid")});
  entries.push_back({Flatten{}});
  std::vector<Shape> shapes{{2, 7, 8}};
  for (const Entry& entry : entries) shapes.push_back(output_shape(entry.kind, shapes));
  const std::size_t flat = size_of_shape(shapes.back());
  entries.push_back({Dense{6}, act("hard_tanh"), numbers(6 * flat, seed + 7), numbers(6, seed + 8)});
  entries.push_back({Dense{6}, {}, numbers(36, seed + 9), numbers(6, seed + 10)});
  entries.push_back({Add{9}, act("gelu")});
  return {Shape{2, 7, 8}, std::move(entries)};
}

template <class Real>
void expect_near(std::span<const Real> row, const std::vector<double>& plain, double tolerance) {
  ASSERT_EQ(row.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_NEAR(row[i], plain[i], tolerance * (1 + std::abs(plain[i])));
}

template <class Real>
void compare_with_twin(double tolerance) {
  const StoredNetwork network = everything(5);
  ASSERT_EQ(network.depth(), 4);
  constexpr std::size_t points = 5;
  const auto size = static_cast<std::size_t>(network.input_dimension());
  const std::vector<double> x = numbers(points * size, 77);
  const std::vector<Real> batch(x.begin(), x.end());
  std::vector<std::vector<PlainImage>> plain;
  for (std::size_t p = 0; p < points; ++p)
    plain.push_back(forward_plain(network, std::span(x).subspan(p * size, size)));
  int seen = 0;
  forward(network, std::span<const Real>(batch), [&](const LayerImage<Real>& layer) {
    ASSERT_EQ(layer.layer, ++seen);
    ASSERT_EQ(layer.points, points);
    const auto l = static_cast<std::size_t>(layer.layer - 1);
    const std::size_t h = layer.h.size() / points, out = layer.x.size() / points;
    EXPECT_EQ(h, static_cast<std::size_t>(network.width(layer.layer)));
    for (std::size_t p = 0; p < points; ++p) {
      const PlainImage& twin = plain[p][l];
      expect_near(layer.h.subspan(p * h, h), twin.h, tolerance);
      expect_near(layer.activated.subspan(p * h, h), twin.activated, tolerance);
      expect_near(std::span<const Real>(layer.x).subspan(p * out, out), twin.x, tolerance);
      ASSERT_EQ(layer.winners.size(), twin.winners.size());
      for (std::size_t k = 0; k < twin.winners.size(); ++k) {
        EXPECT_EQ(layer.winners[k].entry, twin.winners[k].entry);
        const std::size_t each = twin.winners[k].places.size();
        ASSERT_EQ(layer.winners[k].places.size(), points * each);
        for (std::size_t i = 0; i < each; ++i)
          ASSERT_EQ(layer.winners[k].places[p * each + i], twin.winners[k].places[i]);
      }
    }
  });
  EXPECT_EQ(seen, 4);
}

TEST(Forward, AgreesWithItsPlainTwinInDouble) {
  compare_with_twin<double>(1e-13);
}
TEST(Forward, AgreesWithItsPlainTwinInSingle) {
  compare_with_twin<float>(2e-5);
}

TEST(Forward, TheTwinAgreesWithValuesByHand) {
  const StoredNetwork network(
      Shape{1, 3, 3},
      {{Convolution{1, {2, 2}, {1, 1}, {1, 1}, {}, 1}, LayerActivation::named("hard_tanh"), {1, 2, 3, 4}, {-47.25}},
       {AveragePool{{2, 2}, {2, 2}, {}}}});
  const auto images = forward_plain(network, counting(9));
  EXPECT_THAT(images[0].h, ElementsAre(-10.25, -0.25, 19.75, 29.75));
  EXPECT_THAT(images[0].activated, ElementsAre(-1, -0.25, 1, 1));
  EXPECT_THAT(images[0].x, ElementsAre(0.1875));
}

RandomNetwork random_network(const char* activation) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 37;
  parameters.widths = {50, 33, 64, 7};
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = 1.7;
  parameters.sigma_b = 0.3;
  return {parameters, stream_key(9, 2)};
}

/// What every kernel did before it had `forward`: one product, the bias, phi.
template <class Real>
void expect_bits_of_products(int points) {
  for (const char* activation : {"relu", "tanh", "erf", "gelu"}) {
    const RandomNetwork network = random_network(activation);
    const std::vector<double> numbers_of_points = numbers(static_cast<std::size_t>(points) * 37, 3);
    std::vector<Real> x(numbers_of_points.begin(), numbers_of_points.end());
    const std::vector<Real> input = x;
    forward(network, std::span<const Real>(input), [&](const LayerImage<Real>& layer) {
      const int outputs = network.width(layer.layer), inputs = network.fan_in(layer.layer);
      std::vector<Real> weight(static_cast<std::size_t>(outputs * inputs));
      std::vector<double> bias(static_cast<std::size_t>(outputs));
      network.weight(layer.layer, std::span<Real>(weight));
      network.bias(layer.layer, bias);
      std::vector<Real> h(static_cast<std::size_t>(points * outputs));
      multiply_transposed(points, outputs, inputs, x.data(), inputs, weight.data(), inputs, h.data(), outputs);
      for (std::size_t i = 0; i < h.size(); ++i) h[i] += static_cast<Real>(bias[i % bias.size()]);
      x = h;
      network.activation().apply(std::span<Real>(x));
      ASSERT_EQ(std::vector<Real>(layer.h.begin(), layer.h.end()), h) << activation << layer.layer;
      ASSERT_EQ(std::vector<Real>(layer.x.begin(), layer.x.end()), x) << activation << layer.layer;
    });
  }
}

TEST(Forward, DenseLayersAreTheProductBitForBit) {
  for (const int points : {1, 2, 17, 100}) {
    expect_bits_of_products<double>(points);
    expect_bits_of_products<float>(points);
  }
}

TEST(Forward, PartsOfANetworkMakeUpTheWhole) {
  const RandomNetwork network = random_network("tanh");
  std::vector<double> whole = numbers(3 * 37, 4);
  std::vector<double> parts = whole;
  ForwardPass<double>(network).push(whole);
  ForwardPass<double> below(network, {.last = 2, .keep_weights = true, .pre_activations = false});
  ForwardPass<double> above(network, {.first = 3, .keep_weights = true});
  std::vector<double> again = parts;
  for (std::vector<double>* values : {&parts, &again}) {
    below.push(*values);
    above.push(*values);
    EXPECT_EQ(*values, whole);
  }
  const std::vector<double> same = whole;
  ForwardPass<double>(network, {.first = 5}).push(whole);
  EXPECT_EQ(whole, same);
}

TEST(Forward, AVisitorMayEndThePassAndChangeWhatIsHandedOn) {
  const RandomNetwork network = random_network("relu");
  const std::vector<double> point = numbers(37, 5);
  std::vector<double> bias(33);
  network.bias(2, bias);
  int seen = 0;
  forward(network, std::span<const double>(point), [&](const LayerImage<double>& layer) {
    ++seen;
    if (layer.layer == 1) std::fill(layer.x.begin(), layer.x.end(), 0.0);
    if (layer.layer == 2) {
      EXPECT_EQ(std::vector<double>(layer.h.begin(), layer.h.end()), bias);
    }
    return layer.layer < 2;
  });
  EXPECT_EQ(seen, 2);
}

TEST(Forward, WhatAVisitorChangesIsWhatALaterAddTakes) {
  const Entry once{Dense{1}, {}, {1}};
  const StoredNetwork network(Shape{1}, {once, once, {Add{0}}});
  const std::vector<double> point{3};
  forward(network, std::span<const double>(point), [](const LayerImage<double>& layer) {
    if (layer.layer == 1) layer.x[0] = 10;
    if (layer.layer == 2) {
      EXPECT_EQ(layer.x[0], 20);
    }
  });
}

TEST(Forward, RefusesWhatItCannotPass) {
  const RandomNetwork network = random_network("relu");
  std::vector<double> odd(38);
  EXPECT_THROW(ForwardPass<double>(network).push(odd), std::invalid_argument);
  odd.clear();
  EXPECT_THROW(ForwardPass<double>(network).push(odd), std::invalid_argument);
  EXPECT_THROW(ForwardPass<double>(network, {.first = 0}), std::invalid_argument);
  EXPECT_THROW(ForwardPass<double>(network, {.last = 5}), std::invalid_argument);
  EXPECT_THROW(ForwardPass<double>(network, {.first = 4, .last = 2}), std::invalid_argument);
  const Entry once{Dense{1}, {}, {1}};
  const StoredNetwork branch(Shape{1}, {once, once, {Add{-1}}});
  try {
    ForwardPass<double>(branch, {.first = 2});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("/layers/2 adds the input"));
  }
}

}  // namespace
}  // namespace meander
