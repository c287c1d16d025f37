// The swept layer's pre-activations and the merging of flips into labelings; counts between steps.
#include "kernels/linear_regions/dichotomies.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/networks/forward.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace meander {

namespace {

std::vector<double> weight_of(const Network& network, int layer) {
  std::vector<double> weight(static_cast<std::size_t>(network.width(layer)) *
                             static_cast<std::size_t>(network.fan_in(layer)));
  network.weight(layer, std::span<double>(weight));
  return weight;
}

std::vector<double> bias_of(const Network& network, int layer) {
  std::vector<double> bias(static_cast<std::size_t>(network.width(layer)));
  network.bias(layer, bias);
  return bias;
}

/// rows (count, inputs) times W^T: (count, outputs).
std::vector<double> product(const std::vector<double>& rows, const std::vector<double>& weight, int outputs,
                            int inputs) {
  const int count = static_cast<int>(rows.size()) / inputs;
  std::vector<double> out(static_cast<std::size_t>(count) * static_cast<std::size_t>(outputs));
  multiply_transposed(count, outputs, inputs, rows.data(), inputs, weight.data(), inputs, out.data(), outputs);
  return out;
}

void check(const Network& network, const WeightSweep& sweep, std::span<const std::vector<double>> points) {
  require_dense(network, "a weight sweep");
  if (sweep.layer < 1 || sweep.layer > network.depth()) {
    throw std::invalid_argument("no layer " + std::to_string(sweep.layer) + " to sweep (layers count from 1 to " +
                                std::to_string(network.depth()) + "), choose one of them");
  }
  const auto needed =
      static_cast<std::size_t>(network.width(sweep.layer)) * static_cast<std::size_t>(network.fan_in(sweep.layer));
  if (sweep.weight.size() != needed) {
    throw std::invalid_argument("the sweep's weight has " + std::to_string(sweep.weight.size()) + " numbers (layer " +
                                std::to_string(sweep.layer) + " has " + std::to_string(needed) +
                                "), give it the layer's shape");
  }
  if (points.empty() || points.size() > static_cast<std::size_t>(most_points)) {
    throw std::invalid_argument(std::to_string(points.size()) + " points (1 to " + std::to_string(most_points) +
                                " can be labeled), choose a number in between");
  }
  for (const std::vector<double>& point : points) {
    if (point.size() == static_cast<std::size_t>(network.input_dimension())) continue;
    throw std::invalid_argument("a point of dimension " + std::to_string(point.size()) + " (the network has " +
                                std::to_string(network.input_dimension()) + " inputs), give points of that dimension");
  }
  if (network.readout_outputs() == 0) {
    throw std::invalid_argument("the network has no readout (its sign is the label), add one");
  }
}

/// Labels of successive steps: flips and labelings between all of them, flips between every second.
class LabelScan {
 public:
  explicit LabelScan(std::size_t points) : flips_(points, 0) {}

  void take(std::uint64_t labels) {
    if (count_ == 0) {
      first_ = labels;
    } else {
      step(previous_, labels);
      if (count_ % 2 == 0) half_flips_ += std::popcount(previous_even_ ^ labels);
    }
    if (count_ == 0 || labels != previous_) seen_.push_back(labels);
    if (count_ % 2 == 0) previous_even_ = labels;
    previous_ = labels;
    ++count_;
    if (seen_.size() > 2 * kept_ + (std::size_t{1} << 20)) compact();
  }

  DichotomyCounts finish() {
    step(previous_, first_);
    half_flips_ += std::popcount(previous_even_ ^ first_);
    compact();
    DichotomyCounts counts;
    counts.dichotomies = static_cast<std::int64_t>(kept_);
    for (const std::int64_t n : flips_) counts.label_flips += n;
    counts.most_flips_of_a_point = *std::max_element(flips_.begin(), flips_.end());
    counts.label_flips_half = half_flips_;
    return counts;
  }

 private:
  void step(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t changed = from ^ to; changed != 0; changed &= changed - 1) {
      ++flips_[static_cast<std::size_t>(std::countr_zero(changed))];
    }
  }
  void compact() {
    std::sort(seen_.begin(), seen_.end());
    seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
    kept_ = seen_.size();
  }

  std::vector<std::int64_t> flips_;
  std::vector<std::uint64_t> seen_;
  std::size_t kept_ = 0;
  std::uint64_t first_ = 0, previous_ = 0, previous_even_ = 0;
  std::int64_t half_flips_ = 0;
  long count_ = 0;
};

/// The readout's first output.
struct Readout {
  explicit Readout(const Network& network) {
    const auto outputs = static_cast<std::size_t>(network.readout_outputs());
    const auto inputs = static_cast<std::size_t>(network.width(network.depth()));
    weight.resize(outputs * inputs);
    network.readout_weight(weight);
    weight.resize(inputs);
    std::vector<double> biases(outputs);
    network.readout_bias(biases);
    bias = biases.front();
  }
  std::vector<double> weight;
  double bias = 0.0;
};

}  // namespace

std::vector<Curve> swept_pre_activations(const Network& network, const WeightSweep& sweep,
                                         std::span<const std::vector<double>> points) {
  check(network, sweep, points);
  use_one_blas_thread();
  std::vector<double> rows;
  for (const std::vector<double>& point : points) rows.insert(rows.end(), point.begin(), point.end());
  if (sweep.layer > 1) ForwardPass<double>(network, {.last = sweep.layer - 1, .pre_activations = false}).push(rows);
  const int outputs = network.width(sweep.layer), inputs = network.fan_in(sweep.layer);
  const std::vector<double> u = product(rows, weight_of(network, sweep.layer), outputs, inputs);
  const std::vector<double> v = product(rows, sweep.weight, outputs, inputs);
  const std::vector<double> bias = bias_of(network, sweep.layer);
  std::vector<Curve> curves;
  for (std::size_t p = 0; p < points.size(); ++p) {
    const auto begin = static_cast<std::ptrdiff_t>(p * bias.size());
    const auto end = begin + static_cast<std::ptrdiff_t>(bias.size());
    Curve curve;
    curve.center = bias;
    curve.u.assign(u.begin() + begin, u.begin() + end);
    curve.v.assign(v.begin() + begin, v.begin() + end);
    curve.end = 2.0 * std::numbers::pi;
    curves.push_back(std::move(curve));
  }
  return curves;
}

DichotomyCounts merge_flips(std::span<const std::vector<double>> flips, std::uint64_t first) {
  struct Flip {
    double t;
    std::uint64_t bit;
  };
  std::vector<Flip> merged;
  DichotomyCounts counts;
  for (std::size_t p = 0; p < flips.size(); ++p) {
    for (const double t : flips[p]) merged.push_back({t, std::uint64_t{1} << p});
    const auto own = static_cast<std::int64_t>(flips[p].size());
    counts.label_flips += own;
    counts.most_flips_of_a_point = std::max(counts.most_flips_of_a_point, own);
  }
  std::sort(merged.begin(), merged.end(), [](const Flip& a, const Flip& b) { return a.t < b.t; });
  std::vector<std::uint64_t> seen{first};
  std::uint64_t labels = first;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    labels ^= merged[i].bit;
    if (i + 1 < merged.size()) {
      const double gap = merged[i + 1].t - merged[i].t;
      if (gap == 0.0) continue;
      if (merged[i + 1].bit != merged[i].bit) counts.smallest_gap = std::min(counts.smallest_gap, gap);
    }
    seen.push_back(labels);
  }
  std::sort(seen.begin(), seen.end());
  counts.dichotomies = std::unique(seen.begin(), seen.end()) - seen.begin();
  return counts;
}

DichotomyCounts sampled_dichotomies(const Network& network, const WeightSweep& sweep,
                                    std::span<const std::vector<double>> points, long steps) {
  const std::vector<Curve> curves = swept_pre_activations(network, sweep, points);
  const Readout readout(network);
  ForwardPass<double> above(network, {.first = sweep.layer + 1, .keep_weights = true, .pre_activations = false});
  const auto width = static_cast<std::size_t>(network.width(sweep.layer));
  // Enough rows for gemm to run at its own speed, few enough to stay in the cache.
  const long block = std::max(1L, 512 / static_cast<long>(points.size()));
  LabelScan scan(points.size());
  bool finite = true;
  for (long begin = 0; begin < steps; begin += block) {
    const long count = std::min(block, steps - begin);
    std::vector<double> rows(static_cast<std::size_t>(count) * points.size() * width);
    double* row = rows.data();
    for (long i = begin; i < begin + count; ++i) {
      const double t = curves.front().parameter(i, steps);
      for (const Curve& curve : curves) {
        curve.point(t, std::span<double>(row, width));
        row += width;
      }
    }
    network.activation(sweep.layer).apply(std::span<double>(rows));
    above.push(rows);
    const std::vector<double> outputs = product(rows, readout.weight, 1, static_cast<int>(readout.weight.size()));
    for (std::size_t i = 0; i < outputs.size(); i += points.size()) {
      std::uint64_t labels = 0;
      for (std::size_t p = 0; p < points.size(); ++p) {
        const double output = outputs[i + p] + readout.bias;
        finite = finite && std::isfinite(output);
        labels |= std::uint64_t{output > 0.0} << p;
      }
      scan.take(labels);
    }
  }
  DichotomyCounts counts = scan.finish();
  counts.finite = finite;
  return counts;
}

DichotomyCounts plain_dichotomies(const Network& network, const WeightSweep& sweep,
                                  std::span<const std::vector<double>> points, long steps) {
  check(network, sweep, points);
  const Readout readout(network);
  std::vector<std::vector<double>> weights, biases;
  for (int layer = 1; layer <= network.depth(); ++layer) {
    weights.push_back(weight_of(network, layer));
    biases.push_back(bias_of(network, layer));
  }
  LabelScan scan(points.size());
  for (long i = 0; i < steps; ++i) {
    const double t = 2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(steps);
    std::uint64_t labels = 0;
    for (std::size_t p = 0; p < points.size(); ++p) {
      std::vector<double> x = points[p];
      for (std::size_t l = 0; l < weights.size(); ++l) {
        const int layer = static_cast<int>(l) + 1;
        const bool swept = layer == sweep.layer;
        std::vector<double> h = biases[l];
        for (std::size_t k = 0; k < h.size() * x.size(); ++k) {
          const double w = weights[l][k];
          h[k / x.size()] += (swept ? w * std::cos(t) + sweep.weight[k] * std::sin(t) : w) * x[k % x.size()];
        }
        for (double& value : h) value = network.activation(layer)(value);
        x = std::move(h);
      }
      double output = readout.bias;
      for (std::size_t j = 0; j < x.size(); ++j) output += readout.weight[j] * x[j];
      labels |= std::uint64_t{output > 0.0} << p;
    }
    scan.take(labels);
  }
  return scan.finish();
}

}  // namespace meander
