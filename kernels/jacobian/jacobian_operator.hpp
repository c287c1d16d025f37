// The input-output Jacobian of a wide random network at one input as a linear operator: never formed, its layers spread
// over the ranks of a communicator by rows, its weights stored or drawn anew in every product.
#pragma once

#include "kernels/distributed/distributed_operator.hpp"
#include "kernels/distributed/row_spread.hpp"
#include "kernels/jacobian/weight_storage.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/products/row_block_product.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace meander {

/// J = D^L W^L ... D^1 W^1, D^l = diag(phi'(h^l)) (Pennington et al. 2017, equation 2), of a network of one width N
/// whose weights are those of RandomNetwork with the same parameters and key, at one input x^0.
///
/// A rank holds the same block of consecutive rows of every W^l and D^l, and of every vector; with P ranks the first
/// N mod P of them have one row more than the others. One layer of a product on three ranks (| row blocks):
///
///     J x:   x0 | x1 | x2  --allgather-->  x on each rank  --own rows of W^l, then D^l-->  y0 | y1 | y2
///
///     J' y:  y0 | y1 | y2  --D^l, then own rows of W^l, transposed-->  a part of the sum, N long, on each rank
///                          --reduce-scatter-->  x0 | x1 | x2
///
/// so that a layer sends N numbers a vector to each rank, whatever the storage, and never a weight. Besides the weights
/// kept, a rank needs about 8 (2 depth N / P + (2 + 3 / P) N vectors) bytes and a block of 400 kB. Products run over
/// the columns in a fixed order, and over the rows in one that follows the ranks: J x has the same bits on any number
/// of ranks and with other vectors beside x, and the same for weights drawn and stored in double.
class JacobianOperator final : public DistributedOperator {
 public:
  /// Pushes `input`, x^0 (N), the same on every rank, through the layers with the weights as they are stored.
  /// Collective over `comm`, which must outlive the operator. Throws std::invalid_argument where the input's dimension
  /// or a width differs from the others, for orthogonal weights (whose rows are not independent), and for what
  /// RandomNetwork refuses; std::overflow_error where h^l or phi'(h^l) is not finite; whatever fails on one rank (no
  /// memory) is thrown on all.
  JacobianOperator(const RandomNetwork::Parameters& parameters, StreamKey key, std::span<const double> input,
                   WeightStorage storage, MPI_Comm comm = MPI_COMM_SELF);

  int depth() const { return static_cast<int>(layers_.size()); }
  /// Neurons of each layer (depth) whose slope is not zero, also where it is below a double's range and products take
  /// it for zero; J's rank is at most the least of them.
  const std::vector<std::int64_t>& open() const { return open_; }
  /// Mean of phi'(h^l)^2 over each layer's neurons (depth).
  const std::vector<double>& slope_square() const { return slope_square_; }
  /// phi'(h^l) of this rank's rows (local_size()).
  std::vector<double> slope(int layer) const;
  /// Row `row` of W^l (N), whichever rank holds it, as products take it.
  void weight(int layer, int row, std::span<double> out) const;
  /// Bytes of weights that this rank keeps.
  std::size_t stored_bytes() const;

 private:
  /// This rank's rows that pass something on.
  struct Layer {
    std::vector<int> row;  // global, ascending
    std::vector<double> slope;
    std::vector<double> weight;        // (row.size(), size_), or empty
    std::vector<float> single_weight;  // likewise
    std::size_t hidden = 0;            // rows whose slope is not zero but below a double's range
  };

  template <class Use>
  void for_blocks(int layer, const Use& use) const;
  void find_gates(std::vector<double> x);
  std::vector<double> local_layer(int layer, const std::vector<double>& x, double& slope_squares);
  void end_layer(int layer, double slope_squares);
  void draw(int layer, int row, std::span<double> out, std::span<float> variates) const;
  RowBlock<float> drawn(int layer, int row, int rows, int column, int columns) const;
  void reserve(int vectors) const override;
  void multiply(std::span<const double> x, std::span<double> y, int vectors) const override;
  void multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const override;

  RandomNetwork network_;
  WeightLaw law_;
  StreamKey key_;
  WeightStorage storage_;
  double scale_;
  RowSpread spread_;
  std::vector<Layer> layers_;
  std::vector<std::int64_t> open_;
  std::vector<double> slope_square_;
  /// Of a product: whole vectors, the same as the kernel takes them, this rank's part of a layer, a block of variates.
  mutable std::vector<double> all_, part_;
  mutable VectorPanels panels_;
  mutable Buffer<float> block_;
};

}  // namespace meander
