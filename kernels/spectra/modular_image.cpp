// Gaussian elimination by rows over a prime field, with sums of 128 bits that are reduced now and then.
#include "kernels/spectra/modular_image.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>

namespace meander {
namespace {

using Word = std::uint64_t;
__extension__ using Wide = unsigned __int128;

constexpr int bits = 61;
/// 2^61 - 45 is prime, and two generates all its residues: powers of two are as good as any number.
constexpr Word below = 45;
constexpr Word prime = (Word{1} << bits) - below;
constexpr Word mask = (Word{1} << bits) - 1;
/// Products below 2^122 that a sum of 128 bits holds, with room for one more word.
constexpr std::size_t most_products = 32;

Word reduced(Wide x) {
  const Wide once = (x >> bits) * below + (static_cast<Word>(x) & mask);
  const Word twice = static_cast<Word>(once >> bits) * below + (static_cast<Word>(once) & mask);
  return twice >= prime ? twice - prime : twice;
}

Word times(Word a, Word b) {
  return reduced(Wide{a} * b);
}

Word minus(Word a, Word b) {
  return a >= b ? a - b : a + prime - b;
}

Word power(Word base, Word exponent) {
  Word result = 1;
  for (; exponent > 0; exponent >>= 1, base = times(base, base)) {
    if ((exponent & 1) != 0) result = times(result, base);
  }
  return result;
}

Word dot(const Word* a, const Word* b, std::size_t n) {
  Wide sum = 0;
  for (std::size_t first = 0; first < n; first += most_products) {
    const std::size_t last = std::min(n, first + most_products);
    for (std::size_t k = first; k < last; ++k) sum += Wide{a[k]} * b[k];
    sum = reduced(sum);
  }
  return static_cast<Word>(sum);
}

/// Powers of two, of all exponents that doubles have times 2^53.
struct Powers {
  static constexpr int least = -1140, most = 1030;
  std::array<Word, most - least + 1> of;

  Powers() {
    of[0] = power(power(2, prime - 2), static_cast<Word>(-least));
    for (std::size_t k = 1; k < of.size(); ++k) of[k] = times(of[k - 1], 2);
  }
};

/// x is finite.
Word residue(double x) {
  static const Powers powers;
  if (x == 0.0) return 0;
  int exponent = 0;
  const double mantissa = std::ldexp(std::frexp(x, &exponent), 53);
  const auto digits = static_cast<Word>(std::abs(mantissa));
  const Word size = times(digits, powers.of[static_cast<std::size_t>(exponent - 53 - Powers::least)]);
  return x < 0.0 ? minus(0, size) : size;
}

Word residue(const ScaledNumber& x) {
  // Beyond 2^53 the exponent is known to its first digits: any power stands for it.
  const auto exponent = static_cast<std::int64_t>(std::fmod(x.exponent, 0x1p60));
  const Word base = exponent < 0 ? power(2, prime - 2) : 2;
  return times(residue(x.mantissa), power(base, static_cast<Word>(std::abs(exponent))));
}

/// Rows given one after the other; those that are no combination of earlier ones are kept.
class Elimination {
 public:
  explicit Elimination(std::size_t columns) : columns_(columns), kept_(columns * columns), free_(columns) {
    std::iota(free_.begin(), free_.end(), std::size_t{0});
  }

  bool add(const Word* row) {
    if (free_.empty()) return false;
    // What the kept rows have to do with it, pivot by pivot, and what is then left in the other columns.
    std::vector<Word> part(pivots_.size() + 1), rest;
    for (std::size_t t = 0; t < pivots_.size(); ++t) {
      part[t] = minus(row[pivots_[t]], dot(part.data(), of_column(pivots_[t]), t));
    }
    std::size_t found = free_.size();
    for (std::size_t q = 0; q < free_.size(); ++q) {
      rest.push_back(minus(row[free_[q]], dot(part.data(), of_column(free_[q]), pivots_.size())));
      if (rest.back() != 0 && found == free_.size()) found = q;
    }
    if (found == free_.size()) return false;
    const Word inverse = power(rest[found], prime - 2);
    for (std::size_t q = 0; q < free_.size(); ++q) {
      of_column(free_[q])[pivots_.size()] = times(rest[q], inverse);
    }
    pivots_.push_back(free_[found]);
    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(found));
    return true;
  }

  /// One column for each kept row: those columns of the kept rows are a regular matrix.
  const std::vector<std::size_t>& pivots() const { return pivots_; }

 private:
  /// Column `column` of the kept rows, each divided by its pivot.
  Word* of_column(std::size_t column) { return kept_.data() + column * columns_; }

  std::size_t columns_;
  std::vector<Word> kept_;  // (columns_, columns_)
  std::vector<std::size_t> pivots_, free_;
};

}  // namespace

/// B times the image's basis, (rows, rank_).
std::vector<Word> ModularImage::product(std::span<const double> b, std::size_t rows) const {
  const auto columns = static_cast<std::size_t>(rows_), rank = static_cast<std::size_t>(rank_);
  std::vector<Word> m(rows * rank), row(columns);
  if (rank == 0) return m;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns; ++k) row[k] = residue(b[i * columns + k]);
    if (basis_.empty()) {
      std::copy(row.begin(), row.end(), m.begin() + static_cast<std::ptrdiff_t>(i * rank));
      continue;
    }
    for (std::size_t j = 0; j < rank; ++j) m[i * rank + j] = dot(row.data(), basis_.data() + j * columns, columns);
  }
  return m;
}

std::vector<int> ModularImage::multiply(std::span<const ScaledNumber> scale, std::span<const double> b,
                                        std::span<const int> order) {
  const std::size_t rows = scale.size(), rank = static_cast<std::size_t>(rank_);
  if (b.size() != rows * static_cast<std::size_t>(rows_) || order.size() != rows) {
    throw std::invalid_argument("a factor has " + std::to_string(b.size()) + " entries (needs " + std::to_string(rows) +
                                " x " + std::to_string(rows_) + "), make shapes chain");
  }
  const std::vector<Word> m = product(b, rows);
  Elimination elimination(rank);
  std::vector<int> independent;
  for (const int i : order) {
    if (elimination.add(m.data() + static_cast<std::size_t>(i) * rank)) independent.push_back(i);
  }
  // The pivots' columns span what all columns span.
  basis_.assign(independent.size() * rows, 0);
  for (std::size_t i = 0; i < rows; ++i) {
    const Word factor = residue(scale[i]);
    for (std::size_t j = 0; j < independent.size(); ++j) {
      basis_[j * rows + i] = times(factor, m[i * rank + elimination.pivots()[j]]);
    }
  }
  rows_ = static_cast<int>(rows);
  rank_ = static_cast<int>(independent.size());
  return independent;
}

}  // namespace meander
