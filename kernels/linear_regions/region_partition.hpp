// A square of a plane cut layer by layer, in numbers of any precision. Depth-first through the layers: a polygon is cut
// by one layer's lines, and its parts go to the next in batches, so that the affine maps alive are those of one path.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/base/blas.hpp"
#include "kernels/base/wide_float.hpp"
#include "kernels/linear_regions/regions_2d.hpp"

namespace meander {

/// How close is together, as shares of the square's size.
template <class Real>
struct RegionTolerance {
  /// 256 bits: far above the rounding of an affine map, far below what doubles can make.
  static constexpr double tie = 0x1p-190;
  static constexpr double clear_tie = tie;
};
template <>
struct RegionTolerance<double> {
  /// Far above the rounding of an affine map, far below any cell worth counting.
  static constexpr double tie = 1e-12;
  /// What rounding alone makes of lines through one point.
  static constexpr double clear_tie = 1e-14;
};
/// Corners nearer to a line than this, and pieces of an activation no wider, are told by more digits.
constexpr double near_corner = 1e-9;

struct StoredLayer {
  int outputs = 0;
  int inputs = 0;
  std::vector<double> weight;
  std::vector<double> bias;
};

template <class Real>
class RegionPartition {
 public:
  RegionPartition(const LinearPieces& pieces, const std::vector<StoredLayer>& layers, const PlaneSlice& slice,
                  bool keep_edges)
      : pieces_(pieces), layers_(layers), slice_(slice), keep_edges_(keep_edges) {
    extent_ = std::max(std::abs(slice.low), std::abs(slice.high));
    for (std::size_t k = 1; k < pieces.breakpoints.size(); ++k)
      narrowest_ = std::min(narrowest_, pieces.breakpoints[k] - pieces.breakpoints[k - 1]);
    counts_.cells.resize(layers_.size());
    counts_.smallest_distance = std::numeric_limits<double>::infinity();
  }

  /// False where it took more than `most_work` (see `work`); then the counts mean nothing.
  bool run(double most_work = std::numeric_limits<double>::infinity()) {
    most_work_ = most_work;
    Cell square;
    square.corners = {{Real(slice_.low), Real(slice_.low)},
                      {Real(slice_.high), Real(slice_.low)},
                      {Real(slice_.high), Real(slice_.high)},
                      {Real(slice_.low), Real(slice_.high)}};
    std::vector<Affine> inputs(slice_.origin.size());
    for (std::size_t j = 0; j < inputs.size(); ++j)
      inputs[j] = {Real(slice_.u[j]), Real(slice_.v[j]), Real(slice_.origin[j])};
    descend(0, std::span<const Cell>(&square, 1), inputs);
    counts_.area = static_cast<double>(area_);
    return work_ <= most_work_;
  }
  RegionCounts& counts() { return counts_; }
  /// Weights and lines times cells.
  double work() const { return work_; }

 private:
  static constexpr std::size_t batch_size = 64;
  using Tolerance = RegionTolerance<Real>;

  struct Corner {
    Real s{}, t{};
  };
  /// A convex polygon, and for every neuron of the layer at work the piece that it is in there.
  struct Cell {
    std::vector<Corner> corners;
    std::vector<std::uint8_t> pieces;
  };
  /// value(s, t) = a s + b t + c
  struct Affine {
    Real a{}, b{}, c{};
    Real at(const Corner& corner) const { return a * corner.s + b * corner.t + c; }
  };

  /// `maps`: the layer's inputs on each of the cells, one cell after another.
  void descend(std::size_t layer, std::span<const Cell> cells, const std::vector<Affine>& maps) {
    const StoredLayer& stored = layers_[layer];
    work_ += static_cast<double>(cells.size()) * stored.outputs *
             (3.0 * stored.inputs + 16.0 * static_cast<double>(pieces_.breakpoints.size()));
    if (work_ > most_work_) return;
    const std::vector<Affine> before = pre_activations(stored, cells.size(), maps);
    const auto width = static_cast<std::size_t>(stored.outputs);
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const std::span<const Affine> map(before.data() + k * width, width);
      const std::vector<Cell> parts = cut_by_layer(cells[k], map, static_cast<int>(layer) + 1);
      counts_.cells[layer] += static_cast<std::int64_t>(parts.size());
      if (layer + 1 == layers_.size()) {
        for (const Cell& part : parts) area_ += area(part.corners);
        continue;
      }
      for (std::size_t first = 0; first < parts.size(); first += batch_size) {
        const auto batch = std::span<const Cell>(parts).subspan(first, std::min(batch_size, parts.size() - first));
        descend(layer + 1, batch, post_activations(batch, map));
      }
    }
  }

  std::vector<Affine> pre_activations(const StoredLayer& stored, std::size_t cells,
                                      const std::vector<Affine>& maps) const {
    const auto width = static_cast<std::size_t>(stored.outputs);
    const auto inputs = static_cast<std::size_t>(stored.inputs);
    if constexpr (!std::is_same_v<Real, double>) {
      return pre_activations_one_by_one(stored, cells, maps);
    } else {
      // Rows (cell, coefficient), so that one product serves the whole batch.
      std::vector<double> rows(3 * cells * inputs), products(3 * cells * width);
      for (std::size_t k = 0; k < cells; ++k) {
        for (std::size_t j = 0; j < inputs; ++j) {
          const Affine& map = maps[k * inputs + j];
          rows[(3 * k) * inputs + j] = map.a;
          rows[(3 * k + 1) * inputs + j] = map.b;
          rows[(3 * k + 2) * inputs + j] = map.c;
        }
      }
      multiply_transposed(static_cast<int>(3 * cells), stored.outputs, stored.inputs, rows.data(), stored.inputs,
                          stored.weight.data(), stored.inputs, products.data(), stored.outputs);
      std::vector<Affine> out(cells * width);
      for (std::size_t k = 0; k < cells; ++k) {
        for (std::size_t i = 0; i < width; ++i) {
          out[k * width + i] = {products[(3 * k) * width + i], products[(3 * k + 1) * width + i],
                                products[(3 * k + 2) * width + i] + stored.bias[i]};
        }
      }
      return out;
    }
  }

  std::vector<Affine> pre_activations_one_by_one(const StoredLayer& stored, std::size_t cells,
                                                 const std::vector<Affine>& maps) const {
    const auto width = static_cast<std::size_t>(stored.outputs);
    const auto inputs = static_cast<std::size_t>(stored.inputs);
    std::vector<Affine> out(cells * width);
    for (std::size_t k = 0; k < cells; ++k) {
      for (std::size_t i = 0; i < width; ++i) {
        Affine& sum = out[k * width + i];
        sum.c = Real(stored.bias[i]);
        for (std::size_t j = 0; j < inputs; ++j) {
          const Affine& map = maps[k * inputs + j];
          const double weight = stored.weight[i * inputs + j];
          sum.a += map.a * weight;
          sum.b += map.b * weight;
          sum.c += map.c * weight;
        }
      }
    }
    return out;
  }

  std::vector<Affine> post_activations(std::span<const Cell> cells, std::span<const Affine> map) const {
    std::vector<Affine> out;
    out.reserve(cells.size() * map.size());
    for (const Cell& cell : cells) {
      for (std::size_t i = 0; i < map.size(); ++i) {
        const double slope = pieces_.slopes[cell.pieces[i]];
        const double intercept = pieces_.intercepts[cell.pieces[i]];
        out.push_back({slope * map[i].a, slope * map[i].b, slope * map[i].c + Real(intercept)});
      }
    }
    return out;
  }

  std::vector<Cell> cut_by_layer(const Cell& parent, std::span<const Affine> map, int layer) {
    std::vector<Cell> cells{{parent.corners, std::vector<std::uint8_t>(map.size(), 0)}};
    for (std::size_t i = 0; i < map.size(); ++i) {
      for (const double breakpoint : pieces_.breakpoints) {
        const Affine line{map[i].a, map[i].b, map[i].c - Real(breakpoint)};
        const double reach = (magnitude(line.a) + magnitude(line.b)) * extent_;
        const double size = reach + magnitude(map[i].c) + std::abs(breakpoint);
        steep_ = narrowest_ < near_corner * reach;
        const std::size_t count = cells.size();
        for (std::size_t k = 0; k < count; ++k) cut(cells, k, line, size, i, layer);
      }
    }
    return cells;
  }

  /// Cuts cell k by `line`, whose values are of the order of `size`; the part above it, one piece further
  /// in neuron `neuron`, is appended.
  void cut(std::vector<Cell>& cells, std::size_t k, const Affine& line, double size, std::size_t neuron, int layer) {
    const auto [below, above] = classify(cells[k].corners, line, size);
    if (!above) return;
    if (!below) {
      ++cells[k].pieces[neuron];
      return;
    }
    if (steep_) ++counts_.unresolved;
    const std::vector<Corner> corners = std::move(cells[k].corners);
    Cell upper{{}, cells[k].pieces};
    ++upper.pieces[neuron];
    std::vector<Corner> lower;
    std::vector<Corner> on_line;
    const std::size_t n = corners.size();
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t next = i + 1 == n ? 0 : i + 1;
      if (sides_[i] >= 0) upper.corners.push_back(corners[i]);
      if (sides_[i] <= 0) lower.push_back(corners[i]);
      if (sides_[i] == 0) on_line.push_back(corners[i]);
      if (sides_[i] * sides_[next] >= 0) continue;
      const Real share = values_[i] / (values_[i] - values_[next]);
      const Corner crossing{corners[i].s + share * (corners[next].s - corners[i].s),
                            corners[i].t + share * (corners[next].t - corners[i].t)};
      upper.corners.push_back(crossing);
      lower.push_back(crossing);
      on_line.push_back(crossing);
    }
    if (keep_edges_) {
      const auto of = [](const Real& x) { return static_cast<double>(x); };
      counts_.edges.push_back(
          {of(on_line.front().s), of(on_line.front().t), of(on_line.back().s), of(on_line.back().t), layer});
    }
    cells[k].corners = std::move(lower);
    cells.push_back(std::move(upper));
  }

  /// Fills sides_ and values_ of the corners; true, true where some lie below and some above.
  std::pair<bool, bool> classify(const std::vector<Corner>& corners, const Affine& line, double size) {
    sides_.resize(corners.size());
    values_.resize(corners.size());
    bool below = false, above = false;
    for (std::size_t i = 0; i < corners.size(); ++i) {
      values_[i] = line.at(corners[i]);
      const auto value = static_cast<double>(values_[i]);
      if (std::abs(value) <= Tolerance::tie * size) {
        sides_[i] = 0;
        ++counts_.ties;
        if (std::abs(value) > Tolerance::clear_tie * size) ++counts_.unresolved;
        continue;
      }
      counts_.smallest_distance = std::min(counts_.smallest_distance, std::abs(value) / size);
      if (std::abs(value) <= near_corner * size) ++counts_.unresolved;
      sides_[i] = value > 0.0 ? 1 : -1;
      (value > 0.0 ? above : below) = true;
    }
    return {below, above};
  }

  static double magnitude(const Real& x) { return std::abs(static_cast<double>(x)); }

  static Real area(const std::vector<Corner>& corners) {
    Real twice{};
    for (std::size_t i = 1; i + 1 < corners.size(); ++i) {
      const Real s1 = corners[i].s - corners[0].s, t1 = corners[i].t - corners[0].t;
      const Real s2 = corners[i + 1].s - corners[0].s, t2 = corners[i + 1].t - corners[0].t;
      twice += s1 * t2 - s2 * t1;
    }
    return 0.5 * (twice < Real(0.0) ? -twice : twice);
  }

  const LinearPieces& pieces_;
  const std::vector<StoredLayer>& layers_;
  const PlaneSlice& slice_;
  bool keep_edges_;
  double extent_ = 1.0;
  double narrowest_ = std::numeric_limits<double>::infinity();  // piece between breakpoints
  /// Whether the neuron at hand crosses such a piece on less than doubles can tell.
  bool steep_ = false;
  double work_ = 0.0, most_work_ = 0.0;
  Real area_{};
  RegionCounts counts_;
  std::vector<int> sides_;
  std::vector<Real> values_;
};

}  // namespace meander
