// Draws reflectors a block at a time, finds what their products need, and multiplies vectors by them.
#include "kernels/reflectors.hpp"

#include "kernels/blas.hpp"
#include "kernels/orthogonal.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace meander {
namespace {

/// Reflectors in a block, and the least components in a run: a block's heads belong to one rank.
constexpr int block_size = 64;
/// Components in a piece: its U stays in the second-level cache, and OpenBLAS multiplies it by 32 vectors without a
/// copy (10^6 products).
constexpr int piece_width = 384;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// Long runs are drawn faster; they unbalance ranks by about their length times P / n.
int run_length(int n, int ranks) {
  constexpr int most = 4;
  return block_size * std::clamp(n / (64 * block_size * ranks), 1, most);
}

/// c (rows, columns) <- beta c + alpha a (rows, inner) b (inner, columns), a transposed or not, row-major without gaps.
void add_product(bool transposed, int rows, int columns, int inner, double alpha, const double* a, const double* b,
                 double beta, double* c) {
  const auto as_it_is = transposed ? CblasTrans : CblasNoTrans;
  const int stride = transposed ? rows : inner;
  if (columns == 1) {
    cblas_dgemv(CblasRowMajor, as_it_is, transposed ? inner : rows, stride, alpha, a, stride, b, 1, beta, c, 1);
  } else {
    cblas_dgemm(CblasRowMajor, as_it_is, CblasNoTrans, rows, columns, inner, alpha, a, stride, b, columns, beta, c,
                columns);
  }
}

}  // namespace

std::vector<int> dealt_rows(int n, MPI_Comm comm) {
  int rank = 0, ranks = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &ranks);
  const int length = run_length(n, ranks);
  std::vector<int> rows;
  for (int row = 0; row < n; ++row) {
    if (row / length % ranks == rank) rows.push_back(row);
  }
  return rows;
}

HaarReflectors::HaarReflectors(StreamKey key, int layer, int n, const std::vector<int>& rows, WeightStorage storage,
                               MPI_Comm comm)
    : stream_(key, Purpose::weights, static_cast<std::uint32_t>(layer)),
      n_(n),
      rows_(rows),
      storage_(storage),
      comm_(comm),
      heads_(size_of(n)),
      signs_(rows.size()) {
  std::size_t stored = 0, triangles = 0;
  for (int first = 0; first < n; first += block_size) {
    const auto start = std::lower_bound(rows_.begin(), rows_.end(), first);
    Block block{first, std::min(block_size, n - first), static_cast<int>(start - rows_.begin()), false, stored};
    block.heads = start != rows_.end() && *start == first;
    stored += size_of(block.count) * static_cast<std::size_t>(rows_.end() - start);
    triangles += size_of(block.count) * size_of(block.count);
    blocks_.push_back(block);
  }
  triangles_.resize(triangles);
  if (storage == WeightStorage::double_) double_.resize(stored);
  if (storage == WeightStorage::single) single_.resize(stored);
}

void HaarReflectors::reserve(Workspace& workspace, int vectors) const {
  const std::size_t columns = size_of(std::max(vectors, block_size));
  if (storage_ != WeightStorage::single) workspace.drawn.resize(block_size * rows_.size());
  workspace.piece.resize(size_of(block_size) * size_of(piece_width));
  workspace.projection.resize(block_size * columns);
  workspace.turned.resize(block_size * columns);
}

template <class Use>
void HaarReflectors::for_each_piece(const Block& block, const Use& use) const {
  const auto local = static_cast<int>(rows_.size());
  for (int start = block.start; start < local; start += piece_width) {
    use(Piece{start, std::min(piece_width, local - start), size_of(block.count) * size_of(start - block.start)});
  }
}

/// The stream's numbers for a piece of U', zeros before the diagonal.
void HaarReflectors::draw(const Block& block, const Piece& piece, float* out) const {
  for (int done = 0; done < piece.width;) {
    const int* row = rows_.data() + piece.start + done;
    int run = 1;
    while (done + run < piece.width && row[run] == row[0] + run) ++run;
    for (int k = 0; k < block.count; ++k) {
      float* to = out + size_of(k) * size_of(piece.width) + size_of(done);
      stream_.normals(static_cast<std::uint32_t>(block.first + k), static_cast<std::uint32_t>(*row),
                      {to, size_of(run)});
      // Components before a reflector's own are not its.
      if (*row < block.first + k) std::fill_n(to, std::min(block.first + k - *row, run), 0.0F);
    }
    done += run;
  }
}

/// A piece of U' in double; with the heads in place, or as the vectors x were drawn.
void HaarReflectors::widen(const Block& block, const Piece& piece, const float* from, double* out, bool heads) const {
  std::copy_n(from, size_of(block.count) * size_of(piece.width), out);
  if (!heads || !block.heads || piece.start != block.start) return;
  for (std::size_t k = 0; k < size_of(block.count); ++k) {
    out[k * size_of(piece.width) + k] = heads_[size_of(block.first) + k];
  }
}

/// U' of a piece; drawn `anew`, or as the block's drawing of before left it.
const double* HaarReflectors::piece_of(const Block& block, const Piece& piece, Workspace& workspace, bool anew) const {
  if (storage_ == WeightStorage::double_) return double_.data() + block.offset + piece.offset;
  float* const drawn = workspace.drawn.data() + piece.offset;
  if (storage_ == WeightStorage::regenerated && anew) draw(block, piece, drawn);
  widen(block, piece, storage_ == WeightStorage::single ? single_.data() + block.offset + piece.offset : drawn,
        workspace.piece.data(), true);
  return workspace.piece.data();
}

/// From X'X of the block's vectors as drawn: heads, signs and T.
void HaarReflectors::find_triangle(std::size_t index, std::vector<double>& gram) {
  const Block& block = blocks_[index];
  const std::size_t count = size_of(block.count);
  double correction[block_size];  // head - x_1
  double half_square[block_size];
  // Components first .. first + count - 1 of all vectors, on every rank.
  float corner[block_size * block_size];
  for (std::size_t k = 0; k < count; ++k) {
    const auto row = static_cast<std::uint32_t>(size_of(block.first) + k);
    stream_.normals(row, row, {corner + k * block_size + k, count - k});
    const double first = static_cast<double>(corner[k * block_size + k]);
    const auto reflector = householder_reflector(first, std::sqrt(gram[k * count + k]));
    heads_[size_of(block.first) + k] = reflector.head;
    correction[k] = reflector.head - first;
    half_square[k] = reflector.half_square;
    if (block.heads) signs_[size_of(block.start) + k] = reflector.sign;
  }
  double* const triangle = triangles_.data() + index * size_of(block_size) * size_of(block_size);
  std::fill_n(triangle, count * count, 0.0);
  for (std::size_t i = 0; i < count; ++i) {
    // u_i' u_j differs from x_i' x_j at the first component of x_j, where u_i is x_i.
    for (std::size_t j = i + 1; j < count; ++j) {
      gram[i * count + j] += correction[j] * static_cast<double>(corner[i * block_size + j]);
    }
    gram[i * count + i] = half_square[i];
    triangle[i * count + i] = 1.0;
  }
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, block.count, block.count, 1.0,
              gram.data(), block.count, triangle, block.count);
}

void HaarReflectors::prepare(Workspace& workspace) {
  for (std::size_t index = 0; index < blocks_.size(); ++index) {
    const Block& block = blocks_[index];
    std::vector<double>& gram = workspace.projection;
    std::fill(gram.begin(), gram.end(), 0.0);
    const auto place = [&](const Piece& piece) {
      return storage_ == WeightStorage::single ? single_.data() + block.offset + piece.offset
                                               : workspace.drawn.data() + piece.offset;
    };
    for_each_piece(block, [&](const Piece& piece) {
      draw(block, piece, place(piece));
      widen(block, piece, place(piece), workspace.piece.data(), false);
      cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, block.count, piece.width, 1.0, workspace.piece.data(),
                  piece.width, 1.0, gram.data(), block.count);
    });
    MPI_Allreduce(MPI_IN_PLACE, gram.data(), block.count * block.count, MPI_DOUBLE, MPI_SUM, comm_);
    find_triangle(index, gram);
    if (storage_ != WeightStorage::double_) continue;
    for_each_piece(block, [&](const Piece& piece) {
      widen(block, piece, place(piece), double_.data() + block.offset + piece.offset, true);
    });
  }
}

/// y <- (I - U T U') y, or its transpose.
void HaarReflectors::apply_block(std::size_t index, Workspace& workspace, double* y, int vectors,
                                 bool transposed) const {
  const Block& block = blocks_[index];
  const std::size_t columns = size_of(vectors);
  std::fill_n(workspace.projection.begin(), size_of(block.count) * columns, 0.0);
  for_each_piece(block, [&](const Piece& piece) {
    add_product(false, block.count, vectors, piece.width, 1.0, piece_of(block, piece, workspace, true),
                y + size_of(piece.start) * columns, 1.0, workspace.projection.data());
  });
  MPI_Allreduce(MPI_IN_PLACE, workspace.projection.data(), block.count * vectors, MPI_DOUBLE, MPI_SUM, comm_);
  if (size_of(block.start) == rows_.size()) return;
  add_product(transposed, block.count, vectors, block.count, 1.0,
              triangles_.data() + index * size_of(block_size) * size_of(block_size), workspace.projection.data(), 0.0,
              workspace.turned.data());
  for_each_piece(block, [&](const Piece& piece) {
    add_product(true, piece.width, vectors, block.count, -1.0, piece_of(block, piece, workspace, false),
                workspace.turned.data(), 1.0, y + size_of(piece.start) * columns);
  });
}

void HaarReflectors::apply_signs(double* y, int vectors) const {
  for (std::size_t i = 0; i < signs_.size(); ++i) {
    for (std::size_t v = 0; v < size_of(vectors); ++v) y[i * size_of(vectors) + v] *= signs_[i];
  }
}

void HaarReflectors::multiply(Workspace& workspace, double* y, int vectors) const {
  apply_signs(y, vectors);
  for (std::size_t index = blocks_.size(); index-- > 0;) apply_block(index, workspace, y, vectors, false);
}

void HaarReflectors::multiply_transposed(Workspace& workspace, double* y, int vectors) const {
  for (std::size_t index = 0; index < blocks_.size(); ++index) apply_block(index, workspace, y, vectors, true);
  apply_signs(y, vectors);
}

}  // namespace meander
