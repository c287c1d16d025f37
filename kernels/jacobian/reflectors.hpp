// One square Haar-orthogonal layer as a product of Householder reflectors, applied to vectors spread over ranks without
// ever being formed.
#pragma once

#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/products/row_block_product.hpp"
#include "kernels/random/random_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace meander {

/// Places of this rank's components of a vector of n: runs of 64 consecutive ones (of a few times 64 where n is large),
/// dealt to the ranks of `comm` in turn, since reflector k leaves the first k components alone: with one run a rank,
/// the first ranks would soon have nothing to do.
std::vector<int> dealt_rows(int n, MPI_Comm comm);

/// Q = H_1 H_2 ... H_n diag(signs) of `orthogonal_matrix` (sigma_w = 1, purpose weights) for one layer.
///
/// Reflectors are taken 64 at a time in the compact form I - U T U' (Schreiber and Van Loan 1989), the columns of U
/// being the stream's vectors but for their heads; T^-1 is the upper triangle of U'U, its diagonal halved (Puglisi
/// 1992). A block of a product on three ranks, each with every third run of components (| ranks):
///
///     y0 | y1 | y2  --U' of own components-->  a part of the sum, (64, vectors), on each rank
///                   --reduce-->  U' y on the rank that has the reflectors' first components  --T-->  T U' y there
///                   --broadcast-->  T U' y on each rank  --own components of U-->  y0 | y1 | y2
///
/// so that a layer sends n numbers a vector to each rank and back in n / 64 steps, and never a weight. A rank keeps its
/// share of T and signs, 8 (64 + 2) n / P bytes, and n^2 / 2P numbers of U if they are stored; the stream's numbers are
/// single, so that all storages give the same bits.
class HaarReflectors {
 public:
  /// Shared by layers, which use it in turn: a block of vectors as drawn, a piece of it in double, U'y and
  /// T U'y, and y and U'y in panels.
  struct Workspace {
    std::vector<float> drawn;
    std::vector<double> piece, projection, turned;
    VectorPanels panels, block_panels;
  };

  /// Has the memory. `rows` are dealt_rows(n, comm); `comm` must outlive the object.
  HaarReflectors(StreamKey key, int layer, int n, const std::vector<int>& rows, WeightStorage storage, MPI_Comm comm);

  /// Memory for products with so many vectors, and for `prepare`.
  void reserve(Workspace& workspace, int vectors) const;
  /// Draws the reflectors and finds T; must come before products. Collective, as they are.
  void prepare(Workspace& workspace);
  /// y <- Q y in place, this rank's components, row-major (rows, vectors).
  void multiply(Workspace& workspace, double* y, int vectors) const;
  /// y <- Q' y = Q^-1 y.
  void multiply_transposed(Workspace& workspace, double* y, int vectors) const;

  /// Bytes of vectors that this rank keeps.
  std::size_t stored_bytes() const { return sizeof(double) * double_.size() + sizeof(float) * single_.size(); }

 private:
  /// `count` reflectors from `first` on, and the components that they change: local ones from `start` on.
  struct Block {
    int first = 0, count = 0, start = 0;
    int owner = 0;             // the rank that has the reflectors' first components
    bool own = false;          // whether that is this one: they are the first `count` from `start` on
    std::size_t offset = 0;    // in what is stored
    std::size_t triangle = 0;  // where T is, on its owner
  };
  /// Some of a block's components: `width` local ones from `start` on; their part of the vectors is kept as rows,
  /// (count, width).
  struct Piece {
    int start = 0, width = 0;
    std::size_t offset = 0;  // within the block
  };
  template <class Use>
  void for_each_piece(const Block& block, const Use& use) const;
  template <class Use>
  void with_piece(const Block& block, const Piece& piece, const Workspace& workspace, const Use& use) const;
  void draw(const Block& block, const Piece& piece, float* out) const;
  float* place(const Block& block, const Piece& piece, Workspace& workspace);
  void add_on_owner(const Block& block, std::vector<double>& sums, int columns) const;
  void find_triangle(const Block& block, std::vector<double>& gram);
  void apply_all(Workspace& workspace, double* y, int vectors, bool transposed) const;
  void project(const Block& block, Workspace& workspace, int vectors) const;
  void turn(const Block& block, Workspace& workspace, int vectors, bool transposed) const;
  void add_turned(const Block& block, Workspace& workspace, int vectors) const;
  void apply_signs(double* y, int vectors) const;

  RandomStream stream_;
  std::vector<int> rows_;
  WeightStorage storage_;
  MPI_Comm comm_;
  std::vector<Block> blocks_;
  // Of the reflectors whose first components are this rank's, in the order of these: U's heads less what was drawn, and
  // signs.
  std::vector<double> correction_, signs_;
  std::vector<double> triangles_;  // T of each block that this rank owns, (count, count) row-major
  std::vector<double> double_;
  std::vector<float> single_;
};

}  // namespace meander
