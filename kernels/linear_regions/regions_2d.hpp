// The linear regions of a piecewise-linear network in a two-dimensional slice of its input space, as
// convex polygons, layer by layer and exactly (Raghu et al. 2017, theorem 2 and figure 1).
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/networks/network.hpp"

namespace meander {

/// x(s, t) = origin + s u + t v for (s, t) in the square [low, high]^2.
struct PlaneSlice {
  std::vector<double> origin;  // (input dimension)
  std::vector<double> u;       // (input dimension)
  std::vector<double> v;       // (input dimension)
  double low = -1.0;
  double high = 1.0;
};

/// x(0, 0) = x0, x(1, 0) = x1, x(0, 1) = x2. Throws std::invalid_argument where the three points lie on a
/// line (to 1e-10 of their distances) or their dimensions differ.
PlaneSlice slice_through(const std::vector<double>& x0, const std::vector<double>& x1, const std::vector<double>& x2,
                         double low, double high);

/// A piece of the line in (s, t) along which a neuron of `layer` changes its linear piece.
struct RegionEdge {
  double s0 = 0.0, t0 = 0.0, s1 = 0.0, t1 = 0.0;
  int layer = 0;
};

struct RegionCounts {
  /// Polygons on which layers 1..l have one activation pattern (layer l at index l - 1).
  std::vector<std::int64_t> cells;
  /// One for every cut, where `keep_edges` asked for them: cells(l) - cells(l - 1) of layer l.
  std::vector<RegionEdge> edges;
  /// Sum of the last layer's polygons' areas in (s, t); (high - low)^2 but for rounding.
  double area = 0.0;
  /// Corners taken to lie on a line, and the smallest distance of any other corner from a line in units of
  /// the square's size.
  std::int64_t ties = 0;
  double smallest_distance = 0.0;
  /// Corners and cuts that double precision cannot be certain of: nearer than 1e-9 of the square's size to a line, and
  /// cuts by neurons that cross a piece of the activation on less. 0 where more digits have settled them.
  std::int64_t unresolved = 0;
};

/// Cuts the square by the lines of layer 1, every polygon by those of layer 2 in it, and so on. A corner
/// nearer to a line than 1e-12 of the square's size lies on it: such a line cuts nothing thinner off, so
/// that lines through one point (a network without biases) leave no slivers. Where anything is nearer than 1e-9 and not
/// as near as rounding puts lines through one point, or a layer is so steep that pieces of its activation are as thin
/// as that, all of it is done again with 256 bits, and corners on a line are those within 2^-190 of the square's size.
/// That is left out where it would take more than 4e8 weights and lines times cells: `unresolved` tells. A neuron that
/// is constant on a polygon cuts nothing. Memory grows with the polygons of one layer inside one polygon of the layer
/// before, not with the count. Throws std::invalid_argument for an activation without linear pieces or a
/// slice of another dimension than the network's input.
RegionCounts count_regions(const Network& network, const PlaneSlice& slice, bool keep_edges);

/// The plain twin: distinct activation patterns of layers 1..l on a grid of samples x samples points, a
/// bound from below on the cells.
std::vector<std::int64_t> patterns_on_grid(const Network& network, const PlaneSlice& slice, int samples);

/// The most regions into which `hyperplanes` cut R^dimension: r(k, m) = sum_{i <= m} C(k, i).
double arrangement_bound(double hyperplanes, int dimension);

/// prod_{i <= l} r(B N_i, 2) for l = 1..depth, B the activation's breakpoints: no network of these widths
/// has more cells in a plane (Raghu et al. 2017, theorem 1).
std::vector<double> cells_bound(const Network& network);

}  // namespace meander
