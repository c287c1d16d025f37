// The input-output Jacobian of a wide random network with Haar-orthogonal layers as a linear operator, never formed,
// and its inverse.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"
#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/jacobian/reflectors.hpp"
#include "kernels/networks/network.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace meander {

/// J = D^L W^L ... D^1 W^1, D^l = diag(phi'(h^l)) (Pennington et al. 2017, equation 2), of a network of one width N
/// with orthogonal weights, those of RandomNetwork with the same parameters and key, at one input x^0. Vectors are
/// spread over the ranks as reflectors want it (`dealt_rows`), and stay where they are from layer to layer; what is
/// sent is drawn at HaarReflectors.
class OrthogonalJacobian final : public DistributedOperator {
 public:
  /// Pushes `input`, x^0 (N), the same on every rank, through the layers. `storage` is of the reflectors: `single`
  /// keeps the stream's numbers as they are, so that all storages give the same products bit by bit. Collective over
  /// `comm`, which must outlive the operator. Throws std::invalid_argument where the input's dimension or a width
  /// differs from the others, for weights of another law, and for what RandomNetwork refuses; std::overflow_error where
  /// h^l or phi'(h^l) is not finite; whatever fails on one rank (no memory) is thrown there and std::runtime_error on
  /// the others.
  OrthogonalJacobian(const RandomNetwork::Parameters& parameters, StreamKey key, std::span<const double> input,
                     WeightStorage storage, MPI_Comm comm = MPI_COMM_SELF);

  int depth() const { return static_cast<int>(layers_.size()); }
  /// Neurons of each layer (depth) with a nonzero slope; J's rank is at most the least of them.
  const std::vector<std::int64_t>& open() const { return open_; }
  /// Mean of phi'(h^l)^2 over each layer's neurons (depth).
  const std::vector<double>& slope_square() const { return slope_square_; }
  /// Bytes of weights that this rank keeps; besides them about 8 (64 + 3) depth N / P bytes and a block of 64
  /// columns.
  std::size_t stored_bytes() const;

 private:
  friend class OrthogonalInverse;

  void find_gates(const RandomNetwork& network, std::vector<double> x);
  void local_layer(const RandomNetwork& network, int layer, std::vector<double>& x, double (&sums)[2]);
  void reserve(int vectors) const override;
  void multiply(std::span<const double> x, std::span<double> y, int vectors) const override;
  void multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const override;
  void apply_gain(int layer, bool divided, std::span<double> y, int vectors) const;

  double sigma_w_;
  std::vector<HaarReflectors> layers_;
  std::vector<std::vector<double>> gain_;  // sigma_w phi'(h^l) of this rank's components
  std::vector<std::int64_t> open_;
  std::vector<double> slope_square_;
  mutable HaarReflectors::Workspace workspace_;
};

/// J^-1 = W^1' (D^1)^-1 ... W^L' (D^L)^-1 / sigma_w^(2 L), as dear as J.
class OrthogonalInverse final : public DistributedOperator {
 public:
  /// `j` must outlive it and is not to be used at the same time. Collective. Throws std::invalid_argument where a slope
  /// (or sigma_w) is zero, or so small that its inverse leaves the range of double precision.
  explicit OrthogonalInverse(const OrthogonalJacobian& j);

 private:
  void reserve(int vectors) const override;
  void multiply(std::span<const double> x, std::span<double> y, int vectors) const override;
  void multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const override;

  const OrthogonalJacobian& j_;
};

}  // namespace meander
