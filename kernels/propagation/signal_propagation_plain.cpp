// The plain twin of the propagation kernel: every layer's Jacobian as a matrix, multiplied from the definitions.
#include "kernels/propagation/signal_propagation.hpp"

#include "kernels/propagation/signal_propagation_parts.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace meander {

namespace {

using Vector = std::vector<double>;
/// Rows of one length.
using Matrix = std::vector<Vector>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Vector product(const Matrix& a, const Vector& x) {
  Vector out;
  for (const Vector& row : a) out.push_back(dot(row, x));
  return out;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix out(a.size(), Vector(b.front().size(), 0.0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      for (std::size_t j = 0; j < b[k].size(); ++j) out[i][j] += a[i][k] * b[k][j];
    }
  }
  return out;
}

Matrix identity(std::size_t size) {
  Matrix out(size, Vector(size, 0.0));
  for (std::size_t i = 0; i < size; ++i) out[i][i] = 1.0;
  return out;
}

Matrix weight_of(const Network& network, int layer) {
  const auto columns = static_cast<std::size_t>(network.fan_in(layer));
  Vector flat(static_cast<std::size_t>(network.width(layer)) * columns);
  network.weight(layer, std::span<double>(flat));
  Matrix rows;
  for (std::size_t i = 0; i < flat.size(); i += columns)
    rows.emplace_back(flat.begin() + static_cast<std::ptrdiff_t>(i),
                      flat.begin() + static_cast<std::ptrdiff_t>(i + columns));
  return rows;
}

/// h^l and x^l of one input.
struct Signal {
  Vector h, x;
};

void step(const Network& network, int layer, const Matrix& weight, const Vector& mask, double keep, Signal& signal) {
  Vector bias(weight.size());
  network.bias(layer, bias);
  signal.h = product(weight, signal.x);
  signal.x.resize(bias.size());
  for (std::size_t i = 0; i < bias.size(); ++i) {
    signal.h[i] += bias[i];
    signal.x[i] = network.activation(layer)(signal.h[i]) * mask[i] / keep;
  }
}

}  // namespace

Propagation propagate_plain(const Network& network, std::span<const double> x0, std::span<const double> x1,
                            StreamKey key, const PropagationOptions& options) {
  const int depth = network.depth();
  std::array<Signal, 2> signals{Signal{{}, {x0.begin(), x0.end()}}, Signal{{}, {x1.begin(), x1.end()}}};
  std::vector<Matrix> steps;  // dh^(l+1) / dh^l at x0, l = 1..depth-1
  Vector slopes;
  Propagation result;
  for (int l = 1; l <= depth; ++l) {
    Matrix weight = weight_of(network, l);
    const double n = network.width(l);
    for (std::uint32_t input = 0; input < 2; ++input)
      step(network, l, weight, dropout_mask(key, l, input, network.width(l), options.keep), options.keep,
           signals[input]);
    const auto& [first, second] = signals;
    result.q.push_back((dot(first.h, first.h) + dot(second.h, second.h)) / (2.0 * n));
    result.c.push_back(dot(first.h, second.h) / std::sqrt(dot(first.h, first.h) * dot(second.h, second.h)));
    result.finite_layers = l;
    if (l > 1) {
      for (Vector& row : weight) {
        for (std::size_t j = 0; j < row.size(); ++j) row[j] *= slopes[j];
      }
      steps.push_back(weight);
    }
    const Vector mask = dropout_mask(key, l, 0, network.width(l), options.keep);
    slopes.clear();
    for (std::size_t i = 0; i < mask.size(); ++i)
      slopes.push_back(network.activation(l).derivative(first.h[i]) * mask[i] / options.keep);
  }
  Vector output = readout_direction(key, network.width(depth));
  for (std::size_t i = 0; i < output.size(); ++i) output[i] *= slopes[i];
  for (int l = 1; l <= depth; ++l) {
    Matrix jacobian = identity(static_cast<std::size_t>(network.width(l)));
    for (int k = l; k < depth; ++k) jacobian = product(steps[static_cast<std::size_t>(k - 1)], jacobian);
    if (options.gradients) {
      const Vector gradient = product(Matrix{output}, jacobian).front();
      result.gradient.push_back(dot(gradient, gradient) / dot(output, output));
    }
    if (options.perturbations) {
      const Vector end = product(jacobian, perturbation_direction(key, l, network.width(l)));
      result.perturbation_growth.push_back(dot(end, end));
    }
  }
  return result;
}

}  // namespace meander
