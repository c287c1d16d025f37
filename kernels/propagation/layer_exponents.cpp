// All inputs and perturbations pass a layer in one matrix product: perturbations follow the slopes of their inputs, so
// that this is more than a forward pass.
#include "kernels/propagation/layer_exponents.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/base/blas.hpp"
#include "kernels/curves/curve.hpp"
#include "kernels/propagation/signal_propagation.hpp"

namespace meander {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Rows 0 .. P-1 hold the first inputs, P .. 2P-1 the second, 2P .. 3P-1 the perturbations.
class Probe {
 public:
  Probe(const Network& network, std::span<const double> first, std::span<const double> second,
        std::span<const double> perturbation)
      : network_(network), pairs_(first.size() / static_cast<std::size_t>(network.input_dimension())) {
    for (const auto rows : {first, second, perturbation}) values_.insert(values_.end(), rows.begin(), rows.end());
    width_ = static_cast<std::size_t>(network.input_dimension());
    for (std::size_t p = 0; p < pairs_; ++p) alive_.push_back(normalise(tangent(p)) > 0.0);
    growth_.assign(pairs_, 0.0);
  }

  /// Passes layer l; false where a pre-activation or post-activation is not finite.
  bool advance(int layer, LayerExponents& out) {
    push(layer);
    if (!is_finite(2 * pairs_)) return false;
    measure_pairs(out);
    activate(layer);
    if (!is_finite(2 * pairs_)) return false;
    measure_perturbations(out);
    return true;
  }

 private:
  std::span<double> row(std::size_t r) { return std::span<double>(values_).subspan(r * width_, width_); }
  std::span<double> tangent(std::size_t p) { return row(2 * pairs_ + p); }
  static double mean_square(std::span<const double> x) { return dot(x, x) / static_cast<double>(x.size()); }

  /// Brings x to mean square 1 and returns the root of what it was; leaves zero as it is.
  static double normalise(std::span<double> x) {
    double largest = 0.0;
    for (const double v : x) largest = std::max(largest, std::abs(v));
    if (!(largest > 0.0)) return 0.0;
    for (double& v : x) v /= largest;
    const double root = std::sqrt(mean_square(x));
    for (double& v : x) v /= root;
    return largest * root;
  }

  bool is_finite(std::size_t rows) const {
    const auto end = values_.begin() + static_cast<std::ptrdiff_t>(rows * width_);
    return std::all_of(values_.begin(), end, [](double x) { return std::isfinite(x); });
  }

  void push(int layer) {
    const int outputs = network_.width(layer);
    const int inputs = network_.fan_in(layer);
    const int rows = static_cast<int>(3 * pairs_);
    weight_.resize(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs));
    network_.weight(layer, std::span<double>(weight_));
    bias_.resize(static_cast<std::size_t>(outputs));
    network_.bias(layer, bias_);
    next_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(outputs));
    multiply_transposed(rows, outputs, inputs, values_.data(), inputs, weight_.data(), inputs, next_.data(), outputs);
    values_.swap(next_);
    width_ = static_cast<std::size_t>(outputs);
    for (std::size_t r = 0; r < 2 * pairs_; ++r) {
      const auto h = row(r);
      for (std::size_t i = 0; i < width_; ++i) h[i] += bias_[i];
    }
  }

  void measure_pairs(LayerExponents& out) {
    double q = 0.0;
    double c = 0.0;
    for (std::size_t p = 0; p < pairs_; ++p) {
      const auto a = row(p);
      const auto b = row(pairs_ + p);
      q += mean_square(a);
      c += dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
    }
    out.q.push_back(q / static_cast<double>(pairs_));
    out.c.push_back(c / static_cast<double>(pairs_));
  }

  void activate(int layer) {
    const Activation& activation = network_.activation(layer);
    for (std::size_t p = 0; p < pairs_; ++p) {
      const auto h = row(p);
      const auto v = tangent(p);
      for (std::size_t i = 0; i < width_; ++i) v[i] *= activation.derivative(h[i]);
    }
    activation.apply(std::span<double>(values_).first(2 * pairs_ * width_));
  }

  /// Perturbations are brought back to mean square 1 after each layer, and their growth kept as a logarithm.
  void measure_perturbations(LayerExponents& out) {
    double exponent = 0.0;
    for (std::size_t p = 0; p < pairs_; ++p) {
      const double step = alive_[p] ? std::log(normalise(tangent(p))) : std::numeric_limits<double>::quiet_NaN();
      exponent += step;
      if (alive_[p]) growth_[p] += step;
      alive_[p] = std::isfinite(growth_[p]);
    }
    out.exponent.push_back(exponent / static_cast<double>(pairs_));
    const double largest = *std::max_element(growth_.begin(), growth_.end());
    double sum = 0.0;
    for (const double g : growth_) sum += std::isfinite(g) ? std::exp(2.0 * (g - largest)) : 0.0;
    out.log_growth.push_back(std::isfinite(largest) ? largest + 0.5 * std::log(sum / static_cast<double>(pairs_))
                                                    : largest);
  }

  const Network& network_;
  std::size_t pairs_;
  std::size_t width_ = 0;
  std::vector<double> values_, next_, weight_, bias_;
  std::vector<bool> alive_;     // perturbations that are not zero
  std::vector<double> growth_;  // ln of each perturbation's growth since the input
};

}  // namespace

LayerExponents layer_exponents(const Network& network, std::span<const double> first, std::span<const double> second,
                               std::span<const double> perturbation) {
  require_dense(network, "the exponents of layers");
  const auto inputs = static_cast<std::size_t>(network.input_dimension());
  if (first.empty() || first.size() % inputs != 0 || second.size() != first.size() ||
      perturbation.size() != first.size()) {
    throw std::invalid_argument("pairs of inputs have " + std::to_string(first.size()) + ", " +
                                std::to_string(second.size()) + " and " + std::to_string(perturbation.size()) +
                                " numbers (the network takes " + std::to_string(inputs) +
                                " inputs each); give whole pairs");
  }
  use_one_blas_thread();
  LayerExponents out;
  Probe probe(network, first, second, perturbation);
  for (int layer = 1; layer <= network.depth() && probe.advance(layer, out); ++layer) ++out.finite_layers;
  for (std::vector<double>* values : {&out.q, &out.c, &out.exponent, &out.log_growth}) {
    values->resize(static_cast<std::size_t>(out.finite_layers));
  }
  return out;
}

ProbePair probe_pair(StreamKey key, int index, int dimension, double q0, double c0) {
  const auto point = static_cast<std::uint32_t>(2 * index);
  ProbePair pair{gaussian_point(key, point, dimension), gaussian_point(key, point + 1, dimension), {}};
  correlate(pair.first, pair.second, q0, c0);
  std::vector<float> normals(pair.first.size());
  RandomStream(key, Purpose::perturbation, 0).normals(static_cast<std::uint32_t>(index), 0, normals);
  pair.perturbation.assign(normals.begin(), normals.end());
  make_orthonormal(pair.first, pair.perturbation);
  return pair;
}

}  // namespace meander
