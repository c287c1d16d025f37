// Weights made ready, and the curve cut into stretches short enough that few boundaries are alive at
// once.
#include "kernels/linear_regions/exact_curve.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/base/blas.hpp"
#include "kernels/base/row_arithmetic.hpp"
#include "kernels/curves/curve_direction.hpp"
#include "kernels/linear_regions/exact_certificate.hpp"
#include "kernels/linear_regions/exact_ledger.hpp"
#include "kernels/linear_regions/exact_prepared.hpp"
#include "kernels/linear_regions/exact_walk.hpp"

namespace meander {

namespace {

using Prepared = ExactNetwork::Prepared;
using Layer = Prepared::Layer;

constexpr double longest_stretch = 0.25 * std::numbers::pi;  // of a circle

const LinearPieces& pieces_of(const Network& network) {
  require_one_activation(network, "the exact walk");
  const LinearPieces* pieces = network.activation().pieces();
  if (pieces == nullptr) {
    throw std::invalid_argument(
        "exact counts of a smooth activation (it has no linear pieces), take a piecewise-linear one or sample");
  }
  return *pieces;
}

/// Columns and row norms of a row-major (outputs, inputs) matrix.
Layer layer_from(const double* weight, std::vector<double> bias, int outputs, int inputs) {
  Layer layer;
  layer.outputs = outputs;
  layer.inputs = inputs;
  layer.stride = LayerState::padded(outputs);
  layer.bias = std::move(bias);
  layer.bias.resize(static_cast<std::size_t>(outputs));
  const auto rows = static_cast<std::size_t>(outputs);
  const auto columns = static_cast<std::size_t>(inputs);
  layer.columns.assign(columns * layer.stride, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    double square = 0.0;
    for (std::size_t j = 0; j < columns; ++j) {
      const double w = weight[i * columns + j];
      layer.columns[j * layer.stride + i] = w;
      square += w * w;
    }
    layer.norm.push_back(std::sqrt(square));
  }
  for (std::size_t j = 0; j < columns; ++j) layer.column.push_back(layer.columns.data() + j * layer.stride);
  return layer;
}

Layer layer_of(const Network& network, int layer) {
  const int outputs = network.width(layer);
  const int inputs = network.fan_in(layer);
  std::vector<double> weight(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs));
  std::vector<double> bias(static_cast<std::size_t>(outputs));
  network.weight(layer, std::span<double>(weight));
  network.bias(layer, bias);
  return layer_from(weight.data(), std::move(bias), outputs, inputs);
}

Layer readout_of(const Network& network) {
  if (network.readout_outputs() == 0) return {};
  const int inputs = network.width(network.depth());
  const auto outputs = static_cast<std::size_t>(network.readout_outputs());
  std::vector<double> weight(outputs * static_cast<std::size_t>(inputs));
  std::vector<double> bias(outputs);
  network.readout_weight(weight);
  network.readout_bias(bias);
  return layer_from(weight.data(), std::move(bias), 1, inputs);
}

/// Each stretch reads all weights once, which with every core at it comes from memory: as many boundaries as make
/// that small against what the boundaries themselves cost. More would leave fewer neurons flat, whose columns drop out.
int chosen_boundaries(int width, int asked) {
  return asked > 0 ? asked : std::clamp(5 * width / 2, 500, 2048);
}

double curve_length(const Curve& curve, double begin, double end) {
  double scale = 0.0;
  for (const auto* vector : {&curve.u, &curve.v}) {
    for (const double x : *vector) scale = std::max(scale, std::abs(x));
  }
  if (!(scale > 0.0)) return 0.0;
  const bool line = curve.kind == CurveKind::line;
  // The velocity is v cos t - u sin t.
  SpeedForm form;
  for (std::size_t i = 0; i < curve.u.size(); ++i) {
    const double u = curve.u[i] / scale;
    const double v = line ? 0.0 : curve.v[i] / scale;
    form += {v * v, -u * v, u * u};
  }
  if (line) return std::sqrt(form.ee) * scale * (end - begin);
  const int parts = static_cast<int>(std::ceil((end - begin) / longest_stretch));
  double sum = 0.0;
  for (int i = 0; i < parts; ++i) {
    const double t = begin + (end - begin) * i / parts;
    sum += image_length(form, std::sin(t), std::cos(t), (end - begin) / parts);
  }
  return sum * scale;
}

std::pair<double, double> range_of(const Curve& curve) {
  if (curve.closed()) return {0.0, 2.0 * std::numbers::pi};
  if (curve.kind == CurveKind::line) return {0.0, 1.0};
  return std::minmax(curve.begin, curve.end);
}

/// A step from t that leaves the zeros of the curve well inside the stretches.
double away_from(const std::vector<double>& zeros, double t, double step) {
  for (const double zero : zeros) {
    if (zero - t > 0.9 * step && zero - t < 1.1 * step) step *= 0.8;
  }
  return step;
}

/// Sums over stretches.
struct Totals {
  std::vector<CompensatedSum> length;
  std::int64_t readout = 0;
  bool readout_finite = true;

  void add(const StretchTally& tally, std::size_t offset, std::size_t layers, double t, bool keep_readout,
           ExactCounts& counts) {
    for (std::size_t l = 0; l < static_cast<std::size_t>(tally.finite_layers); ++l) {
      counts.transitions[offset + l] += tally.layers[l].transitions;
      counts.sign_changes[offset + l] += tally.layers[l].sign_changes;
      counts.unresolved_events += tally.layers[l].undecided + tally.layers[l].touches;
      length[l].add(tally.layers[l].length);
    }
    if (tally.layers.size() == layers) return;
    counts.unresolved_events += tally.layers.back().undecided + tally.layers.back().touches;
    readout += tally.layers.back().sign_changes;
    readout_finite = readout_finite && tally.layers.back().finite;
    if (!keep_readout) return;
    for (const Place& place : tally.readout_signs) counts.readout_events.push_back(t + place.distance);
  }
};

template <bool curved>
ExactCounts walk_along(const Prepared& network, const FirstLayer& first, const ExactOptions& options) {
  const Curve& curve = first.preactivations;
  const auto [begin, end] = range_of(curve);
  const auto depth = static_cast<std::size_t>(network.depth);
  const auto offset = static_cast<std::size_t>(network.first_layer - 1);
  const std::size_t layers = network.layers.size();
  ExactCounts counts;
  counts.input_length = curve_length(curve, begin, end);
  counts.length.assign(depth, 0.0);
  for (auto* values : {&counts.transitions, &counts.sign_changes, &counts.pieces}) values->assign(depth, 0);
  if (options.patterns || !curved) counts.patterns.assign(depth, 0);
  int width = 1;
  for (const Layer& layer : network.layers) width = std::max(width, layer.outputs);
  const int target = chosen_boundaries(width, options.live_boundaries);

  ExactWalk<curved> walk(network, first, options.lengths);
  ExactCertificate<curved> certificate(network, first, options.lengths);
  ExactLedger ledger(network.first_layer, network.words, !curved, options);
  Totals totals;
  totals.length.resize(layers);
  const double longest = curved ? std::min(longest_stretch, end - begin) : end - begin;
  // Below this, boundaries crowd together because they must.
  const double shortest = 1e-12 * std::max(end - begin, std::max(std::abs(begin), std::abs(end)));
  double length = longest;
  int finite = static_cast<int>(layers);
  for (double t = begin; t < end;) {
    const bool last = t + length >= end - shortest;
    const double step = last ? end - t : away_from(first.zeros, t, length);
    const std::size_t most = step > shortest ? 3 * static_cast<std::size_t>(target) : static_cast<std::size_t>(-1);
    if (!walk.stretch(t, step, last && curve.closed(), most)) {
      length = 0.25 * step;
      continue;
    }
    if (walk.doubtful()) {
      if (certificate.wants_shorter(walk) && step > 1e3 * shortest) {
        length = 0.25 * step;
        continue;
      }
      certificate.settle(walk, t, last ? end : t + step, last && curve.closed());
    }
    walk.accept();
    totals.add(walk.tally(), offset, layers, t, options.readout_events, counts);
    ledger.add(t, walk.boundaries());
    finite = walk.tally().finite_layers;
    std::size_t places = 1;
    for (const LayerTally& layer : walk.tally().layers) places = std::max(places, layer.places + 1);
    const double live = static_cast<double>(places);
    length = std::clamp(step * std::clamp(target / live, 0.25, 2.0), std::min(2.0 * shortest, longest), longest);
    if (last) break;
    t += step;
  }
  ledger.finish(curve.closed() ? end - begin : 0.0, counts);
  for (std::size_t l = 0; l < layers; ++l) counts.length[offset + l] = totals.length[l].value();
  counts.finite_layers = static_cast<int>(offset) + finite;
  for (auto l = static_cast<std::size_t>(counts.finite_layers); l < depth; ++l) {
    counts.length[l] = 0.0;
    for (auto* values : {&counts.transitions, &counts.sign_changes, &counts.pieces, &counts.patterns}) {
      if (!values->empty()) (*values)[l] = 0;
    }
  }
  if (network.readout.outputs > 0 && finite == static_cast<int>(layers) && totals.readout_finite)
    counts.readout_sign_changes = totals.readout;
  counts.readout_starts_positive = walk.readout_starts_positive();
  return counts;
}

/// Of the products of a layer's weights with the curve's vectors, rounded one by one.
std::vector<double> first_noise(const Curve& curve, const std::vector<double>& weight, std::size_t outputs) {
  const std::size_t inputs = curve.u.size();
  std::vector<double> squares(inputs);
  for (const auto* vector : {&curve.center, &curve.u, &curve.v}) {
    for (std::size_t k = 0; k < vector->size(); ++k) squares[k] += (*vector)[k] * (*vector)[k];
  }
  std::vector<double> noise(outputs);
  for (std::size_t i = 0; i < outputs; ++i) {
    double sum = 0.0;
    for (std::size_t k = 0; k < inputs; ++k) sum += weight[i * inputs + k] * weight[i * inputs + k] * squares[k];
    noise[i] = LayerState::rounding * std::sqrt(sum);
  }
  return noise;
}

FirstLayer first_layer_of(const Network& network, const Curve& curve) {
  const int outputs = network.width(1);
  const int inputs = network.input_dimension();
  std::vector<double> weight(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs));
  FirstLayer first;
  first.preactivations = first.input = curve;
  first.bias.resize(static_cast<std::size_t>(outputs));
  first.factor = common_direction(curve);
  network.weight(1, std::span<double>(weight));
  network.bias(1, first.bias);
  const auto image = [&](const std::vector<double>& x) {
    std::vector<double> h(static_cast<std::size_t>(outputs), 0.0);
    if (!x.empty())
      cblas_dgemv(CblasRowMajor, CblasNoTrans, outputs, inputs, 1.0, weight.data(), inputs, x.data(), 1, 0.0, h.data(),
                  1);
    return h;
  };
  Curve& result = first.preactivations;
  if (first.factor) {
    const auto [begin, end] = range_of(curve);
    first.zeros = zeros(*first.factor, curve.kind, begin, end);
    first.keeps_zero = StateTable(pieces_of(network)).keeps_zero(first.bias);
    first.input_direction = first.factor->vector;
    first.factor->vector = image(first.factor->vector);
    const auto multiple = [&](double factor) {
      std::vector<double> scaled = first.factor->vector;
      for (double& x : scaled) x *= factor;
      return scaled;
    };
    result.center = multiple(first.factor->center);
    result.u = multiple(first.factor->u);
    if (curve.kind != CurveKind::line) result.v = multiple(first.factor->v);
  } else {
    result.center = image(curve.center);
    result.u = image(curve.u);
    if (curve.kind != CurveKind::line) result.v = image(curve.v);
  }
  for (std::size_t i = 0; i < first.bias.size(); ++i) result.center[i] += first.bias[i];
  first.noise = first_noise(curve, weight, first.bias.size());
  first.weight = std::move(weight);
  return first;
}

ExactCounts walk_along(const Prepared& network, const FirstLayer& first, const ExactOptions& options) {
  return first.preactivations.kind == CurveKind::line ? walk_along<false>(network, first, options)
                                                      : walk_along<true>(network, first, options);
}

std::shared_ptr<const Prepared> prepare(const Network& network, int first_layer) {
  auto prepared = std::make_shared<Prepared>(
      Prepared{first_layer, network.depth(), StateTable(pieces_of(network)), StateTable::of_sign(), {}, {}, {}});
  if (first_layer < 1 || first_layer > network.depth()) {
    throw std::invalid_argument("no layer " + std::to_string(first_layer) + " (layers count from 1 to " +
                                std::to_string(network.depth()) + "), choose one of them");
  }
  for (int layer = first_layer; layer <= network.depth(); ++layer) {
    if (layer == first_layer) {
      Layer first;
      first.outputs = network.width(layer);
      first.stride = LayerState::padded(first.outputs);
      prepared->layers.push_back(std::move(first));
    } else {
      prepared->layers.push_back(layer_of(network, layer));
      prepared->layers.back().keeps_zero = prepared->table.keeps_zero(prepared->layers.back().bias);
    }
    prepared->words.push_back(pattern_words(layer, network.width(layer)));
  }
  prepared->readout = readout_of(network);
  return prepared;
}

void require_dimension(const Network& network, const Curve& curve) {
  if (curve.dimension() == network.input_dimension()) return;
  throw std::invalid_argument("the curve has dimension " + std::to_string(curve.dimension()) +
                              " (the network's input has " + std::to_string(network.input_dimension()) +
                              "), give a curve in the network's input space");
}

}  // namespace

ExactNetwork::ExactNetwork(const Network& network, int first_layer) : prepared_(prepare(network, first_layer)) {}

ExactCounts ExactNetwork::walk(const Curve& preactivation_curve, const ExactOptions& options) const {
  const int width = prepared_->layers.front().outputs;
  if (preactivation_curve.dimension() != width) {
    throw std::invalid_argument("the curve has dimension " + std::to_string(preactivation_curve.dimension()) +
                                " (layer " + std::to_string(prepared_->first_layer) + " has " + std::to_string(width) +
                                " neurons), give one value per neuron");
  }
  FirstLayer first;
  first.preactivations = preactivation_curve;
  if (first.preactivations.center.empty()) first.preactivations.center.assign(first.preactivations.u.size(), 0.0);
  return walk_along(*prepared_, first, options);
}

ExactCounts exact_curve(const Network& network, const Curve& curve, const ExactOptions& options) {
  require_one_activation(network, "the exact walk");
  require_dimension(network, curve);
  use_one_blas_thread();
  ExactCounts counts = walk_along(*prepare(network, 1), first_layer_of(network, curve), options);
  const auto [begin, end] = range_of(curve);
  counts.input_length = curve_length(curve, begin, end);
  return counts;
}

double exact_curve_bytes(int input_dimension, const std::vector<int>& widths, const ExactOptions& options) {
  const int widest = *std::max_element(widths.begin(), widths.end());
  const double live = 3.0 * chosen_boundaries(widest, options.live_boundaries);
  double weights = 0.0;
  double largest = 0.0;
  double inputs = input_dimension;
  for (std::size_t l = 0; l < widths.size(); ++l) {
    const double elements = inputs * widths[l];
    largest = std::max(largest, elements);
    weights += elements;
    inputs = widths[l];
  }
  // Maps of a stretch that is walked with more digits: many places where layers have few weights, and else nine.
  const double digits = 5e6 + 300.0 * 9.0 * widest;
  // Vectors before and after a layer, their live columns and the columns gathered for them.
  return digits + 8.0 * (weights + 2.0 * largest + 3.0 * live * (widest + 8.0)) + 2.0 * live * sizeof(Boundary);
}

}  // namespace meander
