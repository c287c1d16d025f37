// Products of rows with vectors against sums in extended precision, on every path that this processor has.
#include "kernels/products/row_block_product.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

#include "kernels/random/random_stream.hpp"

namespace meander {
namespace {

constexpr double rounding_scale = 1.3 / 7.0;  // rounds every entry

std::size_t size_of(long n) {
  return static_cast<std::size_t>(n);
}

std::vector<float> normals(long size, std::uint32_t row) {
  std::vector<float> values(size_of(size));
  RandomStream(stream_key(7, 0), Purpose::weights, 1).normals(row, 0, values);
  return values;
}

/// Rows of a matrix, and vectors to multiply from the right (columns, vectors) and from the left (rows, vectors).
template <class Real>
struct Subject {
  Subject(long rows_, long columns_, int vectors_)
      : rows(rows_), columns(columns_), vectors(vectors_), stride(columns_ + 3), most(vectors_ + 2) {
    const auto drawn = normals(rows * stride, 0);
    // What lies between the rows must not matter.
    weight.assign(drawn.begin(), drawn.end());
    for (long i = 0; i < rows; ++i) {
      for (long k = columns; k < stride; ++k) weight[size_of(i * stride + k)] = std::numeric_limits<Real>::quiet_NaN();
    }
    const auto of_columns = normals(columns * vectors, 1), of_rows = normals(rows * most, 2);
    right.assign(of_columns.begin(), of_columns.end());
    left.assign(of_rows.begin(), of_rows.end());
  }

  double entry(long i, long k) const { return scale * static_cast<double>(weight[size_of(i * stride + k)]); }
  RowBlock<Real> block(long first_row, long count) const {
    return {weight.data() + first_row * stride, stride, count, columns, scale};
  }

  /// left + matrix right (rows, most), `at_once` rows and `panel` vectors at a time.
  std::vector<double> product(const RowBlockPath<Real>& path, long at_once, int panel) const {
    std::vector<double> y = left;
    VectorPanels x;
    x.resize(panel, columns, vectors);
    x.take(right.data());
    for (long i = 0; i < rows; i += at_once) {
      x.for_each(0, [&](const double* from, int first, int count) {
        path.add_product(block(i, std::min(at_once, rows - i)), from, count, y.data() + i * most + first, most);
      });
    }
    return y;
  }
  /// matrix' left (columns, vectors), likewise.
  std::vector<double> transposed(const RowBlockPath<Real>& path, long at_once, int panel) const {
    std::vector<double> result(size_of(columns * vectors));
    VectorPanels y;
    y.resize(panel, columns, vectors);
    y.clear();
    for (long i = 0; i < rows; i += at_once) {
      y.for_each(0, [&](double* to, int first, int count) {
        path.add_transposed(block(i, std::min(at_once, rows - i)), left.data() + i * most + first, most, count, to);
      });
    }
    y.give(result.data());
    return result;
  }

  long rows, columns;
  int vectors;
  long stride, most;
  double scale = rounding_scale;
  std::vector<Real> weight;
  std::vector<double> right, left;
};

struct Sum {
  long double value, magnitude;
  void add(long double term) {
    value += term;
    magnitude += std::abs(term);
  }
};

/// Each of up to 2 n roundings errs by at most half a unit of a partial sum (Higham 2002, section 3.1).
void expect_near(double value, const Sum& sum, long terms) {
  const long double allowed = static_cast<long double>(terms + 1) * std::numeric_limits<double>::epsilon();
  EXPECT_LE(std::abs(static_cast<long double>(value) - sum.value), allowed * sum.magnitude);
}

template <class Real>
void expect_products(const Subject<Real>& s, const RowBlockPath<Real>& path) {
  const auto product = s.product(path, s.rows, path.most_vectors);
  const auto transposed = s.transposed(path, s.rows, path.most_vectors);
  for (long i = 0; i < s.rows; ++i) {
    for (int v = 0; v < s.most; ++v) {
      const double start = s.left[size_of(i * s.most + v)];
      Sum sum{start, std::abs(static_cast<long double>(start))};
      for (long k = 0; k < s.columns && v < s.vectors; ++k) {
        sum.add(static_cast<long double>(s.entry(i, k)) * s.right[size_of(k * s.vectors + v)]);
      }
      expect_near(product[size_of(i * s.most + v)], sum, v < s.vectors ? s.columns : -1);
    }
  }
  for (long k = 0; k < s.columns; ++k) {
    for (int v = 0; v < s.vectors; ++v) {
      Sum sum{0.0L, 0.0L};
      for (long i = 0; i < s.rows; ++i) {
        sum.add(static_cast<long double>(s.entry(i, k)) * s.left[size_of(i * s.most + v)]);
      }
      expect_near(transposed[size_of(k * s.vectors + v)], sum, s.rows);
    }
  }
}

template <class Real>
class RowBlockProduct : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(RowBlockProduct, Reals);

TYPED_TEST(RowBlockProduct, SumsEveryTermOnce) {
  for (const RowBlockPath<TypeParam>& path : row_block_paths<TypeParam>()) {
    SCOPED_TRACE(path.name);
    for (int vectors = 1; vectors <= 2 * path.most_vectors + 1; ++vectors) {
      SCOPED_TRACE(vectors);
      expect_products(Subject<TypeParam>(7, 53, vectors), path);
    }
    // Fewer columns than a register has lanes; more rows and columns than are taken at a time.
    for (const auto& [rows, columns] : {std::pair{1L, 1L}, {1L, 7L}, {3L, 8L}, {25L, 9L}, {61L, 459L}, {24L, 1000L}}) {
      SCOPED_TRACE(columns);
      expect_products(Subject<TypeParam>(rows, columns, 5), path);
    }
  }
}

TYPED_TEST(RowBlockProduct, BitsDependOnNothingTakenTogether) {
  const Subject<TypeParam> s(61, 459, 11);
  for (const RowBlockPath<TypeParam>& path : row_block_paths<TypeParam>()) {
    SCOPED_TRACE(path.name);
    const auto product = s.product(path, s.rows, path.most_vectors);
    const auto transposed = s.transposed(path, s.rows, path.most_vectors);
    for (const long rows : {1L, 5L, 24L}) EXPECT_EQ(s.product(path, rows, path.most_vectors), product);
    for (const long rows : {1L, 5L, 24L}) EXPECT_EQ(s.transposed(path, rows, path.most_vectors), transposed);
    for (const int panel : {1, 2, 3}) EXPECT_EQ(s.product(path, s.rows, panel), product);
    for (const int panel : {1, 2, 3}) EXPECT_EQ(s.transposed(path, s.rows, panel), transposed);
  }
}

/// The baseline, which rounds twice, only as closely as its sums are right.
TYPED_TEST(RowBlockProduct, ProcessorsWithFusedMultiplyAddAgreeBitByBit) {
  const Subject<TypeParam> s(29, 459, 7);
  const auto& fastest = row_block_paths<TypeParam>().front();
  for (const RowBlockPath<TypeParam>& path : row_block_paths<TypeParam>()) {
    if (std::string_view(path.name) == "baseline") {
      expect_products(s, path);
      continue;
    }
    EXPECT_EQ(s.product(path, s.rows, path.most_vectors), s.product(fastest, s.rows, fastest.most_vectors));
    EXPECT_EQ(s.transposed(path, s.rows, path.most_vectors), s.transposed(fastest, s.rows, fastest.most_vectors));
  }
}

/// Every other term is an exact zero.
TYPED_TEST(RowBlockProduct, EntriesAreRoundedOnceToDouble) {
  Subject<TypeParam> s(5, 21, 21);
  std::fill(s.right.begin(), s.right.end(), 0.0);
  std::fill(s.left.begin(), s.left.end(), 0.0);
  for (int k = 0; k < 21; ++k) s.right[size_of(k * 21 + k)] = 1.0;
  for (const RowBlockPath<TypeParam>& path : row_block_paths<TypeParam>()) {
    const auto y = s.product(path, s.rows, path.most_vectors);
    for (long i = 0; i < s.rows; ++i) {
      for (int k = 0; k < 21; ++k) EXPECT_EQ(y[size_of(i * s.most + k)], s.entry(i, k));
    }
  }
}

/// Powers of two round nothing: weights that are not scaled are those of half the size that are doubled, bit by bit.
TYPED_TEST(RowBlockProduct, ScaleOneIsNoOtherScale) {
  Subject<TypeParam> plain(29, 83, 13);
  plain.scale = 1.0;
  Subject<TypeParam> doubled = plain;
  doubled.scale = 2.0;
  for (TypeParam& weight : doubled.weight) weight /= 2;
  for (const RowBlockPath<TypeParam>& path : row_block_paths<TypeParam>()) {
    EXPECT_EQ(plain.product(path, 29, path.most_vectors), doubled.product(path, 29, path.most_vectors)) << path.name;
    EXPECT_EQ(plain.transposed(path, 29, path.most_vectors), doubled.transposed(path, 29, path.most_vectors))
        << path.name;
  }
}

/// Vectors come back from panels as they went in, also into panels that have held others.
TEST(VectorPanels, GiveWhatTheyTook) {
  VectorPanels panels;
  for (const int vectors : {13, 3}) {
    for (const long size : {21L, 64L}) {
      const auto drawn = normals(size * vectors, 3);
      const std::vector<double> x(drawn.begin(), drawn.end());
      std::vector<double> back(x.size());
      panels.resize(4, size, vectors);
      panels.take(x.data());
      panels.give(back.data());
      EXPECT_EQ(back, x);
    }
  }
}

}  // namespace
}  // namespace meander
