// A V = U B and A'U = V B' + V_next R E', where E' takes U's last block: what is left of A'U outside V.
#include "kernels/spectra/block_krylov.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"
#include "kernels/distributed/distributed_columns.hpp"
#include "kernels/random/random_stream.hpp"

#include <algorithm>
#include <array>
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

using Matrix = std::vector<double>;

std::size_t extent(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

/// B = P diag(s) Q', thin; all column-major.
struct SmallSvd {
  Matrix s, p, q;
  bool found = true;

  SmallSvd(Matrix b, int m, int n) {
    const int k = std::min(m, n);
    s.resize(static_cast<std::size_t>(k));
    p.resize(extent(m, k));
    q.resize(extent(n, k));
    if (k == 0) return;
    Matrix qt(extent(k, n));
    found = lapack::gesdd("S", m, n, b.data(), m, s.data(), p.data(), m, qt.data(), k) == 0;
    for (int row = 0; row < n; ++row) {
      for (int column = 0; column < k; ++column)
        q[extent(column, n) + extent(row, 1)] = qt[extent(row, k) + extent(column, 1)];
    }
  }
};

/// Directions shorter than this, relative to |A|, are left out. Not those that rounding hides: products of graded
/// matrices (inverses of deep ones) keep digits there, and a direction that is nothing but rounding does no harm, since
/// a random one would do.
constexpr double negligible = 1e-30;
constexpr double epsilon = std::numeric_limits<double>::epsilon();

class Search {
 public:
  Search(const DistributedOperator& a, double scale, const SingularValueSearch& search)
      : a_(a),
        scale_(scale),
        wanted_(search),
        block_(krylov_block(a.size(), search)),
        most_(krylov_columns(a.size(), search)),
        rounding_(16.0 * epsilon * std::sqrt(static_cast<double>(a.size()))),
        right_(a.local_size(), most_, a.communicator()),
        left_(a.local_size(), most_, a.communicator()),
        next_(a.local_size(), block_, a.communicator()),
        image_(a.local_size(), block_, a.communicator()),
        in_(extent(a.local_size(), block_)),
        out_(in_.size()) {
    MPI_Comm_rank(a.communicator(), &rank_);
  }

  SingularTriplets run() {
    draw();
    SingularTriplets result;
    while (result.iterations < wanted_.max_iterations && next_.count() > 0) {
      if (right_.count() + next_.count() > most_) together([&] { restart(); });
      result.products += next_.count();
      ++result.iterations;
      pass();
      find_ritz_values();
      if (converged() >= wanted_.count) break;
    }
    together([&] { read(result); });
    return result;
  }

 private:
  /// What may fail on one rank.
  template <class Action>
  void together(const Action& action) const {
    attempt(a_.communicator(), action).or_throw();
  }

  void draw() {
    next_.resize(block_);
    for (int column = 0; column < block_; ++column) {
      starting_vector(a_, column,
                      {next_.data() + extent(column, next_.rows()), static_cast<std::size_t>(next_.rows())});
    }
    double longest = 0.0;
    orthogonalise(right_, next_, negligible, block_, longest);
  }

  void pass() {
    const int old_left = left_.count(), width = next_.count();
    multiply(false, next_, image_);
    right_.append(next_);
    const Orthogonalised forward = orthogonalise(left_, image_, negligible, a_.size() - old_left, longest_);
    const int added = image_.count();
    together([&] {
      grow(forward, old_left, added, width);
      left_.append(image_);
    });
    multiply(true, image_, next_);
    Orthogonalised back = orthogonalise(right_, next_, negligible, a_.size() - right_.count(), longest_);
    rest_ = std::move(back.r);
    rest_columns_ = added;
    left_out_ = std::hypot(left_out_, forward.left_out, back.left_out);
  }

  /// y <- A x or A'x, divided by the scale. Operators take vectors side by side.
  void multiply(bool transposed, const DistributedColumns& x, DistributedColumns& y) {
    const int rows = x.rows(), columns = x.count();
    y.resize(columns);
    if (columns == 0) return;
    const std::size_t size = extent(rows, columns);
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column)
        in_[extent(row, columns) + extent(column, 1)] = x.data()[extent(column, rows) + extent(row, 1)];
    }
    together([&] {
      const std::span<const double> in(in_.data(), size);
      const std::span<double> out(out_.data(), size);
      transposed ? a_.apply_transposed(in, out, columns) : a_.apply(in, out, columns);
    });
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column)
        y.data()[extent(column, rows) + extent(row, 1)] = out_[extent(row, columns) + extent(column, 1)] / scale_;
    }
  }

  /// B gets `width` columns H and `added` rows R.
  void grow(const Orthogonalised& forward, int old_left, int added, int width) {
    const int old_right = right_.count() - width, m = old_left + added;
    Matrix b(extent(m, right_.count()));
    for (int column = 0; column < old_right; ++column)
      std::copy_n(b_.data() + extent(column, old_left), old_left, b.data() + extent(column, m));
    for (int column = 0; column < width; ++column) {
      double* const to = b.data() + extent(old_right + column, m);
      std::copy_n(forward.h.data() + extent(column, old_left), old_left, to);
      std::copy_n(forward.r.data() + extent(column, added), added, to + old_left);
    }
    b_ = std::move(b);
  }

  /// Found on rank 0 for all, with |A'u - s v| of each, which is what R makes of u's components in the last block, and
  /// what was left out of U and V.
  void find_ritz_values() {
    const int m = left_.count(), n = right_.count(), k = std::min(m, n);
    const MPI_Comm comm = a_.communicator();
    attempt(comm, [&] {
      values_.resize(static_cast<std::size_t>(k));
      residuals_.resize(values_.size());
      p_.resize(extent(m, k));
      q_.resize(extent(n, k));
      if (rank_ != 0) return;
      SmallSvd svd(b_, m, n);
      values_ = std::move(svd.s);
      p_ = std::move(svd.p);
      q_ = std::move(svd.q);
      find_residuals(m, k);
      if (!svd.found) throw std::runtime_error("LAPACK's dgesdd did not converge, report this");
    }).or_throw();
    for (Matrix* part : {&values_, &residuals_, &p_, &q_}) {
      MPI_Bcast(part->data(), static_cast<int>(part->size()), MPI_DOUBLE, 0, comm);
    }
  }

  void find_residuals(int m, int k) {
    const int height = next_.count();
    for (int i = 0; i < k; ++i) {
      Matrix rest(static_cast<std::size_t>(height));
      if (height > 0 && rest_columns_ > 0) {
        cblas_dgemv(CblasColMajor, CblasNoTrans, height, rest_columns_, 1.0, rest_.data(), height,
                    p_.data() + extent(i, m) + extent(m - rest_columns_, 1), 1, 0.0, rest.data(), 1);
      }
      residuals_[static_cast<std::size_t>(i)] = std::hypot(left_out_, cblas_dnrm2(height, rest.data(), 1));
    }
  }

  /// Rounding, or what was left out for it, hides the value.
  bool vanishes(std::size_t i) const {
    return values_[i] + residuals_[i] <= 4.0 * std::max(rounding_ * longest_, left_out_);
  }

  /// The first so many Ritz values; where A takes vectors of V to nothing, zeros stand at the end.
  int converged() const {
    const int k = static_cast<int>(values_.size());
    int i = 0;
    for (; i < k; ++i) {
      const auto place = static_cast<std::size_t>(i);
      if (!(residuals_[place] <= wanted_.tolerance * values_[place]) && !vanishes(place)) return i;
    }
    return right_.count();
  }

  void restart() {
    const int kept = std::min(most_ / 2, static_cast<int>(values_.size()));
    left_.rotate(p_, kept);
    right_.rotate(q_, kept);
    b_.assign(extent(kept, kept), 0.0);
    for (int i = 0; i < kept; ++i) b_[extent(i, kept + 1)] = values_[static_cast<std::size_t>(i)];
  }

  void read(SingularTriplets& result) const {
    const int found = std::min(converged(), wanted_.count);
    result.converged = found == wanted_.count;
    int vectors = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(found); ++i) {
      const bool zero = i >= values_.size() || vanishes(i);
      result.values.push_back(zero ? 0.0 : values_[i]);
      const double residual = i < values_.size() ? residuals_[i] + (zero ? values_[i] : 0.0) : left_out_;
      result.residuals.push_back(std::hypot(residual, epsilon * longest_));
      vectors += zero ? 0 : 1;
    }
    result.left = left_.combine(p_, vectors);
    result.right = right_.combine(q_, vectors);
  }

  const DistributedOperator& a_;
  double scale_;
  SingularValueSearch wanted_;
  int block_, most_, rank_ = 0;
  double rounding_, longest_ = 0.0, left_out_ = 0.0;
  DistributedColumns right_, left_, next_, image_;
  Matrix in_, out_;
  Matrix b_, rest_;  // B (left, right) and R (next, rest_columns_)
  int rest_columns_ = 0;
  Matrix values_, residuals_, p_, q_;  // of B
};

}  // namespace

int krylov_block(int n, const SingularValueSearch& search) {
  return std::min(n, std::max(search.block, search.count));
}

int krylov_columns(int n, const SingularValueSearch& search) {
  return std::min(n, std::max(384, 4 * krylov_block(n, search)));
}

void starting_vector(const DistributedOperator& a, int vector, std::span<double> out) {
  // Apart from every network's numbers by its purpose, and from other uses of the purpose by the key.
  static const StreamKey key = stream_key(0x4b72796c6f76, 0);
  const RandomStream stream(key, Purpose::perturbation, 0);
  const auto column = static_cast<std::uint32_t>(vector) & ~3U;
  std::array<float, 4> four;
  for (std::size_t i = 0; i < out.size(); ++i) {
    stream.normals(static_cast<std::uint32_t>(a.rows()[i]), column, four);
    out[i] = static_cast<double>(four[static_cast<std::size_t>(vector) & 3U]);
  }
}

SingularTriplets block_krylov(const DistributedOperator& a, double scale, const SingularValueSearch& search) {
  check_search(a.size(), search);
  std::optional<Search> solver;
  attempt(a.communicator(), [&] { solver.emplace(a, scale, search); }).or_throw();
  return solver->run();
}

}  // namespace meander
