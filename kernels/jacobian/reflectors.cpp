// Draws reflectors a block at a time, finds what their products need, and multiplies vectors by them.
#include "kernels/jacobian/reflectors.hpp"

#include "kernels/base/blas.hpp"
#include "kernels/networks/orthogonal.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace meander {
namespace {

/// Reflectors in a block, and the least components in a run: a block's heads belong to one rank.
constexpr int block_size = 64;
/// Components in a piece: its vectors stay in the second-level cache, and are long enough for the generator.
constexpr int piece_width = 1536;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// Long runs are drawn faster; they unbalance ranks by about their length times P / n.
int run_length(int n, int ranks) {
  constexpr int most = 4;
  return block_size * std::clamp(n / (64 * block_size * ranks), 1, most);
}

/// The rank that has component `row`.
int owner(int row, int n, int ranks) {
  return row / run_length(n, ranks) % ranks;
}

template <class Real>
const RowBlockPath<Real>& path_of(const RowBlock<Real>&) {
  return row_block_paths<Real>().front();
}

/// Where component k of vector v is in a panel of `count` vectors.
std::size_t in_panel(std::size_t k, int v, int count) {
  constexpr auto columns = static_cast<std::size_t>(panel_columns);
  return (k / columns * size_of(count) + size_of(v)) * columns + k % columns;
}

}  // namespace

std::vector<int> dealt_rows(int n, MPI_Comm comm) {
  int rank = 0, ranks = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &ranks);
  std::vector<int> rows;
  for (int row = 0; row < n; ++row) {
    if (owner(row, n, ranks) == rank) rows.push_back(row);
  }
  return rows;
}

HaarReflectors::HaarReflectors(StreamKey key, int layer, int n, const std::vector<int>& rows, WeightStorage storage,
                               MPI_Comm comm)
    : stream_(key, Purpose::weights, static_cast<std::uint32_t>(layer)),
      rows_(rows),
      storage_(storage),
      comm_(comm),
      correction_(rows.size()),
      signs_(rows.size()) {
  int ranks = 1;
  MPI_Comm_size(comm, &ranks);
  std::size_t stored = 0, triangles = 0;
  for (int first = 0; first < n; first += block_size) {
    const auto start = std::lower_bound(rows_.begin(), rows_.end(), first);
    Block block{first, std::min(block_size, n - first), static_cast<int>(start - rows_.begin())};
    block.owner = owner(first, n, ranks);
    block.own = start != rows_.end() && *start == first;
    block.offset = stored;
    block.triangle = triangles;
    stored += size_of(block.count) * static_cast<std::size_t>(rows_.end() - start);
    if (block.own) triangles += size_of(block.count) * size_of(block.count);
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
  const int most = row_block_paths<double>().front().most_vectors;
  workspace.panels.resize(most, static_cast<long>(rows_.size()), vectors);
  workspace.block_panels.resize(most, block_size, vectors);
}

template <class Use>
void HaarReflectors::for_each_piece(const Block& block, const Use& use) const {
  const auto local = static_cast<int>(rows_.size());
  for (int start = block.start; start < local; start += piece_width) {
    use(Piece{start, std::min(piece_width, local - start), size_of(block.count) * size_of(start - block.start)});
  }
}

/// The stream's numbers for a piece, zeros before a vector's first component.
void HaarReflectors::draw(const Block& block, const Piece& piece, float* out) const {
  for (int done = 0; done < piece.width;) {
    const int* row = rows_.data() + piece.start + done;
    int run = 1;
    while (done + run < piece.width && row[run] == row[0] + run) ++run;
    stream_.normals(static_cast<std::uint32_t>(block.first), size_of(block.count), static_cast<std::uint32_t>(*row),
                    size_of(run), out + done, size_of(piece.width));
    done += run;
  }
  if (!block.own || piece.start != block.start) return;
  for (std::size_t k = 0; k < size_of(block.count); ++k) std::fill_n(out + k * size_of(piece.width), k, 0.0F);
}

/// Where a piece is kept that has been drawn in single precision.
float* HaarReflectors::place(const Block& block, const Piece& piece, Workspace& workspace) {
  return storage_ == WeightStorage::single ? single_.data() + block.offset + piece.offset
                                           : workspace.drawn.data() + piece.offset;
}

/// Calls use(the piece's vectors).
template <class Use>
void HaarReflectors::with_piece(const Block& block, const Piece& piece, const Workspace& workspace,
                                const Use& use) const {
  const std::size_t stored = block.offset + piece.offset;
  if (storage_ == WeightStorage::double_) {
    use(RowBlock<double>{double_.data() + stored, piece.width, block.count, piece.width, 1.0});
  } else {
    const float* from =
        storage_ == WeightStorage::single ? single_.data() + stored : workspace.drawn.data() + piece.offset;
    use(RowBlock<float>{from, piece.width, block.count, piece.width, 1.0});
  }
}

/// Sums of all ranks' (count, columns) on the block's owner.
void HaarReflectors::add_on_owner(const Block& block, std::vector<double>& sums, int columns) const {
  MPI_Reduce(block.own ? MPI_IN_PLACE : sums.data(), sums.data(), block.count * columns, MPI_DOUBLE, MPI_SUM,
             block.owner, comm_);
}

/// From X'X of the block's vectors as drawn: heads, signs and T.
void HaarReflectors::find_triangle(const Block& block, std::vector<double>& gram) {
  const std::size_t count = size_of(block.count);
  double* const correction = correction_.data() + block.start;
  double half_square[block_size];
  // Components first .. first + count - 1 of all vectors.
  float corner[block_size * block_size];
  for (std::size_t k = 0; k < count; ++k) {
    const auto row = static_cast<std::uint32_t>(size_of(block.first) + k);
    stream_.normals(row, row, {corner + k * block_size + k, count - k});
    const double first = static_cast<double>(corner[k * block_size + k]);
    const auto reflector = householder_reflector(first, std::sqrt(gram[k * count + k]));
    correction[k] = reflector.head - first;
    half_square[k] = reflector.half_square;
    signs_[size_of(block.start) + k] = reflector.sign;
  }
  double* const triangle = triangles_.data() + block.triangle;
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
  for (const Block& block : blocks_) {
    std::vector<double>& gram = workspace.projection;
    std::fill(gram.begin(), gram.end(), 0.0);
    for_each_piece(block, [&](const Piece& piece) {
      float* const drawn = place(block, piece, workspace);
      draw(block, piece, drawn);
      double* const wide =
          storage_ == WeightStorage::double_ ? double_.data() + block.offset + piece.offset : workspace.piece.data();
      std::copy_n(drawn, size_of(block.count) * size_of(piece.width), wide);
      cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, block.count, piece.width, 1.0, wide, piece.width, 1.0,
                  gram.data(), block.count);
    });
    add_on_owner(block, gram, block.count);
    if (block.own) find_triangle(block, gram);
  }
}

/// U'y of this rank's components: X'y and the heads' corrections.
void HaarReflectors::project(const Block& block, Workspace& workspace, int vectors) const {
  double* const sums = workspace.projection.data();
  // All of a block, also where the last has fewer: what is zero can be multiplied by zero.
  std::fill_n(sums, block_size * size_of(vectors), 0.0);
  for_each_piece(block, [&](const Piece& piece) {
    if (storage_ == WeightStorage::regenerated) draw(block, piece, workspace.drawn.data() + piece.offset);
    with_piece(block, piece, workspace, [&](const auto& rows) {
      workspace.panels.for_each(piece.start, [&](const double* panel, int first, int count) {
        path_of(rows).add_product(rows, panel, count, sums + first, vectors);
      });
    });
  });
  if (!block.own) return;
  workspace.panels.for_each(block.start, [&](const double* panel, int first, int count) {
    for (std::size_t k = 0; k < size_of(block.count); ++k) {
      for (int v = 0; v < count; ++v) {
        sums[k * size_of(vectors) + size_of(first + v)] +=
            correction_[size_of(block.start) + k] * panel[in_panel(k, v, count)];
      }
    }
  });
}

/// -T (U'y), or -T' (U'y): a few rows of T at a time, from their first column that is not zero on.
void HaarReflectors::turn(const Block& block, Workspace& workspace, int vectors, bool transposed) const {
  constexpr int rows_at_once = 16;
  const int count = block.count;
  const double* const triangle = triangles_.data() + block.triangle;
  double* const projection = workspace.projection.data();
  double* const turned = workspace.turned.data();
  VectorPanels& panels = workspace.block_panels;
  transposed ? panels.clear() : panels.take(projection);
  std::fill_n(turned, size_of(count) * size_of(vectors), 0.0);
  for (int row = 0; row < count; row += rows_at_once) {
    const RowBlock<double> rows{triangle + size_of(row) * size_of(count + 1), count,
                                std::min(rows_at_once, count - row), count - row, -1.0};
    const std::size_t place = size_of(row) * size_of(vectors);
    panels.for_each(row, [&](double* panel, int first, int some) {
      if (transposed) {
        path_of(rows).add_transposed(rows, projection + place + size_of(first), vectors, some, panel);
      } else {
        path_of(rows).add_product(rows, panel, some, turned + place + size_of(first), vectors);
      }
    });
  }
  if (transposed) panels.give(turned);
}

/// y <- y + U (-T U'y), this rank's components.
void HaarReflectors::add_turned(const Block& block, Workspace& workspace, int vectors) const {
  const double* const turned = workspace.turned.data();
  for_each_piece(block, [&](const Piece& piece) {
    with_piece(block, piece, workspace, [&](const auto& rows) {
      workspace.panels.for_each(piece.start, [&](double* panel, int first, int count) {
        path_of(rows).add_transposed(rows, turned + first, vectors, count, panel);
      });
    });
  });
  if (!block.own) return;
  workspace.panels.for_each(block.start, [&](double* panel, int first, int count) {
    for (std::size_t k = 0; k < size_of(block.count); ++k) {
      for (int v = 0; v < count; ++v) {
        panel[in_panel(k, v, count)] +=
            correction_[size_of(block.start) + k] * turned[k * size_of(vectors) + size_of(first + v)];
      }
    }
  });
}

/// y <- H_1 ... H_n y, from the last block to the first, or its transpose, from the first to the last.
void HaarReflectors::apply_all(Workspace& workspace, double* y, int vectors, bool transposed) const {
  workspace.panels.take(y);
  for (std::size_t step = 0; step < blocks_.size(); ++step) {
    const Block& block = blocks_[transposed ? step : blocks_.size() - 1 - step];
    project(block, workspace, vectors);
    add_on_owner(block, workspace.projection, vectors);
    if (block.own) turn(block, workspace, vectors, transposed);
    MPI_Bcast(workspace.turned.data(), block.count * vectors, MPI_DOUBLE, block.owner, comm_);
    add_turned(block, workspace, vectors);
  }
  workspace.panels.give(y);
}

void HaarReflectors::apply_signs(double* y, int vectors) const {
  for (std::size_t i = 0; i < signs_.size(); ++i) {
    for (std::size_t v = 0; v < size_of(vectors); ++v) y[i * size_of(vectors) + v] *= signs_[i];
  }
}

void HaarReflectors::multiply(Workspace& workspace, double* y, int vectors) const {
  apply_signs(y, vectors);
  apply_all(workspace, y, vectors, false);
}

void HaarReflectors::multiply_transposed(Workspace& workspace, double* y, int vectors) const {
  apply_all(workspace, y, vectors, true);
  apply_signs(y, vectors);
}

}  // namespace meander
