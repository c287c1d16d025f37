// Finds the gates of a wide network and multiplies by its layers one after the other, in blocks of rows and columns.
#include "kernels/jacobian_operator.hpp"

#include "kernels/blas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

/// Of weights that are made for a product: rows long enough for the generator to work in full registers, and so few
/// that the block stays in the second-level cache and OpenBLAS multiplies it by 32 vectors without a copy (10^6
/// products).
constexpr int block_rows = 24;
constexpr int block_columns = 1024;
/// Not a power of two, for which a column's elements would compete for the same lines of the cache.
constexpr int block_stride = block_columns + 8;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// N rows over the ranks of `comm`, as evenly as they go.
std::vector<int> shares(int n, MPI_Comm comm) {
  int ranks = 1;
  MPI_Comm_size(comm, &ranks);
  std::vector<int> share;
  for (int r = 0; r < ranks; ++r) share.push_back(n / ranks + (r < n % ranks ? 1 : 0));
  return share;
}

std::vector<int> own_rows(int n, MPI_Comm comm) {
  int rank = 0;
  MPI_Comm_rank(comm, &rank);
  const std::vector<int> share = shares(n, comm);
  std::vector<int> rows(size_of(share[size_of(rank)]));
  std::iota(rows.begin(), rows.end(), std::accumulate(share.begin(), share.begin() + rank, 0));
  return rows;
}

int checked_width(const RandomNetwork::Parameters& parameters, std::size_t input) {
  const int n = parameters.input_dimension;
  for (const int width : parameters.widths) {
    if (width == n) continue;
    throw std::invalid_argument("a layer has width " + std::to_string(width) + " (the network's input has " +
                                std::to_string(n) + "; a Jacobian by row blocks is square), use one width");
  }
  if (input != size_of(n)) {
    throw std::invalid_argument("the input has dimension " + std::to_string(input) + " (the network takes " +
                                std::to_string(n) + "), give one of that dimension");
  }
  if (parameters.law.kind == WeightLaw::Kind::orthogonal) {
    throw std::invalid_argument(
        "orthogonal weights cannot be spread by rows (their rows are not independent), choose another law or the whole "
        "spectrum");
  }
  return n;
}

}  // namespace

/// Hands out a layer's weights block by block, in double whatever the storage.
class JacobianOperator::Blocks {
 public:
  explicit Blocks(const JacobianOperator& j) : j_(j) {}

  /// Calls use(block) for every block of `layer`. Rows change fastest: the vectors' part at a block's columns stays in
  /// the cache.
  template <class Use>
  void for_each(int layer, const Use& use) {
    const Layer& from = j_.layers_[size_of(layer - 1)];
    const auto all = static_cast<int>(from.row.size());
    if (all == 0) return;
    const int n = j_.size();
    // What is stored in double is used where it stands, for the matrix product to cut as it likes.
    if (j_.storage_ == WeightStorage::double_) return use(Block{from.weight.data(), n, 0, all, 0, n});
    for (int column = 0; column < n; column += block_columns) {
      for (int row = 0; row < all; row += block_rows) {
        const int rows = std::min(block_rows, all - row), columns = std::min(block_columns, n - column);
        const Block block{j_.block_.data(), block_stride, row, rows, column, columns};
        fill(layer, block);
        use(block);
      }
    }
  }

 private:
  void fill(int layer, const Block& block) {
    const Layer& from = j_.layers_[size_of(layer - 1)];
    for (int i = 0; i < block.rows; ++i) {
      double* to = j_.block_.data() + size_of(i) * size_of(block.stride);
      if (j_.storage_ == WeightStorage::regenerated) {
        j_.draw(layer, from.row[size_of(block.row + i)], block.column, {to, size_of(block.columns)});
      } else {
        const std::size_t first = size_of(block.row + i) * size_of(j_.size()) + size_of(block.column);
        std::copy_n(from.single_weight.data() + first, block.columns, to);
      }
    }
  }

  const JacobianOperator& j_;
};

/// y (rows, vectors) += block x (columns, vectors).
void JacobianOperator::add_product(const Block& block, const double* x, double* y, int vectors) {
  if (vectors == 1) {
    cblas_dgemv(CblasRowMajor, CblasNoTrans, block.rows, block.columns, 1.0, block.weight, block.stride, x, 1, 1.0, y,
                1);
  } else {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, block.rows, vectors, block.columns, 1.0, block.weight,
                block.stride, x, vectors, 1.0, y, vectors);
  }
}

/// y (columns, vectors) += block' x (rows, vectors).
void JacobianOperator::add_transposed(const Block& block, const double* x, double* y, int vectors) {
  if (vectors == 1) {
    cblas_dgemv(CblasRowMajor, CblasTrans, block.rows, block.columns, 1.0, block.weight, block.stride, x, 1, 1.0, y, 1);
  } else {
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, block.columns, vectors, block.rows, 1.0, block.weight,
                block.stride, x, vectors, 1.0, y, vectors);
  }
}

JacobianOperator::JacobianOperator(const RandomNetwork::Parameters& parameters, StreamKey key,
                                   std::span<const double> input, WeightStorage storage, MPI_Comm comm)
    : DistributedOperator(checked_width(parameters, input.size()), own_rows(parameters.input_dimension, comm), comm),
      network_(parameters, key),
      law_(parameters.law),
      key_(key),
      storage_(storage),
      scale_(parameters.sigma_w / std::sqrt(static_cast<double>(size()))),
      share_(shares(size(), comm)),
      first_(share_.size(), 0),
      counts_(share_.size()),
      places_(share_.size()) {
  use_one_blas_thread();
  std::partial_sum(share_.begin(), share_.end() - 1, first_.begin() + 1);
  find_gates({input.begin(), input.end()});
}

/// W^l_row,first_column.. as RandomNetwork rounds them.
void JacobianOperator::draw(int layer, int row, int first_column, std::span<double> out) const {
  float variates[block_columns];
  for (std::size_t done = 0; done < out.size(); done += size_of(block_columns)) {
    const std::size_t now = std::min(out.size() - done, size_of(block_columns));
    draw_columns(law_, key_, Purpose::weights, static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(row),
                 static_cast<std::uint32_t>(first_column) + static_cast<std::uint32_t>(done), {variates, now});
    for (std::size_t k = 0; k < now; ++k) out[done + k] = scale_ * static_cast<double>(variates[k]);
  }
}

/// phi(h^l) of this rank's rows for x^(l-1) (N); keeps the rows that pass something on.
std::vector<double> JacobianOperator::local_layer(int layer, const std::vector<double>& x, double& slope_squares) {
  Layer kept;
  const std::size_t most = size_of(local_size()) * size_of(size());
  // Room that is never written to costs no memory.
  if (storage_ == WeightStorage::double_) kept.weight.reserve(most);
  if (storage_ == WeightStorage::single) kept.single_weight.reserve(most);
  std::vector<double> bias(size_of(size())), weight(size_of(size())), h(size_of(local_size()));
  network_.bias(layer, bias);
  for (int i = 0; i < local_size(); ++i) {
    const int row = rows()[size_of(i)];
    draw(layer, row, 0, weight);
    if (storage_ == WeightStorage::single) {
      for (double& w : weight) w = static_cast<double>(static_cast<float>(w));
    }
    h[size_of(i)] = bias[size_of(row)] + cblas_ddot(size(), weight.data(), 1, x.data(), 1);
    const double slope = network_.activation().derivative(h[size_of(i)]);
    slope_squares += slope * slope;
    if (slope == 0.0) continue;
    kept.row.push_back(row);
    kept.slope.push_back(slope);
    if (storage_ == WeightStorage::double_) kept.weight.insert(kept.weight.end(), weight.begin(), weight.end());
    if (storage_ == WeightStorage::single) {
      for (const double w : weight) kept.single_weight.push_back(static_cast<float>(w));
    }
  }
  layers_.push_back(std::move(kept));
  // A sum that is not finite makes the slopes' sum so: all ranks must hear of it.
  if (!std::all_of(h.begin(), h.end(), [](double value) { return std::isfinite(value); })) {
    slope_squares = std::numeric_limits<double>::infinity();
  }
  network_.activation().apply(std::span<double>(h));
  return h;
}

/// Ends the layer on all ranks alike: with its sums, or by throwing.
void JacobianOperator::agree(int layer, int failure, double slope_squares) {
  const double open = failure == 0 ? static_cast<double>(layers_.back().row.size()) : 0.0;
  double sums[3] = {slope_squares, open, static_cast<double>(failure)};
  MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, communicator());
  if (failure != 0) return;  // this rank throws what it met itself
  if (sums[2] > 0.0) {
    throw std::runtime_error("layer " + std::to_string(layer) +
                             " of a Jacobian failed on another rank (which says why), look there");
  }
  if (!std::isfinite(sums[0])) {
    throw std::overflow_error("layer " + std::to_string(layer) + " of " + std::to_string(network_.depth()) +
                              " has no finite activations or slopes (it exceeds the range of double precision), choose "
                              "fewer layers or smaller weights");
  }
  slope_square_.push_back(sums[0] / size());
  open_.push_back(std::llround(sums[1]));
}

void JacobianOperator::find_gates(std::vector<double> x) {
  for (int layer = 1; layer <= network_.depth(); ++layer) {
    double slope_squares = 0.0;
    std::vector<double> mine;
    try {
      mine = local_layer(layer, x, slope_squares);
    } catch (...) {
      agree(layer, 1, 0.0);
      throw;
    }
    agree(layer, 0, slope_squares);
    gather(mine, x, 1);
  }
}

std::vector<double> JacobianOperator::slope(int layer) const {
  const Layer& from = layers_[size_of(layer - 1)];
  std::vector<double> slope(size_of(local_size()));
  for (std::size_t i = 0; i < from.row.size(); ++i) slope[size_of(from.row[i] - rows().front())] = from.slope[i];
  return slope;
}

void JacobianOperator::weight(int layer, int row, std::span<double> out) const {
  std::vector<float> variates(out.size());
  draw_columns(law_, key_, Purpose::weights, static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(row), 0,
               variates);
  for (std::size_t k = 0; k < out.size(); ++k) {
    const double weight = scale_ * static_cast<double>(variates[k]);
    out[k] = storage_ == WeightStorage::single ? static_cast<double>(static_cast<float>(weight)) : weight;
  }
}

std::size_t JacobianOperator::stored_bytes() const {
  std::size_t bytes = 0;
  for (const Layer& layer : layers_) {
    bytes += sizeof(double) * layer.weight.size() + sizeof(float) * layer.single_weight.size();
  }
  return bytes;
}

void JacobianOperator::reserve(int vectors) const {
  all_.resize(size_of(size()) * size_of(vectors));
  part_.resize(size_of(local_size()) * size_of(vectors));
  if (storage_ != WeightStorage::double_) block_.resize(size_of(block_rows) * size_of(block_stride));
}

void JacobianOperator::gather(std::span<const double> mine, std::span<double> all, int vectors) const {
  std::transform(share_.begin(), share_.end(), counts_.begin(), [&](int rows) { return rows * vectors; });
  std::transform(first_.begin(), first_.end(), places_.begin(), [&](int row) { return row * vectors; });
  MPI_Allgatherv(mine.data(), static_cast<int>(mine.size()), MPI_DOUBLE, all.data(), counts_.data(), places_.data(),
                 MPI_DOUBLE, communicator());
}

void JacobianOperator::multiply(std::span<const double> x, std::span<double> y, int vectors) const {
  const std::size_t columns = size_of(vectors);
  Blocks blocks(*this);
  std::copy(x.begin(), x.end(), y.begin());
  for (int l = 1; l <= depth(); ++l) {
    const Layer& layer = layers_[size_of(l - 1)];
    gather(y, all_, vectors);
    std::fill(part_.begin(), part_.end(), 0.0);
    blocks.for_each(l, [&](const Block& block) {
      add_product(block, all_.data() + size_of(block.column) * columns, part_.data() + size_of(block.row) * columns,
                  vectors);
    });
    std::fill(y.begin(), y.end(), 0.0);
    for (std::size_t i = 0; i < layer.row.size(); ++i) {
      double* to = y.data() + size_of(layer.row[i] - rows().front()) * columns;
      for (std::size_t v = 0; v < columns; ++v) to[v] = layer.slope[i] * part_[i * columns + v];
    }
  }
}

void JacobianOperator::multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const {
  const std::size_t columns = size_of(vectors);
  std::transform(share_.begin(), share_.end(), counts_.begin(), [&](int rows) { return rows * vectors; });
  Blocks blocks(*this);
  std::copy(x.begin(), x.end(), y.begin());
  for (int l = depth(); l >= 1; --l) {
    const Layer& layer = layers_[size_of(l - 1)];
    for (std::size_t i = 0; i < layer.row.size(); ++i) {
      const double* from = y.data() + size_of(layer.row[i] - rows().front()) * columns;
      for (std::size_t v = 0; v < columns; ++v) part_[i * columns + v] = layer.slope[i] * from[v];
    }
    std::fill(all_.begin(), all_.end(), 0.0);
    blocks.for_each(l, [&](const Block& block) {
      add_transposed(block, part_.data() + size_of(block.row) * columns, all_.data() + size_of(block.column) * columns,
                     vectors);
    });
    MPI_Reduce_scatter(all_.data(), y.data(), counts_.data(), MPI_DOUBLE, MPI_SUM, communicator());
  }
}

}  // namespace meander
