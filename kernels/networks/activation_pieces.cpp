// Everything follows from slopes and intercepts; nothing is tried out on samples.
#include "kernels/networks/activation_pieces.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The pieces between kinks alone: neighbours of one slope joined.
LinearPieces joined(const LinearPieces& pieces) {
  LinearPieces result{{}, {pieces.slopes.front()}, {pieces.intercepts.front()}};
  for (std::size_t k = 0; k < pieces.breakpoints.size(); ++k) {
    if (pieces.slopes[k + 1] == pieces.slopes[k]) continue;
    result.breakpoints.push_back(pieces.breakpoints[k]);
    result.slopes.push_back(pieces.slopes[k + 1]);
    result.intercepts.push_back(pieces.intercepts[k + 1]);
  }
  return result;
}

/// phi at breakpoint k: from a flat piece where there is one, which rounds nothing.
double value_at(const LinearPieces& pieces, std::size_t k) {
  if (pieces.slopes[k] == 0.0) return pieces.intercepts[k];
  if (pieces.slopes[k + 1] == 0.0) return pieces.intercepts[k + 1];
  return pieces.slopes[k] * pieces.breakpoints[k] + pieces.intercepts[k];
}

}  // namespace

Activation::Range range_of(const LinearPieces& pieces) {
  const double left = pieces.slopes.front();
  const double right = pieces.slopes.back();
  Activation::Range range{infinity, -infinity, false};
  range.rises = std::all_of(pieces.slopes.begin(), pieces.slopes.end(), [](double s) { return s >= 0.0; });
  const auto include = [&](double value) {
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  };
  // Where phi goes on either side.
  include(left > 0.0 ? -infinity : left < 0.0 ? infinity : pieces.intercepts.front());
  include(right > 0.0 ? infinity : right < 0.0 ? -infinity : pieces.intercepts.back());
  // Of a rising function the ends are the range; what lies between could only add rounding.
  for (std::size_t k = 0; k < pieces.breakpoints.size() && !range.rises; ++k) include(value_at(pieces, k));
  return range;
}

bool is_odd(const LinearPieces& given) {
  const LinearPieces pieces = joined(given);
  const std::size_t last = pieces.breakpoints.size();
  for (std::size_t k = 0; k <= last; ++k) {
    if (pieces.slopes[k] != pieces.slopes[last - k] || pieces.intercepts[k] != -pieces.intercepts[last - k])
      return false;
    if (k < last && pieces.breakpoints[k] != -pieces.breakpoints[last - 1 - k]) return false;
  }
  return true;
}

bool is_homogeneous(const LinearPieces& given) {
  const LinearPieces pieces = joined(given);
  const auto is_zero = [](double x) { return x == 0.0; };
  return std::all_of(pieces.breakpoints.begin(), pieces.breakpoints.end(), is_zero) &&
         std::all_of(pieces.intercepts.begin(), pieces.intercepts.end(), is_zero);
}

std::vector<double> kinks_of(const LinearPieces& pieces) {
  return joined(pieces).breakpoints;
}

std::optional<Activation::IdentityBounds> clamp_of(const LinearPieces& given) {
  const LinearPieces pieces = joined(given);
  const auto identity = std::find(pieces.slopes.begin(), pieces.slopes.end(), 1.0);
  const auto k = static_cast<std::size_t>(identity - pieces.slopes.begin());
  if (identity == pieces.slopes.end() || k > 1 || k + 2 < pieces.slopes.size() || pieces.intercepts[k] != 0.0)
    return std::nullopt;
  Activation::IdentityBounds bounds;
  const auto is_constant = [&](std::size_t piece, double value) {
    return pieces.slopes[piece] == 0.0 && pieces.intercepts[piece] == value;
  };
  if (k == 1) {
    bounds.low = pieces.breakpoints.front();
    if (!is_constant(0, bounds.low)) return std::nullopt;
  }
  if (k + 1 < pieces.slopes.size()) {
    bounds.high = pieces.breakpoints.back();
    if (!is_constant(k + 1, bounds.high)) return std::nullopt;
  }
  return bounds;
}

}  // namespace meander
