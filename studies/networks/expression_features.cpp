// Boxes of the x axis are halved until the formula is proved to be smooth on the scale of each.
#include "studies/networks/expression_features.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "studies/networks/expression_interval.hpp"
#include "studies/networks/expression_jet.hpp"

namespace meander {
namespace {

using expression_interval::Interval;
using expression_interval::Real;
using expression_interval::Trouble;
using expression_interval::trouble;

constexpr std::size_t order = 10;
/// Evaluations over boxes that the axis may take, and the part between -64 and 64.
constexpr std::size_t most_boxes = 15000;
constexpr std::size_t most_boxes_near = 150000;
/// Stretches of boxes narrower than this are told.
constexpr double narrow = 0.125;
/// Where boxes next to a break are no longer told apart: quadrature refines there by itself.
constexpr double beside_break = 1e-3;

struct Box {
  double low, high;
  double width() const { return high - low; }
};
struct Cover {
  std::vector<Box> smooth, clusters;
  bool complete = false;
};

double scale_at(const Box& box) {
  return std::max({1.0, std::abs(box.low), std::abs(box.high)});
}

class Search {
 public:
  explicit Search(const ExpressionTree& tree) : tree_(tree) {}

  /// Smooth boxes and clusters of what lies between low and high.
  Cover cover(double low, double high) {
    Cover cover;
    std::vector<Box> level{{low, high}};
    while (!level.empty()) {
      spent_ += level.size();
      if (spent_ > (high <= 64.0 && low >= -64.0 ? most_boxes_near : most_boxes)) return cover;
      std::vector<Box> open;
      for (const Box& box : level) (is_smooth(box) ? cover.smooth : open).push_back(box);
      level.clear();
      for (std::size_t i = 0; i < open.size();) {
        std::size_t next = i + 1;
        while (next < open.size() && open[next].low == open[next - 1].high) ++next;
        const double scale = scale_at(open[i]);
        // Not even bounded on less than a unit far out: the formula's own steps overflow.
        if (open[i].width() < 0.5 && scale > 64.0 && overflows(open[i])) return cover;
        // Halving does no good where boxes stay that are many and small: the formula's own rounding.
        const bool stays = open[i].width() < 1e-15 * scale || (open[i].width() < 2e-5 * scale && next - i > 32);
        if (stays) {
          cover.clusters.push_back({open[i].low, open[next - 1].high});
        } else {
          for (std::size_t k = i; k < next; ++k) split(open[k], level);
        }
        i = next;
      }
    }
    cover.complete = true;
    return cover;
  }

  bool overflows(const Box& box) {
    trouble() = Trouble::none;
    const Interval last =
        expression_jet::evaluate<Interval, order>(tree_, Interval(Real(box.low), Real(box.high)), scratch_).c[order];
    return trouble() == Trouble::none && !std::isfinite(last.size());
  }

  /// Whether phi is analytic over the box, on the scale of its width or of one, whichever is less: by the root test at
  /// the highest coefficient, held against what the lower ones make of phi there.
  bool is_smooth(const Box& box) {
    trouble() = Trouble::none;
    const Interval last =
        expression_jet::evaluate<Interval, order>(tree_, Interval(Real(box.low), Real(box.high)), scratch_).c[order];
    if (trouble() == Trouble::undefined) return true;
    if (trouble() == Trouble::broken) return false;
    return is_tame(box, last.size());
  }

  /// The highest coefficient at three places of a box.
  Real last_coefficient(const Box& box) {
    Real largest = 0.0L;
    for (const Real share : {0.17L, 0.5L, 0.86L}) {
      const Real x = (1.0L - share) * Real(box.low) + share * Real(box.high);
      const auto last = expression_jet::evaluate<Interval, order>(tree_, Interval(x, x), scratch_).c[order].size();
      largest = last > largest || std::isnan(last) ? last : largest;
    }
    return std::isnan(largest) ? expression_interval::unbounded : largest;
  }

  bool is_tame(const Box& box, Real last) {
    const Real width = std::min(box.width(), 1.0);
    const Real middle = 0.5L * Real(box.low) + 0.5L * Real(box.high);
    const auto at = expression_jet::evaluate<Interval, order>(tree_, Interval(middle, middle), scratch_);
    Real size = 0.0L, power = 1.0L;
    for (std::size_t k = 0; k < order; ++k, power *= width) {
      const Real here = at.c[k].size() * power;
      if (k <= order / 2 && here > size) size = here;
    }
    if (middle > -8.0L && middle < 8.0L && std::isfinite(size)) largest_ = std::max(largest_, at.c[0].size());
    return last * power <= std::max(size, 1e-6L * largest_);
  }

 private:
  static void split(const Box& box, std::vector<Box>& into) {
    // Far out, boxes grow with their distance from zero.
    const bool is_far = box.low > 0.0 && box.high > 4.0 * box.low;
    const bool is_far_below = box.high < 0.0 && box.low < 4.0 * box.high;
    const double middle = is_far         ? std::sqrt(box.low) * std::sqrt(box.high)
                          : is_far_below ? -std::sqrt(-box.low) * std::sqrt(-box.high)
                                         : 0.5 * box.low + 0.5 * box.high;
    into.push_back({box.low, middle});
    into.push_back({middle, box.high});
  }

  const ExpressionTree& tree_;
  std::vector<expression_jet::Jet<Interval, order>> scratch_;
  Real largest_ = 0.0L;
  std::size_t spent_ = 0;
};

/// The number of fewest digits in the cluster: a break that a formula writes as 0.3 is at 0.3.
double place_of(const Box& cluster) {
  if (cluster.low <= 0.0 && cluster.high >= 0.0) return 0.0;
  const double middle = 0.5 * (cluster.low + cluster.high);
  for (int digits = 1; digits <= 17; ++digits) {
    std::array<char, 40> text;
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), middle, std::chars_format::scientific, digits);
    double value = 0.0;
    std::from_chars(text.data(), end.ptr, value);
    if (value >= cluster.low && value <= cluster.high) return value;
  }
  return middle;
}

/// What phi and its derivatives do across a cluster.
struct Crossing {
  bool jumps = false;
  int infinite = -1;  // the lowest derivative that is
};

Crossing crossing(const ExpressionTree& tree, const Box& cluster) {
  const double scale = scale_at(cluster);
  const double nearest = std::max(cluster.width(), 64.0 * 2.3e-16 * scale);
  Crossing result;
  const SeveralValues left = precise_values(tree, cluster.low - nearest);
  const SeveralValues right = precise_values(tree, cluster.high + nearest);
  const SeveralValues far_left = precise_values(tree, cluster.low - 16.0 * nearest);
  const SeveralValues far_right = precise_values(tree, cluster.high + 16.0 * nearest);
  for (std::size_t k = 0; k < 3 && result.infinite < 0; ++k) {
    const auto grows = [&](double near, double far) {
      return !std::isfinite(near) || (std::abs(near) > 1e3 && std::abs(near) > 1.25 * std::abs(far));
    };
    if (grows(left[k], far_left[k]) || grows(right[k], far_right[k])) result.infinite = static_cast<int>(k);
  }
  for (std::size_t k = 0; k < 2; ++k) {
    const double jump = std::abs(right[k] - left[k]);
    const double before = std::abs(far_right[k] - far_left[k]);
    const double size = std::max({1.0, std::abs(left[k]), std::abs(right[k])});
    if (jump > 1e-9 * size && jump > 0.5 * before) result.jumps = true;
  }
  return result;
}

/// Neighbours joined as long as phi is smooth on the scale of both together: by a bound over both, or, where that only
/// shows how coarse bounds over large boxes are, by the coefficients inside of every box that was proved.
std::vector<Box> joined(const std::vector<Box>& boxes, Search& search) {
  struct Run {
    Box box;
    Real last;
  };
  std::vector<Run> runs;
  for (const Box& box : boxes) {
    runs.push_back({box, box.width() < 2.0 * narrow ? search.last_coefficient(box) : expression_interval::unbounded});
  }
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<Run> next;
    for (const Run& run : runs) {
      const bool touches = !next.empty() && next.back().box.high == run.box.low;
      if (touches && std::min(run.box.width(), next.back().box.width()) < narrow) {
        const Run both{{next.back().box.low, run.box.high}, std::max(next.back().last, run.last)};
        if (both.box.width() <= 2.5 * narrow && (search.is_tame(both.box, both.last) || search.is_smooth(both.box))) {
          next.back() = both;
          changed = true;
          continue;
        }
      }
      next.push_back(run);
    }
    runs = std::move(next);
  }
  std::vector<Box> result;
  for (const Run& run : runs) result.push_back(run.box);
  return result;
}

std::vector<Activation::Stretch> stretches_of(const std::vector<Box>& boxes, const std::vector<double>& breaks) {
  std::vector<Activation::Stretch> result;
  const auto is_beside_break = [&](const Box& box) {
    const auto after = std::lower_bound(breaks.begin(), breaks.end(), box.low);
    const double margin = beside_break * scale_at(box);
    return (after != breaks.end() && *after - box.high < margin) ||
           (after != breaks.begin() && box.low - *(after - 1) < margin);
  };
  for (const Box& box : boxes) {
    if (!(box.width() < 0.9 * narrow) || (box.width() < beside_break && is_beside_break(box))) continue;
    const bool continues = !result.empty() && result.back().end == box.low &&
                           std::abs(result.back().width - box.width()) <= 0.01 * box.width();
    if (continues) {
      result.back().end = box.high;
    } else {
      result.push_back({box.low, box.high, box.width()});
    }
  }
  return result;
}

}  // namespace

ExpressionFeatures features_of(const ExpressionTree& tree) {
  Search search(tree);
  std::vector<Box> smooth, clusters;
  const auto take = [&](double low, double high) {
    Cover right = search.cover(low, high);
    if (!right.complete) return false;
    Cover left = search.cover(-high, -low);
    if (!left.complete) return false;
    for (Cover* part : {&left, &right}) {
      smooth.insert(smooth.end(), part->smooth.begin(), part->smooth.end());
      clusters.insert(clusters.end(), part->clusters.begin(), part->clusters.end());
    }
    return true;
  };
  ExpressionFeatures found;
  double edge = 0.0;
  for (double next = 8.0; next <= 0x1p40 && take(edge, next); next *= 2.0) {
    edge = next;
    found.features.reach = edge;
  }
  if (edge == 0x1p40 && take(edge, 1e300)) found.features.reach = std::numeric_limits<double>::infinity();
  const auto before = [](const Box& a, const Box& b) { return a.low < b.low; };
  std::sort(smooth.begin(), smooth.end(), before);
  std::sort(clusters.begin(), clusters.end(), before);
  std::vector<Box> merged;
  for (const Box& cluster : clusters) {
    const bool near = !merged.empty() && cluster.low - merged.back().high <= 4e-15 * scale_at(cluster);
    if (near) {
      merged.back().high = std::max(merged.back().high, cluster.high);
    } else {
      merged.push_back(cluster);
    }
  }
  for (const Box& cluster : merged) {
    const double place = place_of(cluster);
    const Crossing across = crossing(tree, cluster);
    found.features.breaks.push_back(place);
    if (across.jumps) found.kinks.push_back(place);
    if (across.infinite >= 0 && !found.pole) found.pole = {place, across.infinite};
  }
  found.features.narrow = stretches_of(joined(std::move(smooth), search), found.features.breaks);
  return found;
}

}  // namespace meander
