// An interval is known by one end and its length: its other end is not, where the length is below rounding of the
// first.
#include "kernels/trajectories/side_image.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace meander {

namespace {

/// Of Gauss and Legendre, in shares of an interval.
struct Node {
  double place, weight;
};
std::span<const Node> two_nodes() {
  static constexpr std::array<Node, 2> nodes{{{0.21132486540518711775, 0.5}, {0.78867513459481288225, 0.5}}};
  return nodes;
}
std::span<const Node> three_nodes() {
  static constexpr std::array<Node, 3> nodes{
      {{0.11270166537925831148, 5.0 / 18.0}, {0.5, 8.0 / 18.0}, {0.88729833462074168852, 5.0 / 18.0}}};
  return nodes;
}
/// Below this two nodes do.
constexpr double small = 2e-5;

}  // namespace

SideImage::SideImage(const Activation& activation) : activation_(activation) {
  if (activation.kinks()) kinks_ = *activation.kinks();
}

void SideImage::apply(std::span<double> h, std::span<double> changes) {
  if (activation_.pieces() != nullptr || !kinks_.empty()) {
    for (std::size_t j = 0; j < h.size(); ++j) changes[j] = (*this)(h[j], changes[j]);
    activation_.apply(h);
    return;
  }
  const std::size_t size = h.size();
  double largest = 0.0;
  after_.resize(size);
  for (std::size_t j = 0; j < size; ++j) {
    largest = std::max(largest, std::abs(changes[j]));
    after_[j] = h[j] + changes[j];
  }
  activation_.apply(std::span<double>(after_));
  integral_.assign(size, 0.0);
  slope_.assign(size, 0.0);
  for (std::vector<double>* values : {&node_, &first_, &second_}) values->resize(size);
  for (const auto& [place, weight] : largest < small ? two_nodes() : three_nodes()) {
    for (std::size_t j = 0; j < size; ++j) node_[j] = h[j] + place * changes[j];
    activation_.apply_with_derivatives(node_, first_, second_);
    for (std::size_t j = 0; j < size; ++j) {
      integral_[j] += weight * first_[j];
      slope_[j] = std::max(slope_[j], std::abs(first_[j]));
    }
  }
  node_.assign(h.begin(), h.end());
  activation_.apply(h);
  for (std::size_t j = 0; j < size; ++j)
    changes[j] = chosen(node_[j], changes[j], h[j], after_[j], integral_[j] * changes[j], slope_[j]);
}

double SideImage::operator()(double h, double d) const {
  if (d == 0.0) return 0.0;
  if (const LinearPieces* pieces = activation_.pieces()) return of_pieces(*pieces, h, d);
  const double before = activation_(h);
  const double after = activation_(h + d);
  const double integral = of_integral(h, d);
  return chosen(h, d, before, after, integral, std::max(std::abs(activation_.derivative(h)), std::abs(integral / d)));
}

/// Rounding of h + d counts as much as phi makes of it.
double SideImage::chosen(double h, double d, double before, double after, double integral, double slope) const {
  const double difference = after - before;
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  const double rounding = 4.0 * epsilon * (std::abs(before) + std::abs(after) + slope * (std::abs(h) + std::abs(d)));
  return std::abs(integral - difference) <= rounding ? integral : difference;
}

double SideImage::of_pieces(const LinearPieces& pieces, double h, double d) const {
  // From the first breakpoint ahead of h on; what is left of d is exact but for the last bit.
  const auto& breakpoints = pieces.breakpoints;
  const auto begin = breakpoints.begin();
  double sum = 0.0;
  if (d > 0.0) {
    auto next = static_cast<std::size_t>(std::upper_bound(begin, breakpoints.end(), h) - begin);
    for (double at = 0.0;; ++next) {
      const double way = next < breakpoints.size() ? std::min(breakpoints[next] - h, d) : d;
      sum += pieces.slopes[next] * (way - at);
      if (way >= d) return sum;
      at = way;
    }
  }
  auto next = static_cast<std::size_t>(std::lower_bound(begin, breakpoints.end(), h) - begin);
  for (double at = 0.0;; --next) {
    const double way = next > 0 ? std::max(breakpoints[next - 1] - h, d) : d;
    sum += pieces.slopes[next] * (way - at);
    if (way <= d) return sum;
    at = way;
  }
}

double SideImage::of_integral(double h, double d) const {
  const auto part = [&](double begin, double end) {
    double slope = 0.0;
    for (const auto& [place, weight] : std::abs(end - begin) < small ? two_nodes() : three_nodes())
      slope += weight * activation_.derivative(h + (begin + place * (end - begin)));
    return (end - begin) * slope;
  };
  double begin = 0.0;
  double sum = 0.0;
  const auto cut = [&](double kink) {
    const double at = kink - h;
    if (d > 0.0 ? at > begin && at < d : at < begin && at > d) {
      sum += part(begin, at);
      begin = at;
    }
  };
  if (d > 0.0) {
    std::for_each(kinks_.begin(), kinks_.end(), cut);
  } else {
    std::for_each(kinks_.rbegin(), kinks_.rend(), cut);
  }
  return sum + part(begin, d);
}

}  // namespace meander
