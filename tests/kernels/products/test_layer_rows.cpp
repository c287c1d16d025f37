// What is done to rows of pre-activations on every path that this processor has, against one element at a time.
#include "kernels/products/layer_product.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/base/row_arithmetic.hpp"
#include "kernels/random/random_stream.hpp"

namespace meander {
namespace {

constexpr long counts[] = {1, 2, 5, 16};
constexpr long sizes[] = {1, 4, 15, 16, 17, 63, 64, 65, 100, 128, 129, 300};

template <class Real>
struct Rows {
  Rows(long count_, long size_, Real scale = Real{1})
      : count(count_),
        size(size_),
        stride((size_ + widest_register - 1) / widest_register * widest_register + widest_register),
        values(static_cast<std::size_t>(count_ * stride + word_elements)) {
    std::vector<float> normals(values.size());
    RandomStream(stream_key(11, 0), Purpose::weights, 1).normals(0, 0, normals);
    // Behind the last neuron there may be anything.
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool beyond = static_cast<long>(i) % stride >= size_;
      values[i] = beyond ? std::numeric_limits<Real>::quiet_NaN() : scale * static_cast<Real>(normals[i]);
    }
  }
  Real* row(long r) { return values.data() + r * stride; }

  long count, size, stride;
  std::vector<Real> values;
};

template <class Real>
class LayerRows : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(LayerRows, Reals);

TYPED_TEST(LayerRows, StatesAreTheDefinitionOnEveryPath) {
  using Real = TypeParam;
  const std::vector<Real> thresholds = {Real{0}, Real{-0.5}, Real{1}};
  const Clamp<Real> clamp{Real{-0.5}, Real{1}};
  for (const auto& path : layer_paths<Real>()) {
    for (const long size : sizes) {
      Rows<Real> rows(16, size);
      // Thresholds themselves are not above; a row may be as the one before, or as the one before that.
      rows.row(3)[0] = Real{1};
      std::copy_n(rows.row(4), size, rows.row(5));
      std::copy_n(rows.row(6), size, rows.row(8));
      Rows<Real> h = rows;
      const long words = bit_words(size);
      const long row_bits = words * 3;
      std::vector<std::uint64_t> bits(static_cast<std::size_t>(18 * row_bits), ~std::uint64_t{0});
      std::vector<std::uint8_t> changed(16);
      ASSERT_TRUE(path.states(rows.row(0), rows.stride, 16, size, thresholds, clamp, bits.data() + 2 * row_bits,
                              changed.data()));
      for (long r = 0; r < 16; ++r) {
        const std::uint64_t* here = bits.data() + (r + 2) * row_bits;
        for (long t = 0; t < 3; ++t) {
          for (long j = 0; j < 64 * words; ++j) {
            const bool above = j < size && h.row(r)[j] > thresholds[static_cast<std::size_t>(t)];
            ASSERT_EQ((here[t * words + j / 64] >> (j % 64)) & 1U, above ? 1U : 0U) << path.name << " " << j;
          }
        }
        const bool as_before = std::equal(here, here + row_bits, here - row_bits);
        const bool as_two_before = std::equal(here, here + row_bits, here - 2 * row_bits);
        ASSERT_EQ(changed[static_cast<std::size_t>(r)], (as_before ? 0 : 1) | (as_two_before ? 0 : 2)) << r;
        for (long j = 0; j < size; ++j)
          ASSERT_EQ(rows.row(r)[j], std::clamp(h.row(r)[j], clamp.low, clamp.high)) << path.name << " " << j;
      }
      EXPECT_EQ(changed[5] & 1, 0);
      EXPECT_EQ(changed[8] & 2, 0);
    }
  }
}

TYPED_TEST(LayerRows, WhatIsNotFiniteIsSeenInEveryPlace) {
  using Real = TypeParam;
  constexpr Real infinity = std::numeric_limits<Real>::infinity();
  const std::vector<Real> thresholds = {Real{0}};
  for (const auto& path : layer_paths<Real>()) {
    for (const Real bad : {infinity, -infinity, std::numeric_limits<Real>::quiet_NaN()}) {
      for (long j = 0; j < 37; ++j) {
        Rows<Real> rows(2, 37);
        rows.row(1)[j] = bad;
        std::vector<std::uint64_t> bits(4);
        std::vector<std::uint8_t> changed(2);
        EXPECT_FALSE(path.states(rows.row(0), rows.stride, 2, 37, thresholds, Clamp<Real>{Real{-1}, Real{1}},
                                 bits.data() + 2, changed.data()));
      }
    }
  }
}

/// |row r - row s|^2 in extended precision.
template <class Real>
long double exact_square(Rows<Real>& rows, long r, long s) {
  long double sum = 0;
  for (long j = 0; j < rows.size; ++j) {
    const long double difference = static_cast<long double>(rows.row(r)[j]) - rows.row(s)[j];
    sum += difference * difference;
  }
  return sum;
}

TYPED_TEST(LayerRows, SquaredDistancesAreTheDefinitionAndTheSameOnEveryPath) {
  using Real = TypeParam;
  // Single precision: two roundings of a difference, one of its square, at most 8 of sums, each of 2^-24, and then
  // double. Double: the same with as many sums as there are groups, and four more.
  const auto allowed = [](long size) {
    const double roundings = std::is_same_v<Real, float> ? 11.0 : 7.0 + static_cast<double>(size) / 16.0;
    return roundings * std::numeric_limits<Real>::epsilon() / 2;
  };
  for (const long size : sizes) {
    for (const long count : counts) {
      Rows<Real> rows(count + 2, size);
      std::vector<double> first_all, first_half;
      for (const auto& path : layer_paths<Real>()) {
        Rows<Real> clean = rows;
        std::vector<std::uint64_t> bits(static_cast<std::size_t>((count + 4) * bit_words(size)));
        std::vector<std::uint8_t> changed(static_cast<std::size_t>(count + 2));
        const std::vector<Real> thresholds = {Real{0}};
        path.states(clean.row(0), clean.stride, count + 2, size, thresholds, Clamp<Real>{},
                    bits.data() + 2 * bit_words(size), changed.data());
        std::vector<double> all(static_cast<std::size_t>(count)), half(static_cast<std::size_t>((count + 1) / 2));
        path.squared_distances(clean.row(0), clean.row(1), clean.row(2), clean.stride, count, size, all.data(),
                               half.data());
        for (long r = 0; r < count; ++r) {
          const auto exact = static_cast<double>(exact_square(rows, r + 2, r + 1));
          EXPECT_NEAR(all[static_cast<std::size_t>(r)], exact, allowed(size) * exact) << path.name << " " << size;
          if (r % 2 != 0) continue;
          const auto exact_half = static_cast<double>(exact_square(rows, r + 2, r));
          EXPECT_NEAR(half[static_cast<std::size_t>(r / 2)], exact_half, allowed(size) * exact_half) << path.name;
        }
        if (first_all.empty()) {
          first_all = all;
          first_half = half;
        }
        EXPECT_EQ(all, first_all) << path.name;
        EXPECT_EQ(half, first_half) << path.name;
      }
    }
  }
}

}  // namespace
}  // namespace meander
