// Iteration of the length map to its attractor, hurried by Newton steps where it is slow.
#include "kernels/mean_field/length_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "kernels/gaussian_averages/gaussian_moments.hpp"

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double huge = 1e100;
constexpr double tiny = 1e-100;
/// A limit below this is taken for zero where zero attracts: slower than geometric, the drift drowns in rounding there.
constexpr double nearly_zero = 1e-8;

/// V(q) - q and its derivative.
struct Drift {
  double value, slope;
};

class LengthMap {
 public:
  LengthMap(const Activation& activation, double sigma_w, double sigma_b, const MomentSource& moments)
      : activation_(activation), moments_(moments), gain_(sigma_w * sigma_w), floor_(sigma_b * sigma_b) {}

  Drift drift(double q) const {
    const GaussianMoments m = moments_(q);
    return {gain_ * m.phi2 + floor_ - q, gain_ * m.phi_dphi_h / q - 1.0};
  }
  /// Whether q = 0 is a fixed point that does not repel.
  bool collapses_at_zero() const {
    const GaussianMoments m = moments_(0.0);
    return floor_ == 0.0 && gain_ * m.phi2 == 0.0 && gain_ * m.dphi2 <= 1.0;
  }
  /// Whether V(q) < q for every q > 0: phi lies below the line through zero whose slope squared times the gain is one,
  /// and somewhere strictly below. The drift alone cannot tell where phi leaves the line only in its tails.
  bool contracts() const {
    const std::optional<double> steepest = activation_.max_slope();
    if (floor_ != 0.0 || activation_(0.0) != 0.0 || !steepest) return false;
    const double growth = gain_ * *steepest * *steepest;
    if (growth < 1.0) return true;
    return growth == 1.0 && !is_homogeneous();
  }
  /// Whether V(q) = q for every q, up to the rounding of sigma_w^2: the ReLU's sigma_w = sqrt(2) has no exact double,
  /// and fewer digits still where a study file's numbers are rounded to 15.
  bool fixes_every_q() const {
    if (floor_ != 0.0 || !is_homogeneous()) return false;
    const double left = activation_.pieces()->slopes.front();
    const double right = activation_.pieces()->slopes.back();
    return std::abs(0.5 * gain_ * (left * left + right * right) - 1.0) <= 1e-14;
  }
  /// Whether phi(h) is too large for a double at one standard deviation.
  bool overflows_at(double q) const {
    const double h = std::sqrt(q);
    return std::isinf(activation_(h) * activation_(h)) || std::isinf(activation_(-h) * activation_(-h));
  }
  double floor() const { return floor_; }

 private:
  /// With linear pieces, that is.
  bool is_homogeneous() const { return activation_.pieces() != nullptr && activation_.homogeneous() == true; }

  const Activation& activation_;
  const MomentSource& moments_;
  double gain_;
  double floor_;
};

/// What to answer where V(q) is not a number on the way up.
double beyond(const LengthMap& map, double q) {
  return map.overflows_at(q) ? infinity : nan;
}

bool is_root(double q, const Drift& d) {
  return std::abs(d.value) <= 4e-16 * q;
}

/// The root between `low` and `high`, at whose ends the drift has opposite signs: Newton steps
/// that leave the bracket are replaced by halving.
double bracketed_root(const LengthMap& map, double low, double high, bool rises_at_low) {
  double q = 0.5 * (low + high);
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const Drift d = map.drift(q);
    if (is_root(q, d)) break;
    ((d.value > 0.0) == rises_at_low ? low : high) = q;
    const double newton = q - d.value / d.slope;
    const bool inside = newton > low && newton < high;
    const double next = inside ? newton : 0.5 * (low + high);
    if (std::abs(next - q) <= 1e-16 * q) break;
    q = next;
  }
  return q;
}

/// Follows the drift's direction to the first root on the way (V is nondecreasing there, so the
/// plain iteration goes to the same one). Newton steps fall short of a root that the drift bends
/// towards, and overshoot at most a single one, which is then bracketed.
double follow(const LengthMap& map, double q) {
  Drift d = map.drift(q);
  const bool rises = d.value > 0.0;
  double stride = 1.0;
  for (int i = 0; i < 5000; ++i) {
    if (std::isnan(d.value)) return beyond(map, q);
    // A drift that stays as q grows drowns in q's rounding in the end: no root.
    const bool drifts_away = rises && q > 1e10 && d.slope > -1e-12;
    if (drifts_away || q > huge || d.value > huge) return infinity;
    if (is_root(q, d)) return q;
    if (q < tiny && !rises) return map.floor() > 0.0 ? q : 0.0;
    double step = 0.0;
    if (d.slope < 0.0) {
      step = -d.value / d.slope;
      stride = 1.0;
    } else {
      step = stride * d.value;
      stride *= 2.0;
    }
    const double next = std::clamp(q + step, 0.25 * q, 4.0 * q);
    if (next == q) return q;
    const Drift there = map.drift(next);
    if (std::isnan(there.value)) return beyond(map, next);
    if ((there.value > 0.0) != rises && there.value != 0.0) {
      return bracketed_root(map, std::min(q, next), std::max(q, next), (rises ? d : there).value > 0.0);
    }
    q = next;
    d = there;
  }
  return nan;
}

/// Plain iteration while it converges fast or swings about its limit; nothing where it creeps.
std::optional<double> iterate(const LengthMap& map, double& q) {
  double last_step = 0.0;
  int turns = 0;
  for (int i = 0; i < 2000; ++i) {
    const Drift d = map.drift(q);
    if (std::isnan(d.value)) return beyond(map, q);
    if (q > huge || d.value > huge) return infinity;
    if (is_root(q, d)) return q;
    if (q < tiny && d.value < 0.0) return map.floor() > 0.0 ? q : 0.0;
    if (q < nearly_zero && d.value < 0.0 && map.collapses_at_zero()) return 0.0;
    turns = d.value * last_step < 0.0 ? turns + 1 : 0;
    if (turns > 2 && std::abs(d.value) < 1e-14 * q) return q;
    if (i >= 50 && turns == 0) return std::nullopt;
    last_step = d.value;
    q += d.value;
  }
  return nan;
}

}  // namespace

double length_map(const Activation& activation, double sigma_w, double sigma_b, double q) {
  return sigma_w * sigma_w * gaussian_moments(activation, q).phi2 + sigma_b * sigma_b;
}

bool drifts_to_infinity(const Activation& activation, double sigma_w, double sigma_b) {
  const LinearPieces* pieces = activation.pieces();
  if (pieces == nullptr) return false;
  const double gain = sigma_w * sigma_w;
  const double left = pieces->slopes.front(), right = pieces->slopes.back();
  if (!(std::abs(0.5 * gain * (left * left + right * right) - 1.0) <= 1e-14)) return false;
  const double below = pieces->intercepts.front(), above = pieces->intercepts.back();
  const double root_part = right * above - left * below;  // up to a positive factor
  const double rounding = 1e-14 * (std::abs(right * above) + std::abs(left * below));
  if (std::abs(root_part) > rounding) return root_part > 0.0;
  return gain * (below * below + above * above) + sigma_b * sigma_b > 0.0;
}

namespace {

/// Whether V(q) > q from q on up to where the limit of large q holds.
bool rises_from(const Activation& activation, double sigma_w, double sigma_b, double q) {
  double farthest = std::max(1.0, q);
  for (const double u : activation.pieces()->breakpoints) farthest = std::max(farthest, u * u);
  for (; q < 1e6 * farthest; q *= 1.1) {
    if (!(length_map(activation, sigma_w, sigma_b, q) >= q * (1.0 - 1e-15))) return false;
  }
  return true;
}

}  // namespace

double attractor(const Activation& activation, double sigma_w, double sigma_b, double q0) {
  return attractor(activation, sigma_w, sigma_b, q0, [&](double q) { return gaussian_moments(activation, q); });
}

double attractor(const Activation& activation, double sigma_w, double sigma_b, double q0, const MomentSource& moments) {
  const LengthMap map(activation, sigma_w, sigma_b, moments);
  double q = q0 > 0.0 ? q0 : sigma_w * sigma_w * moments(0.0).phi2 + sigma_b * sigma_b;
  if (q == 0.0 || map.contracts()) return 0.0;
  if (map.fixes_every_q()) return q;
  if (drifts_to_infinity(activation, sigma_w, sigma_b) && rises_from(activation, sigma_w, sigma_b, q)) return infinity;
  const std::optional<double> fast = iterate(map, q);
  const double limit = fast ? *fast : follow(map, q);
  return limit < nearly_zero && map.collapses_at_zero() ? 0.0 : limit;
}

}  // namespace meander
