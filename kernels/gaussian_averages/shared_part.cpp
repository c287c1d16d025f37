// Two nested rules of Gauss-Legendre panels; the inner one is Gauss-Hermite where nothing bends.
#include "kernels/gaussian_averages/shared_part.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/base/quadrature.hpp"
#include "kernels/base/stop_point.hpp"

namespace meander {
namespace {

/// Where an activation bends: nothing is smaller than `width` within that distance of `place`, and farther away nothing
/// is smaller than the distance.
struct Bend {
  double place = 0.0;
  double width = 1.0;
};

/// Of an activation, what quadrature over N(0, q) must know, q up to `largest`.
struct Shape {
  std::vector<double> kinks;  // places where the function, its slope or what follows jumps
  std::vector<Bend> bends{{0.0, 1.0}};
  /// So many deviations out phi^2 times the density is too small to count. A standard normal alone is farther out than
  /// 8.5 with a probability of 2e-17.
  double reach = 8.5;

  Shape(const Activation& activation, double largest) {
    if (activation.has_kinks()) kinks = *activation.kinks();
    // elu's slope is continuous, but nothing after it is.
    const double before = activation.second_derivative(-1e-12), after = activation.second_derivative(1e-12);
    const double beside = std::max(std::abs(activation.second_derivative(0.25)), std::abs(before));
    if (std::abs(after - before) > 1e-6 * beside) kinks.push_back(0.0);
    for (const double kink : kinks) bends.push_back({kink, 1.0});
    const double s = std::sqrt(largest);
    double most = 0.0;
    for (int i = 0; i <= 156; ++i) {
      const double r = 0.25 * i;
      const double size = std::max(std::abs(activation(s * r)), std::abs(activation(-s * r)));
      const double here = size * size * std::exp(-0.5 * r * r);
      most = std::max(most, here);
      if (here > 1e-18 * most) reach = std::max(reach, r);
    }
  }
};

/// Nodes z and weights of E f(z), z a standard normal.
QuadratureRule gauss_hermite(int n) {
  // The orthonormal Hermite polynomial of degree n and its slope, sqrt(n) times the one before.
  const auto value = [n](double z, double& slope) {
    double before = 0.0, here = 1.0;
    for (int k = 0; k < n; ++k) {
      const double next = (z * here - std::sqrt(static_cast<double>(k)) * before) / std::sqrt(k + 1.0);
      before = here;
      here = next;
    }
    slope = std::sqrt(static_cast<double>(n)) * before;
    return here;
  };
  // Every zero lies between two places of a grid that is finer than their distances; Newton's steps from there.
  QuadratureRule rule;
  const double end = 2.0 * std::sqrt(static_cast<double>(n)) + 1.0;
  const int cells = 200 * n;
  double slope = 0.0, at_low = value(-end, slope);
  for (int i = 1; i <= cells; ++i) {
    double z = -end + 2.0 * end * i / cells;
    const double at_high = value(z, slope);
    if (at_low * at_high <= 0.0 && at_low != 0.0) {
      for (int k = 0; k < 30; ++k) z -= value(z, slope) / slope;
      value(z, slope);
      rule.nodes.push_back(z);
      rule.weights.push_back(1.0 / (slope * slope));
    }
    at_low = at_high;
  }
  return rule;
}

/// How finely both lines are cut.
struct Fineness {
  QuadratureRule panel, window;
  double longest, ratio;  // of panels: length over a deviation, and growth of the distances from a bend
};

std::span<const Fineness> finenesses() {
  static const std::array<Fineness, 4> all{Fineness{gauss_legendre(8), gauss_hermite(16), 1.25, 2.0},
                                           Fineness{gauss_legendre(12), gauss_hermite(24), 1.25, 2.0},
                                           Fineness{gauss_legendre(16), gauss_hermite(40), 1.0, 1.5},
                                           Fineness{gauss_legendre(24), gauss_hermite(60), 0.5, 1.25}};
  return all;
}

/// Ascending ends of panels over [low, high]: at most `longest` long, at each of `places`, and on either side of a bend
/// at distances that begin with its width and grow by `ratio`.
void fill_ends(std::span<const Bend> bends, std::span<const double> places, double low, double high, double longest,
               double ratio, std::vector<double>& ends) {
  ends.clear();
  const auto add = [&](double end) {
    if (end > low && end < high) ends.push_back(end);
  };
  ends.push_back(low);
  const double count = std::max(1.0, std::ceil((high - low) / longest));
  for (double i = 1.0; i < count; ++i) ends.push_back(low + (high - low) * (i / count));
  for (const double place : places) add(place);
  for (const Bend& bend : bends) {
    add(bend.place);
    const double farthest = std::max(std::abs(low - bend.place), std::abs(high - bend.place));
    for (double distance = bend.width; distance < std::min(farthest, longest); distance *= ratio) {
      add(bend.place - distance);
      add(bend.place + distance);
    }
  }
  ends.push_back(high);
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
}

/// Averages over u = m + sigma y: of phi, its variance, phi', and phi'^2.
struct Inner {
  double mean = 0.0, variance = 0.0, slope = 0.0, slope2 = 0.0;
};

class InnerAverage {
 public:
  InnerAverage(const Activation& activation, const Shape& shape, double sigma, const Fineness& how)
      : activation_(activation), shape_(shape), sigma_(sigma), how_(how) {}

  Inner at(double m) {
    u_.clear();
    weights_.clear();
    is_smooth(m) ? take_window(m) : take_panels(m);
    evaluate();
    Inner inner;
    double total = 0.0;
    for (std::size_t i = 0; i < u_.size(); ++i) {
      total += weights_[i];
      inner.mean += weights_[i] * phi_[i];
      inner.slope += weights_[i] * first_[i];
      inner.slope2 += weights_[i] * first_[i] * first_[i];
    }
    inner.mean /= total;
    for (std::size_t i = 0; i < u_.size(); ++i) {
      inner.variance += weights_[i] * (phi_[i] - inner.mean) * (phi_[i] - inner.mean);
    }
    return inner;
  }

 private:
  /// Whether phi is as good as a polynomial of few degrees wherever the Gaussian has weight.
  bool is_smooth(double m) const {
    for (const double kink : shape_.kinks) {
      if (std::abs(kink - m) < shape_.reach * sigma_) return false;
    }
    return std::all_of(shape_.bends.begin(), shape_.bends.end(), [&](const Bend& bend) {
      return std::max(bend.width, std::abs(m - bend.place)) >= 12.0 * sigma_;
    });
  }
  void take_window(double m) {
    for (std::size_t i = 0; i < how_.window.nodes.size(); ++i) {
      u_.push_back(m + sigma_ * how_.window.nodes[i]);
      weights_.push_back(how_.window.weights[i]);
    }
  }
  void take_panels(double m) {
    const double far = shape_.reach * sigma_;
    fill_ends(shape_.bends, shape_.kinks, m - far, m + far, how_.longest * sigma_, how_.ratio, ends_);
    for (std::size_t k = 0; k + 1 < ends_.size(); ++k) {
      const double half = 0.5 * (ends_[k + 1] - ends_[k]);
      const double middle = 0.5 * (ends_[k + 1] + ends_[k]);
      for (std::size_t i = 0; i < how_.panel.nodes.size(); ++i) {
        const double u = middle + half * how_.panel.nodes[i];
        u_.push_back(u);
        weights_.push_back(half / sigma_ * how_.panel.weights[i] * gaussian_density((u - m) / sigma_));
      }
    }
  }
  /// A caller's function has no vectors, and its second derivative would be for nothing.
  void evaluate() {
    phi_ = u_;
    first_.resize(u_.size());
    second_.resize(u_.size());
    if (activation_.range()) {
      activation_.apply_with_derivatives(phi_, first_, second_);
      return;
    }
    for (std::size_t i = 0; i < u_.size(); ++i) {
      phi_[i] = activation_(u_[i]);
      first_[i] = activation_.derivative(u_[i]);
    }
  }

  const Activation& activation_;
  const Shape& shape_;
  double sigma_;
  const Fineness& how_;
  std::vector<double> u_, weights_, phi_, first_, second_, ends_;
};

/// Where g(x) bends: where phi(scale x) does, though over no less than sigma.
struct OuterLine {
  std::vector<Bend> bends;
  std::vector<double> places;

  void add(const Shape& shape, double scale, double sigma) {
    const double size = std::abs(scale);
    if (size == 0.0) return;  // g is constant
    for (const Bend& bend : shape.bends) bends.push_back({bend.place / scale, std::max(bend.width, sigma) / size});
    for (const double kink : shape.kinks) {
      // An error function of deviation sigma, which has ended after eight.
      for (const double at : {-6.0, -4.0, -2.0, 2.0, 4.0, 6.0}) places.push_back((kink + at * sigma) / scale);
      bends.push_back({kink / scale, (sigma > 0.0 ? 8.0 * sigma : 1.0) / size});
    }
  }
};

/// E f(x), x a standard normal, each of whose even values is held against what follows it: the finer of two that agree.
template <std::size_t K, class Function>
std::optional<Values<K>> over_shared(const OuterLine& line, double reach, const Function& f) {
  std::optional<Values<K>> before;
  std::vector<double> ends;
  for (const Fineness& how : finenesses()) {
    fill_ends(line.bends, line.places, -reach, reach, how.longest, how.ratio, ends);
    auto g = f(how);
    Values<K> here{};
    for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
      stop_point();
      const double half = 0.5 * (ends[k + 1] - ends[k]);
      const double middle = 0.5 * (ends[k + 1] + ends[k]);
      for (std::size_t i = 0; i < how.panel.nodes.size(); ++i) {
        const double x = middle + half * how.panel.nodes[i];
        detail::add_scaled(here, half * how.panel.weights[i] * gaussian_density(x), g(x));
      }
    }
    bool agrees = before.has_value();
    for (std::size_t k = 0; k < K && agrees; k += 2) agrees = std::abs(here[k] - (*before)[k]) <= 1e-10 * here[k + 1];
    if (agrees) return here;
    before = here;
  }
  return std::nullopt;
}

}  // namespace

std::optional<PairAverages> pair_by_shared_part(const Activation& activation, double q11, double q22, double c) {
  const Shape shape(activation, std::max(q11, q22));
  const double r = std::abs(c), sign = c < 0.0 ? -1.0 : 1.0;
  const double s1 = std::sqrt(q11), s2 = std::sqrt(q22);
  const double shared1 = s1 * std::sqrt(r), shared2 = sign * s2 * std::sqrt(r);
  const double own1 = s1 * std::sqrt(1.0 - r), own2 = s2 * std::sqrt(1.0 - r);
  OuterLine line;
  line.add(shape, shared1, own1);
  const bool alike = s1 == s2 && sign > 0.0;
  if (!alike) line.add(shape, shared2, own2);
  const auto found = over_shared<4>(line, shape.reach, [&](const Fineness& how) {
    return [&, first = InnerAverage(activation, shape, own1, how),
            second = InnerAverage(activation, shape, own2, how)](double x) mutable {
      const Inner a = first.at(shared1 * x);
      const Inner b = alike ? a : second.at(shared2 * x);
      return Values<4>{a.mean * b.mean, 0.5 * (a.mean * a.mean + a.variance + b.mean * b.mean + b.variance),
                       a.slope * b.slope, 0.5 * (a.slope2 + b.slope2)};
    };
  });
  if (!found) return std::nullopt;
  return PairAverages{(*found)[0], (*found)[2]};
}

std::optional<CorrelationChord> chord_by_shared_part(const Activation& activation, double q, double epsilon) {
  const Shape shape(activation, q);
  const double s = std::sqrt(q);
  const double shared = s * std::sqrt(1.0 - epsilon), own = s * std::sqrt(epsilon);
  OuterLine line;
  line.add(shape, shared, own);
  const auto found = over_shared<4>(line, shape.reach, [&](const Fineness& how) {
    return [&, inner = InnerAverage(activation, shape, own, how)](double x) mutable {
      const Inner a = inner.at(shared * x);
      return Values<4>{a.variance, a.variance, a.slope * a.slope, a.slope2};
    };
  });
  if (!found) return std::nullopt;
  return CorrelationChord{(*found)[0] / (q * epsilon), (*found)[2]};
}

}  // namespace meander
