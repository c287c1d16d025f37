// Lanczos from one vector, then from others on what is left of the operator.
#include "kernels/spectra/single_vector_krylov.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/base/blas.hpp"
#include "kernels/slepc/slepc.hpp"
#include "kernels/spectra/block_krylov.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace meander {
namespace {

using Vector = std::vector<double>;

struct Triplet {
  double value, residual;
  Vector left, right;  // of values above 0
};

class Search {
 public:
  Search(const DistributedOperator& a, double scale, const SingularValueSearch& search)
      : a_(a), scale_(scale), search_(search), part_(static_cast<std::size_t>(a.local_size())) {}

  SingularTriplets run() {
    SingularTriplets result = follow(0, search_.count, search_.tolerance);
    keep(result);
    for (int other = 1; result.converged && !is_empty(other); ++other) {
      const double tolerance = resolution();
      const SingularTriplets next = follow(other, 1, tolerance);
      result.iterations += next.iterations;
      result.products += next.products;
      result.converged = next.converged;
      if (!next.converged) {
        found_.resize(1);
      } else {
        // What equals the last wanted value as far as can be told may stand in its place.
        if (!(next.values.front() > last() * (1.0 + 2.0 * tolerance))) break;
        keep(next);
      }
    }
    together([&] { write(result); });
    return result;
  }

 private:
  /// What may fail on one rank.
  template <class Action>
  void together(const Action& action) const {
    attempt(a_.communicator(), action).or_throw();
  }

  double last() const { return found_[static_cast<std::size_t>(search_.count) - 1].value; }

  double rounding() const {
    return 16.0 * std::numeric_limits<double>::epsilon() * std::sqrt(static_cast<double>(a_.size()));
  }

  /// How well values around the last wanted one can be told apart: what was taken out leaves rounding of s_1 behind.
  double resolution() const { return std::clamp(rounding() * found_.front().value / last(), search_.tolerance, 0.1); }

  /// The search on what is left of A, from starting vector number `other`.
  SingularTriplets follow(int other, int count, double tolerance) {
    Vector start;
    together([&] {
      start.resize(part_.size());
      along_.resize(found_.size());
      starting_vector(a_, other, start);
    });
    SingularValueSearch search = search_;
    search.count = count;
    search.tolerance = tolerance;
    const SpreadOperator left{[this](std::span<const double> x, std::span<double> y) {
                                std::copy(x.begin(), x.end(), part_.begin());
                                take_out(part_);
                                a_.apply(part_, y);
                                divide(y);
                              },
                              [this](std::span<const double> x, std::span<double> y) {
                                a_.apply_transposed(x, y);
                                divide(y);
                                take_out(y);
                              }};
    return largest_singular_triplets(left, start, search, a_.communicator());
  }

  /// The ranks meet again afterwards, so that none may leave alone.
  void divide(std::span<double> y) const {
    together([&] {
      for (double& value : y) {
        if (!std::isfinite(value)) {
          throw std::runtime_error(
              "a product with an operator has an entry that is not finite (it overflows), scale it");
        }
        value /= scale_;
      }
    });
  }

  /// x <- x - V V'x for the right vectors found.
  void take_out(std::span<double> x) {
    const int n = a_.local_size();
    for (std::size_t k = 0; k < found_.size(); ++k) along_[k] = cblas_ddot(n, found_[k].right.data(), 1, x.data(), 1);
    MPI_Allreduce(MPI_IN_PLACE, along_.data(), static_cast<int>(along_.size()), MPI_DOUBLE, MPI_SUM, a_.communicator());
    for (std::size_t k = 0; k < along_.size(); ++k) {
      cblas_daxpy(n, -along_[k], found_[k].right.data(), 1, x.data(), 1);
    }
  }

  /// Whether rounding is all that is left of A.
  bool is_empty(int other) {
    Vector x, y;
    together([&] {
      x.resize(part_.size());
      y.resize(part_.size());
      along_.resize(found_.size());
      starting_vector(a_, other, x);
    });
    const double before = square(x);
    take_out(x);
    a_.apply(x, y);
    divide(y);
    const double least = rounding() * found_.front().value;
    return square(y) <= least * least * before;
  }

  double square(const Vector& x) const {
    double sum = cblas_ddot(a_.local_size(), x.data(), 1, x.data(), 1);
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, a_.communicator());
    return sum;
  }

  void keep(const SingularTriplets& triplets) {
    together([&] { add(triplets); });
  }

  void add(const SingularTriplets& triplets) {
    const auto rows = static_cast<std::ptrdiff_t>(part_.size());
    for (std::size_t k = 0; k < triplets.values.size(); ++k) {
      Triplet triplet{triplets.values[k], triplets.residuals[k], Vector(part_.size()), Vector(part_.size())};
      if (triplet.value > 0.0) {
        const auto first = static_cast<std::ptrdiff_t>(k) * rows;
        std::copy_n(triplets.left.begin() + first, rows, triplet.left.begin());
        std::copy_n(triplets.right.begin() + first, rows, triplet.right.begin());
      }
      found_.push_back(std::move(triplet));
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Triplet& a, const Triplet& b) { return a.value > b.value; });
  }

  void write(SingularTriplets& result) const {
    result.values.clear();
    result.residuals.clear();
    result.left.clear();
    result.right.clear();
    for (std::size_t k = 0; k < std::min(found_.size(), static_cast<std::size_t>(search_.count)); ++k) {
      const Triplet& triplet = found_[k];
      result.values.push_back(triplet.value);
      result.residuals.push_back(triplet.residual);
      if (triplet.value == 0.0) continue;
      result.left.insert(result.left.end(), triplet.left.begin(), triplet.left.end());
      result.right.insert(result.right.end(), triplet.right.begin(), triplet.right.end());
    }
  }

  const DistributedOperator& a_;
  double scale_;
  SingularValueSearch search_;
  Vector part_;
  Vector along_;                // room for what is taken out along each vector found
  std::vector<Triplet> found_;  // descending
};

}  // namespace

SingularTriplets single_vector_krylov(const DistributedOperator& a, double scale, const SingularValueSearch& search) {
  check_search(a.size(), search);
  std::optional<Search> solver;
  attempt(a.communicator(), [&] { solver.emplace(a, scale, search); }).or_throw();
  return solver->run();
}

}  // namespace meander
