// Inverts a network's layers one by one and multiplies by the inverses from the last to the first.
#include "kernels/jacobian/factored_inverse.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/base/blas.hpp"
#include "kernels/distributed/dense_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

[[noreturn]] void refuse(int layer, const std::string& problem, const std::string& why) {
  throw std::invalid_argument("layer " + std::to_string(layer) + " " + problem + " (" + why +
                              "), ask for the largest singular values or for the whole spectrum on one rank");
}

/// Multiplies row i of x (factor.size(), vectors) by factor[i].
void scale_rows(const std::vector<double>& factor, std::span<double> x, int vectors) {
  double* row = x.data();
  for (const double by : factor) {
    for (int v = 0; v < vectors; ++v) *row++ *= by;
  }
}

}  // namespace

FactoredInverse::FactoredInverse(const RandomNetwork::Parameters& parameters, StreamKey key,
                                 std::span<const double> input, MPI_Comm comm)
    : FactoredInverse(JacobianOperator(parameters, key, input, WeightStorage::regenerated, comm)) {}

FactoredInverse::FactoredInverse(const JacobianOperator& j)
    : DistributedOperator(j.size(), j.rows(), j.communicator()), spread_(j.size(), j.communicator()) {
  use_one_blas_thread();
  for (int layer = 1; layer <= j.depth(); ++layer) add_layer(j, layer);
}

void FactoredInverse::add_layer(const JacobianOperator& j, int layer) {
  const std::int64_t closed = size() - j.open()[size_of(layer - 1)];
  if (closed > 0) {
    refuse(layer, "has " + std::to_string(closed) + " neurons of slope 0", "the Jacobian has no inverse");
  }
  Layer made;
  attempt(communicator(), [&] {
    made.inverse_slope = j.slope(layer);
    for (double& slope : made.inverse_slope) {
      slope = 1.0 / slope;
      if (!std::isfinite(slope)) refuse(layer, "has a slope below 1e-308", "its inverse exceeds the range of a double");
    }
    made.inverse.resize(size_of(local_size()) * size_of(size()));
    for (int i = 0; i < local_size(); ++i) {
      j.weight(layer, rows()[size_of(i)], {made.inverse.data() + size_of(i) * size_of(size()), size_of(size())});
    }
  }).or_throw();
  const double condition = invert_rows(made.inverse, size(), communicator());
  if (!(condition < 1.0 / std::numeric_limits<double>::epsilon())) {
    refuse(layer, "has weights that are singular to working precision",
           std::isfinite(condition) ? "of condition 1e" + std::to_string(std::lround(std::log10(condition)))
                                    : "a pivot is zero");
  }
  condition_ = std::max(condition_, condition);
  layers_.push_back(std::move(made));
}

double FactoredInverse::bytes(int n, int depth, int ranks) {
  const double rows = std::ceil(static_cast<double>(n) / ranks), width = n;
  const double kept = depth * rows * (width + 1.0);
  // ScaLAPACK's copy of a layer with its room, all filled up to blocks; LAPACK works in place.
  const double block = 64.0, all = width + ranks * block;
  const double building = ranks == 1 ? block * width : all * (all / ranks + block) + 2.0 * all;
  return 8.0 * (kept + building);
}

double FactoredInverse::seconds(int n, int depth, int ranks) {
  const double width = n, entries = width * width;
  // Drawing weights, and what is less than matrix products; of panels, each is one rank's while the others wait.
  const double rest = 8e-9 * entries / ranks + (ranks > 1 ? 4e-8 * entries : 0.0);
  const double meeting = 1e-5 + 3e-4 * std::ceil(std::log2(ranks));
  return depth * (5e-11 * entries * width / ranks + rest + meeting);
}

double FactoredInverse::product_seconds(int n, int depth, int ranks, int vectors) {
  const double width = n, sent = width * vectors;
  const double messages = ranks > 1 ? 1e-5 * std::ceil(std::log2(ranks)) + 2e-9 * sent : 0.0;
  // Reading the weights, and multiplying them.
  return depth * (width * width / ranks * (3e-10 + 6.5e-11 * vectors) + messages);
}

void FactoredInverse::reserve(int vectors) const {
  all_.resize(size_of(size()) * size_of(vectors));
}

void FactoredInverse::multiply(std::span<const double> x, std::span<double> y, int vectors) const {
  std::copy(x.begin(), x.end(), y.begin());
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    scale_rows(layer->inverse_slope, y, vectors);
    spread_.gather(y, all_, vectors);
    if (vectors == 1) {
      cblas_dgemv(CblasRowMajor, CblasNoTrans, local_size(), size(), 1.0, layer->inverse.data(), size(), all_.data(), 1,
                  0.0, y.data(), 1);
    } else {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, local_size(), vectors, size(), 1.0, layer->inverse.data(),
                  size(), all_.data(), vectors, 0.0, y.data(), vectors);
    }
  }
}

void FactoredInverse::multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const {
  std::copy(x.begin(), x.end(), y.begin());
  for (const Layer& layer : layers_) {
    std::fill(all_.begin(), all_.end(), 0.0);  // which a rank without rows leaves as they are
    if (vectors == 1) {
      cblas_dgemv(CblasRowMajor, CblasTrans, local_size(), size(), 1.0, layer.inverse.data(), size(), y.data(), 1, 0.0,
                  all_.data(), 1);
    } else {
      cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size(), vectors, local_size(), 1.0, layer.inverse.data(),
                  size(), y.data(), vectors, 0.0, all_.data(), vectors);
    }
    spread_.sum(all_, y, vectors);
    scale_rows(layer.inverse_slope, y, vectors);
  }
}

}  // namespace meander
