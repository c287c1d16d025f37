// Ranks of products in modular arithmetic, where doubles cannot tell them.
#include "kernels/spectra/modular_image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace meander {
namespace {

std::vector<ScaledNumber> ones(std::size_t n) {
  return std::vector<ScaledNumber>(n, {1.0, 0.0});
}

std::vector<int> multiply(ModularImage& image, const std::vector<double>& b, const std::vector<ScaledNumber>& scale) {
  std::vector<int> order(scale.size());
  std::iota(order.begin(), order.end(), 0);
  return image.multiply(scale, b, order);
}

TEST(ModularImage, RanksOfMatricesThatRoundingCannotTellApart) {
  struct Case {
    std::vector<double> a;
    int rank;
  };
  const double next = std::nextafter(1.0, 2.0);
  for (const Case& c : std::vector<Case>{{{1.0, 1.0, 1.0, next}, 2},
                                         {{1.0, 1.0, 1.0, 1.0}, 1},
                                         {{0.1, 0.3, 0.3, 0.9}, 2},  // fl(0.3)^2 is not fl(0.1) fl(0.9)
                                         {{0.1, 0.3, 0.2, 0.6}, 1},
                                         {{0.1, 0.3, -0.1 * 0x1p-900, -0.3 * 0x1p-900}, 1},
                                         {{0x1p-1074, 0.0, 0.0, 0x1p1023}, 2},
                                         {{0.0, 0.0, 0.0, 0.0}, 0}}) {
    ModularImage image(2);
    EXPECT_EQ(multiply(image, c.a, ones(2)).size(), static_cast<std::size_t>(c.rank));
    EXPECT_EQ(image.rank(), c.rank);
  }
  // 2^61 is no one, as it would be modulo 2^61 - 1.
  ModularImage image(2);
  multiply(image, {1.0, 1.0, 1.0, 0x1p61}, ones(2));
  EXPECT_EQ(image.rank(), 2);
}

TEST(ModularImage, ProductsLoseRankWhereFactorsDoNotShowIt) {
  // A_2 A_1 = 0 of two matrices of rank 1, and what stands between them decides.
  const std::vector<double> first{1.0, 1.0, 1.0, 1.0}, second{1.0, -1.0, 2.0, -2.0};
  ModularImage zero(2);
  multiply(zero, first, ones(2));
  EXPECT_EQ(zero.rank(), 1);
  multiply(zero, second, ones(2));
  EXPECT_EQ(zero.rank(), 0);
  multiply(zero, first, ones(2));
  EXPECT_EQ(zero.rank(), 0);
  ModularImage one(2);
  multiply(one, first, {{1.0, 0.0}, {std::nextafter(1.0, 2.0), 0.0}});
  multiply(one, second, ones(2));
  EXPECT_EQ(one.rank(), 1);
  // Far beyond a double's range, too.
  ModularImage far(2);
  multiply(far, first, {{1.0, -1e7}, {0.75, -1e7}});
  multiply(far, second, ones(2));
  EXPECT_EQ(far.rank(), 1);
}

TEST(ModularImage, KeepsTheRowsThatStandFirstInTheOrder) {
  const std::vector<double> a{1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5};
  ModularImage image(3);
  EXPECT_EQ(image.multiply(ones(4), a, std::vector<int>{2, 1, 0, 3}), (std::vector<int>{1, 3}));
  EXPECT_EQ(image.rows(), 4);
  EXPECT_THROW(image.multiply(ones(4), a, std::vector<int>{2, 1, 0, 3}), std::invalid_argument);
}

/// Sylvester's matrices H_2n = [H H; H -H] have full rank; their first k rows, repeated, have rank k.
TEST(ModularImage, WideMatricesOfSigns) {
  constexpr std::size_t n = 128;
  std::vector<double> h{1.0};
  for (std::size_t m = 1; m < n; m *= 2) {
    std::vector<double> next(4 * m * m);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < m; ++j) {
        next[i * 2 * m + j] = next[i * 2 * m + m + j] = next[(m + i) * 2 * m + j] = h[i * m + j];
        next[(m + i) * 2 * m + m + j] = -h[i * m + j];
      }
    }
    h = next;
  }
  ModularImage full(n);
  multiply(full, h, ones(n));
  EXPECT_EQ(full.rank(), static_cast<int>(n));
  for (std::size_t i = 100; i < n; ++i) std::copy_n(h.begin(), n, h.begin() + static_cast<std::ptrdiff_t>(i * n));
  multiply(full, h, ones(n));
  EXPECT_EQ(full.rank(), 100);
}

}  // namespace
}  // namespace meander
