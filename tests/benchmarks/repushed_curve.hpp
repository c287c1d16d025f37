// The way to exact counts that comes to mind first, written with care, for comparison: every linear piece keeps its
// own map a + b cos t + c sin t, and all three columns of every piece go through the weights of every layer. Blocks of
// pieces make one matrix product; a vectorised bound tells which neurons may cross a threshold on a piece; the circle
// is cut into arcs, so that an arc's pieces stay in cache. Hard-tanh along circles, transitions alone.
#pragma once

#include <cblas.h>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

class RepushedCurve {
 public:
  RepushedCurve(const Network& network, const Curve& curve) : curve_(curve) {
    for (int layer = 1; layer <= network.depth(); ++layer) {
      Layer& next = layers_.emplace_back();
      next.outputs = network.width(layer);
      next.inputs = network.fan_in(layer);
      next.weight.resize(static_cast<std::size_t>(next.outputs) * static_cast<std::size_t>(next.inputs));
      next.bias.resize(next.outputs);
      network.weight(layer, std::span<double>(next.weight));
      network.bias(layer, {next.bias.data(), static_cast<std::size_t>(next.outputs)});
    }
  }

  std::int64_t transitions(int arcs) {
    transitions_ = 0;
    const double step = 2.0 * std::numbers::pi / arcs;
    for (int arc = 0; arc < arcs; ++arc) {
      pieces_.assign(1, {arc * step, (arc + 1) * step});
      maps_ = curve_.center;
      maps_.resize(curve_.u.size(), 0.0);
      maps_.insert(maps_.end(), curve_.u.begin(), curve_.u.end());
      maps_.insert(maps_.end(), curve_.v.begin(), curve_.v.end());
      for (const Layer& layer : layers_) push(layer);
    }
    return transitions_;
  }

 private:
  using Row = Eigen::Map<Eigen::ArrayXd>;

  struct Layer {
    int outputs = 0, inputs = 0;
    std::vector<double> weight;
    Eigen::ArrayXd bias;
  };
  struct Piece {
    double begin, end;
  };
  struct Cut {
    double t;
    int neuron;
    double threshold;
  };

  void push(const Layer& layer) {
    constexpr std::size_t block = 256;
    next_pieces_.clear();
    next_maps_.clear();
    const auto inputs = static_cast<std::size_t>(layer.inputs);
    const auto outputs = static_cast<std::size_t>(layer.outputs);
    image_.resize(3 * block * outputs);
    for (std::size_t first = 0; first < pieces_.size(); first += block) {
      const std::size_t count = std::min(block, pieces_.size() - first);
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(3 * count), layer.outputs, layer.inputs,
                  1.0, maps_.data() + 3 * first * inputs, layer.inputs, layer.weight.data(), layer.inputs, 0.0,
                  image_.data(), layer.outputs);
      for (std::size_t k = 0; k < count; ++k) cut(layer, pieces_[first + k], image_.data() + 3 * k * outputs);
    }
    std::swap(pieces_, next_pieces_);
    std::swap(maps_, next_maps_);
  }

  /// Cuts a piece where neurons cross +-1 and appends its parts with their maps behind hard-tanh.
  void cut(const Layer& layer, const Piece& piece, double* map) {
    const Eigen::Index n = layer.outputs;
    Row a(map, n), b(map + n, n), c(map + 2 * n, n);
    a += layer.bias;
    before_ = a + b * std::cos(piece.begin) + c * std::sin(piece.begin);
    after_ = a + b * std::cos(piece.end) + c * std::sin(piece.end);
    const double length = piece.end - piece.begin;
    // |h - chord| <= length^2 / 8 |h''|
    margin_ = (b.abs() + c.abs()) * (0.125 * length * length);
    lowest_ = before_.min(after_) - margin_;
    highest_ = before_.max(after_) + margin_;
    cuts_.clear();
    suspect_ = (lowest_ < -1.0 && highest_ > -1.0) || (lowest_ < 1.0 && highest_ > 1.0);
    for (Eigen::Index i = 0; i < n; ++i) {
      if (!suspect_[i]) continue;
      for (const double threshold : {-1.0, 1.0})
        add_roots(a[i] - threshold, b[i], c[i], piece, static_cast<int>(i), threshold);
    }
    std::sort(cuts_.begin(), cuts_.end(), [](const Cut& x, const Cut& y) { return x.t < y.t; });
    transitions_ += static_cast<std::int64_t>(cuts_.size());
    append(piece, a, b, c);
  }

  void add_roots(double g, double b, double c, const Piece& piece, int neuron, double threshold) {
    const double cosine = -g / std::sqrt(b * b + c * c);
    if (!(std::abs(cosine) <= 1.0)) return;
    const double phase = std::atan2(c, b);
    const double width = std::acos(cosine);
    const double turn = 2.0 * std::numbers::pi;
    for (double t : {phase - width, phase + width}) {
      t += t < 0.0 ? turn : 0.0;
      t -= t >= turn ? turn : 0.0;
      if (t > piece.begin && t <= piece.end) cuts_.push_back({t, neuron, threshold});
    }
  }

  void append(const Piece& piece, const Row& a, const Row& b, const Row& c) {
    const auto n = static_cast<std::size_t>(a.size());
    const double middle = 0.5 * (piece.begin + (cuts_.empty() ? piece.end : cuts_.front().t));
    const Eigen::ArrayXd h = a + b * std::cos(middle) + c * std::sin(middle);
    std::size_t row = next_maps_.size();
    next_maps_.resize(row + 3 * n * (cuts_.size() + 1));
    const auto slope = (h.abs() < 1.0).cast<double>();
    Row(next_maps_.data() + row, a.size()) = slope * a + (1.0 - slope) * h.sign();
    Row(next_maps_.data() + row + n, a.size()) = slope * b;
    Row(next_maps_.data() + row + 2 * n, a.size()) = slope * c;
    double begin = piece.begin;
    for (const Cut& cut : cuts_) {
      next_pieces_.push_back({begin, cut.t});
      begin = cut.t;
      double* const old = next_maps_.data() + row;
      row += 3 * n;
      double* const now = next_maps_.data() + row;
      std::copy_n(old, 3 * n, now);
      // The neuron's state is the other one of those beside the threshold.
      const auto i = static_cast<std::size_t>(cut.neuron);
      const bool linear = old[n + i] != 0.0 || old[2 * n + i] != 0.0;
      now[i] = linear ? cut.threshold : a[cut.neuron];
      now[n + i] = linear ? 0.0 : b[cut.neuron];
      now[2 * n + i] = linear ? 0.0 : c[cut.neuron];
    }
    next_pieces_.push_back({begin, piece.end});
  }

  const Curve& curve_;
  std::vector<Layer> layers_;
  std::vector<Piece> pieces_, next_pieces_;
  std::vector<double> maps_, next_maps_;  // three rows a piece
  std::vector<double> image_;
  Eigen::ArrayXd before_, after_, margin_, lowest_, highest_;
  Eigen::Array<bool, Eigen::Dynamic, 1> suspect_;
  std::vector<Cut> cuts_;
  std::int64_t transitions_ = 0;
};

}  // namespace meander
