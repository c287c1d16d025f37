// Products and QR in extended precision; the graded triangular factor fits doubles again.
#include "kernels/spectra/wide_product.hpp"

#include "kernels/spectra/graded_rows.hpp"
#include "kernels/spectra/wide_number.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>

namespace meander {
namespace {

constexpr double most_difference = 1e-8;
constexpr double most_exponent = 0x1p60;

struct TooFar : std::exception {};

template <int L>
WideNumber<L> wide(const ScaledNumber& x) {
  if (std::abs(x.exponent) > most_exponent) throw TooFar();
  return {x.mantissa, static_cast<std::int64_t>(x.exponent)};
}

template <int L>
ScaledNumber narrow(const WideNumber<L>& x) {
  return {x.leading(), static_cast<double>(x.exponent())};
}

/// J, (rows, columns), row-major.
template <int L>
class WideProduct {
 public:
  explicit WideProduct(int columns) : rows_(static_cast<std::size_t>(columns)), columns_(rows_), j_(rows_ * rows_) {
    for (std::size_t i = 0; i < rows_; ++i) j_[i * columns_ + i] = WideNumber<L>(1.0, 0);
  }

  void multiply(const std::vector<ScaledNumber>& scale, const std::vector<double>& b) {
    std::vector<WideNumber<L>> next(scale.size() * columns_);
    for (std::size_t i = 0; i < scale.size(); ++i) {
      const WideNumber<L> factor = wide<L>(scale[i]);
      for (std::size_t k = 0; k < rows_; ++k) {
        if (b[i * rows_ + k] == 0.0) continue;
        const WideNumber<L> entry = factor * WideNumber<L>(b[i * rows_ + k], 0);
        for (std::size_t c = 0; c < columns_; ++c) {
          next[i * columns_ + c] = next[i * columns_ + c] + entry * j_[k * columns_ + c];
        }
      }
    }
    j_ = std::move(next);
    rows_ = scale.size();
  }

  /// The first `rank` rows of R, of J P = Q R with the largest column left as the next pivot; of columns that J is
  /// exactly without, nothing is computed.
  GradedRows triangular(int rank) {
    GradedRows result{0, static_cast<int>(columns_), {}, {}};
    for (; result.rows < rank; ++result.rows) {
      const std::size_t pivot = longest_column();
      const WideNumber<L> square = dot(pivot, pivot);
      if (square.is_zero()) break;
      const WideNumber<L> inverse = square.reciprocal();
      std::vector<WideNumber<L>> row(columns_);
      for (std::size_t c = 0; c < columns_; ++c) {
        row[c] = c == pivot ? square : dot(pivot, c);
        if (c != pivot) subtract(c, row[c] * inverse, pivot);
      }
      for (std::size_t i = 0; i < rows_; ++i) j_[i * columns_ + pivot] = WideNumber<L>();
      add_row(row, square, result);
    }
    return result;
  }

 private:
  std::size_t longest_column() const {
    std::vector<ScaledNumber> largest(columns_, {0.0, -std::numeric_limits<double>::infinity()});
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t c = 0; c < columns_; ++c) {
        const WideNumber<L>& x = j_[i * columns_ + c];
        if (x.is_zero()) continue;
        const ScaledNumber size{std::abs(x.leading()), static_cast<double>(x.exponent())};
        const bool larger = size.exponent > largest[c].exponent ||
                            (size.exponent == largest[c].exponent && size.mantissa > largest[c].mantissa);
        if (larger) largest[c] = size;
      }
    }
    return static_cast<std::size_t>(std::max_element(largest.begin(), largest.end(),
                                                     [](const ScaledNumber& a, const ScaledNumber& b) {
                                                       return a.exponent != b.exponent ? a.exponent < b.exponent
                                                                                       : a.mantissa < b.mantissa;
                                                     }) -
                                    largest.begin());
  }
  WideNumber<L> dot(std::size_t a, std::size_t b) const {
    WideNumber<L> sum;
    for (std::size_t i = 0; i < rows_; ++i) sum = sum + j_[i * columns_ + a] * j_[i * columns_ + b];
    return sum;
  }
  void subtract(std::size_t from, const WideNumber<L>& factor, std::size_t what) {
    for (std::size_t i = 0; i < rows_; ++i) {
      WideNumber<L>& x = j_[i * columns_ + from];
      x = x - factor * j_[i * columns_ + what];
    }
  }
  /// row / sqrt(square), its largest entry of order one.
  void add_row(const std::vector<WideNumber<L>>& row, const WideNumber<L>& square, GradedRows& rows) const {
    // Half of an odd exponent leaves a root of two.
    const std::int64_t half = square.exponent() >> 1;
    const double root = std::sqrt(std::ldexp(square.leading(), static_cast<int>(square.exponent() - 2 * half)));
    double top = -std::numeric_limits<double>::infinity();
    for (const WideNumber<L>& x : row) {
      if (!x.is_zero()) top = std::max(top, static_cast<double>(x.exponent()));
    }
    for (const WideNumber<L>& x : row) {
      const ScaledNumber number = narrow(x);
      rows.t.push_back(x.is_zero() ? 0.0 : scaled(number.mantissa / root, number.exponent - top));
    }
    rows.exponent.push_back(top - static_cast<double>(half));
  }

  std::size_t rows_, columns_;
  std::vector<WideNumber<L>> j_;
};

/// Seconds of so many multiplications with additions, each of as many steps as half the square of the limbs.
double expected_seconds(double multiplications, double limbs) {
  return multiplications * (0.5 * limbs * limbs + 6.0 * limbs + 20.0) * 1e-9;
}

template <int L>
std::vector<double> values_of(int columns, int rank, const EachFactor& each_factor) {
  WideProduct<L> product(columns);
  each_factor([&](const auto& scale, const auto& b) { product.multiply(scale, b); });
  GradedRows rows = product.triangular(rank);
  std::vector<double> log;
  if (rows.rows < rank || !graded_singular_values(std::move(rows), log)) log.clear();
  return log;
}

/// From L limbs on, in doubles of them.
template <int L>
std::vector<double> agreed(int columns, int rank, const EachFactor& each_factor, double multiplications, double seconds,
                           const std::vector<double>& before) {
  const double expected = expected_seconds(multiplications, L);
  if (expected > seconds) return {};
  const std::vector<double> log = values_of<L>(columns, rank, each_factor);
  const bool same = !log.empty() && log.size() == before.size() &&
                    std::equal(log.begin(), log.end(), before.begin(),
                               [](double a, double b) { return std::abs(a - b) <= most_difference; });
  if (same) return log;
  if constexpr (L < 128) {
    return agreed<2 * L>(columns, rank, each_factor, multiplications, seconds - expected, log);
  } else {
    return {};
  }
}

}  // namespace

std::vector<double> wide_singular_values(int columns, int rank, const EachFactor& each_factor, double seconds) {
  // Those of the QR, and of the product.
  double multiplications = 2.0 * columns * columns * rank;
  each_factor([&](const auto&, const auto& b) {
    multiplications +=
        columns * static_cast<double>(b.size() - static_cast<std::size_t>(std::count(b.begin(), b.end(), 0.0)));
  });
  try {
    return agreed<4>(columns, rank, each_factor, multiplications, seconds, {});
  } catch (const TooFar&) {
    return {};
  }
}

}  // namespace meander
