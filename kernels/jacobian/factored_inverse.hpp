// The inverse of a wide Jacobian as a linear operator, for its smallest singular values: one over the largest of the
// inverse, which keep their digits where a product formed from the layers has lost them.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"
#include "kernels/distributed/row_spread.hpp"
#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/networks/network.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace meander {

/// J^-1 = (W^1)^-1 (D^1)^-1 ... (W^L)^-1 (D^L)^-1 of J = D^L W^L ... D^1 W^1. Each W^l is factorised, L U with row
/// pivots, and the factors are turned into (W^l)^-1 once (see invert_rows); J^-1 itself is never formed. A rank holds
/// the rows of every (W^l)^-1 that JacobianOperator gives it of W^l, so that J and J^-1 take the same vectors, and
/// products go as there, with the inverse slopes first:
///
///     J^-1 x:   x0 | x1 | x2  --(D^l)^-1, allgather-->  on each rank  --own rows of (W^l)^-1-->  y0 | y1 | y2
///
///     J^-1' y:  y0 | y1 | y2  --own rows of (W^l)^-1, transposed-->  a part of the sum, N long, on each rank
///                             --reduce-scatter, (D^l)^-1-->  x0 | x1 | x2
///
/// Each factor is right to N epsilon times its own condition, not that of J: the large singular values of J^-1 follow
/// with some ten digits where J's condition is 1e21. A product that exceeds the range of double precision is not
/// finite.
class FactoredInverse final : public DistributedOperator {
 public:
  /// With J's slopes and weights, and its communicator; `j` is not needed afterwards. Collective. Throws
  /// std::invalid_argument where a slope is zero, or so small that its inverse exceeds the range, and where a W^l is
  /// singular to working precision; see also invert_rows.
  explicit FactoredInverse(const JacobianOperator& j);
  /// The same of JacobianOperator(parameters, key, input, WeightStorage::regenerated, comm), which also says what is
  /// refused.
  FactoredInverse(const RandomNetwork::Parameters& parameters, StreamKey key, std::span<const double> input,
                  MPI_Comm comm = MPI_COMM_SELF);

  int depth() const { return static_cast<int>(layers_.size()); }
  /// The largest condition of a W^l, in the norm of largest row sums. Each factor is right to about N epsilon times it.
  double condition() const { return condition_; }

  /// Bytes that a rank of so many takes at most, those of the construction included.
  static double bytes(int n, int depth, int ranks);
  /// Seconds of the construction from a JacobianOperator, and of a product, as dense_seconds counts them.
  static double seconds(int n, int depth, int ranks);
  static double product_seconds(int n, int depth, int ranks, int vectors);

 private:
  struct Layer {
    std::vector<double> inverse;  // own rows of (W^l)^-1, row-major (local_size(), N)
    std::vector<double> inverse_slope;
  };

  void add_layer(const JacobianOperator& j, int layer);
  void reserve(int vectors) const override;
  void multiply(std::span<const double> x, std::span<double> y, int vectors) const override;
  void multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const override;

  RowSpread spread_;
  std::vector<Layer> layers_;
  double condition_ = 1.0;
  mutable std::vector<double> all_;  // whole vectors of a product
};

}  // namespace meander
