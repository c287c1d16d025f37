// linspace and logspace, so that a sweep which is extended finds its old points again.
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "pipeline/study_reader/sweep.hpp"
#include "pipeline/values/key_check.hpp"

namespace meander {

namespace {

__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 UnsignedWide;

constexpr Wide widest = static_cast<Wide>((UnsignedWide{1} << 127) - 1);

/// mantissa * 10^exponent, exactly the shortest decimal that reads as the double.
struct Decimal {
  Wide mantissa = 0;
  int exponent = 0;
};

Decimal decimal(double x) {
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::scientific).ptr;
  Decimal result;
  bool fraction = false;
  for (const char* c = buffer.data(); c != end; ++c) {
    if (*c == '.') {
      fraction = true;
    } else if (*c == 'e') {
      int exponent = 0;
      std::from_chars(c[1] == '+' ? c + 2 : c + 1, end, exponent);
      result.exponent += exponent;
      break;
    } else if (*c != '-') {
      result.mantissa = result.mantissa * 10 + (*c - '0');
      if (fraction) --result.exponent;
    }
  }
  if (x < 0) result.mantissa = -result.mantissa;
  return result;
}

/// Both with the smaller exponent, and room left for a factor of `room`; false where it cannot be.
bool align(Decimal& a, Decimal& b, std::int64_t room) {
  Decimal& larger = a.exponent > b.exponent ? a : b;
  const int target = std::min(a.exponent, b.exponent);
  if (larger.mantissa == 0) larger.exponent = target;
  const Wide limit = widest / 2 / room;
  while (larger.exponent > target) {
    if (larger.mantissa > limit / 10 || larger.mantissa < -limit / 10) return false;
    larger.mantissa *= 10;
    --larger.exponent;
  }
  return true;
}

/// numerator / denominator * 10^exponent to 15 significant decimals, half to even.
double quotient(Wide numerator, Wide denominator, int exponent) {
  constexpr Wide first = 100000000000000;  // 10^14: the smallest number of 15 digits
  if (numerator == 0) return 0.0;
  const bool negative = numerator < 0;
  if (negative) numerator = -numerator;
  while (numerator / denominator < first && numerator < widest / 10) {
    numerator *= 10;
    --exponent;
  }
  while (numerator / denominator >= first * 10) {
    denominator *= 10;
    ++exponent;
  }
  Wide digits = numerator / denominator;
  const Wide twice = 2 * (numerator % denominator);
  if (twice > denominator || (twice == denominator && digits % 2 != 0)) ++digits;
  const std::string text = std::to_string(static_cast<std::int64_t>(digits)) + "e" + std::to_string(exponent);
  double value = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return negative ? -value : value;
}

}  // namespace

std::vector<double> linspace(double lo, double hi, std::int64_t n) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(n));
  Decimal first = decimal(lo);
  Decimal last = decimal(hi);
  const std::int64_t steps = n - 1;
  const bool exact = align(first, last, n);
  for (std::int64_t i = 0; i < n; ++i) {
    if (i == 0) {
      values.push_back(round_significant(lo));
    } else if (i == steps) {
      values.push_back(round_significant(hi));
    } else if (exact) {
      values.push_back(quotient(first.mantissa * (steps - i) + last.mantissa * i, steps, first.exponent));
    } else {
      // The ends are so many orders of magnitude apart that the smaller one hardly counts.
      const long double t = static_cast<long double>(i) / static_cast<long double>(steps);
      values.push_back(round_significant(static_cast<double>((1 - t) * lo + t * hi)));
    }
  }
  return values;
}

std::vector<double> logspace(double lo, double hi, std::int64_t n) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(n));
  const long double low = std::log10(static_cast<long double>(lo));
  const long double high = std::log10(static_cast<long double>(hi));
  for (std::int64_t i = 0; i < n; ++i) {
    if (i == 0 || i == n - 1) {
      values.push_back(round_significant(i == 0 ? lo : hi));
      continue;
    }
    const long double t = static_cast<long double>(i) / static_cast<long double>(n - 1);
    values.push_back(round_significant(static_cast<double>(std::pow(10.0L, low + t * (high - low)))));
  }
  return values;
}

}  // namespace meander
