// Weight laws, random networks and stored networks.
#include "kernels/networks/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace meander {
namespace {

using Kind = WeightLaw::Kind;

struct LawCase {
  std::string name;
  WeightLaw law;
  double fourth_moment;  // of the standardised variate
};

/// Every law whose entries are independent. E x^4 of Student's law with nu degrees of freedom and
/// variance 1 is 3 (nu - 2) / (nu - 4).
std::vector<LawCase> independent_laws() {
  return {{"gaussian", {Kind::gaussian, 0.0}, 3.0},     {"uniform", {Kind::uniform, 0.0}, 1.8},
          {"rademacher", {Kind::rademacher, 0.0}, 1.0}, {"student_t", {Kind::student_t, 12.0}, 3.75},
          {"sparse", {Kind::sparse, 0.25}, 3.0 / 0.25}, {"sparse, full", {Kind::sparse, 1.0}, 3.0}};
}

std::vector<float> draw(const WeightLaw& law, std::uint32_t rows, std::size_t columns) {
  std::vector<float> all(rows * columns);
  for (std::uint32_t row = 0; row < rows; ++row) {
    draw_row(law, stream_key(42, 0), Purpose::weights, 1, row, std::span(all).subspan(row * columns, columns));
  }
  return all;
}

TEST(WeightLaw, MomentsAreThoseOfTheLaw) {
  for (const auto& [name, law, fourth] : independent_laws()) {
    const std::vector<float> all = draw(law, 400, 1001);
    const double n = static_cast<double>(all.size());
    double mean = 0.0;
    double square = 0.0;
    double power4 = 0.0;
    double neighbours = 0.0;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const double x = all[k];
      mean += x / n;
      square += x * x / n;
      power4 += x * x * x * x / n;
      if (k > 0) neighbours += x * all[k - 1] / n;
    }
    // 4.5 standard errors: 1 / sqrt(n) for mean and product, sqrt((E x^4 - 1) / n) for the square.
    EXPECT_NEAR(mean, 0.0, 4.5 / std::sqrt(n)) << name;
    EXPECT_NEAR(square, 1.0, 4.5 * std::sqrt((fourth - 1.0) / n) + 1e-6) << name;
    EXPECT_NEAR(neighbours, 0.0, 4.5 / std::sqrt(n)) << name;
    // E x^8 of student_t with 12 degrees of freedom is 131 (the largest after sparse's 105 / 0.25^3).
    EXPECT_NEAR(power4, fourth, 4.5 * std::sqrt(105.0 / std::pow(0.25, 3.0) / n)) << name;
  }
}

TEST(WeightLaw, UniformAndRademacherHaveTheirSupport) {
  for (const float x : draw({Kind::uniform, 0.0}, 20, 1000)) EXPECT_LT(std::abs(x), 1.7320509f);
  const std::vector<float> signs = draw({Kind::rademacher, 0.0}, 20, 1000);
  EXPECT_EQ(std::set<float>(signs.begin(), signs.end()), (std::set<float>{-1.0f, 1.0f}));
}

TEST(WeightLaw, SparseHasItsDensityAndNormals) {
  const std::vector<float> sparse = draw({Kind::sparse, 0.1}, 100, 1000);
  const std::vector<float> normal = draw({Kind::gaussian, 0.0}, 100, 1000);
  double kept = 0.0;
  for (std::size_t k = 0; k < sparse.size(); ++k) {
    if (sparse[k] == 0.0f) continue;
    kept += 1.0;
    ASSERT_FLOAT_EQ(sparse[k], static_cast<float>(normal[k] / std::sqrt(0.1)));
  }
  // Binomial: 4.5 standard deviations sqrt(1e5 * 0.1 * 0.9).
  EXPECT_NEAR(kept, 1e4, 4.5 * std::sqrt(9000.0));
}

/// P(T < t) for four degrees of freedom: 1/2 + (s / 2)(3 - s^2) / 2 with s = t / sqrt(4 + t^2).
double student4(double t) {
  const double s = t / std::sqrt(4.0 + t * t);
  return 0.5 + 0.25 * s * (3.0 - s * s);
}

TEST(WeightLaw, StudentHasItsDistribution) {
  std::vector<float> all = draw({Kind::student_t, 4.0}, 100, 2000);
  std::sort(all.begin(), all.end());
  const double n = static_cast<double>(all.size());
  double largest = 0.0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    const double exact = student4(static_cast<double>(all[k]) * std::sqrt(2.0));  // variance 2 before scaling
    largest = std::max({largest, exact - static_cast<double>(k) / n, static_cast<double>(k + 1) / n - exact});
  }
  // Kolmogorov's distribution exceeds 2.4 with probability 2e-5.
  EXPECT_LT(largest * std::sqrt(n), 2.4);
  EXPECT_TRUE(std::isfinite(all.front()) && std::isfinite(all.back()));
}

TEST(WeightLaw, GoldenValues) {
  // Row 2 of layer 1 for seed 1606; changing a value changes what old archives mean.
  const auto expect = [](WeightLaw law, std::vector<float> expected) {
    std::vector<float> drawn(expected.size());
    draw_row(law, stream_key(1606, 0), Purpose::weights, 1, 2, drawn);
    EXPECT_EQ(drawn, expected);
  };
  expect({Kind::uniform, 0.0}, {-1.32783389f, -1.66260636f, -0.818120539f, -1.32477021f, 0.228579238f, -0.535951793f,
                                -0.116457932f, 1.64158034f});
  expect({Kind::rademacher, 0.0}, {1.0f, 1.0f, 1.0f, 1.0f, -1.0f, 1.0f, 1.0f, -1.0f});
  expect({Kind::student_t, 4.0},
         {1.94783092f, 1.01741683f, -0.457297206f, 0.950691402f, -1.76685452f, -4.5299902f, 0.464445442f, 1.20227695f});
  expect({Kind::sparse, 0.5}, {0.0f, 0.0f, 0.0f, 1.55451334f, 0.0f, 0.0f, 1.72324824f, 0.0f});
}

TEST(WeightLaw, PartsOfARowAreTheRows) {
  for (const WeightLaw law :
       {WeightLaw{Kind::gaussian, 0.0}, WeightLaw{Kind::uniform, 0.0}, WeightLaw{Kind::rademacher, 0.0},
        WeightLaw{Kind::student_t, 5.0}, WeightLaw{Kind::sparse, 0.3}}) {
    std::vector<float> row(300), part(101);
    draw_row(law, stream_key(1606, 0), Purpose::weights, 1, 2, row);
    for (const std::uint32_t first : {0U, 3U, 128U, 199U}) {
      draw_columns(law, stream_key(1606, 0), Purpose::weights, 1, 2, first, part);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), row.begin() + first)) << first;
    }
  }
}

TEST(WeightLaw, RowsOfOrthogonalMatricesAreRefused) {
  std::vector<float> row(4);
  EXPECT_THROW(draw_row({Kind::orthogonal, 0.0}, stream_key(1, 0), Purpose::weights, 1, 0, row), std::invalid_argument);
}

RandomNetwork::Parameters parameters(int input_dimension, std::vector<int> widths, WeightLaw law = {}) {
  RandomNetwork::Parameters result;
  result.input_dimension = input_dimension;
  result.widths = std::move(widths);
  result.activation = Activation::named("tanh");
  result.sigma_w = 1.7;
  result.sigma_b = 0.3;
  result.law = law;
  result.readout_sigma = 2.0;
  return result;
}

std::vector<double> weight(const Network& network, int layer) {
  std::vector<double> w(static_cast<std::size_t>(network.width(layer)) *
                        static_cast<std::size_t>(network.fan_in(layer)));
  network.weight(layer, std::span<double>(w));
  return w;
}

std::vector<double> bias(const Network& network, int layer) {
  std::vector<double> b(static_cast<std::size_t>(network.width(layer)));
  network.bias(layer, b);
  return b;
}

TEST(RandomNetwork, WeightsAreTheScaledVariates) {
  const StreamKey key = stream_key(7, 3);
  for (const auto& [name, law, fourth] : independent_laws()) {
    const RandomNetwork network(parameters(11, {6, 9}, law), key);
    const std::vector<double> w = weight(network, 2);
    for (std::uint32_t row = 0; row < 9; ++row) {
      std::vector<float> variates(6);
      draw_row(law, key, Purpose::weights, 2, row, variates);
      for (std::size_t k = 0; k < 6; ++k) {
        EXPECT_EQ(w[row * 6 + k], 1.7 / std::sqrt(6.0) * static_cast<double>(variates[k])) << name;
      }
    }
  }
}

TEST(RandomNetwork, ShapesAreReported) {
  const RandomNetwork network(parameters(11, {6, 9, 2}), stream_key(7, 3));
  EXPECT_EQ(network.depth(), 3);
  EXPECT_EQ(network.input_dimension(), 11);
  EXPECT_EQ(network.width(2), 9);
  EXPECT_EQ(network.fan_in(1), 11);
  EXPECT_EQ(network.fan_in(3), 9);
  EXPECT_EQ(network.max_width(), 9);
  EXPECT_EQ(network.readout_outputs(), 1);
}

TEST(RandomNetwork, WiderAndDeeperOnesExtendNarrowAndShallowOnes) {
  const StreamKey key = stream_key(7, 3);
  for (const auto& [name, law, fourth] : independent_laws()) {
    const RandomNetwork narrow(parameters(5, {6, 7}, law), key);
    const RandomNetwork wide(parameters(50, {60, 70, 80}, law), key);
    for (int layer = 1; layer <= 2; ++layer) {
      const std::vector<double> small = weight(narrow, layer);
      const std::vector<double> large = weight(wide, layer);
      const auto columns = static_cast<std::size_t>(narrow.fan_in(layer));
      const auto stride = static_cast<std::size_t>(wide.fan_in(layer));
      const double ratio = std::sqrt(static_cast<double>(stride) / static_cast<double>(columns));
      for (std::size_t k = 0; k < small.size(); ++k) {
        EXPECT_DOUBLE_EQ(small[k], ratio * large[k / columns * stride + k % columns]) << name;
      }
      const std::vector<double> all = bias(wide, layer);
      EXPECT_EQ(bias(narrow, layer), std::vector<double>(all.begin(), all.begin() + narrow.width(layer)));
    }
  }
}

TEST(RandomNetwork, FloatIsTheDoubleRoundedOnce) {
  std::vector<LawCase> laws = independent_laws();
  laws.push_back({"orthogonal", {Kind::orthogonal, 0.0}, 0.0});
  for (const auto& [name, law, fourth] : laws) {
    const RandomNetwork network(parameters(33, {40, 21}, law), stream_key(7, 3));
    for (int layer = 1; layer <= 2; ++layer) {
      const std::vector<double> exact = weight(network, layer);
      std::vector<float> rounded(exact.size());
      network.weight(layer, std::span<float>(rounded));
      for (std::size_t k = 0; k < exact.size(); ++k) EXPECT_EQ(rounded[k], static_cast<float>(exact[k])) << name;
    }
  }
}

TEST(RandomNetwork, BiasesHaveTheirVarianceAndStream) {
  const RandomNetwork network(parameters(2, {20000, 3}), stream_key(7, 3));
  const std::vector<double> b = bias(network, 1);
  double square = 0.0;
  for (const double value : b) square += value * value / 20000.0;
  EXPECT_NEAR(square / 0.09, 1.0, 4.5 * std::sqrt(2.0 / 20000.0));
  std::vector<float> normals(3);
  RandomStream(stream_key(7, 3), Purpose::biases, 2).normals(0, 0, normals);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(bias(network, 2)[k], 0.3 * static_cast<double>(normals[k]));
}

TEST(RandomNetwork, ReadoutDoesNotDependOnTheDepth) {
  const RandomNetwork shallow(parameters(5, {8}), stream_key(7, 3));
  const RandomNetwork deep(parameters(5, {3, 4, 8}), stream_key(7, 3));
  std::vector<double> first(8);
  std::vector<double> second(8);
  std::vector<double> constant(1, 5.0);
  shallow.readout_weight(first);
  deep.readout_weight(second);
  shallow.readout_bias(constant);
  EXPECT_EQ(first, second);
  EXPECT_EQ(constant[0], 0.0);
  std::vector<float> normals(8);
  RandomStream(stream_key(7, 3), Purpose::readout, 0).normals(0, 0, normals);
  for (std::size_t k = 0; k < 8; ++k) {
    EXPECT_DOUBLE_EQ(first[k], 2.0 / std::sqrt(8.0) * static_cast<double>(normals[k]));
  }
}

TEST(RandomNetwork, WithoutReadoutThereIsNone) {
  RandomNetwork::Parameters without = parameters(5, {8});
  without.readout_sigma = -1.0;
  const RandomNetwork network(without, stream_key(7, 3));
  EXPECT_EQ(network.readout_outputs(), 0);
  EXPECT_NO_THROW(network.readout_weight({}));
}

TEST(RandomNetwork, BadParametersAreRefused) {
  const auto refused = [](const std::function<void(RandomNetwork::Parameters&)>& change) {
    RandomNetwork::Parameters bad = parameters(5, {8});
    change(bad);
    EXPECT_THROW(RandomNetwork(bad, stream_key(1, 0)), std::invalid_argument);
  };
  refused([](auto& p) { p.input_dimension = 0; });
  refused([](auto& p) { p.widths = {}; });
  refused([](auto& p) { p.widths = {4, 0}; });
  refused([](auto& p) { p.sigma_w = std::nan(""); });
  refused([](auto& p) { p.sigma_b = -1.0; });
  refused([](auto& p) { p.readout_sigma = std::nan(""); });
  refused([](auto& p) { p.law = {Kind::student_t, 2.0}; });
  refused([](auto& p) { p.law = {Kind::sparse, 0.0}; });
  refused([](auto& p) { p.law = {Kind::sparse, 1.5}; });
  const RandomNetwork network(parameters(5, {8}), stream_key(1, 0));
  std::vector<double> small(39);
  EXPECT_THROW(network.weight(1, std::span<double>(small)), std::invalid_argument);
  EXPECT_THROW(network.weight(2, std::span<double>(small)), std::invalid_argument);
  EXPECT_THROW(network.bias(1, small), std::invalid_argument);
}

StoredNetwork::Layer layer(int outputs, int inputs, double first) {
  StoredNetwork::Layer result;
  result.outputs = outputs;
  for (int k = 0; k < outputs * inputs; ++k) result.weight.push_back(first + 0.1 * k);
  for (int k = 0; k < outputs; ++k) result.bias.push_back(-first - k);
  return result;
}

TEST(StoredNetwork, GivesBackWhatItWasGiven) {
  const auto first = layer(3, 2, 1.0);
  const auto second = layer(4, 3, 2.0);
  const auto readout = layer(2, 4, 3.0);
  const StoredNetwork network(2, {first, second}, Activation::named("relu"), readout);
  EXPECT_EQ(network.depth(), 2);
  EXPECT_EQ(network.fan_in(2), 3);
  EXPECT_EQ(network.readout_outputs(), 2);
  EXPECT_EQ(weight(network, 1), first.weight);
  EXPECT_EQ(weight(network, 2), second.weight);
  EXPECT_EQ(bias(network, 2), second.bias);
  std::vector<float> single(12);
  network.weight(2, std::span<float>(single));
  EXPECT_EQ(single, std::vector<float>(second.weight.begin(), second.weight.end()));
  std::vector<double> outputs(8);
  std::vector<double> constants(2);
  network.readout_weight(outputs);
  network.readout_bias(constants);
  EXPECT_EQ(outputs, readout.weight);
  EXPECT_EQ(constants, readout.bias);
  EXPECT_EQ(StoredNetwork(2, {first}, Activation::named("relu")).readout_outputs(), 0);
}

TEST(StoredNetwork, ShapesThatDoNotChainAreRefused) {
  const Activation relu = Activation::named("relu");
  EXPECT_THROW(StoredNetwork(2, {layer(3, 2, 0.0), layer(4, 2, 0.0)}, relu), std::invalid_argument);
  EXPECT_THROW(StoredNetwork(3, {layer(3, 2, 0.0)}, relu), std::invalid_argument);
  EXPECT_THROW(StoredNetwork(2, {layer(3, 2, 0.0)}, relu, layer(1, 2, 0.0)), std::invalid_argument);
  EXPECT_THROW(StoredNetwork(2, {}, relu), std::invalid_argument);
  auto no_bias = layer(3, 2, 0.0);
  no_bias.bias.clear();
  EXPECT_THROW(StoredNetwork(2, {no_bias}, relu), std::invalid_argument);
}

}  // namespace
}  // namespace meander
