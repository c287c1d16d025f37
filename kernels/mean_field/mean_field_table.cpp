// Chebyshev interpolation of Gaussian averages in ln q, and the correlation map as a power series whose coefficients
// are interpolated in the same way.
#include "kernels/mean_field/mean_field_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/base/octave_interpolation.hpp"
#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/mean_field/length_map.hpp"
#include "kernels/mean_field/mean_field_solver.hpp"
#include "kernels/mean_field/series_chord.hpp"

namespace meander {
namespace {

using detail::infinity;
using detail::nan;
using detail::octave_node;
using detail::OctavePlace;

/// Octaves that are interpolated; quadrature beyond.
constexpr int last_exponent = 200;
/// What an interpolation may miss by.
constexpr double tolerance = 1e-12;
/// Terms of the first try at a series, and of its two tables.
constexpr std::size_t first_terms = 32;
constexpr std::size_t short_table = 256;
constexpr std::size_t long_table = 2560;

/// phi2, phi_dphi_h, dphi2, dphi2_h2, and d2phi2 where it is finite.
using Moments = std::array<double, detail::lanes>;

Moments listed(const GaussianMoments& m) {
  return {m.phi2, m.phi_dphi_h, m.dphi2, m.dphi2_h2, m.d2phi2};
}

bool agree(const Moments& a, const Moments& b) {
  for (std::size_t k = 0; k < 5; ++k) {
    const double size = k == 1 ? std::sqrt(b[0] * b[3]) : b[k];
    if (!(std::abs(a[k] - b[k]) <= tolerance * size)) return false;
  }
  return true;
}

bool is_cheap(const Activation& activation) {
  return activation.pieces() != nullptr || activation.hermite_series() != nullptr;
}

}  // namespace

/// T_k of SeriesChord over one octave.
struct MeanFieldTable::Series {
  explicit Series(std::size_t count) : tails(count) {}
  detail::ManyPolynomials tails;
  bool usable = true;
};

struct MeanFieldTable::Octave {
  detail::EightPolynomials moments;
  bool usable = true;
  bool undefined = false;
  /// E phi''^2 where it is no finite number, the same all over the octave.
  std::optional<double> d2phi2;
  std::map<std::size_t, Series> series;
};

MeanFieldTable::MeanFieldTable(const Activation& activation)
    : activation_(detail::with_pieces(activation)),
      is_homogeneous_(detail::is_homogeneous(activation_)),
      is_odd_(detail::is_odd(activation_)) {}
MeanFieldTable::~MeanFieldTable() = default;
MeanFieldTable::MeanFieldTable(MeanFieldTable&&) noexcept = default;
MeanFieldTable& MeanFieldTable::operator=(MeanFieldTable&&) noexcept = default;

MeanFieldTable::Octave& MeanFieldTable::octave(int exponent) const {
  std::unique_ptr<Octave>& slot = octaves_[exponent];
  if (slot) return *slot;
  slot = std::make_unique<Octave>();
  const auto direct = [&](double t) {
    Moments values = listed(meander::gaussian_moments(activation_, OctavePlace::q(exponent, t)));
    if (!std::isfinite(values[4])) slot->d2phi2 = std::exchange(values[4], 0.0);
    return values;
  };
  for (std::size_t i = 0; i < detail::node_count; ++i) {
    const Moments values = direct(octave_node(i));
    // Where an average does not exist, or does not converge, the neighbours' are no better: not tried again.
    if (std::isnan(values[0])) {
      slot->usable = false;
      slot->undefined = true;
      return *slot;
    }
    slot->moments.add_node(i, values);
  }
  slot->moments.finish();
  const std::optional<double> at_nodes = slot->d2phi2;
  for (const double t : {-0.99, -0.45, 0.1, 0.7, 0.99}) {
    slot->usable = slot->usable && agree(slot->moments.at(t), direct(t));
  }
  slot->usable = slot->usable && at_nodes.has_value() == slot->d2phi2.has_value();
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
  const OctavePlace place(q);
  if (std::abs(place.exponent) > last_exponent) return meander::gaussian_moments(activation_, q);
  const Octave& home = octave(place.exponent);
  if (home.undefined) return {nan, nan, nan, nan, nan};
  if (!home.usable) return meander::gaussian_moments(activation_, q);
  const Moments m = home.moments.at(place.t);
  return {m[0], m[1], m[2], m[3], home.d2phi2.value_or(m[4])};
}

bool MeanFieldTable::has_one_fixed_point() const {
  if (one_fixed_point_) return *one_fixed_point_;
  double last = infinity;
  bool falls = true;
  // V(q) / q = gain E phi^2 / q + sigma_b^2 / q: where the first term never rises the sum is q-decreasing. An average
  // over a Gaussian has no features narrower than an octave of q.
  for (int exponent = -40; exponent <= 20 && falls; ++exponent) {
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
    const double drift = (value - q) / q;
    if (!std::isfinite(drift)) return std::nullopt;
    const double share = gain * m.phi_dphi_h / value;  // d ln V / d ln q
    // Near the root rational functions do for log1p and exp: only the root counts, not the way to it.
    const bool is_near = std::abs(drift) < 0.5;
    const double step = (is_near ? 2.0 * drift / (2.0 + drift) : std::log1p(drift)) / (1.0 - share);
    const double next = q * (std::abs(step) < 0.5 ? (2.0 + step) / (2.0 - step) : std::exp(step));
    // Rounding of the averages: the last step has made the best of it.
    if (std::abs(drift) <= 1e-15) return next > low && next < high ? next : q;
    (drift > 0.0 ? low : high) = q;
    q = next > low && next < high ? next : std::sqrt(low * high);
  }
  return std::nullopt;
}

}  // namespace

const MeanFieldTable::Series& MeanFieldTable::series(int exponent, std::size_t count) const {
  const auto [entry, is_new] = octave(exponent).series.try_emplace(count, count);
  Series& series = entry->second;
  if (!is_new) return series;
  const auto direct = [&](double t) {
    const double q = OctavePlace::q(exponent, t);
    return detail::tails_at(activation_, q, meander::gaussian_moments(activation_, q).phi2, count);
  };
  for (std::size_t i = 0; i < detail::node_count; ++i) series.tails.add_node(i, direct(octave_node(i)));
  series.tails.finish();
  std::vector<double> interpolated(count);
  for (const double t : {-0.97, 0.1}) {
    const std::vector<double> exact = direct(t);
    series.tails.at(t, interpolated);
    double error = 0.0;
    double size = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      error += std::abs(exact[k] - interpolated[k]);
      size += exact[k];
    }
    series.usable = series.usable && error <= tolerance * size;
  }
  return series;
}

std::span<const double> MeanFieldTable::tails(double q, double phi2, std::size_t count) const {
  scratch_.resize(count);
  const OctavePlace place(q);
  if (!is_cheap(activation_) && std::abs(place.exponent) <= last_exponent) {
    // Short series are the beginnings of a longer table; which one depends on `count` alone.
    const Series& home = series(place.exponent, count <= short_table ? short_table : long_table);
    if (home.usable) {
      home.tails.at(place.t, scratch_);
      return scratch_;
    }
  }
  scratch_ = detail::tails_at(activation_, q, phi2, count);
  return scratch_;
}

double MeanFieldTable::attractor(const MeanFieldParameters& parameters) const {
  const double gain = parameters.sigma_w * parameters.sigma_w / parameters.keep;
  const double floor = parameters.sigma_b * parameters.sigma_b;
  const double q0 = parameters.q0;
  const double boosted = parameters.sigma_w / std::sqrt(parameters.keep);
  if (has_one_fixed_point() && q0 > 0.0 && !drifts_to_infinity(activation_, boosted, parameters.sigma_b)) {
    if (floor == 0.0 && activation_(0.0) == 0.0 && gain * gaussian_moments(0.0).dphi2 <= 1.0) return 0.0;
    const double once = gain * gaussian_moments(1.0).phi2 + floor;
    if (const auto root = newton_in_logarithm(*this, gain, floor, once)) return *root;
  }
  return meander::attractor(activation_, boosted, parameters.sigma_b, q0,
                            [this](double q) { return gaussian_moments(q); });
}

PhasePoint MeanFieldTable::phase_point(const MeanFieldParameters& parameters) const {
  const double gain = parameters.sigma_w * parameters.sigma_w;
  const double limit = attractor(parameters);
  const GaussianMoments at_q_star = gaussian_moments(limit);
  const double q_star = detail::trusted(limit, activation_, gain / parameters.keep * at_q_star.phi_dphi_h / limit);
  const auto moments = [&](double) { return at_q_star; };
  const auto settled = [&](PhasePoint point) {
    if (q_star > 0.0 && std::isfinite(q_star) && detail::slope_is_rounding(activation_, at_q_star)) {
      point.xi_q = nan;
      point.converged = false;
    }
    return point;
  };
  double start = 0.0;
  // The series of an activation with kinks is known in closed form, or falls off too slowly to be found.
  const bool has_series = activation_.pieces() != nullptr || !activation_.has_kinks();
  if (has_series && q_star > 0.0 && std::isfinite(q_star) && gain > 0.0) {
    // As few terms as do: each root of a series that was cut off is where the next, longer one starts.
    for (std::size_t count = first_terms; count > 0;) {
      const detail::SeriesChord chord(tails(q_star, at_q_star.phi2, count), q_star, at_q_star.dphi2);
      const bool is_ordered = parameters.keep == 1.0 && gain * at_q_star.dphi2 <= 1.0 + detail::critical_width;
      double c = 1.0;
      if (is_ordered || parameters.keep < 1.0 || gain * chord.at_one() > 1.0) {
        const PhasePoint point = detail::phase_point_at(q_star, is_odd_, parameters, moments, chord, start);
        if (point.converged && (is_ordered || chord.is_enough(point.c_star))) return settled(point);
        if (point.converged) {
          c = point.c_star;
          start = 1.0 - c;
        }
      }
      count = detail::more_terms(count, c, short_table, long_table);
    }
  }
  const auto chord = [&](double epsilon) { return correlation_chord(activation_, q_star, epsilon); };
  PhasePoint point = detail::phase_point_at(q_star, is_odd_, parameters, moments, chord, start);
  if (std::isnan(q_star)) point.converged = std::isnan(meander::gaussian_moments(activation_, parameters.q0).phi2);
  return settled(point);
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
