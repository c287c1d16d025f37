// Networks of one width, and whole vectors for operators spread over the ranks.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/curve.hpp"
#include "kernels/distributed_operator.hpp"
#include "kernels/network.hpp"

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

/// This rank's rows of any vectors (N, vectors).
inline std::vector<double> own_vectors(const DistributedOperator& j, int vectors, std::uint32_t index) {
  const std::vector<double> all = gaussian_point(network_key, index, j.size() * vectors);
  std::vector<double> part;
  for (const int row : j.rows()) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(row) * vectors;
    part.insert(part.end(), first, first + vectors);
  }
  return part;
}

inline double dot_over_ranks(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

inline double largest_difference_over_ranks(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return most;
}

}  // namespace meander
