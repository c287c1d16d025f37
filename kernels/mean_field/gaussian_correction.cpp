// Edgeworth's first correction, layer by layer, from the law's kurtosis and the participation of what it is summed
// over.
#include "kernels/mean_field/gaussian_correction.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include "kernels/base/gaussian_quadrature.hpp"
#include "kernels/mean_field/length_map.hpp"

namespace meander {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr long curve_samples = 64;

/// ln of the characteristic function of Student's t with `nu` degrees of freedom and variance 1 at s: z^(nu/2)
/// K_(nu/2)(z) 2^(1 - nu/2) / Gamma(nu/2), z = sqrt(nu - 2) s, with K(z) = int_0^inf exp(-z cosh u) cosh(nu u / 2) du
/// by the trapezoid rule, whose error falls exponentially. The largest exponent is taken out.
double log_student_characteristic(double nu, double s) {
  const double z = std::sqrt(nu - 2.0) * s;
  const double half = 0.5 * nu;
  const double peak = std::asinh(half / z);
  const double largest = half * peak - z * std::cosh(peak);
  constexpr double step = 0.05;
  double sum = 0.0;
  for (int i = 0;; ++i) {
    const double u = step * i;
    const double exponent = half * u - z * std::cosh(u) - largest;
    if (u > peak && exponent < -40.0) break;
    sum += (i == 0 ? 0.5 : 1.0) * 0.5 * std::exp(exponent) * (1.0 + std::exp(-nu * u));
  }
  return (1.0 - half) * std::numbers::ln2 - std::lgamma(half) + half * std::log(z) + std::log(step * sum) + largest;
}

/// The grid of the integral over s, even in ln s.
constexpr double grid_step = 0.05;
constexpr int grid_begin = -400;
constexpr int grid_end = 800;
double grid(std::size_t i) {
  return std::exp(grid_step * (static_cast<double>(i) + grid_begin));
}

double he4(double z) {
  const double square = z * z;
  return (square - 6.0) * square + 3.0;
}

/// What a layer's averages say of the next layer's participation and of their own corrections. Coarse: a correction is
/// a size, not a value.
struct LayerAverages {
  Participation next;   // of post-activations, times the width
  double value4 = 0.0;  // E phi^2 He_4 / E phi^2
  double slope4 = 0.0;  // E phi'^2 He_4 / E phi'^2
  double slope2 = 0.0;  // E phi'^2 He_2 / E phi'^2
};

LayerAverages layer_averages(const Activation& activation, double q) {
  constexpr int nodes = 2000;
  constexpr double reach = 10.0;
  const double root = std::sqrt(q);
  std::array<double, nodes> value2, slope2;
  double largest_value = 0.0, largest_slope = 0.0;
  const auto place = [](int i) { return reach * ((2 * i + 1) / static_cast<double>(nodes) - 1.0); };
  for (int i = 0; i < nodes; ++i) {
    value2[i] = std::abs(activation(root * place(i)));
    slope2[i] = std::abs(activation.derivative(root * place(i)));
    // NaN stays.
    if (!(value2[i] <= largest_value)) largest_value = value2[i];
    if (!(slope2[i] <= largest_slope)) largest_slope = slope2[i];
  }
  // Squares of scaled values neither overflow nor, where they matter, underflow.
  double v2 = 0.0, v4 = 0.0, v2_he4 = 0.0, s2 = 0.0, s4 = 0.0, s2_he4 = 0.0, s2_he2 = 0.0, v2_s2 = 0.0, weights = 0.0;
  for (int i = 0; i < nodes; ++i) {
    const double z = place(i);
    const double weight = gaussian_density(z);
    const double v = largest_value > 0.0 ? value2[i] / largest_value * (value2[i] / largest_value) : 0.0;
    const double s = largest_slope > 0.0 ? slope2[i] / largest_slope * (slope2[i] / largest_slope) : 0.0;
    weights += weight;
    v2 += weight * v;
    v4 += weight * v * v;
    v2_he4 += weight * v * he4(z);
    s2 += weight * s;
    s4 += weight * s * s;
    s2_he4 += weight * s * he4(z);
    s2_he2 += weight * s * (z * z - 1.0);
    v2_s2 += weight * v * s;
  }
  LayerAverages found;
  const auto over = [](double part, double whole) { return whole > 0.0 ? part / whole : whole == 0.0 ? 0.0 : nan; };
  // A tangent's component is phi' h', with h' Gaussian to this order: E h'^4 = 3.
  found.next = {over(v4, v2 * v2) * weights, over(v2_s2, v2 * s2) * weights, 3.0 * over(s4, s2 * s2) * weights};
  found.value4 = over(v2_he4, v2);
  found.slope4 = over(s2_he4, s2);
  found.slope2 = over(s2_he2, s2);
  return found;
}

bool holds(double correction) {
  return correction <= tolerated_correction;
}

/// Excess fourth cumulants of one layer's h, of h and h' together and of h', over the weights, and what they do to
/// averages.
class LayerCumulants {
 public:
  /// Biases are Gaussian: they dilute h, of whose variance weights make `weights_share`, and do not move along a curve.
  LayerCumulants(const ExcessKurtosis& kurtosis, const Participation& share, int inputs, int outputs,
                 double weights_share)
      : rotation_invariant_(kurtosis.law().kind == WeightLaw::Kind::orthogonal) {
    position_ = kurtosis(share.position, inputs, outputs) * weights_share * weights_share;
    if (!(share.tangent > 0.0)) return;
    tangent_ = kurtosis(share.tangent, inputs, outputs);
    mixed_ = (rotation_invariant_ ? tangent_ / 3.0 : kurtosis(share.mixed, inputs, outputs)) * weights_share;
  }

  /// Of the rate at which a neuron passes z standard deviations: (h, h') has the Gaussian density times 1 + (k40 / 24)
  /// He_4(z) + (k22 / 4) He_2(z) He_2(y) + (k04 / 24) He_4(y), and E |y| He_2 / E |y| = 1, E |y| He_4 / E |y| = -1.
  /// Without a curve of the density alone.
  double crossing(double z) const {
    return size(position_ * he4(z) / 24.0, mixed_ * (z * z - 1.0) / 4.0, -tangent_ / 24.0);
  }

  double layer_correction(const LayerAverages& averages) const {
    if (std::isnan(averages.value4) || std::isnan(averages.slope4)) return nan;
    return std::max({crossing(0.0), size(position_ * averages.value4 / 24.0, 0.0, 0.0),
                     size(position_ * averages.slope4 / 24.0, mixed_ * averages.slope2 / 2.0, 0.0)});
  }

 private:
  /// Absolute values, but for a rotation-invariant law, whose parts do cancel (without biases to all orders). Where the
  /// series' next term counts, the first says too little: it is added as it is for a density at zero.
  double size(double first, double second, double third) const {
    const double next_term = 35.0 / 384.0 * position_ * position_;
    if (rotation_invariant_) return std::abs(first + second + third) + next_term;
    return std::abs(first) + std::abs(second) + std::abs(third) + next_term;
  }

  bool rotation_invariant_;
  double position_ = 0.0, mixed_ = 0.0, tangent_ = 0.0;
};

}  // namespace

Participation participation(std::span<const double> x) {
  double square = 0.0, fourth = 0.0;
  for (const double component : x) square += component * component;
  if (!(square > 0.0)) return {};
  for (const double component : x) fourth += component * component / square * (component * component / square);
  return {fourth, 0.0, 0.0};
}

Participation participation(const Curve& curve) {
  constexpr long samples = curve_samples;
  const std::size_t n = curve.u.size();
  std::vector<double> x(n), y(n);
  Participation sum;
  for (long i = 0; i < samples; ++i) {
    const double t = curve.parameter(i, samples);
    curve.point(t, x);
    double xx = 0.0, yy = 0.0, x4 = 0.0, x2y2 = 0.0, y4 = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
      y[k] = curve.kind == CurveKind::line ? curve.u[k] : curve.v[k] * std::cos(t) - curve.u[k] * std::sin(t);
      xx += x[k] * x[k];
      yy += y[k] * y[k];
    }
    for (std::size_t k = 0; k < n; ++k) {
      const double a = xx > 0.0 ? x[k] * x[k] / xx : 0.0;
      const double b = yy > 0.0 ? y[k] * y[k] / yy : 0.0;
      x4 += a * a;
      x2y2 += a * b;
      y4 += b * b;
    }
    sum.position += x4 * x4 / samples;
    sum.mixed += x2y2 * x2y2 / samples;
    sum.tangent += y4 * y4 / samples;
  }
  return {std::sqrt(sum.position), std::sqrt(sum.mixed), std::sqrt(sum.tangent)};
}

double mean_square(const Curve& curve) {
  std::vector<double> x(curve.u.size());
  double sum = 0.0;
  for (long i = 0; i < curve_samples; ++i) {
    curve.point(curve.parameter(i, curve_samples), x);
    for (const double component : x) sum += component * component;
  }
  return sum / static_cast<double>(curve_samples) / static_cast<double>(x.size());
}

Participation random_point_participation(int dimension) {
  return {3.0 / (dimension + 2.0), 0.0, 0.0};
}

Participation random_curve_participation(int dimension) {
  return {3.0 / (dimension + 2.0), 1.0 / (dimension + 2.0), 3.0 / (dimension + 2.0)};
}

ExcessKurtosis::ExcessKurtosis(const WeightLaw& law) : law_(law) {
  // From 30 degrees of freedom on the integral and the kurtosis differ by less than a tenth, whatever the sum.
  if (law.kind != WeightLaw::Kind::student_t || law.parameter > 30.0) return;
  for (std::size_t i = 0; i < static_cast<std::size_t>(grid_end - grid_begin); ++i) {
    log_characteristic_.push_back(std::min(0.0, log_student_characteristic(law.parameter, grid(i))));
    if (log_characteristic_.back() < -60.0) break;
  }
}

double ExcessKurtosis::operator()(double participation, int inputs, int outputs) const {
  switch (law_.kind) {
    case WeightLaw::Kind::gaussian:
      return 0.0;
    case WeightLaw::Kind::orthogonal:
      return -6.0 / (std::max(inputs, outputs) + 2.0);
    case WeightLaw::Kind::uniform:
      return -1.2 * participation;
    case WeightLaw::Kind::rademacher:
      return -2.0 * participation;
    case WeightLaw::Kind::sparse:
      return (3.0 / law_.parameter - 3.0) * participation;
    case WeightLaw::Kind::student_t:
      break;
  }
  if (!(participation > 0.0)) return 0.0;
  if (log_characteristic_.empty()) return 6.0 / (law_.parameter - 4.0) * participation;
  // (1 / pi) int_0^inf f(s)^n sqrt(n) ds against 1 / sqrt(2 pi).
  const double n = std::max(1.0, 1.0 / participation);
  double sum = 0.0;
  for (std::size_t i = 0; i < log_characteristic_.size(); ++i) {
    sum += grid_step * grid(i) * std::exp(n * log_characteristic_[i]);
  }
  return 8.0 * (std::sqrt(2.0 * n / std::numbers::pi) * sum - 1.0);
}

GaussianCorrection gaussian_correction(const RandomNetwork::Parameters& network, double q0, const Participation& input,
                                       double keep) {
  const Activation& activation = network.activation;
  const auto depth = network.widths.size();
  const LinearPieces* pieces = activation.pieces();
  GaussianCorrection found;
  found.layers.assign(depth, 0.0);
  if (pieces != nullptr) found.switches.assign(depth, 0.0);
  found.moments_hold = found.averages_hold = static_cast<int>(depth);
  if (network.law.kind == WeightLaw::Kind::gaussian) return found;

  const ExcessKurtosis kurtosis(network.law);
  const double floor = network.sigma_b * network.sigma_b;
  const bool scale_free = activation.homogeneous() == true && floor == 0.0;
  double q = network.sigma_w * network.sigma_w * q0 + floor;
  Participation share = input;
  LayerAverages averages;
  double averaged_at = nan;
  for (std::size_t l = 0; l < depth; ++l) {
    const int width = network.widths[l];
    const int inputs = l == 0 ? network.input_dimension : network.widths[l - 1];
    const LayerCumulants cumulants(kurtosis, share, inputs, width, q > 0.0 ? 1.0 - floor / q : 1.0);
    if (!(std::abs(q - averaged_at) <= 1e-6 * averaged_at)) {
      averages = layer_averages(activation, q);
      averaged_at = q;
    }
    found.layers[l] = cumulants.layer_correction(averages);
    if (!std::isfinite(q)) found.layers[l] = nan;
    for (std::size_t k = 0; pieces != nullptr && k < pieces->breakpoints.size(); ++k) {
      const double level = pieces->breakpoints[k];
      const double here = cumulants.crossing(level == 0.0 ? 0.0 : level / std::sqrt(q));
      if (!(here <= found.switches[l])) found.switches[l] = here;
    }
    q = scale_free ? 1.0 : length_map(activation, network.sigma_w / std::sqrt(keep), network.sigma_b, q);
    // One neuron carries no more than all.
    const auto next = [&](double over_width) { return std::min(1.0, over_width / (width * keep)); };
    const bool curve = share.tangent > 0.0;
    share = {next(averages.next.position), curve ? next(averages.next.mixed) : 0.0,
             curve ? next(averages.next.tangent) : 0.0};
  }
  const auto first = std::find_if_not(found.layers.begin(), found.layers.end(), holds);
  found.averages_hold = static_cast<int>(first - found.layers.begin());
  found.moments_hold = std::min(found.averages_hold + 1, static_cast<int>(depth));
  return found;
}

void GaussianCorrection::mask_moments(std::span<double> values) const {
  for (std::size_t l = static_cast<std::size_t>(moments_hold); l < values.size(); ++l) values[l] = nan;
}

void GaussianCorrection::mask_averages(std::span<double> values) const {
  for (std::size_t l = static_cast<std::size_t>(averages_hold); l < values.size(); ++l) values[l] = nan;
}

void GaussianCorrection::mask_switches(std::span<double> values) const {
  mask_averages(values);
  for (std::size_t l = 0; l < std::min(values.size(), switches.size()); ++l) {
    if (!holds(switches[l])) values[l] = nan;
  }
}

void GaussianCorrection::mask_products(std::span<double> values) const {
  if (averages_hold == static_cast<int>(layers.size())) return;
  for (double& value : values) value = nan;
}

void GaussianCorrection::mask_products_before_last(std::span<double> values) const {
  if (averages_hold + 1 >= static_cast<int>(layers.size()) || values.empty()) return;
  mask_products(values.first(values.size() - 1));
}

bool GaussianCorrection::deep_layers_hold() const {
  return layers.empty() || holds(layers.back());
}

}  // namespace meander
