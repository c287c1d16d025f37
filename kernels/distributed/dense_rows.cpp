// Row-major rows are the columns of the transpose, as LAPACK stores them; ScaLAPACK has them dealt to the ranks in
// blocks, in turn. Rows come in larger pieces, so each rank's are filled up to whole blocks and keep their place in it:
//
//     rank 0: a b c d e . | rank 1: f g h i j .     in blocks of two     ScaLAPACK's order: a b | f g | c d | h i | e .
//     | j .
//
// which permutes a matrix, symmetrically where its columns are permuted likewise, and needs no message.
#include "kernels/distributed/dense_rows.hpp"

#include "kernels/agreement/agreement.hpp"
#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"
#include "kernels/distributed/scalapack.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

constexpr int one = 1;
constexpr double infinity = std::numeric_limits<double>::infinity();
/// Of ScaLAPACK's blocks: wide enough for matrix products, narrow enough that all ranks have work until the end.
constexpr int widest_block = 64;

std::size_t size_of(int n) {
  return static_cast<std::size_t>(n);
}

/// The columns of a matrix dealt to the ranks.
class Deal {
 public:
  Deal(std::size_t numbers, int n, MPI_Comm comm) : mine_(static_cast<int>(numbers / size_of(n))) {
    int ranks = 1;
    MPI_Comm_rank(comm, &rank_);
    MPI_Comm_size(comm, &ranks);
    share_.resize(size_of(ranks));
    MPI_Allgather(&mine_, 1, MPI_INT, share_.data(), 1, MPI_INT, comm);
    const int most = std::max(1, *std::max_element(share_.begin(), share_.end()));
    block_ = std::min(widest_block, most);
    padded_ = (most + block_ - 1) / block_ * block_;
  }

  int ranks() const { return static_cast<int>(share_.size()); }
  int rank() const { return rank_; }
  int mine() const { return mine_; }
  int block() const { return block_; }
  /// Columns of each rank, filled up, and of all.
  int padded() const { return padded_; }
  int all() const { return ranks() * padded_; }
  /// Own columns of a rank.
  int share(int rank) const { return share_[size_of(rank)]; }
  /// Where ScaLAPACK counts the k-th column of a rank.
  int place(int rank, int k) const { return (k / block_ * ranks() + rank) * block_ + k % block_; }

  /// Numbers in this rank's part of a matrix of so many rows.
  std::size_t numbers(int rows) const {
    const std::size_t count = size_of(rows) * size_of(padded_);
    if (count <= size_of(std::numeric_limits<int>::max())) return count;
    throw std::invalid_argument("a rank's part of a dense matrix has " + std::to_string(count) +
                                " numbers (ScaLAPACK counts up to 2^31 - 1), share it among more ranks");
  }

 private:
  int rank_ = 0, mine_, block_, padded_;
  std::vector<int> share_;
};

/// The ranks of a communicator side by side, as ScaLAPACK knows them, while use(context) lasts.
template <class Use>
void on_grid(MPI_Comm comm, int ranks, const Use& use) {
  use_one_blas_thread();
  const int handle = Csys2blacs_handle(comm);
  int context = handle;
  Cblacs_gridinit(&context, "Row", 1, ranks);
  const auto leave = [&] {
    Cblacs_gridexit(context);
    Cfree_blacs_system_handle(handle);
  };
  try {
    use(context);
  } catch (...) {
    leave();
    throw;
  }
  leave();
}

struct Descriptor {
  Descriptor(int context, int rows, const Deal& deal)
      : entry{1, context, rows, deal.all(), deal.block(), deal.block(), 0, 0, rows} {}
  int entry[9];
};

/// Of an inverse, a positive `info` says that there is none.
void require(int info, const char* what) {
  if (info >= 0) return;
  throw std::runtime_error(std::string(what) + " failed (an argument of LAPACK or ScaLAPACK, number " +
                           std::to_string(-info) + ", is wrong), report this");
}

/// Largest sum of moduli in a row.
double norm(const std::vector<double>& rows, int n, MPI_Comm comm) {
  double most = 0.0;
  for (std::size_t first = 0; first < rows.size(); first += size_of(n)) {
    double sum = 0.0;
    for (std::size_t i = first; i < first + size_of(n); ++i) sum += std::abs(rows[i]);
    // A sum that is not a number is not larger than anything.
    most = std::isfinite(sum) ? std::max(most, sum) : infinity;
    if (most == infinity) break;
  }
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, comm);
  return most;
}

bool invert_alone(std::vector<double>& rows, int n) {
  use_one_blas_thread();
  std::vector<int> pivots(size_of(n));
  if (lapack::getrf(n, n, rows.data(), n, pivots.data()) != 0) return false;
  std::vector<double> work(size_of(n) * widest_block);
  return lapack::getri(n, rows.data(), n, pivots.data(), work) == 0;
}

/// Copies own rows into ScaLAPACK's order and back; the rows that fill up are those of the identity.
class Reordered {
 public:
  Reordered(const Deal& deal, int n) : deal_(deal), n_(n) {}

  void take(const std::vector<double>& rows) {
    a_.assign(deal_.numbers(deal_.all()), 0.0);
    for (int k = 0; k < deal_.padded(); ++k) {
      double* column = a_.data() + size_of(k) * size_of(deal_.all());
      if (k < deal_.mine()) {
        const double* row = rows.data() + size_of(k) * size_of(n_);
        for_entries([&](int from, int to) { column[to] = row[from]; });
      } else {
        column[deal_.place(deal_.rank(), k)] = 1.0;
      }
    }
  }

  void give(std::vector<double>& rows) const {
    for (int k = 0; k < deal_.mine(); ++k) {
      const double* column = a_.data() + size_of(k) * size_of(deal_.all());
      double* row = rows.data() + size_of(k) * size_of(n_);
      for_entries([&](int to, int from) { row[to] = column[from]; });
    }
  }

  double* data() { return a_.data(); }

 private:
  /// Calls use(i, place of i) for the entries of a row.
  template <class Use>
  void for_entries(const Use& use) const {
    int i = 0;
    for (int rank = 0; rank < deal_.ranks(); ++rank) {
      for (int k = 0; k < deal_.share(rank); ++k, ++i) use(i, deal_.place(rank, k));
    }
  }

  const Deal& deal_;
  int n_;
  std::vector<double> a_;
};

bool invert_together(std::vector<double>& rows, int n, const Deal& deal, MPI_Comm comm) {
  const int all = deal.all();
  std::vector<double> work;
  std::vector<int> pivots, integers;
  Reordered held(deal, n);
  attempt(comm, [&] {
    held.take(rows);
    work.resize(size_of(all) * size_of(deal.block()));
    pivots.resize(size_of(all + deal.block()));
    // As pdgetri asks for: columns of one block more than there are, and own columns.
    integers.resize(2 * size_of(deal.padded() + deal.block()));
  }).or_throw();
  int info = 0;
  on_grid(comm, deal.ranks(), [&](int context) {
    const Descriptor a(context, all, deal);
    pdgetrf_(&all, &all, held.data(), &one, &one, a.entry, pivots.data(), &info);
    if (info != 0) return;
    const int length = static_cast<int>(work.size()), integer_length = static_cast<int>(integers.size());
    pdgetri_(&all, held.data(), &one, &one, a.entry, pivots.data(), work.data(), &length, integers.data(),
             &integer_length, &info);
  });
  require(info, "an inverse");
  held.give(rows);
  return info == 0;
}

std::vector<double> values_alone(std::vector<double>& rows, int n) {
  use_one_blas_thread();
  std::vector<double> s(size_of(n));
  lapack::require(lapack::gesdd_values(n, n, rows.data(), n, s.data()), "dgesdd");
  return s;
}

std::vector<double> values_together(std::vector<double>& rows, int n, const Deal& deal, MPI_Comm comm) {
  const int all = deal.all();
  std::vector<double> s, work;
  attempt(comm, [&] {
    rows.resize(deal.numbers(n));  // columns of zeros change nothing
    s.resize(size_of(n));
  }).or_throw();
  int info = 0;
  on_grid(comm, deal.ranks(), [&](int context) {
    const Descriptor a(context, n, deal);
    const auto decompose = [&](double* room, int length) {
      double none = 0.0;
      pdgesvd_("N", "N", &n, &all, rows.data(), &one, &one, a.entry, s.data(), &none, &one, &one, a.entry, &none, &one,
               &one, a.entry, room, &length, &info);
    };
    double wanted = 0.0;
    decompose(&wanted, -1);
    attempt(comm, [&] { work.resize(static_cast<std::size_t>(wanted)); }).or_throw();
    decompose(work.data(), static_cast<int>(work.size()));
  });
  if (info != 0) {
    throw std::runtime_error("ScaLAPACK's pdgesvd failed (info = " + std::to_string(info) + "), report this");
  }
  return s;
}

}  // namespace

double invert_rows(std::vector<double>& rows, int n, MPI_Comm comm) {
  const Deal deal(rows.size(), n, comm);
  const double before = norm(rows, n, comm);
  const bool inverted = deal.ranks() == 1 ? invert_alone(rows, n) : invert_together(rows, n, deal, comm);
  return inverted ? before * norm(rows, n, comm) : infinity;
}

std::vector<double> singular_values_of_rows(std::vector<double> rows, int n, MPI_Comm comm) {
  const Deal deal(rows.size(), n, comm);
  double largest = 0.0;
  for (const double entry : rows) largest = std::isfinite(entry) ? std::max(largest, std::abs(entry)) : infinity;
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, comm);
  if (largest == infinity) {
    throw std::overflow_error(
        "a dense matrix has entries that are not finite (they exceed the range of double precision), choose fewer "
        "layers or smaller weights");
  }
  // By a power of two, which is exact: squares of entries must stay in range.
  const int exponent = largest > 0.0 ? std::ilogb(largest) : 0;
  for (double& entry : rows) entry = std::scalbn(entry, -exponent);
  std::vector<double> s = deal.ranks() == 1 ? values_alone(rows, n) : values_together(rows, n, deal, comm);
  for (double& value : s) value = std::scalbn(value, exponent);
  return s;
}

}  // namespace meander
