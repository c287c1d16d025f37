// Cells of a plane against closed forms, the plain twin on a grid, and the bounds that they must obey.
#include "kernels/linear_regions/regions_2d.hpp"

#include "kernels/curves/curve.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace meander {
namespace {

using testing::ElementsAre;

const PlaneSlice unit_square{{0, 0}, {1, 0}, {0, 1}, -1.0, 1.0};

RandomNetwork random_network(std::vector<int> widths, const char* activation, double sigma_w, double sigma_b,
                             std::uint64_t seed, int inputs = 2) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = std::move(widths);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = sigma_b;
  return RandomNetwork(parameters, stream_key(seed, 0));
}

/// One layer whose lines touch circles of radii below 1/4: every two of them cross inside the square.
StoredNetwork tangents(int count) {
  StoredNetwork::Layer layer;
  layer.outputs = count;
  for (int i = 0; i < count; ++i) {
    const double angle = 0.3 + 3.0 * i / count;
    layer.weight.insert(layer.weight.end(), {std::cos(angle), std::sin(angle)});
    layer.bias.push_back(0.1 + 0.01 * std::sin(7.0 * i));
  }
  return StoredNetwork(2, {layer}, Activation::named("relu"));
}

TEST(Regions2d, LinesInGeneralPositionReachTheArrangementBound) {
  for (const int k : {1, 2, 5, 9}) {
    PlaneSlice wide = unit_square;
    wide.low = -100.0;  // far enough out for every crossing of these lines
    wide.high = 100.0;
    const RegionCounts counts = count_regions(tangents(k), wide, true);
    EXPECT_EQ(static_cast<double>(counts.cells[0]), arrangement_bound(k, 2)) << k;
    EXPECT_EQ(static_cast<double>(counts.cells[0]), cells_bound(tangents(k))[0]) << k;
    EXPECT_NEAR(counts.area, 4e4, 1e-8);
  }
}

TEST(Regions2d, ArrangementBoundIsTheSumOfBinomials) {
  EXPECT_EQ(arrangement_bound(4, 2), 11);
  EXPECT_EQ(arrangement_bound(8, 3), 93);
  EXPECT_EQ(arrangement_bound(1, 5), 2);
  EXPECT_EQ(arrangement_bound(0, 2), 1);
  EXPECT_THAT(cells_bound(random_network({4, 4, 4}, "relu", 1, 0, 1)), ElementsAre(11, 121, 1331));
  EXPECT_THAT(cells_bound(random_network({4, 4}, "hard_tanh", 1, 0, 1)), ElementsAre(37, 1369));
}

TEST(Regions2d, LinesThroughOnePointLeaveNoSlivers) {
  // Without biases every line of layer 1 passes through the origin: 2k cells, and a ReLU network stays
  // homogeneous, so that all cells of all layers are cones.
  const RandomNetwork network = random_network({7, 9, 8}, "relu", 1.5, 0.0, 3);
  const RegionCounts counts = count_regions(network, unit_square, true);
  EXPECT_EQ(counts.cells[0], 14);
  EXPECT_GT(counts.ties, 0);
  EXPECT_EQ(counts.unresolved, 0);
  EXPECT_GT(counts.smallest_distance, 1e-9);
  for (const RegionEdge& edge : counts.edges) {
    const double length = std::hypot(edge.s1 - edge.s0, edge.t1 - edge.t0);
    EXPECT_LT(std::abs(edge.s0 * edge.t1 - edge.s1 * edge.t0) / length, 1e-12)
        << "an edge of a cone points to the origin";
  }
}

TEST(Regions2d, ManyLinesThroughOnePoint) {
  // Without the tolerance a corner at the origin, rounded, lies to either side of the next line by chance.
  for (const double x : {0.0, 0.1, 1.0 / 3.0}) {
    StoredNetwork::Layer layer;
    layer.outputs = 60;
    for (int i = 0; i < 60; ++i) {
      const double angle = 0.01 + 3.1 * i / 60;
      layer.weight.insert(layer.weight.end(), {std::cos(angle), std::sin(angle)});
      layer.bias.push_back(-x * (std::cos(angle) + std::sin(angle)));
    }
    const StoredNetwork network(2, {layer}, Activation::named("relu"));
    EXPECT_THAT(count_regions(network, unit_square, false).cells, ElementsAre(120)) << x;
  }
}

TEST(Regions2d, SquareGridOfHardTanh) {
  // Two neurons, one along each axis, with breakpoints at -1/2 and 1/2: three by three cells.
  const StoredNetwork::Layer layer{2, {2, 0, 0, 2}, {0, 0}};
  const StoredNetwork network(2, {layer}, Activation::named("hard_tanh"));
  const RegionCounts counts = count_regions(network, unit_square, true);
  EXPECT_THAT(counts.cells, ElementsAre(9));
  double length = 0.0;
  for (const RegionEdge& edge : counts.edges) length += std::hypot(edge.s1 - edge.s0, edge.t1 - edge.t0);
  EXPECT_NEAR(length, 4 * 2.0, 1e-14) << "four lines from side to side, in pieces";
}

TEST(Regions2d, EdgesLieWhereTheirLayerSwitches) {
  const RandomNetwork network = random_network({5, 6}, "hard_tanh", 2.5, 0.4, 11);
  const RegionCounts counts = count_regions(network, unit_square, true);
  EXPECT_EQ(static_cast<std::int64_t>(counts.edges.size()), counts.cells.back() - 1);
  std::vector<double> w1(10), b1(5), w2(30), b2(6);
  network.weight(1, std::span<double>(w1));
  network.bias(1, b1);
  network.weight(2, std::span<double>(w2));
  network.bias(2, b2);
  for (const RegionEdge& edge : counts.edges) {
    const double s = 0.5 * (edge.s0 + edge.s1), t = 0.5 * (edge.t0 + edge.t1);
    double nearest = 1e9;
    std::vector<double> x(5);
    for (std::size_t i = 0; i < 5; ++i) {
      const double h = w1[2 * i] * s + w1[2 * i + 1] * t + b1[i];
      x[i] = network.activation()(h);
      if (edge.layer == 1) nearest = std::min(nearest, std::abs(std::abs(h) - 1));
    }
    for (std::size_t i = 0; i < 6 && edge.layer == 2; ++i) {
      const double h = std::inner_product(x.begin(), x.end(), w2.begin() + static_cast<long>(5 * i), b2[i]);
      nearest = std::min(nearest, std::abs(std::abs(h) - 1));
    }
    EXPECT_LT(nearest, 1e-12) << "layer " << edge.layer;
  }
}

TEST(Regions2d, NeverFewerThanPatternsOnAGridNorMoreThanTheBound) {
  std::uint64_t seed = 20;
  for (const char* activation : {"relu", "hard_tanh"}) {
    for (const std::vector<int>& widths : {std::vector<int>{1}, {3, 3}, {4, 6, 5}, {12}}) {
      const RandomNetwork network = random_network(widths, activation, 2.0, 0.5, ++seed);
      const RegionCounts counts = count_regions(network, unit_square, false);
      const auto grid = patterns_on_grid(network, unit_square, 300);
      const auto bounds = cells_bound(network);
      EXPECT_TRUE(counts.edges.empty());
      EXPECT_NEAR(counts.area, 4.0, 1e-12);
      for (std::size_t l = 0; l < widths.size(); ++l) {
        EXPECT_GE(counts.cells[l], grid[l]);
        // A grid of 300 x 300 points meets nearly all cells of networks this small.
        EXPECT_LE(static_cast<double>(counts.cells[l]), 1.12 * static_cast<double>(grid[l]) + 2);
        EXPECT_LE(static_cast<double>(counts.cells[l]), bounds[l]);
      }
    }
  }
}

TEST(Regions2d, AnyPlaneOfAHigherDimension) {
  const RandomNetwork network = random_network({6, 5}, "relu", 2.0, 0.3, 5, 7);
  const auto x0 = gaussian_point(stream_key(1, 0), 0, 7), x1 = gaussian_point(stream_key(1, 0), 1, 7),
             x2 = gaussian_point(stream_key(1, 0), 2, 7);
  const PlaneSlice slice = slice_through(x0, x1, x2, 0.0, 1.0);
  const RegionCounts counts = count_regions(network, slice, false);
  const auto grid = patterns_on_grid(network, slice, 400);
  for (std::size_t l = 0; l < 2; ++l) EXPECT_GE(counts.cells[l], grid[l]);
  EXPECT_NEAR(counts.area, 1.0, 1e-13);
  // Named the other way round, the plane and its cells are the mirror image.
  const RegionCounts mirrored = count_regions(network, slice_through(x0, x2, x1, 0.0, 1.0), false);
  EXPECT_EQ(mirrored.cells, counts.cells);
}

TEST(Regions2d, RefusesWhatHasNoPlane) {
  EXPECT_THROW(slice_through({0, 0}, {1, 1}, {-2, -2}, -1, 1), std::invalid_argument);
  EXPECT_THROW(slice_through({1, 2}, {1, 2}, {0, 1}, -1, 1), std::invalid_argument);
  EXPECT_THROW(slice_through({1, 2}, {0, 2}, {1, 2}, -1, 1), std::invalid_argument);
  EXPECT_THROW(slice_through({1, 2}, {0, 2}, {1, 2, 3}, -1, 1), std::invalid_argument);
  EXPECT_THROW(count_regions(random_network({3}, "tanh", 1, 0, 1), unit_square, false), std::invalid_argument);
  EXPECT_THROW(count_regions(random_network({3}, "relu", 1, 0, 1, 5), unit_square, false), std::invalid_argument);
  PlaneSlice empty = unit_square;
  empty.high = empty.low;
  EXPECT_THROW(count_regions(random_network({3}, "relu", 1, 0, 1), empty, false), std::invalid_argument);
}

}  // namespace
}  // namespace meander
