// Regions in double, and again with more digits where these leave doubts.
#include "kernels/linear_regions/regions_2d.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/linear_regions/region_partition.hpp"

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
  const LinearPieces& pieces = pieces_of(network);
  check_slice(network, slice);
  use_one_blas_thread();
  std::vector<StoredLayer> layers;
  for (int layer = 1; layer <= network.depth(); ++layer) layers.push_back(stored_layer(network, layer));
  RegionPartition<double> partition(pieces, layers, slice, keep_edges);
  partition.run();
  // As much again as takes about a minute.
  constexpr double most_work = 4e8;
  if (partition.counts().unresolved == 0 || partition.work() > most_work) return std::move(partition.counts());
  RegionPartition<WideFloat<4>> wide(pieces, layers, slice, keep_edges);
  if (!wide.run(most_work)) return std::move(partition.counts());
  wide.counts().unresolved = 0;
  return std::move(wide.counts());
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
