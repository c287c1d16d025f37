// Networks of one width, their Jacobians by the book, and whole vectors for operators spread over the ranks.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/distributed/distributed_operator.hpp"
#include "kernels/networks/network.hpp"

namespace meander {

inline const StreamKey network_key = stream_key(11, 3);

inline RandomNetwork::Parameters square_network(const std::string& phi, int n, int depth, double sigma_w,
                                                WeightLaw law = {}) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = n;
  parameters.widths.assign(static_cast<std::size_t>(depth), n);
  parameters.activation = Activation::named(phi);
  parameters.sigma_w = sigma_w;
  parameters.sigma_b = 0.1;
  parameters.law = law;
  return parameters;
}

inline std::vector<double> input_point(int n) {
  std::vector<double> x = gaussian_point(network_key, 0, n);
  rescale(x, 1.0);
  return x;
}

/// The plain twin: J (n, n), row-major, and how many slopes of each layer are not zero.
struct PlainJacobian {
  std::vector<double> j;
  std::vector<std::int64_t> open;
  std::vector<double> slope_square;
};

/// At input_point, from the weights that every measure sees; `single` rounds them to single precision.
inline PlainJacobian plain_jacobian(const RandomNetwork::Parameters& parameters, bool single = false) {
  const RandomNetwork network(parameters, network_key);
  const auto n = static_cast<std::size_t>(parameters.input_dimension);
  std::vector<double> x = input_point(parameters.input_dimension);
  PlainJacobian result{std::vector<double>(n * n), {}, {}};
  for (std::size_t i = 0; i < n; ++i) result.j[i * n + i] = 1.0;
  for (int l = 1; l <= network.depth(); ++l) {
    std::vector<double> w(n * n), h(n), next(n * n);
    std::vector<float> rounded(n * n);
    network.weight(l, std::span<double>(w));
    network.weight(l, std::span<float>(rounded));
    if (single) std::copy(rounded.begin(), rounded.end(), w.begin());
    network.bias(l, h);
    std::int64_t open = 0;
    double squares = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) h[i] += w[i * n + k] * x[k];
      const double slope = network.activation().derivative(h[i]);
      open += slope != 0.0 ? 1 : 0;
      squares += slope * slope / static_cast<double>(n);
      for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t c = 0; c < n; ++c) next[i * n + c] += slope * w[i * n + k] * result.j[k * n + c];
      }
    }
    network.activation().apply(std::span<double>(h));
    x = h;
    result.j = next;
    result.open.push_back(open);
    result.slope_square.push_back(squares);
  }
  return result;
}

/// Any vectors (n, vectors), the same on every rank.
inline std::vector<double> some_vectors(int n, int vectors, std::uint32_t index) {
  return gaussian_point(network_key, index, n * vectors);
}

/// This rank's rows of whole vectors (N, vectors).
inline std::vector<double> own_part(const DistributedOperator& j, const std::vector<double>& all, int vectors) {
  std::vector<double> part;
  for (const int row : j.rows()) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(row) * vectors;
    part.insert(part.end(), first, first + vectors);
  }
  return part;
}

inline std::vector<double> own_vectors(const DistributedOperator& j, int vectors, std::uint32_t index) {
  return own_part(j, some_vectors(j.size(), vectors, index), vectors);
}

/// J x or J'x, of this rank's rows.
inline std::vector<double> product(const DistributedOperator& j, bool transposed, const std::vector<double>& x,
                                   int vectors) {
  // Whatever stands in the result's place must go.
  std::vector<double> y(x.size(), std::nan(""));
  transposed ? j.apply_transposed(x, y, vectors) : j.apply(x, y, vectors);
  return y;
}

/// This rank's rows of the product of `matrix`, or its transpose, with whole vectors.
inline std::vector<double> expected_product(const DistributedOperator& j, const std::vector<double>& matrix,
                                            bool transposed, const std::vector<double>& all, int vectors) {
  const auto n = static_cast<std::size_t>(j.size()), columns = static_cast<std::size_t>(vectors);
  std::vector<double> y(n * columns);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      const double entry = transposed ? matrix[k * n + i] : matrix[i * n + k];
      for (std::size_t v = 0; v < columns; ++v) y[i * columns + v] += entry * all[k * columns + v];
    }
  }
  return own_part(j, y, vectors);
}

inline double dot_over_ranks(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

/// Infinity where a value is not a number, which a maximum would pass over.
inline double largest_over_ranks(const std::vector<double>& values) {
  double most = 0.0;
  for (const double value : values) {
    most = std::max(most, std::isnan(value) ? std::numeric_limits<double>::infinity() : std::abs(value));
  }
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return most;
}

inline double largest_difference_over_ranks(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return largest_over_ranks(a);
}

}  // namespace meander
