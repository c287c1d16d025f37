// Finds the gates of a wide network with orthogonal layers; its Jacobian and the inverse multiply by them in turn.
#include "kernels/jacobian/orthogonal_jacobian.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/base/blas.hpp"
#include "kernels/networks/scaled_slope.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

int checked_width(const RandomNetwork::Parameters& parameters, std::size_t input) {
  const int n = parameters.input_dimension;
  for (const int width : parameters.widths) {
    if (width == n) continue;
    throw std::invalid_argument("a layer has width " + std::to_string(width) + " (the network's input has " +
                                std::to_string(n) + "; a Jacobian of reflectors is square), use one width");
  }
  if (input != size_of(n)) {
    throw std::invalid_argument("the input has dimension " + std::to_string(input) + " (the network takes " +
                                std::to_string(n) + "), give one of that dimension");
  }
  if (parameters.law.kind != WeightLaw::Kind::orthogonal) {
    throw std::invalid_argument(
        "weights that are not orthogonal are no product of reflectors (their rows are independent), use the Jacobian "
        "by "
        "row blocks");
  }
  return n;
}

std::vector<double> own_part(const std::vector<double>& all, const std::vector<int>& rows) {
  std::vector<double> part;
  for (const int row : rows) part.push_back(all[size_of(row)]);
  return part;
}

}  // namespace

OrthogonalJacobian::OrthogonalJacobian(const RandomNetwork::Parameters& parameters, StreamKey key,
                                       std::span<const double> input, WeightStorage storage, MPI_Comm comm)
    : DistributedOperator(checked_width(parameters, input.size()), dealt_rows(parameters.input_dimension, comm), comm),
      sigma_w_(parameters.sigma_w) {
  use_one_blas_thread();
  const RandomNetwork network(parameters, key);
  attempt(comm, [&] {
    for (int layer = 1; layer <= network.depth(); ++layer) {
      layers_.emplace_back(key, layer, size(), rows(), storage, comm);
    }
    layers_.front().reserve(workspace_, 1);
  }).or_throw();
  find_gates(network, {input.begin(), input.end()});
}

/// x^l from x^(l-1), this rank's components, after its reflectors are drawn; `sums` <- squared slopes, open neurons.
void OrthogonalJacobian::local_layer(const RandomNetwork& network, int layer, std::vector<double>& x,
                                     double (&sums)[2]) {
  std::vector<double> bias(size_of(size())), gain(x.size());
  network.bias(layer, bias);
  bool finite = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = sigma_w_ * x[i] + bias[size_of(rows()[i])];
    const double slope = network.activation().derivative(x[i]);
    const bool open = slope != 0.0 || scaled_slope(network.activation(), x[i]).mantissa != 0.0;
    finite = finite && std::isfinite(x[i]);
    sums[0] += slope * slope;
    sums[1] += open ? 1.0 : 0.0;
    gain[i] = sigma_w_ * slope;
  }
  // All ranks must hear of it.
  if (!finite) sums[0] = std::numeric_limits<double>::infinity();
  network.activation().apply(std::span<double>(x));
  gain_.push_back(std::move(gain));
}

void OrthogonalJacobian::find_gates(const RandomNetwork& network, std::vector<double> x) {
  x = own_part(x, rows());
  for (int layer = 1; layer <= network.depth(); ++layer) {
    HaarReflectors& reflectors = layers_[size_of(layer - 1)];
    reflectors.prepare(workspace_);
    reflectors.multiply(workspace_, x.data(), 1);
    double sums[2] = {0.0, 0.0};
    attempt(communicator(), [&] { local_layer(network, layer, x, sums); }).or_throw();
    MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, communicator());
    if (!std::isfinite(sums[0])) {
      throw std::overflow_error("layer " + std::to_string(layer) + " of " + std::to_string(network.depth()) +
                                " has no finite activations or slopes (it exceeds the range of double precision), "
                                "choose fewer layers or smaller weights");
    }
    slope_square_.push_back(sums[0] / size());
    open_.push_back(std::llround(sums[1]));
  }
}

std::size_t OrthogonalJacobian::stored_bytes() const {
  std::size_t bytes = 0;
  for (const HaarReflectors& layer : layers_) bytes += layer.stored_bytes();
  return bytes;
}

void OrthogonalJacobian::reserve(int vectors) const {
  layers_.front().reserve(workspace_, vectors);
}

/// y <- sigma_w D^l y, or its inverse.
void OrthogonalJacobian::apply_gain(int layer, bool divided, std::span<double> y, int vectors) const {
  const std::vector<double>& gain = gain_[size_of(layer - 1)];
  const std::size_t columns = size_of(vectors);
  for (std::size_t i = 0; i < gain.size(); ++i) {
    const double factor = divided ? 1.0 / gain[i] : gain[i];
    for (std::size_t v = 0; v < columns; ++v) y[i * columns + v] *= factor;
  }
}

void OrthogonalJacobian::multiply(std::span<const double> x, std::span<double> y, int vectors) const {
  std::copy(x.begin(), x.end(), y.begin());
  for (int layer = 1; layer <= depth(); ++layer) {
    layers_[size_of(layer - 1)].multiply(workspace_, y.data(), vectors);
    apply_gain(layer, false, y, vectors);
  }
}

void OrthogonalJacobian::multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const {
  std::copy(x.begin(), x.end(), y.begin());
  for (int layer = depth(); layer >= 1; --layer) {
    apply_gain(layer, false, y, vectors);
    layers_[size_of(layer - 1)].multiply_transposed(workspace_, y.data(), vectors);
  }
}

OrthogonalInverse::OrthogonalInverse(const OrthogonalJacobian& j)
    : DistributedOperator(j.size(), j.rows(), j.communicator()), j_(j) {
  double least = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& gain : j.gain_) {
    for (const double value : gain) least = std::min(least, std::abs(value));
  }
  MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_DOUBLE, MPI_MIN, communicator());
  if (least >= std::numeric_limits<double>::min()) return;
  const std::int64_t open = *std::min_element(j.open().begin(), j.open().end());
  throw std::invalid_argument("a Jacobian has no inverse (a layer passes on " + std::to_string(open) + " of " +
                              std::to_string(size()) + " neurons, and the least slope times sigma_w is " +
                              std::to_string(least) + "), use products with it alone");
}

void OrthogonalInverse::reserve(int vectors) const {
  j_.reserve(vectors);
}

/// (sigma_w D Q)^-1 = Q' (sigma_w D)^-1.
void OrthogonalInverse::multiply(std::span<const double> x, std::span<double> y, int vectors) const {
  std::copy(x.begin(), x.end(), y.begin());
  for (int layer = j_.depth(); layer >= 1; --layer) {
    j_.apply_gain(layer, true, y, vectors);
    j_.layers_[size_of(layer - 1)].multiply_transposed(j_.workspace_, y.data(), vectors);
  }
}

void OrthogonalInverse::multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const {
  std::copy(x.begin(), x.end(), y.begin());
  for (int layer = 1; layer <= j_.depth(); ++layer) {
    j_.layers_[size_of(layer - 1)].multiply(j_.workspace_, y.data(), vectors);
    j_.apply_gain(layer, true, y, vectors);
  }
}

}  // namespace meander
