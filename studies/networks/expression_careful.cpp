// A formula is held against itself in 113 bits where it is read, and runs in double wherever the two agree.
#include "studies/networks/expression_careful.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Places on the side of `sign`, from zero outwards.
std::vector<double> places_on(double sign, const std::vector<double>& extra) {
  std::vector<double> places{0.0};
  for (int k = -160; k <= 160; ++k) places.push_back(std::exp2(0.25 * k));
  // Off round numbers, at which formulas are more exact than elsewhere.
  for (int k = 0; k < 128; ++k) places.push_back(k / 16.0 + 0.0137);
  for (const double x : extra) {
    if (x * sign > 0.0) places.push_back(std::abs(x));
  }
  std::sort(places.begin(), places.end());
  for (double& x : places) x *= sign;
  return places;
}

bool is_near_break(double x, const std::vector<double>& breaks) {
  return std::any_of(breaks.begin(), breaks.end(),
                     [x](double b) { return std::abs(x - b) <= 1e-9 * std::max(1.0, std::abs(b)); });
}

}  // namespace

std::array<std::vector<ExpressionRange>, 3> doubtful_ranges(const ExpressionTree& tree,
                                                            const std::array<std::function<double(double)>, 3>& plain,
                                                            const std::vector<double>& extra_places,
                                                            const std::vector<double>& breaks) {
  std::array<std::vector<ExpressionRange>, 3> ranges;
  const std::array<std::vector<double>, 2> sides{places_on(1.0, extra_places), places_on(-1.0, extra_places)};
  std::array<std::vector<SeveralValues>, 2> precise;
  for (std::size_t s = 0; s < 2; ++s) {
    for (const double x : sides[s]) precise[s].push_back(precise_values(tree, x));
  }
  for (std::size_t k = 0; k < 3; ++k) {
    // Both sides outwards at once, so that `largest` is over what lies nearer to zero on either.
    double largest = 0.0;
    std::array<std::size_t, 2> at{0, 0};
    while (at[0] < sides[0].size() || at[1] < sides[1].size()) {
      const std::size_t s =
          at[1] >= sides[1].size() || (at[0] < sides[0].size() && sides[0][at[0]] <= -sides[1][at[1]]) ? 0 : 1;
      const std::size_t i = at[s]++;
      const double x = sides[s][i];
      const SeveralValues& right = precise[s][i];
      if (!std::isfinite(right[k]) || is_near_break(x, breaks)) continue;
      largest = std::max(largest, std::abs(right[k]));
      const double steepness = std::isfinite(right[k + 1]) ? std::abs(x * right[k + 1]) : 0.0;
      const double rounding = 1e-14 * largest + 2e-15 * steepness + 1e-290;
      // Of a derivative that is zero so far, what the one before it makes when it is rounded.
      const bool vanishes = k > 0 && largest <= 1e-25 * std::abs(right[k - 1]);
      const double beside =
          vanishes ? 1e-14 * std::abs(right[k - 1]) / std::min(1.0, std::max(std::abs(x), 1e-3)) : 0.0;
      if (std::abs(plain[k](x) - right[k]) <= rounding + beside) continue;
      const double before = i == 0 ? 0.0 : sides[s][i - 1];
      const double after = i + 1 < sides[s].size() ? sides[s][i + 1] : x * infinity;
      ExpressionRange range{std::min(before, after), std::max(before, after)};
      if (x == 0.0) range = {-sides[0][1], sides[0][1]};
      ranges[k].push_back(range);
    }
    std::sort(ranges[k].begin(), ranges[k].end(),
              [](const ExpressionRange& a, const ExpressionRange& b) { return a.low < b.low; });
    std::vector<ExpressionRange> joined;
    for (const ExpressionRange& range : ranges[k]) {
      if (!joined.empty() && range.low <= joined.back().high) {
        joined.back().high = std::max(joined.back().high, range.high);
      } else {
        joined.push_back(range);
      }
    }
    ranges[k] = std::move(joined);
  }
  return ranges;
}

namespace {

/// phi(x) = slope x + rest for |x| >= from on one side, to rounding.
struct Tail {
  double from = infinity;
  double slope = 0.0;
  double rest = 0.0;
};

/// Held against precise values as far as they go.
Tail tail_of(const ExpressionTree& tree, double sign) {
  for (const double from : {128.0, 1024.0, 8192.0}) {
    const SeveralValues start = precise_values(tree, sign * from);
    const Tail tail{from, start[1], start[0] - start[1] * sign * from};
    bool follows = std::isfinite(tail.rest) && std::isfinite(tail.slope);
    for (int k = 0; k < 120 && follows; ++k) {
      const double x = sign * from * (k < 40 ? 1.0 + 0.17 * k : std::exp2(0.037 * (k - 40) * (k - 40) / 0.3));
      // Beyond, exponentials of x have no exponent; a line stays one.
      if (!(std::abs(x) < 1e17)) break;
      const SeveralValues here = precise_values(tree, x);
      const double line = tail.slope * x + tail.rest;
      const double size = std::abs(tail.slope * x) + std::abs(tail.rest);
      follows = std::abs(here[0] - line) <= 4e-16 * size &&
                std::abs(here[1] - tail.slope) * std::abs(x) <= 4e-16 * size &&
                std::abs(here[2]) * x * x <= 4e-16 * size;
    }
    if (follows) return tail;
  }
  return {};
}

/// The last precise values: phi, phi' and phi'' are mostly asked for at one x.
class Memory {
 public:
  explicit Memory(std::shared_ptr<const ExpressionTree> tree) : tree_(std::move(tree)) {}
  double at(double x, std::size_t k) {
    // Where an average over a wide Gaussian spends most of its time.
    if (std::abs(x) >= 128.0) {
      const Tail& tail = this->tail(x > 0.0);
      if (std::abs(x) >= tail.from) return k == 0 ? tail.slope * x + tail.rest : k == 1 ? tail.slope : 0.0;
    }
    if (!(x == x_)) values_ = precise_values(*tree_, x_ = x);
    return values_[k];
  }

 private:
  const Tail& tail(bool is_right) {
    std::optional<Tail>& slot = is_right ? right_ : left_;
    if (!slot) slot = tail_of(*tree_, is_right ? 1.0 : -1.0);
    return *slot;
  }

  std::optional<Tail> left_, right_;
  std::shared_ptr<const ExpressionTree> tree_;
  double x_ = std::numeric_limits<double>::quiet_NaN();
  SeveralValues values_{};
};

}  // namespace

std::array<std::function<double(double)>, 3> careful_functions(
    std::shared_ptr<const ExpressionTree> tree, const std::array<std::function<double(double)>, 3>& plain,
    const std::array<std::vector<ExpressionRange>, 3>& doubtful) {
  const auto memory = std::make_shared<Memory>(std::move(tree));
  std::array<std::function<double(double)>, 3> result;
  for (std::size_t k = 0; k < 3; ++k) {
    result[k] = [memory, k, quick = plain[k], ranges = doubtful[k]](double x) {
      const bool in_doubt =
          std::any_of(ranges.begin(), ranges.end(), [x](const ExpressionRange& r) { return x > r.low && x < r.high; });
      if (!in_doubt) {
        const double value = quick(x);
        if (std::isfinite(value)) return value;
      }
      if (!std::isfinite(x)) return quick(x);
      const double value = memory->at(x, k);
      // Beyond double's range the plain one knows best, and at a kink.
      return std::isfinite(value) ? value : quick(x);
    };
  }
  return result;
}

}  // namespace meander
