// Finds the gates of a wide network and multiplies by its layers one after the other, in blocks of rows and columns.
#include "kernels/jacobian/jacobian_operator.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/base/huge_pages.hpp"
#include "kernels/networks/scaled_slope.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {
namespace {

/// Weights are taken in blocks: rows long enough for the generator to work in full registers, and so many of them that
/// the vectors' part at a block's columns is rarely read, yet few enough to stay in the second-level cache beside it.
constexpr int block_rows = 48;
constexpr int block_columns = 2048;
/// Of weights that are stored, whose rows may be a power of two apart, no more than a set of the first-level cache
/// holds.
constexpr int stored_rows = 12;
/// Not a power of two, for which a column's elements would compete for the same lines of the cache.
constexpr int block_stride = block_columns + 16;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

template <class Real>
const RowBlockPath<Real>& path_of(const RowBlock<Real>&) {
  return row_block_paths<Real>().front();
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

JacobianOperator::JacobianOperator(const RandomNetwork::Parameters& parameters, StreamKey key,
                                   std::span<const double> input, WeightStorage storage, MPI_Comm comm)
    : DistributedOperator(checked_width(parameters, input.size()), RowSpread(parameters.input_dimension, comm).rows(),
                          comm),
      network_(parameters, key),
      law_(parameters.law),
      key_(key),
      storage_(storage),
      scale_(parameters.sigma_w / std::sqrt(static_cast<double>(size()))),
      spread_(size(), comm),
      block_(storage == WeightStorage::regenerated ? block_rows * block_stride : 0) {
  find_gates({input.begin(), input.end()});
}

/// Row `row` of W^l as RandomNetwork rounds it, and what it is made of.
void JacobianOperator::draw(int layer, int row, std::span<double> out, std::span<float> variates) const {
  draw_columns(law_, key_, Purpose::weights, static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(row), 0,
               variates);
  std::transform(variates.begin(), variates.end(), out.begin(),
                 [&](float variate) { return scale_ * static_cast<double>(variate); });
}

/// A block of W^l drawn into block_: rows of Layer::row from `row` on.
RowBlock<float> JacobianOperator::drawn(int layer, int row, int rows, int column, int columns) const {
  const Layer& from = layers_[size_of(layer - 1)];
  for (int i = 0; i < rows; ++i) {
    draw_columns(law_, key_, Purpose::weights, static_cast<std::uint32_t>(layer),
                 static_cast<std::uint32_t>(from.row[size_of(row + i)]), static_cast<std::uint32_t>(column),
                 {block_.data() + size_of(i) * size_of(block_stride), size_of(columns)});
  }
  return {block_.data(), block_stride, rows, columns, scale_};
}

/// Calls use(block, first row in Layer::row, first column) for all blocks of W^l. Rows change fastest: the vectors'
/// part at a block's columns stays in the cache.
template <class Use>
void JacobianOperator::for_blocks(int layer, const Use& use) const {
  const Layer& from = layers_[size_of(layer - 1)];
  const int n = size(), all = static_cast<int>(from.row.size());
  const int most_rows = storage_ == WeightStorage::regenerated ? block_rows : stored_rows;
  for (int column = 0; column < n; column += block_columns) {
    for (int row = 0; row < all; row += most_rows) {
      const int rows = std::min(most_rows, all - row), columns = std::min(block_columns, n - column);
      const std::size_t first = size_of(row) * size_of(n) + size_of(column);
      if (storage_ == WeightStorage::double_) {
        use(RowBlock<double>{from.weight.data() + first, n, rows, columns, 1.0}, row, column);
      } else if (storage_ == WeightStorage::single) {
        use(RowBlock<float>{from.single_weight.data() + first, n, rows, columns, 1.0}, row, column);
      } else {
        use(drawn(layer, row, rows, column, columns), row, column);
      }
    }
  }
}

/// phi(h^l) of this rank's rows for x^(l-1) (N); keeps the rows that pass something on.
std::vector<double> JacobianOperator::local_layer(int layer, const std::vector<double>& x, double& slope_squares) {
  Layer kept;
  const std::size_t most = size_of(local_size()) * size_of(size());
  // Room that is never written to costs no memory.
  if (storage_ == WeightStorage::double_) kept.weight.reserve(most);
  if (storage_ == WeightStorage::single) kept.single_weight.reserve(most);
  wish_huge_pages(kept.weight.data(), kept.weight.capacity() * sizeof(double));
  wish_huge_pages(kept.single_weight.data(), kept.single_weight.capacity() * sizeof(float));
  std::vector<double> bias(size_of(size())), weight(size_of(size())), h(size_of(local_size()));
  std::vector<float> variates(weight.size());
  std::vector<double> panel((weight.size() + panel_columns - 1) / panel_columns * panel_columns);
  std::copy(x.begin(), x.end(), panel.begin());
  network_.bias(layer, bias);
  for (int i = 0; i < local_size(); ++i) {
    const int row = rows()[size_of(i)];
    draw(layer, row, weight, variates);
    if (storage_ == WeightStorage::single) {
      for (double& w : weight) w = static_cast<double>(static_cast<float>(w));
    }
    h[size_of(i)] = bias[size_of(row)];
    const RowBlock<double> block{weight.data(), size(), 1, size(), 1.0};
    path_of(block).add_product(block, panel.data(), 1, &h[size_of(i)], 1);
    const double slope = network_.activation().derivative(h[size_of(i)]);
    slope_squares += slope * slope;
    if (slope == 0.0) {
      if (scaled_slope(network_.activation(), h[size_of(i)]).mantissa != 0.0) ++kept.hidden;
      continue;
    }
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
void JacobianOperator::end_layer(int layer, double slope_squares) {
  double sums[2] = {slope_squares, static_cast<double>(layers_.back().row.size() + layers_.back().hidden)};
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, communicator());
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
    attempt(communicator(), [&] { mine = local_layer(layer, x, slope_squares); }).or_throw();
    end_layer(layer, slope_squares);
    spread_.gather(mine, x, 1);
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
  panels_.resize(row_block_paths<double>().front().most_vectors, size(), vectors);
}

void JacobianOperator::multiply(std::span<const double> x, std::span<double> y, int vectors) const {
  const std::size_t columns = size_of(vectors);
  std::span<const double> from = x;
  for (int l = 1; l <= depth(); ++l, from = y) {
    const Layer& layer = layers_[size_of(l - 1)];
    spread_.gather(from, all_, vectors);
    panels_.take(all_.data());
    std::fill_n(part_.begin(), layer.row.size() * columns, 0.0);
    for_blocks(l, [&](const auto& block, int row, int column) {
      panels_.for_each(column, [&](const double* panel, int first, int count) {
        path_of(block).add_product(block, panel, count, part_.data() + size_of(row) * columns + size_of(first),
                                   vectors);
      });
    });
    if (layer.row.size() < size_of(local_size())) std::fill(y.begin(), y.end(), 0.0);
    for (std::size_t i = 0; i < layer.row.size(); ++i) {
      double* to = y.data() + size_of(layer.row[i] - rows().front()) * columns;
      for (std::size_t v = 0; v < columns; ++v) to[v] = layer.slope[i] * part_[i * columns + v];
    }
  }
}

void JacobianOperator::multiply_transposed(std::span<const double> x, std::span<double> y, int vectors) const {
  const std::size_t columns = size_of(vectors);
  std::span<const double> from = x;
  for (int l = depth(); l >= 1; --l, from = y) {
    const Layer& layer = layers_[size_of(l - 1)];
    for (std::size_t i = 0; i < layer.row.size(); ++i) {
      const double* values = from.data() + size_of(layer.row[i] - rows().front()) * columns;
      for (std::size_t v = 0; v < columns; ++v) part_[i * columns + v] = layer.slope[i] * values[v];
    }
    panels_.clear();
    for_blocks(l, [&](const auto& block, int row, int column) {
      panels_.for_each(column, [&](double* panel, int first, int count) {
        path_of(block).add_transposed(block, part_.data() + size_of(row) * columns + size_of(first), vectors, count,
                                      panel);
      });
    });
    panels_.give(all_.data());
    spread_.sum(all_, y, vectors);
  }
}

}  // namespace meander
