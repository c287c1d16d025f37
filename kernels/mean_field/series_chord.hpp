// The correlation map's chord as a power series: what MeanFieldTable finds c* with. Not for use elsewhere.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/base/octave_interpolation.hpp"
#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/gaussian_averages/hermite_coefficients.hpp"

namespace meander::detail {

/// The chord of correlation_average.hpp from T_k = sum over n > k of f_n(q)^2: q chord = sum_k T_k c^k = R(c),
/// q tangent = R - epsilon R'(c). Cut off after some terms it lies below, so that its root c* lies above the true one.
class SeriesChord {
 public:
  /// `tails`: T_0, T_1, ..., a multiple of 8 of them, which must outlive this.
  SeriesChord(std::span<const double> tails, double q, double dphi2) : tails_(tails), q_(q), size_(q * dphi2) {
    Lanes sums{};
    for (std::size_t k = 0; k < tails_.size(); k += lanes) {
      Lanes here;
      load(&tails_[k], here);
      sums += here;
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) sum_ += sums[lane];
    // The sum over all k is q E phi'^2, so what was left out is known: in R, and in sum n f_n^2.
    left_out_ = std::max(0.0, size_ - sum_ - slack * size_) + static_cast<double>(tails_.size()) * tails_.back();
  }

  /// R(1) / q of the terms that are here.
  double at_one() const { return sum_ / q_; }
  /// Whether the terms left out do not matter at c.
  bool is_enough(double c) const {
    return left_out_ <= slack * size_ || std::pow(c, static_cast<double>(tails_.size())) * left_out_ <= slack * size_;
  }

  CorrelationChord operator()(double epsilon) const {
    // Horner's rule in x = c^8 for eight interleaved series at once, with derivatives in x.
    const double c = 1.0 - epsilon;
    const double c2 = c * c;
    const double c4 = c2 * c2;
    const double x = c4 * c4;
    Lanes value{};
    Lanes slope{};
    for (std::size_t block = blocks(x); block-- > 0;) {
      slope = slope * x + value;
      Lanes terms;
      load(&tails_[block * lanes], terms);
      value = value * x + terms;
    }
    double sum = 0.0;
    double derivative = 0.0;
    double power_slope = 0.0;  // dR/dx, x = c^8
    for (std::size_t lane = lanes; lane-- > 0;) {
      derivative = derivative * c + sum;
      sum = sum * c + value[lane];
      power_slope = power_slope * c + slope[lane];
    }
    derivative += power_slope * 8.0 * c4 * c2 * c;
    return {sum / q_, (sum - epsilon * derivative) / q_};
  }

 private:
  /// What rounding leaves in a sum of T_k, relative to it, and what may be left out.
  static constexpr double slack = 1e-12;

  /// Blocks of terms that matter: beyond, x^block is below rounding, derivative included.
  std::size_t blocks(double x) const {
    const std::size_t all = tails_.size() / lanes;
    if (all <= 4 || x > 0.5) return all;
    if (x < 1e-60) return 1;
    const double needed = -44.0 / std::log(x) + 1.0;
    return needed < static_cast<double>(all) ? static_cast<std::size_t>(needed) + 1 : all;
  }

  std::span<const double> tails_;
  double q_;
  double size_;
  double sum_ = 0.0;
  double left_out_ = 0.0;
};

/// T_k, k < count, straight from the coefficients at q. `phi2`: E phi^2 there.
inline std::vector<double> tails_at(const Activation& activation, double q, double phi2, std::size_t count) {
  const std::vector<double> f = hermite_coefficients(activation, q, static_cast<int>(count) + 1);
  double beyond = phi2;
  for (const double coefficient : f) beyond -= coefficient * coefficient;
  // What is left of a difference of equal numbers is rounding.
  beyond = beyond > 1e-14 * phi2 ? beyond : 0.0;
  std::vector<double> tails(count);
  for (std::size_t k = count; k-- > 0;) {
    beyond += f[k + 1] * f[k + 1];
    tails[k] = beyond;
  }
  return tails;
}

/// How many terms to take after `count` did not do at c, which is not below c*: as many as c^n asks for, within the
/// shorter of the two tables as long as that may do; zero where there is no more.
inline std::size_t more_terms(std::size_t count, double c, std::size_t short_table, std::size_t long_table) {
  if (count >= long_table) return 0;
  const double wanted = c < 1.0 ? std::min(-28.0 / std::log(c), 1e6) : 1e6;
  const std::size_t terms = (static_cast<std::size_t>(wanted) / 16 + 1) * 16;
  if (count < short_table) return std::clamp(terms, count + 32, short_table);
  return count < 2 * short_table ? std::clamp(terms, 2 * short_table, long_table) : long_table;
}

}  // namespace meander::detail
