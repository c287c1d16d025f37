// Depth-first through the layers: a polygon is cut by one layer's lines, and its parts go to the next in
// batches, so that the affine maps alive are those of one path.
#include "kernels/linear_regions/regions_2d.hpp"

#include "kernels/base/blas.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {

namespace {

/// Of the square's size: far above the rounding of an affine map, far below any cell worth counting.
constexpr double tie = 1e-12;
constexpr std::size_t batch_size = 64;

struct Corner {
  double s = 0.0;
  double t = 0.0;
};

/// A convex polygon, and for every neuron of the layer at work the piece that it is in there.
struct Cell {
  std::vector<Corner> corners;
  std::vector<std::uint8_t> pieces;
};

/// value(s, t) = a s + b t + c
struct Affine {
  double a = 0.0;
  double b = 0.0;
  double c = 0.0;
  double at(const Corner& corner) const { return a * corner.s + b * corner.t + c; }
};

struct StoredLayer {
  int outputs = 0;
  int inputs = 0;
  std::vector<double> weight;
  std::vector<double> bias;
};

const LinearPieces& pieces_of(const Network& network) {
  require_one_activation(network, "the partition of a plane");
  const LinearPieces* pieces = network.activation().pieces();
  if (pieces == nullptr) {
    throw std::invalid_argument(
        "the activation has no linear pieces (regions are polygons only where it has) take relu or hard_tanh");
  }
  return *pieces;
}

void check_slice(const Network& network, const PlaneSlice& slice) {
  for (const auto* part : {&slice.origin, &slice.u, &slice.v}) {
    if (part->size() == static_cast<std::size_t>(network.input_dimension())) continue;
    throw std::invalid_argument("the slice has dimension " + std::to_string(part->size()) + " (the network has " +
                                std::to_string(network.input_dimension()) + " inputs) give points of that dimension");
  }
  if (!(slice.low < slice.high)) {
    throw std::invalid_argument("the square runs from " + std::to_string(slice.low) + " to " +
                                std::to_string(slice.high) + " (it has no inside) let it ascend");
  }
}

StoredLayer stored_layer(const Network& network, int layer) {
  StoredLayer stored;
  stored.outputs = network.width(layer);
  stored.inputs = network.fan_in(layer);
  stored.weight.resize(static_cast<std::size_t>(stored.outputs) * static_cast<std::size_t>(stored.inputs));
  stored.bias.resize(static_cast<std::size_t>(stored.outputs));
  network.weight(layer, std::span<double>(stored.weight));
  network.bias(layer, stored.bias);
  return stored;
}

double area(const std::vector<Corner>& corners) {
  double twice = 0.0;
  for (std::size_t i = 1; i + 1 < corners.size(); ++i) {
    const double s1 = corners[i].s - corners[0].s, t1 = corners[i].t - corners[0].t;
    const double s2 = corners[i + 1].s - corners[0].s, t2 = corners[i + 1].t - corners[0].t;
    twice += s1 * t2 - s2 * t1;
  }
  return 0.5 * std::abs(twice);
}

class Partition {
 public:
  Partition(const Network& network, const PlaneSlice& slice, bool keep_edges)
      : pieces_(pieces_of(network)), slice_(slice), keep_edges_(keep_edges) {
    check_slice(network, slice);
    use_one_blas_thread();
    for (int layer = 1; layer <= network.depth(); ++layer) layers_.push_back(stored_layer(network, layer));
    extent_ = std::max(std::abs(slice.low), std::abs(slice.high));
    counts_.cells.resize(layers_.size());
    counts_.smallest_distance = std::numeric_limits<double>::infinity();
  }

  RegionCounts run() {
    Cell square;
    square.corners = {
        {slice_.low, slice_.low}, {slice_.high, slice_.low}, {slice_.high, slice_.high}, {slice_.low, slice_.high}};
    std::vector<Affine> inputs(slice_.origin.size());
    for (std::size_t j = 0; j < inputs.size(); ++j) inputs[j] = {slice_.u[j], slice_.v[j], slice_.origin[j]};
    descend(0, std::span<const Cell>(&square, 1), inputs);
    return std::move(counts_);
  }

 private:
  /// `maps`: the layer's inputs on each of the cells, one cell after another.
  void descend(std::size_t layer, std::span<const Cell> cells, const std::vector<Affine>& maps) {
    const StoredLayer& stored = layers_[layer];
    const std::vector<Affine> before = pre_activations(stored, cells.size(), maps);
    const auto width = static_cast<std::size_t>(stored.outputs);
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const std::span<const Affine> map(before.data() + k * width, width);
      const std::vector<Cell> parts = cut_by_layer(cells[k], map, static_cast<int>(layer) + 1);
      counts_.cells[layer] += static_cast<std::int64_t>(parts.size());
      if (layer + 1 == layers_.size()) {
        for (const Cell& part : parts) counts_.area += area(part.corners);
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

  std::vector<Affine> post_activations(std::span<const Cell> cells, std::span<const Affine> map) const {
    std::vector<Affine> out;
    out.reserve(cells.size() * map.size());
    for (const Cell& cell : cells) {
      for (std::size_t i = 0; i < map.size(); ++i) {
        const double slope = pieces_.slopes[cell.pieces[i]];
        const double intercept = pieces_.intercepts[cell.pieces[i]];
        out.push_back({slope * map[i].a, slope * map[i].b, slope * map[i].c + intercept});
      }
    }
    return out;
  }

  std::vector<Cell> cut_by_layer(const Cell& parent, std::span<const Affine> map, int layer) {
    std::vector<Cell> cells{{parent.corners, std::vector<std::uint8_t>(map.size(), 0)}};
    for (std::size_t i = 0; i < map.size(); ++i) {
      for (const double breakpoint : pieces_.breakpoints) {
        const Affine line{map[i].a, map[i].b, map[i].c - breakpoint};
        const double size = (std::abs(line.a) + std::abs(line.b)) * extent_ + std::abs(map[i].c) + std::abs(breakpoint);
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
      const double share = values_[i] / (values_[i] - values_[next]);
      const Corner crossing{corners[i].s + share * (corners[next].s - corners[i].s),
                            corners[i].t + share * (corners[next].t - corners[i].t)};
      upper.corners.push_back(crossing);
      lower.push_back(crossing);
      on_line.push_back(crossing);
    }
    if (keep_edges_) {
      counts_.edges.push_back({on_line.front().s, on_line.front().t, on_line.back().s, on_line.back().t, layer});
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
      const double value = line.at(corners[i]);
      values_[i] = value;
      if (std::abs(value) <= tie * size) {
        sides_[i] = 0;
        ++counts_.ties;
        continue;
      }
      counts_.smallest_distance = std::min(counts_.smallest_distance, std::abs(value) / size);
      sides_[i] = value > 0.0 ? 1 : -1;
      (value > 0.0 ? above : below) = true;
    }
    return {below, above};
  }

  const LinearPieces& pieces_;
  const PlaneSlice& slice_;
  bool keep_edges_;
  double extent_ = 1.0;
  std::vector<StoredLayer> layers_;
  RegionCounts counts_;
  std::vector<int> sides_;
  std::vector<double> values_;
};

double norm(const std::vector<double>& x) {
  double sum = 0.0;
  for (const double component : x) sum += component * component;
  return std::sqrt(sum);
}

}  // namespace

PlaneSlice slice_through(const std::vector<double>& x0, const std::vector<double>& x1, const std::vector<double>& x2,
                         double low, double high) {
  if (x1.size() != x0.size() || x2.size() != x0.size()) {
    throw std::invalid_argument("three points have dimensions " + std::to_string(x0.size()) + ", " +
                                std::to_string(x1.size()) + " and " + std::to_string(x2.size()) +
                                " (they must lie in one space) give points of one dimension");
  }
  PlaneSlice slice{x0, x1, x2, low, high};
  for (std::size_t j = 0; j < x0.size(); ++j) {
    slice.u[j] -= x0[j];
    slice.v[j] -= x0[j];
  }
  // The part of v across u tells whether they span a plane.
  const double length_u = norm(slice.u);
  const double length_v = norm(slice.v);
  std::vector<double> across = slice.v;
  if (length_u > 0.0) {
    double along = 0.0;
    for (std::size_t j = 0; j < across.size(); ++j) along += slice.u[j] / length_u * slice.v[j];
    for (std::size_t j = 0; j < across.size(); ++j) across[j] -= along * (slice.u[j] / length_u);
  }
  if (length_u == 0.0 || !(norm(across) > 1e-10 * length_v)) {
    throw std::invalid_argument("the three points of the slice lie on a line (they span no plane) choose others");
  }
  return slice;
}

RegionCounts count_regions(const Network& network, const PlaneSlice& slice, bool keep_edges) {
  return Partition(network, slice, keep_edges).run();
}

std::vector<std::int64_t> patterns_on_grid(const Network& network, const PlaneSlice& slice, int samples) {
  const LinearPieces& pieces = pieces_of(network);
  check_slice(network, slice);
  std::vector<StoredLayer> layers;
  for (int layer = 1; layer <= network.depth(); ++layer) layers.push_back(stored_layer(network, layer));
  std::vector<std::set<std::string>> seen(layers.size());
  const double step = (slice.high - slice.low) / samples;
  for (int index = 0; index < samples * samples; ++index) {
    const int column = index % samples;
    const int row = index / samples;
    const double s = slice.low + (column + 0.5) * step;
    const double t = slice.low + (row + 0.5) * step;
    std::vector<double> x(slice.origin);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += s * slice.u[j] + t * slice.v[j];
    std::string pattern;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      std::vector<double> h = layers[l].bias;
      for (std::size_t i = 0; i < h.size(); ++i) {
        for (std::size_t j = 0; j < x.size(); ++j) h[i] += layers[l].weight[i * x.size() + j] * x[j];
        const auto& breakpoints = pieces.breakpoints;
        pattern +=
            static_cast<char>(std::lower_bound(breakpoints.begin(), breakpoints.end(), h[i]) - breakpoints.begin());
        h[i] = network.activation()(h[i]);
      }
      seen[l].insert(pattern);
      x = std::move(h);
    }
  }
  std::vector<std::int64_t> counts;
  for (const auto& patterns : seen) counts.push_back(static_cast<std::int64_t>(patterns.size()));
  return counts;
}

double arrangement_bound(double hyperplanes, int dimension) {
  double sum = 1.0;
  double term = 1.0;
  for (int i = 1; i <= dimension; ++i) {
    term *= (hyperplanes - i + 1) / i;
    sum += term;
  }
  return sum;
}

std::vector<double> cells_bound(const Network& network) {
  const auto breakpoints = static_cast<double>(pieces_of(network).breakpoints.size());
  std::vector<double> bounds;
  double product = 1.0;
  for (int layer = 1; layer <= network.depth(); ++layer) {
    product *= arrangement_bound(breakpoints * network.width(layer), 2);
    bounds.push_back(product);
  }
  return bounds;
}

}  // namespace meander
