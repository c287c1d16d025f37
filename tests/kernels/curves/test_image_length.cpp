// Lengths along arcs against adaptive quadrature in long double and closed forms, to 1e-12 of themselves: thin
// ellipses, arcs over and beside their tips, neurons that move for a moment only.
#include "kernels/curves/image_length.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>

#include "kernels/linear_regions/exact_curve.hpp"
#include "tests/support/exact_cases.hpp"

namespace meander {
namespace {

/// Gauss-Legendre with five nodes on halves, until they agree with the whole.
template <class F>
long double integral(const F& f, long double a, long double b, long double tolerance, int depth = 0) {
  static const long double nodes[] = {0.0L, 0.53846931010568309104L, 0.90617984593866399280L};
  static const long double weights[] = {0.56888888888888888889L, 0.47862867049936646804L, 0.23692688505618908751L};
  const auto rule = [&](long double low, long double high) {
    const long double middle = 0.5L * (low + high);
    const long double half = 0.5L * (high - low);
    long double sum = weights[0] * f(middle);
    for (int i = 1; i < 3; ++i) sum += weights[i] * (f(middle - half * nodes[i]) + f(middle + half * nodes[i]));
    return sum * half;
  };
  const long double middle = 0.5L * (a + b);
  const long double whole = rule(a, b);
  const long double parts = rule(a, middle) + rule(middle, b);
  if (depth > 30 || (depth > 1 && std::abs(whole - parts) <= tolerance * std::abs(b - a))) return parts;
  return integral(f, a, middle, tolerance, depth + 1) + integral(f, middle, b, tolerance, depth + 1);
}

/// The same on parts that shrink towards the minimum of f, where a speed is not smooth, found by golden section.
template <class F>
long double graded(const F& f, long double a, long double b, long double tolerance) {
  constexpr long double ratio = 0.61803398874989484820L;
  long double low = a;
  long double high = b;
  for (int i = 0; i < 80; ++i) {
    const long double left = high - ratio * (high - low);
    const long double right = low + ratio * (high - low);
    (f(left) < f(right) ? high : low) = f(left) < f(right) ? right : left;
  }
  const long double least = 0.5L * (low + high);
  long double sum = 0.0L;
  for (const long double end : {a, b}) {
    long double away = end - least;
    for (int level = 0; level < 26; ++level, away *= 0.5L)
      sum += std::abs(integral(f, least + (level == 25 ? 0.0L : 0.5L * away), least + away, tolerance));
  }
  return sum;
}

/// Length of (cos t, b sin t) between two parameters, by quadrature from tip to tip.
double arc_of_ellipse(long double b, long double begin, long double end) {
  const auto speed = [b](long double t) { return std::hypot(std::sin(t), b * std::cos(t)); };
  constexpr long double pi = std::numbers::pi_v<long double>;
  long double sum = 0.0L;
  for (long double from = begin; from < end;) {
    const long double to = std::min(end, pi * (std::floor(from / pi + 1e-15L) + 1.0L));
    sum += integral(speed, from, to, 1e-15L * std::hypot(b, std::min(1.0L, end - begin)));
    from = to;
  }
  return static_cast<double>(sum);
}

TEST(ImageLength, WholeEllipses) {
  for (const double b : {1.0, 0.9, 0.3, 0.05, 1e-2, 1e-3, 1e-5}) {
    // In long double: 1 - k^2 is b^2 but for rounding of k.
    const auto perimeter = static_cast<double>(4.0L * std::comp_ellint_2(std::sqrt((1.0L - b) * (1.0L + b))));
    EXPECT_NEAR(arc_of_ellipse(b, -1.0L, -1.0L + 2.0L * std::numbers::pi_v<long double>), perimeter, 1e-13 * perimeter);
    double sum = 0.0;
    for (int i = 0; i < 8; ++i) {
      const double begin = 0.25 * std::numbers::pi * i - 0.3;
      sum += image_length({b * b, 0.0, 1.0}, std::sin(begin), std::cos(begin), 0.25 * std::numbers::pi);
    }
    EXPECT_NEAR(sum, perimeter, 1e-13 * perimeter) << "b = " << b;
  }
}

TEST(ImageLength, ArcsOfEllipses) {
  const std::uint64_t seed = fresh_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 draw(seed);
  for (const double b : {1.0, 0.9, 0.3, 0.05, 1e-2, 1e-3}) {
    for (int i = 0; i < 50; ++i) {
      const double begin = std::uniform_real_distribution<double>(-4.0, 4.0)(draw);
      const double length = std::exp(std::uniform_real_distribution<double>(std::log(0.02), std::log(3.1))(draw));
      const double expected = arc_of_ellipse(b, begin, static_cast<long double>(begin) + length);
      // At a tip, rounding of the turned form is that of 1 against b^2.
      const double tolerance = 1e-13 + 4.0 * std::numeric_limits<double>::epsilon() / (b * b);
      EXPECT_NEAR(image_length({b * b, 0.0, 1.0}, std::sin(begin), std::cos(begin), length), expected,
                  tolerance * expected)
          << "b = " << b << ", begin = " << begin << ", length = " << length;
    }
  }
}

TEST(ImageLength, TipsOfThinEllipses) {
  // At a tip the velocity is (0, b): seen from there nothing cancels, however thin the ellipse and short the arc.
  for (const double b : {0.1, 1e-3, 1e-6, 1e-9, 1e-12, 0.0}) {
    for (const double length : {1.0, 0.1, 1e-3, 1e-6, 1e-9}) {
      const double expected = arc_of_ellipse(b, 0.0L, length);
      EXPECT_NEAR(image_length({b * b, 0.0, 1.0}, 0.0, 1.0, length), expected, 1e-13 * expected)
          << "b = " << b << ", length = " << length;
    }
  }
}

TEST(ImageLength, ArcsThroughALinearNetwork) {
  const std::uint64_t seed = fresh_seed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 draw(seed);
  for (const double b : {1.0, 0.4, 1e-2, 1e-4, 1e-8, 1e-13}) {
    const StoredNetwork network(2, {{2, {1, 0, 0, b}, {0, 0}}}, Activation::named("linear"));
    for (int i = 0; i < 40; ++i) {
      Curve arc = curve_between(CurveKind::arc, std::vector{1.0, 0.0}, std::vector{0.0, 1.0});
      arc.begin = std::uniform_real_distribution<double>(-4.0, 4.0)(draw);
      arc.end = arc.begin + std::uniform_real_distribution<double>(0.5, 6.0)(draw);
      const double expected = arc_of_ellipse(b, arc.begin, arc.end);
      EXPECT_NEAR(exact_curve(network, arc).length[0], expected, 1e-12 * expected)
          << "b = " << b << ", from " << arc.begin << " to " << arc.end;
    }
  }
}

TEST(ImageLength, ANeuronThatMovesForAMoment) {
  // cos(t - phase) - cos(delta) is above zero for |t - phase| < delta; a second layer of ten multiples of it.
  for (const double delta : {1.0, 0.1, 1e-2, 1e-3}) {
    for (const double phase : {0.0, 0.4, 2.0, 3.0, 5.5}) {
      StoredNetwork::Layer first{1, {std::cos(phase), std::sin(phase)}, {-std::cos(delta)}};
      StoredNetwork::Layer second{10, {}, std::vector<double>(10, 0.0)};
      double square = 0.0;
      for (int i = 1; i <= 10; ++i) {
        second.weight.push_back(0.3 * i);
        square += 0.09 * i * i;
      }
      const StoredNetwork network(2, {first, second}, Activation::named("relu"));
      const ExactCounts counts =
          exact_curve(network, curve_between(CurveKind::circle, std::vector{1.0, 0.0}, std::vector{0.0, 1.0}));
      // 1 - cos(delta) has lost digits before the network sees it: cos(delta) is rounded to 1e-16.
      const double height = 2.0 * std::pow(std::sin(0.5 * delta), 2);
      const double tolerance = 1e-13 + 4e-16 / height;
      EXPECT_NEAR(counts.length[0] / (2.0 * height), 1.0, tolerance) << delta << " " << phase;
      EXPECT_NEAR(counts.length[1] / (2.0 * height * std::sqrt(square)), 1.0, tolerance) << delta << " " << phase;
    }
  }
}

/// Velocity of x^l for all layers, straight from the network's definition and in long double.
std::vector<long double> speeds(const std::vector<std::vector<double>>& weights,
                                const std::vector<std::vector<double>>& biases, const Activation& phi,
                                const Curve& curve, long double t) {
  const auto size = static_cast<std::size_t>(curve.dimension());
  std::vector<long double> x(size), v(size), result;
  for (std::size_t j = 0; j < size; ++j) {
    x[j] = (curve.center.empty() ? 0.0L : curve.center[j]) + curve.u[j] * std::cos(t) + curve.v[j] * std::sin(t);
    v[j] = curve.v[j] * std::cos(t) - curve.u[j] * std::sin(t);
  }
  const LinearPieces& pieces = *phi.pieces();
  for (std::size_t l = 0; l < weights.size(); ++l) {
    const std::size_t width = biases[l].size();
    std::vector<long double> h(width), hv(width);
    long double square = 0.0L;
    for (std::size_t i = 0; i < width; ++i) {
      h[i] = biases[l][i];
      for (std::size_t j = 0; j < x.size(); ++j) {
        h[i] += static_cast<long double>(weights[l][i * x.size() + j]) * x[j];
        hv[i] += static_cast<long double>(weights[l][i * x.size() + j]) * v[j];
      }
      std::size_t piece = 0;
      while (piece < pieces.breakpoints.size() && h[i] > pieces.breakpoints[piece]) ++piece;
      h[i] = pieces.slopes[piece] * h[i] + pieces.intercepts[piece];
      hv[i] *= pieces.slopes[piece];
      square += hv[i] * hv[i];
    }
    result.push_back(std::sqrt(square));
    x = h;
    v = hv;
  }
  return result;
}

TEST(ImageLength, LengthsOfNetworksAgreeWithAdaptiveQuadrature) {
  const std::uint64_t first = fresh_seed();
  int tried = 0;
  for (std::uint64_t seed = first; tried < 5; ++seed) {
    const Case c = drawn(seed, 8, 3);
    if (c.curve.kind == CurveKind::line) continue;
    ++tried;
    SCOPED_TRACE(c.description);
    std::vector<std::vector<double>> weights, biases;
    for (int l = 1; l <= c.network.depth(); ++l) {
      const auto width = static_cast<std::size_t>(c.network.width(l));
      weights.emplace_back(width * static_cast<std::size_t>(c.network.fan_in(l)));
      biases.emplace_back(width);
      c.network.weight(l, std::span<double>(weights.back()));
      c.network.bias(l, biases.back());
    }
    const ExactCounts counts = exact_curve(c.network, c.curve, {.events = true});
    const auto [begin, end] = range_of(c.curve);
    std::vector<double> cuts{begin};
    for (const ExactEvent& event : counts.events) cuts.push_back(event.t);
    // Half a turn apart the speed is the same: one minimum a part at most.
    for (double t = begin + 1.0; t < end; t += 1.0) cuts.push_back(t);
    cuts.push_back(end);
    std::sort(cuts.begin(), cuts.end());
    for (std::size_t l = 0; l < weights.size(); ++l) {
      const auto speed = [&](long double t) { return speeds(weights, biases, c.network.activation(), c.curve, t)[l]; };
      long double sum = 0.0L;
      for (std::size_t k = 1; k < cuts.size(); ++k)
        sum += graded(speed, cuts[k - 1], cuts[k], 1e-14L * std::max(1e-3, counts.length[l]));
      EXPECT_NEAR(counts.length[l], static_cast<double>(sum), 1e-12 * std::max(1e-3, counts.length[l]))
          << "layer " << l + 1;
    }
  }
}

}  // namespace
}  // namespace meander
