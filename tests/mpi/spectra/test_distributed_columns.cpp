// Orthonormal bases of long vectors, however nearly they depend on each other.
#include "kernels/distributed/distributed_columns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <vector>

namespace meander {
namespace {

/// This rank's rows of all n, block by block; some ranks have none where n is small.
struct Rows {
  int first, last;
};
Rows own_rows(int n) {
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return {n * rank / ranks, n * (rank + 1) / ranks};
}

template <class Entry>
DistributedColumns columns_of(int n, int count, const Entry& entry) {
  const Rows rows = own_rows(n);
  DistributedColumns x(rows.last - rows.first, count, MPI_COMM_WORLD);
  x.resize(count);
  for (int column = 0; column < count; ++column) {
    for (int row = rows.first; row < rows.last; ++row) {
      x.data()[static_cast<std::ptrdiff_t>(column) * x.rows() + row - rows.first] = entry(row, column);
    }
  }
  return x;
}

/// A' B over all ranks, column-major.
std::vector<double> products(const DistributedColumns& a, const DistributedColumns& b) {
  std::vector<double> result;
  for (int k = 0; k < b.count(); ++k) {
    for (int i = 0; i < a.count(); ++i) {
      double sum = 0.0;
      for (std::ptrdiff_t row = 0; row < a.rows(); ++row)
        sum += a.data()[i * a.rows() + row] * b.data()[k * b.rows() + row];
      result.push_back(sum);
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, result.data(), static_cast<int>(result.size()), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return result;
}

void expect_orthonormal(const DistributedColumns& q) {
  const auto gram = products(q, q);
  for (std::size_t i = 0; i < gram.size(); ++i) {
    const auto n = static_cast<std::size_t>(q.count());
    EXPECT_NEAR(gram[i], i % (n + 1) == 0 ? 1.0 : 0.0, 1e-14);
  }
}

/// Largest entry of X - B H - Q R on this rank.
double rest(const DistributedColumns& x, const DistributedColumns& b, const DistributedColumns& q,
            const Orthogonalised& factors) {
  const auto bh = b.combine(factors.h, x.count()), qr = q.combine(factors.r, x.count());
  double most = 0.0;
  for (std::size_t i = 0; i < bh.size(); ++i) most = std::max(most, std::abs(x.data()[i] - bh[i] - qr[i]));
  return most;
}

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// Columns of powers: each depends on those before it but for a little.
double power(int row, int column) {
  return std::pow(static_cast<double>(row) / 50.0 - 0.4, column);
}

TEST(Orthogonalise, IsRightToRoundingHoweverVectorsDepend) {
  for (const int n : {5, 40, 203}) {
    const int k = std::min(n / 2, 8), count = std::min(n - k, 12);
    const DistributedColumns none = columns_of(n, 0, power);
    DistributedColumns basis = columns_of(n, k, power);
    double longest = 0.0;
    orthogonalise(none, basis, 10 * epsilon, n, longest);
    ASSERT_EQ(basis.count(), k);
    expect_orthonormal(basis);
    // The first lie in the basis, as far as rounding allows; the next nearly.
    const DistributedColumns x = columns_of(n, count, [&](int row, int column) {
      return power(row, column % 2 == 0 ? column : k) + (column % 2 == 0 ? 0.0 : 1e-9 * std::sin(row + 7.0 * column));
    });
    DistributedColumns q = x;
    const Orthogonalised factors = orthogonalise(basis, q, 20 * epsilon, n - k, longest);
    ASSERT_LE(q.count(), count);
    EXPECT_GE(q.count(), count / 3);
    expect_orthonormal(q);
    for (const double product : products(basis, q)) EXPECT_NEAR(product, 0.0, 1e-14);
    EXPECT_LE(rest(x, basis, q, factors), factors.left_out + 10 * epsilon * longest);
    EXPECT_LE(factors.left_out, 20 * epsilon * longest * count);
  }
}

TEST(Orthogonalise, LeavesOutWhatIsNotThere) {
  const DistributedColumns none = columns_of(30, 0, power);
  double longest = 0.0;
  DistributedColumns zero = columns_of(30, 4, [](int, int) { return 0.0; });
  EXPECT_TRUE(orthogonalise(none, zero, 10 * epsilon, 30, longest).r.empty());
  EXPECT_EQ(zero.count(), 0);
  EXPECT_EQ(longest, 0.0);
  // Two directions in five vectors; no more than are asked for.
  const auto two = [](int row, int column) { return std::sin(row) * column + std::cos(row) * (3 - column); };
  DistributedColumns x = columns_of(30, 5, two), one = x;
  orthogonalise(none, x, 10 * epsilon, 30, longest);
  EXPECT_EQ(x.count(), 2);
  orthogonalise(none, one, 10 * epsilon, 1, longest);
  EXPECT_EQ(one.count(), 1);
  DistributedColumns infinite =
      columns_of(30, 2, [](int row, int column) { return row == 7 && column == 1 ? INFINITY : 1.0; });
  EXPECT_THROW(orthogonalise(none, infinite, 10 * epsilon, 30, longest), std::runtime_error);
}

TEST(DistributedColumns, Rotate) {
  // More rows than are rotated at a time.
  const DistributedColumns x = columns_of(1300, 3, power);
  DistributedColumns y = x;
  const std::vector<double> q{1.0, 2.0, 0.0, -1.0, 0.0, 4.0};
  y.rotate(q, 2);
  ASSERT_EQ(y.count(), 2);
  const auto expected = x.combine(q, 2);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(y.data()[i], expected[i], 1e-12 * std::abs(expected[i]) + 1e-12);
}

}  // namespace
}  // namespace meander
