// What all products have in common: sizes are checked, and ranks start one together or not at all.
#include "kernels/distributed/distributed_operator.hpp"

#include "kernels/agreement/agreement.hpp"

#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace meander {

DistributedOperator::DistributedOperator(int size, std::vector<int> rows, MPI_Comm comm)
    : size_(size), rows_(std::move(rows)), comm_(comm) {}

void DistributedOperator::apply(std::span<const double> x, std::span<double> y, int vectors) const {
  prepare(x, y, vectors);
  multiply(x, y, vectors);
}

void DistributedOperator::apply_transposed(std::span<const double> x, std::span<double> y, int vectors) const {
  prepare(x, y, vectors);
  multiply_transposed(x, y, vectors);
}

void DistributedOperator::prepare(std::span<const double> x, std::span<double> y, int vectors) const {
  attempt(comm_, [&] {
    if (vectors < 1 || vectors > std::numeric_limits<int>::max() / size_) {
      throw std::invalid_argument("a product with " + std::to_string(vectors) + " vectors of " + std::to_string(size_) +
                                  " (at least one, and fewer than 2^31 numbers in all), take some at a time");
    }
    const std::size_t needed = rows_.size() * static_cast<std::size_t>(vectors);
    if (x.size() != needed || y.size() != needed) {
      throw std::invalid_argument("blocks of " + std::to_string(x.size()) + " and " + std::to_string(y.size()) +
                                  " numbers (this rank holds " + std::to_string(local_size()) + " rows of " +
                                  std::to_string(vectors) + " vectors), pass " + std::to_string(needed) + " of each");
    }
    reserve(vectors);
  }).or_throw();
}

}  // namespace meander
