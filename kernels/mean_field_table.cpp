// Chebyshev interpolation of Gaussian averages in ln q, and the correlation map as a power series whose coefficients
// are interpolated in the same way.
#include "kernels/mean_field_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <span>
#include <utility>

#include "kernels/correlation_average.hpp"
#include "kernels/hermite_coefficients.hpp"
#include "kernels/length_map.hpp"
#include "kernels/mean_field_solver.hpp"

namespace meander {
namespace {

using detail::infinity;
using detail::nan;

/// Nodes an octave: the Bernstein ellipse that reaches the singularities at ln q +- i pi/2 has parameter 9.2, and
/// 9.2^-16 is below rounding.
constexpr std::size_t node_count = 16;
/// Octaves that are interpolated; quadrature beyond.
constexpr int last_exponent = 200;
/// What an interpolation may miss by.
constexpr double tolerance = 1e-13;

/// q = 2^exponent 2^((t + 1) / 2), t in [-1, 1).
struct Place {
  explicit Place(double q) {
    const double mantissa = std::frexp(q, &exponent);
    exponent -= 1;
    t = 2.0 * std::log2(2.0 * mantissa) - 1.0;
  }
  static double q(int exponent, double t) { return std::ldexp(std::exp2(0.5 * (t + 1.0)), exponent); }
  int exponent = 0;
  double t = 0.0;
};

double chebyshev_node(std::size_t i) {
  return std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / node_count);
}

/// The polynomials T_0 .. T_15 at t.
std::array<double, node_count> chebyshev_values(double t) {
  std::array<double, node_count> values{1.0, t};
  for (std::size_t j = 2; j < node_count; ++j) values[j] = 2.0 * t * values[j - 1] - values[j - 2];
  return values;
}

/// T_j at node i times the weight of a discrete cosine transform: from values to coefficients.
double transform(std::size_t j, std::size_t i) {
  const double angle = std::numbers::pi * static_cast<double>(j) * (static_cast<double>(i) + 0.5) / node_count;
  return (j == 0 ? 1.0 : 2.0) / node_count * std::cos(angle);
}

/// Eight numbers that the compiler keeps in vector registers.
constexpr std::size_t lanes = 8;
using Lanes [[gnu::vector_size(lanes * sizeof(double))]] = double;

void load(const double* from, Lanes& to) {
  std::memcpy(&to, from, sizeof to);
}

/// The four moments that are interpolated; phi''^2 is the fifth where it is finite.
constexpr std::size_t moment_count = 5;
using Moments = std::array<double, moment_count>;

Moments listed(const GaussianMoments& m) {
  return {m.phi2, m.phi_dphi_h, m.dphi2, m.dphi2_h2, m.d2phi2};
}

bool agree(const Moments& a, const Moments& b, std::size_t count) {
  for (std::size_t k = 0; k < count; ++k) {
    const double size = k == 1 ? std::sqrt(b[0] * b[3]) : b[k];
    if (!(std::abs(a[k] - b[k]) <= 10.0 * tolerance * size)) return false;
  }
  return true;
}

}  // namespace

/// T_k = sum over n > k of f_n(q)^2, k < count, over one octave: Chebyshev coefficients, row j those of all T_k.
struct MeanFieldTable::Series {
  std::size_t count = 0;
  std::vector<double> coefficients;
  bool usable = false;

  /// The first of them at t, a multiple of 16.
  void at(double t, std::span<double> tails) const {
    const auto weight = chebyshev_values(t);
    for (std::size_t k = 0; k < tails.size(); k += 2 * lanes) {
      Lanes low{};
      Lanes high{};
      for (std::size_t j = 0; j < node_count; ++j) {
        const double* row = &coefficients[j * count + k];
        Lanes here;
        load(row, here);
        low += weight[j] * here;
        load(row + lanes, here);
        high += weight[j] * here;
      }
      std::memcpy(&tails[k], &low, sizeof low);
      std::memcpy(&tails[k + lanes], &high, sizeof high);
    }
  }
};

struct MeanFieldTable::Octave {
  std::array<Moments, node_count> coefficients{};
  bool usable = false;
  /// E phi''^2 where it is no finite number.
  double d2phi2 = 0.0;
  bool interpolates_d2phi2 = true;
  std::map<std::size_t, Series> series;

  Moments at(double t) const {
    // Clenshaw's recurrence.
    Moments next{};
    Moments after{};
    for (std::size_t j = node_count - 1; j > 0; --j) {
      for (std::size_t k = 0; k < moment_count; ++k) {
        const double here = coefficients[j][k] + 2.0 * t * next[k] - after[k];
        after[k] = next[k];
        next[k] = here;
      }
    }
    Moments value{};
    for (std::size_t k = 0; k < moment_count; ++k) value[k] = coefficients[0][k] + t * next[k] - after[k];
    return value;
  }
};

MeanFieldTable::MeanFieldTable(Activation activation)
    : activation_(std::move(activation)), is_homogeneous_(detail::is_homogeneous(activation_)) {}
MeanFieldTable::~MeanFieldTable() = default;
MeanFieldTable::MeanFieldTable(MeanFieldTable&&) noexcept = default;
MeanFieldTable& MeanFieldTable::operator=(MeanFieldTable&&) noexcept = default;

MeanFieldTable::Octave& MeanFieldTable::octave(int exponent) const {
  std::unique_ptr<Octave>& slot = octaves_[exponent];
  if (slot) return *slot;
  slot = std::make_unique<Octave>();
  std::array<Moments, node_count> values{};
  for (std::size_t i = 0; i < node_count; ++i) {
    values[i] = listed(meander::gaussian_moments(activation_, Place::q(exponent, chebyshev_node(i))));
    if (!std::isfinite(values[i][4])) {
      slot->interpolates_d2phi2 = false;
      slot->d2phi2 = values[i][4];
      values[i][4] = 0.0;
    }
  }
  for (std::size_t j = 0; j < node_count; ++j) {
    for (std::size_t i = 0; i < node_count; ++i) {
      for (std::size_t k = 0; k < moment_count; ++k) slot->coefficients[j][k] += transform(j, i) * values[i][k];
    }
  }
  slot->usable = true;
  const std::size_t checked = slot->interpolates_d2phi2 ? moment_count : moment_count - 1;
  for (const double t : {-0.99, -0.45, 0.1, 0.7, 0.99}) {
    const Moments direct = listed(meander::gaussian_moments(activation_, Place::q(exponent, t)));
    slot->usable =
        slot->usable && agree(slot->at(t), direct, checked) && (slot->interpolates_d2phi2 || direct[4] == slot->d2phi2);
  }
  return *slot;
}

GaussianMoments MeanFieldTable::gaussian_moments(double q) const {
  if (q == 0.0 || q == infinity) {
    std::optional<GaussianMoments>& limit = q == 0.0 ? at_zero_ : at_infinity_;
    if (!limit) limit = detail::moments_up_to_infinity(activation_, q);
    return *limit;
  }
  // In closed form anyway, and rounding must not move what stays where it is.
  if (!(q > 0.0) || is_homogeneous_) return meander::gaussian_moments(activation_, q);
  const Place place(q);
  if (std::abs(place.exponent) > last_exponent) return meander::gaussian_moments(activation_, q);
  const Octave& home = octave(place.exponent);
  if (!home.usable) return meander::gaussian_moments(activation_, q);
  const Moments m = home.at(place.t);
  return {m[0], m[1], m[2], m[3], home.interpolates_d2phi2 ? m[4] : home.d2phi2};
}

bool MeanFieldTable::has_one_fixed_point() const {
  if (one_fixed_point_) return *one_fixed_point_;
  double last = infinity;
  bool falls = true;
  // V(q) / q = gain E phi^2 / q + sigma_b^2 / q: where the first term never rises the sum is q-decreasing. An average
  // over a Gaussian has no features narrower than an octave of q.
  for (int exponent = -40; exponent <= 40 && falls; ++exponent) {
    const double q = std::ldexp(1.0, exponent);
    const GaussianMoments m = meander::gaussian_moments(activation_, q);
    falls = m.phi2 / q <= last * (1.0 + 1e-12) && m.phi_dphi_h <= m.phi2 * (1.0 + 1e-12);
    last = m.phi2 / q;
  }
  one_fixed_point_ = falls && !is_homogeneous_;
  return *one_fixed_point_;
}

namespace {

/// The root of ln V(q) = ln q where V(q) / q falls: Newton's method in ln q within a bracket. Nothing where it leaves
/// the range of the tables or does not settle.
std::optional<double> newton_in_logarithm(const MeanFieldTable& table, double gain, double floor, double start) {
  double low = 1e-50;
  double high = 1e50;
  double q = std::clamp(start, 1e-40, 1e40);
  for (int i = 0; i < 100; ++i) {
    const GaussianMoments m = table.gaussian_moments(q);
    const double value = gain * m.phi2 + floor;
    const double residual = std::log1p((value - q) / q);
    if (!std::isfinite(residual)) return std::nullopt;
    const double step = residual / (1.0 - gain * m.phi_dphi_h / value);
    const double next = q * std::exp(step);
    // Rounding of the averages: the last step has made the best of it.
    if (std::abs(residual) <= 1e-15) return next > low && next < high ? next : q;
    (residual > 0.0 ? low : high) = q;
    q = next > low && next < high ? next : std::sqrt(low * high);
  }
  return std::nullopt;
}

/// The chord of kernels/correlation_average.hpp from T_k: q chord = sum_k T_k c^k = R(c), q tangent = R - epsilon
/// R'(c).
class SeriesChord {
 public:
  /// `tails`: T_k, a multiple of `lanes` of them.
  SeriesChord(std::span<const double> tails, double q, double dphi2) : tails_(tails), q_(q), size_(q * dphi2) {
    Lanes sums{};
    for (std::size_t k = 0; k < tails_.size(); k += lanes) {
      Lanes here;
      load(&tails_[k], here);
      sums += here;
    }
    double sum = 0.0;
    for (std::size_t lane = 0; lane < lanes; ++lane) sum += sums[lane];
    // The sum over all k is q E phi'^2, so what was left out is known: in R, and in sum n f_n^2.
    left_out_ = std::max(0.0, size_ - sum - slack * size_) + static_cast<double>(tails_.size()) * tails_.back();
  }

  /// NaN where the terms left out could matter.
  CorrelationChord operator()(double epsilon) const {
    const double c = 1.0 - epsilon;
    if (left_out_ > slack * size_ && std::pow(c, static_cast<double>(tails_.size())) * left_out_ > slack * size_) {
      return {nan, nan};
    }
    // Horner's rule in x = c^8 for eight interleaved series at once, with derivatives in x.
    Lanes value{};
    Lanes slope{};
    const double c2 = c * c;
    const double c4 = c2 * c2;
    const double x = c4 * c4;
    for (std::size_t block = blocks(x); block-- > 0;) {
      slope = slope * x + value;
      Lanes terms;
      load(&tails_[block * lanes], terms);
      value = value * x + terms;
    }
    double sum = 0.0;
    double derivative = 0.0;
    double power_slope = 0.0;  // sum of dR/dx, x = c^8
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
    if (x < 1e-60) return 1;
    const double needed = -44.0 / std::log(x) + 1.0;
    return needed < static_cast<double>(all) ? static_cast<std::size_t>(needed) + 1 : all;
  }
  std::span<const double> tails_;
  double q_;
  double size_;
  double left_out_ = 0.0;
};

/// T_k straight from the coefficients at q.
std::vector<double> tails_at(const Activation& activation, double q, double phi2, std::size_t count) {
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

bool is_cheap(const Activation& activation) {
  return activation.pieces() != nullptr || activation.hermite_series() != nullptr;
}

}  // namespace

const MeanFieldTable::Series& MeanFieldTable::series(int exponent, std::size_t count) const {
  const auto [entry, is_new] = octave(exponent).series.try_emplace(count);
  Series& series = entry->second;
  if (!is_new) return series;
  series.count = count;
  series.coefficients.assign(node_count * count, 0.0);
  const auto direct = [&](double t) {
    const double q = Place::q(exponent, t);
    return tails_at(activation_, q, meander::gaussian_moments(activation_, q).phi2, count);
  };
  for (std::size_t i = 0; i < node_count; ++i) {
    const std::vector<double> values = direct(chebyshev_node(i));
    for (std::size_t j = 0; j < node_count; ++j) {
      const double weight = transform(j, i);
      for (std::size_t k = 0; k < count; ++k) series.coefficients[j * count + k] += weight * values[k];
    }
  }
  series.usable = true;
  std::vector<double> interpolated(count);
  for (const double t : {-0.99, 0.1, 0.99}) {
    const std::vector<double> exact = direct(t);
    series.at(t, interpolated);
    double error = 0.0;
    double size = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      error += std::abs(exact[k] - interpolated[k]);
      size += exact[k];
    }
    series.usable = series.usable && error <= 10.0 * tolerance * size;
  }
  return series;
}

std::span<const double> MeanFieldTable::tails(double q, double phi2, std::size_t count) const {
  scratch_.resize(count);
  const Place place(q);
  if (!is_cheap(activation_) && std::abs(place.exponent) <= last_exponent) {
    // Short series are the beginnings of a longer table; which one depends on `count` alone.
    const Series& home = series(place.exponent, count <= 256 ? 256 : 2560);
    if (home.usable) {
      home.at(place.t, scratch_);
      return scratch_;
    }
  }
  scratch_ = tails_at(activation_, q, phi2, count);
  return scratch_;
}

double MeanFieldTable::attractor(const MeanFieldParameters& parameters) const {
  const double gain = parameters.sigma_w * parameters.sigma_w / parameters.keep;
  const double floor = parameters.sigma_b * parameters.sigma_b;
  const double q0 = parameters.q0;
  if (has_one_fixed_point() && q0 > 0.0) {
    if (floor == 0.0 && activation_(0.0) == 0.0 && gain * gaussian_moments(0.0).dphi2 <= 1.0) return 0.0;
    const double once = gain * gaussian_moments(1.0).phi2 + floor;
    const double twice = gain * gaussian_moments(once).phi2 + floor;
    if (const auto root = newton_in_logarithm(*this, gain, floor, twice)) return *root;
  }
  return meander::attractor(activation_, parameters.sigma_w / std::sqrt(parameters.keep), parameters.sigma_b, q0,
                            [this](double q) { return gaussian_moments(q); });
}

PhasePoint MeanFieldTable::phase_point(const MeanFieldParameters& parameters) const {
  const double q_star = attractor(parameters);
  const auto moments = [this](double q) { return gaussian_moments(q); };
  const bool has_correlation = q_star > 0.0 && std::isfinite(q_star) && parameters.sigma_w > 0.0;
  PhasePoint point;
  point.converged = false;
  if (has_correlation) {
    const GaussianMoments m = gaussian_moments(q_star);
    for (const std::size_t count : {32, 96, 256, 1024, 2560}) {
      const SeriesChord chord(tails(q_star, m.phi2, count), q_star, m.dphi2);
      point = detail::phase_point_at(q_star, parameters, moments, chord);
      if (point.converged) return point;
    }
  }
  const auto chord = [&](double epsilon) { return correlation_chord(activation_, q_star, epsilon); };
  point = detail::phase_point_at(q_star, parameters, moments, chord);
  if (std::isnan(q_star)) point.converged = std::isnan(meander::gaussian_moments(activation_, parameters.q0).phi2);
  return point;
}

double MeanFieldTable::sigma_w_critical(const MeanFieldParameters& parameters) const {
  return detail::critical_gain(
      activation_, parameters, [this](double q) { return gaussian_moments(q); },
      [&](double sigma_w) {
        MeanFieldParameters at = parameters;
        at.sigma_w = sigma_w;
        return attractor(at);
      });
}

std::vector<LengthFixedPoint> MeanFieldTable::length_fixed_points(const MeanFieldParameters& parameters) const {
  return detail::fixed_points_of(activation_, parameters, [this](double q) { return gaussian_moments(q); });
}

Basin MeanFieldTable::length_basin(const MeanFieldParameters& parameters, double q_star) const {
  if (std::isnan(q_star)) return {nan, nan};
  if (has_one_fixed_point()) return {0.0, infinity};
  if (is_homogeneous_) {
    const bool every = q_star == parameters.q0 && parameters.sigma_b == 0.0 && q_star > 0.0;
    return every ? Basin{q_star, q_star} : Basin{0.0, infinity};
  }
  return meander::length_basin(length_fixed_points(parameters), q_star);
}

std::optional<int> MeanFieldTable::layers_to(const MeanFieldParameters& parameters, double q_star, double deviation,
                                             int most) const {
  if (!(q_star > 0.0) || !std::isfinite(q_star)) return std::nullopt;
  const double gain = parameters.sigma_w * parameters.sigma_w / parameters.keep;
  double q = parameters.q0;
  for (int layer = 0; layer <= most; ++layer) {
    if (std::abs(q - q_star) <= deviation * q_star) return layer;
    q = gain * gaussian_moments(q).phi2 + parameters.sigma_b * parameters.sigma_b;
  }
  return std::nullopt;
}

}  // namespace meander
