// The master equation of free products, solved from far above the real axis downwards.
#include "kernels/mean_field/free_probability.hpp"

#include "kernels/mean_field/length_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <stdexcept>

namespace meander {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
constexpr double relative_tolerance = 1e-13;

/// The real y > sup with M(y) = m > 0, or nothing where M stays below m (slopes that reach their largest value only
/// at infinity). 1 / M is concave and rises, so Newton's method on it climbs to the root from the left.
bool inverse(const SlopeLaw& law, double m, double& y) {
  const double sup = law.largest();
  y = sup + (std::isfinite(y) && y > sup ? y - sup : 1.0 / m);
  for (int i = 0; i < 100; ++i) {
    const auto transform = law.transform({y, 0.0});
    const double value = transform.value.real();
    const double slope = -transform.derivative.real() / (value * value);
    double next = y - (1.0 / value - 1.0 / m) / slope;
    if (!(next > sup)) next = sup + 0.1 * (y - sup);
    if (std::abs(next - y) <= 1e-14 * y) {
      y = next;
      return true;
    }
    if (!(next - sup > 1e-14 * sup)) return false;
    y = next;
  }
  return true;  // the last digits only oscillate
}

}  // namespace

/// Newton's right-hand sides at a point: the layers' residuals are folded into one equation for m.
struct FreeSpectrum::Residual {
  Complex equation;                  // ln lambda(m, y) - target, layers' residuals folded in
  Complex slope;                     // its derivative along the layers' equations
  std::vector<Complex> layer;        // M_l(y_l) - m
  std::vector<Complex> layer_slope;  // M_l'(y_l)
};

FreeSpectrum::FreeSpectrum(WeightEnsemble ensemble, double sigma_w, std::vector<Layer> layers)
    : ensemble_(ensemble), layers_(std::move(layers)) {
  if (layers_.empty()) throw std::invalid_argument("a product without layers (its depth is 0), give at least one");
  double depth = 0.0;
  for (const Layer& layer : layers_) {
    if (!(layer.slopes->mean() > 0.0)) {
      throw std::invalid_argument("a layer whose slopes are all zero (J is zero there), leave its theory out");
    }
    depth += layer.count;
    log_mean_ += layer.count * (2.0 * std::log(sigma_w) + std::log(layer.slopes->mean()));
    variance_ += layer.count * layer.slopes->variance();
  }
  const double g = ensemble == WeightEnsemble::gaussian ? 1.0 : 0.0;
  variance_ += g * depth;
  plus_ = 1.0 + depth * (g - 1.0);
  power_ = depth - 1.0;
}

FreeSpectrum::FreeSpectrum(UniversalClass universal, double variance, double mean)
    : is_limit_(true), universal_(universal), log_mean_(std::log(mean)), variance_(variance) {
  if (!(variance > 0.0) || !(mean > 0.0)) {
    throw std::invalid_argument("a universal limit has a positive mean and variance, give both");
  }
}

double FreeSpectrum::mean() const {
  return std::exp(log_mean_);
}

bool FreeSpectrum::is_single_orthogonal_layer() const {
  return !is_limit_ && ensemble_ == WeightEnsemble::orthogonal && layers_.size() == 1 && layers_.front().count == 1;
}

double FreeSpectrum::zero_weight() const {
  if (is_limit_) return 0.0;  // of either class, as the layers' weights at 0 vanish
  double weight = 0.0;
  for (const Layer& layer : layers_) weight = std::max(weight, layer.slopes->weight_at_zero());
  return weight;
}

std::vector<SlopeLaw::Atom> FreeSpectrum::atoms() const {
  if (is_limit_) {
    if (universal_ == UniversalClass::smooth || variance_ >= 1.0) return {};
    return {{std::exp(log_mean_ + variance_), 1.0 - variance_}};
  }
  if (ensemble_ == WeightEnsemble::gaussian) return {};
  if (is_single_orthogonal_layer()) {
    std::vector<SlopeLaw::Atom> atoms = layers_.front().slopes->atoms();
    std::erase_if(atoms, [](const SlopeLaw::Atom& atom) { return atom.place == 0.0; });
    for (SlopeLaw::Atom& atom : atoms) atom.place *= mean();
    return atoms;
  }
  double missing = 0.0;
  double log_place = log_mean_;
  for (const Layer& layer : layers_) {
    const auto& atoms = layer.slopes->atoms();
    const auto heaviest =
        std::max_element(atoms.begin(), atoms.end(), [](const auto& a, const auto& b) { return a.weight < b.weight; });
    if (heaviest == atoms.end() || heaviest->place == 0.0) return {};
    // 1 - w as the sum of the others' weights: exact where w is close to 1.
    for (auto other = atoms.begin(); other != atoms.end(); ++other) {
      if (other != heaviest) missing += layer.count * other->weight;
    }
    log_place += layer.count * std::log(heaviest->place);
  }
  if (missing >= 1.0) return {};
  return {{std::exp(log_place), 1.0 - missing}};
}

/// d ln lambda / dm on the branch of real m > 0 (lambda above the support), and ln(lambda / mean); NaN where a layer's
/// transform does not reach m.
double FreeSpectrum::slope_of_log(double m, double& log_lambda) const {
  double slope = plus_ / (1.0 + m) + power_ / m;
  log_lambda = plus_ * std::log1p(m) + power_ * std::log(m);
  if (is_limit_) {
    const bool smooth = universal_ == UniversalClass::smooth;
    log_lambda += smooth ? variance_ * m : variance_ * m / (1.0 + m);
    slope += smooth ? variance_ : variance_ / ((1.0 + m) * (1.0 + m));
  }
  for (const Layer& layer : layers_) {
    double y = undefined;
    if (!inverse(*layer.slopes, m, y)) return undefined;
    slope += layer.count / (y * layer.slopes->transform({y, 0.0}).derivative.real());
    log_lambda += layer.count * std::log(y);
  }
  return slope;
}

/// The minimum over m > 0 of lambda(m), or its limit at m = infinity where it falls all the way.
double FreeSpectrum::lambda_max() const {
  double log_largest = 0.0;
  double missing = 0.0;
  for (const Layer& layer : layers_) {
    if (!std::isfinite(layer.slopes->largest())) return infinity;
    log_largest += layer.count * std::log(layer.slopes->largest());
    const auto& atoms = layer.slopes->atoms();
    if (atoms.empty()) missing += layer.count;
    for (std::size_t k = 0; k + 1 < atoms.size(); ++k) missing += layer.count * atoms[k].weight;
  }
  if (is_limit_) return std::exp(log_mean_) * universal_edges(universal_, variance_).upper;
  if (ensemble_ == WeightEnsemble::orthogonal && missing <= 1.0) return std::exp(log_mean_ + log_largest);
  // ln lambda falls at m = low; find where it rises, then where it turns.
  double low = 1e-3 / (1.0 + variance_), high = 0.0, log_lambda = 0.0;
  double reached = infinity;  // the least ln lambda found: the edge where the branch ends before it turns
  for (double m = low;; m *= 4.0) {
    const double slope = slope_of_log(m, log_lambda);
    if (slope < 0.0 && m < 1e12) {
      low = m;
      reached = log_lambda;
    } else {
      high = m;
      break;
    }
  }
  for (int i = 0; i < 60 && high - low > 1e-9 * low; ++i) {
    const double middle = std::sqrt(low * high);
    if (slope_of_log(middle, log_lambda) < 0.0) {
      low = middle;
      reached = log_lambda;
    } else {
      high = middle;
    }
  }
  return std::exp(log_mean_ + reached);
}

/// One Newton solution of the equations at ln lambda = target, started at `solution`; false where an iterate moves far
/// or leaves the half-planes, `solution` then being spoilt.
bool FreeSpectrum::newton(Complex target, Solution& solution) const {
  Residual residual;
  residual.layer.resize(layers_.size());
  residual.layer_slope.resize(layers_.size());
  double before = infinity;
  for (int i = 0; i < 12; ++i) {
    Complex& m = solution.m;
    residual.equation = plus_ * std::log(1.0 + m) + power_ * std::log(m) - target;
    residual.slope = plus_ / (1.0 + m) + power_ / m;
    if (is_limit_) {
      const bool smooth = universal_ == UniversalClass::smooth;
      residual.equation += smooth ? variance_ * m : variance_ * m / (1.0 + m);
      residual.slope += smooth ? Complex(variance_) : variance_ / ((1.0 + m) * (1.0 + m));
    }
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const double count = layers_[l].count;
      const Complex y = solution.y[l];
      const auto transform = layers_[l].slopes->transform(y);
      residual.layer[l] = transform.value - m;
      residual.layer_slope[l] = transform.derivative;
      residual.slope += count / (y * transform.derivative);
      residual.equation += count * (std::log(y) - residual.layer[l] / (y * transform.derivative));
    }
    const Complex step = -residual.equation / residual.slope;
    double largest = std::abs(step) / std::abs(m);
    m += step;
    bool inside = m.imag() <= 0.0 || std::abs(m.imag()) < 1e-12 * std::abs(m);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Complex change = (step - residual.layer[l]) / residual.layer_slope[l];
      Complex& y = solution.y[l];
      largest = std::max(largest, std::abs(change) / std::abs(y));
      y += change;
      inside = inside && (y.imag() >= 0.0 || std::abs(y.imag()) < 1e-12 * std::abs(y));
    }
    // Written so that NaN fails.
    if (!inside || !(largest < 0.5)) return false;
    // Near an atom m is large and known to epsilon m only: steps that no longer shrink are rounding.
    if (largest < relative_tolerance || (largest < 1e-6 && largest > 0.3 * before)) return true;
    before = largest;
  }
  return false;
}

/// From far above scaled = lambda / mean down to it.
bool FreeSpectrum::descend(double scaled, Solution& solution) const {
  double height = 16.0 * (1.0 + scaled + variance_);
  for (const Layer& layer : layers_) {
    if (std::isfinite(layer.slopes->largest())) height = std::max(height, 16.0 * layer.slopes->largest());
  }
  bool started = false;
  for (int i = 0; i < 60 && !started; ++i, height *= 4.0) {
    const Complex lambda(scaled, height);
    solution.m = 1.0 / lambda;
    solution.y.assign(layers_.size(), lambda);
    started = newton(std::log(lambda), solution);
    if (started) break;
  }
  if (!started) return false;
  double factor = 0.25;
  for (int steps = 0; steps < 2000; ++steps) {
    if (height < 0.02 * scaled) {
      Solution attempt = solution;
      if (newton(Complex(std::log(scaled), 0.0), attempt) &&
          std::abs(attempt.m - solution.m) < 0.2 * std::abs(solution.m)) {
        solution = std::move(attempt);
        return true;
      }
      if (height < 1e-12 * scaled) return true;  // an end of the support or an atom: closer than rounding
    }
    Solution attempt = solution;
    if (newton(std::log(Complex(scaled, height * factor)), attempt)) {
      solution = std::move(attempt);
      height *= factor;
      factor = std::max(0.01, factor * factor);
    } else {
      factor = std::sqrt(factor);
      if (factor > 0.9999) return false;
    }
  }
  return false;
}

bool FreeSpectrum::solve(double scaled, Solution& solution) const {
  return scaled > 0.0 && std::isfinite(scaled) && descend(scaled, solution);
}

double FreeSpectrum::density(double lambda) const {
  const double scaled = std::exp(std::log(lambda) - log_mean_);
  if (!std::isfinite(scaled)) return 0.0;  // the mean is that far below
  if (is_single_orthogonal_layer()) return layers_.front().slopes->density(scaled) / mean();
  Solution solution;
  if (!solve(scaled, solution)) return undefined;
  const double weight = -solution.m.imag() / std::numbers::pi;
  return weight < 1e-11 * std::abs(solution.m) ? 0.0 : weight / lambda;
}

/// Im of the integral of G from lambda on: with dm in place of d lambda it is (1 + m) ln lambda - integral ln lambda
/// dm, and integral ln y dm = m ln y - E ln(1 - t / y) for m = E t / (y - t).
double FreeSpectrum::mass_above(double lambda) const {
  if (!(lambda > 0.0)) return 1.0 - zero_weight();
  const double scaled = std::exp(std::log(lambda) - log_mean_);
  if (!std::isfinite(scaled)) return 0.0;
  if (is_single_orthogonal_layer()) return layers_.front().slopes->mass_above(scaled);
  Solution solution;
  if (!solve(scaled, solution)) return undefined;
  // On the side of the real axis that the limit comes from, also where rounding has left it.
  const Complex m(solution.m.real(), std::min(solution.m.imag(), -1e-17 * std::abs(solution.m)));
  Complex integral = plus_ * ((1.0 + m) * std::log(1.0 + m) - m) + power_ * (m * std::log(m) - m);
  if (is_limit_) {
    integral += universal_ == UniversalClass::smooth ? 0.5 * variance_ * m * m : variance_ * (m - std::log(1.0 + m));
  }
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Complex y(solution.y[l].real(), std::max(solution.y[l].imag(), 1e-17 * std::abs(solution.y[l])));
    integral += static_cast<double>(layers_[l].count) * (m * std::log(y) - layers_[l].slopes->transform(y, true).log);
  }
  const double mass = ((1.0 + m) * std::log(scaled) - integral).imag() / std::numbers::pi;
  return std::clamp(mass, 0.0, 1.0);
}

UniversalEdges universal_edges(UniversalClass universal, double variance) {
  UniversalEdges edges;
  if (universal == UniversalClass::smooth) {
    const double root = std::sqrt(1.0 + 4.0 / variance);  // m (1 + m) = 1 / variance
    const double upper = 0.5 * (root - 1.0), lower = -0.5 * (root + 1.0);
    edges.upper = (1.0 + upper) / upper * std::exp(variance * upper);
    edges.lower = (1.0 + lower) / lower * std::exp(variance * lower);
  } else if (variance <= 1.0) {
    edges.upper = std::exp(variance);
    edges.weight_at_upper = 1.0 - variance;
  } else {
    edges.upper = variance * std::exp(1.0);  // m = 1 / (variance - 1)
  }
  return edges;
}

std::vector<FreeSpectrum::Layer> mean_field_layers(const Activation& activation, double sigma_w, double sigma_b,
                                                   double q0, int depth) {
  std::vector<FreeSpectrum::Layer> layers;
  double q = sigma_w * sigma_w * q0 + sigma_b * sigma_b;
  double last = undefined;
  for (int l = 0; l < depth; ++l) {
    if (!std::isfinite(q)) return {};
    if (!layers.empty() && std::abs(q - last) <= 1e-13 * q) {
      ++layers.back().count;
    } else {
      layers.push_back({std::make_shared<SlopeLaw>(activation, q), 1});
      last = q;
      if (!(layers.back().slopes->mean() > 0.0)) return {};
    }
    if (l + 1 < depth) q = length_map(activation, sigma_w, sigma_b, q);
  }
  return layers;
}

}  // namespace meander
