// Activation functions with their exact derivatives; one virtual call a span, not an element.
#include "kernels/networks/activation.hpp"

#include "kernels/networks/tanh_derivatives.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <utility>

namespace meander {

struct Activation::Impl {
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  virtual ~Impl() = default;
  virtual double value(double x) const = 0;
  virtual double first(double x) const = 0;
  virtual double second(double x) const = 0;
  virtual void apply(std::span<double> x) const = 0;
  virtual void apply(std::span<float> x) const = 0;
  virtual void apply_with_derivatives(std::span<double> x, std::span<double> first, std::span<double> second) const = 0;
  virtual void apply_with_derivatives(std::span<float> x, std::span<float> first, std::span<float> second) const = 0;
  virtual const LinearPieces* pieces() const { return nullptr; }
  virtual const std::vector<double>* hermite_series() const { return nullptr; }
  virtual std::optional<double> max_slope() const = 0;
};

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double gaussian_density(double x) {
  return std::exp(-0.5 * x * x) * (0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);
}

double gaussian_cumulative(double x) {
  return 0.5 * std::erfc(-x * (0.5 * std::numbers::sqrt2));
}

double logistic(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// All three of a law, element by element.
template <class Real, class Law>
void derivatives_of(const Law& law, std::span<Real> x, std::span<Real> first, std::span<Real> second) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double h = static_cast<double>(x[i]);
    first[i] = static_cast<Real>(law.first(h));
    second[i] = static_cast<Real>(law.second(h));
    x[i] = static_cast<Real>(law.value(h));
  }
}

// Each law below is a function with its derivatives; `value` also in single precision. Comparisons
// are written so that a NaN stays one, which is how overflow is noticed further up.

struct Linear {
  template <typename Real>
  static Real value(Real x) {
    return x;
  }
  static double first(double) { return 1.0; }
  static double second(double) { return 0.0; }
  static double max_slope() { return 1.0; }
  static LinearPieces pieces() { return {{}, {1.0}, {0.0}}; }
};

struct Relu {
  template <typename Real>
  static Real value(Real x) {
    return x < Real{0} ? Real{0} : x;
  }
  static double first(double x) { return x > 0.0 ? 1.0 : 0.0; }
  static double second(double) { return 0.0; }
  static double max_slope() { return 1.0; }
  static LinearPieces pieces() { return {{0.0}, {0.0, 1.0}, {0.0, 0.0}}; }
};

struct HardTanh {
  template <typename Real>
  static Real value(Real x) {
    const Real floored = x < Real{-1} ? Real{-1} : x;
    return floored > Real{1} ? Real{1} : floored;
  }
  static double first(double x) { return x > -1.0 && x <= 1.0 ? 1.0 : 0.0; }
  static double second(double) { return 0.0; }
  static double max_slope() { return 1.0; }
  static LinearPieces pieces() { return {{-1.0, 1.0}, {0.0, 1.0, 0.0}, {-1.0, 0.0, 1.0}}; }
};

struct Tanh {
  template <typename Real>
  static Real value(Real x) {
    return std::tanh(x);
  }
  /// 1 / cosh^2 rather than 1 - tanh^2, which cancels in the tails.
  static double first(double x) {
    const double inverse = 1.0 / std::cosh(x);
    return inverse * inverse;
  }
  static double second(double x) { return -2.0 * std::tanh(x) * first(x); }
  static double max_slope() { return 1.0; }
  template <typename Real>
  static void derivatives(std::span<Real> x, std::span<Real> first, std::span<Real> second) {
    tanh_derivatives(x.data(), first.data(), second.data(), static_cast<long>(x.size()));
  }
};

struct Erf {
  template <typename Real>
  static Real value(Real x) {
    return std::erf(x);
  }
  static double first(double x) { return 2.0 * std::numbers::inv_sqrtpi * std::exp(-x * x); }
  static double second(double x) { return -2.0 * x * first(x); }
  static double max_slope() { return 2.0 * std::numbers::inv_sqrtpi; }
};

struct Sigmoid {
  template <typename Real>
  static Real value(Real x) {
    return Real{1} / (Real{1} + std::exp(-x));
  }
  static double first(double x) { return logistic(x) * logistic(-x); }
  static double second(double x) { return -first(x) * std::tanh(0.5 * x); }
  static double max_slope() { return 0.25; }
};

struct Gelu {
  template <typename Real>
  static Real value(Real x) {
    return Real{0.5} * x * std::erfc(-x * static_cast<Real>(0.5 * std::numbers::sqrt2));
  }
  static double first(double x) { return gaussian_cumulative(x) + x * gaussian_density(x); }
  static double second(double x) { return (2.0 - x * x) * gaussian_density(x); }
  /// phi'' vanishes at sqrt(2): Phi(sqrt 2) + sqrt(2) density(sqrt 2) = 1.128904145...
  static double max_slope() { return first(std::numbers::sqrt2); }
};

struct Swish {
  template <typename Real>
  static Real value(Real x) {
    return x / (Real{1} + std::exp(-x));
  }
  static double first(double x) { return logistic(x) * (1.0 + x * logistic(-x)); }
  static double second(double x) { return logistic(x) * logistic(-x) * (2.0 - x * std::tanh(0.5 * x)); }
  /// phi'' vanishes where x tanh(x / 2) = 2, at 2.39935728051547: slope 1.09983932..., found to
  /// double precision (phi' is flat there, so the error of the root does not matter).
  static double max_slope() { return first(2.3993572805154677); }
};

template <typename Law>
struct NamedImpl final : Activation::Impl {
  double value(double x) const override { return Law::template value<double>(x); }
  double first(double x) const override { return Law::first(x); }
  double second(double x) const override { return Law::second(x); }
  void apply(std::span<double> x) const override {
    for (double& element : x) element = Law::template value<double>(element);
  }
  void apply(std::span<float> x) const override {
    for (float& element : x) element = Law::template value<float>(element);
  }
  void apply_with_derivatives(std::span<double> x, std::span<double> first, std::span<double> second) const override {
    derivatives(x, first, second);
  }
  void apply_with_derivatives(std::span<float> x, std::span<float> first, std::span<float> second) const override {
    derivatives(x, first, second);
  }
  const LinearPieces* pieces() const override {
    if constexpr (requires { Law::pieces(); }) {
      static const LinearPieces value = Law::pieces();
      return &value;
    }
    return nullptr;
  }
  std::optional<double> max_slope() const override { return Law::max_slope(); }

 private:
  template <class Real>
  void derivatives(std::span<Real> x, std::span<Real> first_out, std::span<Real> second_out) const {
    if constexpr (requires { Law::derivatives(x, first_out, second_out); }) {
      Law::derivatives(x, first_out, second_out);
    } else {
      derivatives_of(*this, x, first_out, second_out);
    }
  }
};

/// Everything that is not named: values one by one.
struct GeneralImpl : Activation::Impl {
  void apply(std::span<double> x) const override {
    for (double& element : x) element = value(element);
  }
  void apply(std::span<float> x) const override {
    for (float& element : x) element = static_cast<float>(value(static_cast<double>(element)));
  }
  void apply_with_derivatives(std::span<double> x, std::span<double> first_out,
                              std::span<double> second_out) const override {
    derivatives_of(*this, x, first_out, second_out);
  }
  void apply_with_derivatives(std::span<float> x, std::span<float> first_out,
                              std::span<float> second_out) const override {
    derivatives_of(*this, x, first_out, second_out);
  }
};

struct PiecewiseImpl final : GeneralImpl {
  explicit PiecewiseImpl(LinearPieces given) : pieces_(std::move(given)) {}

  /// Number of breakpoints below x; NaN lands in piece 0 and stays NaN through the product.
  std::size_t piece(double x) const {
    const auto& points = pieces_.breakpoints;
    return static_cast<std::size_t>(std::lower_bound(points.begin(), points.end(), x) - points.begin());
  }
  double value(double x) const override {
    const std::size_t k = piece(x);
    // A flat piece must not turn an infinite x into NaN.
    return pieces_.slopes[k] == 0.0 && !std::isnan(x) ? pieces_.intercepts[k]
                                                      : pieces_.slopes[k] * x + pieces_.intercepts[k];
  }
  double first(double x) const override { return pieces_.slopes[piece(x)]; }
  double second(double) const override { return 0.0; }
  const LinearPieces* pieces() const override { return &pieces_; }
  std::optional<double> max_slope() const override {
    double largest = 0.0;
    for (const double slope : pieces_.slopes) largest = std::max(largest, std::abs(slope));
    return largest;
  }

 private:
  LinearPieces pieces_;
};

/// h_n = He_n / sqrt(n!) obeys h_(n+1) = (x h_n - sqrt(n) h_(n-1)) / sqrt(n+1) and h_n' = sqrt(n) h_(n-1).
struct HermiteImpl final : GeneralImpl {
  explicit HermiteImpl(std::vector<double> coefficients)
      : series_(std::move(coefficients)), first_(differentiated(series_)), second_(differentiated(first_)) {
    if (std::all_of(second_.begin(), second_.end(), [](double c) { return c == 0.0; })) {
      line_ = LinearPieces{{}, {first_.empty() ? 0.0 : first_.front()}, {series_.front()}};
    }
  }

  static std::vector<double> differentiated(const std::vector<double>& series) {
    std::vector<double> result;
    for (std::size_t n = 1; n < series.size(); ++n) result.push_back(std::sqrt(static_cast<double>(n)) * series[n]);
    return result;
  }
  static double sum(const std::vector<double>& series, double x) {
    double result = 0.0;
    double current = 1.0;
    double previous = 0.0;
    for (std::size_t n = 0; n < series.size(); ++n) {
      result += series[n] * current;
      const double order = static_cast<double>(n);
      const double next = (x * current - std::sqrt(order) * previous) / std::sqrt(order + 1.0);
      previous = std::exchange(current, next);
    }
    return result;
  }
  double value(double x) const override { return sum(series_, x); }
  double first(double x) const override { return sum(first_, x); }
  double second(double x) const override { return sum(second_, x); }
  const LinearPieces* pieces() const override { return line_ ? &*line_ : nullptr; }
  const std::vector<double>* hermite_series() const override { return &series_; }
  std::optional<double> max_slope() const override {
    const auto curved = [](double c) { return c != 0.0; };
    if (std::any_of(second_.begin(), second_.end(), curved)) return infinity;
    return first_.empty() ? 0.0 : std::abs(first_.front());
  }

 private:
  std::optional<LinearPieces> line_;  // of a series that is linear after all
  std::vector<double> series_;
  std::vector<double> first_;
  std::vector<double> second_;
};

struct CustomImpl final : GeneralImpl {
  CustomImpl(Activation::Function phi, Activation::Function first, Activation::Function second)
      : phi_(std::move(phi)), first_(std::move(first)), second_(std::move(second)) {}
  double value(double x) const override { return phi_(x); }
  double first(double x) const override { return first_(x); }
  double second(double x) const override { return second_(x); }
  std::optional<double> max_slope() const override { return std::nullopt; }

 private:
  Activation::Function phi_;
  Activation::Function first_;
  Activation::Function second_;
};

void require_finite(std::span<const double> values, const char* what) {
  for (const double value : values) {
    if (!std::isfinite(value)) {
      throw std::invalid_argument(std::string(what) + " must be finite (found " + std::to_string(value) +
                                  "), give ordinary numbers");
    }
  }
}

constexpr std::array<std::string_view, 8> known_names = {"linear", "relu",    "hard_tanh", "tanh",
                                                         "erf",    "sigmoid", "gelu",      "swish"};

}  // namespace

Activation Activation::named(std::string_view name) {
  if (name == "linear") return Activation(std::make_shared<NamedImpl<Linear>>());
  if (name == "relu") return Activation(std::make_shared<NamedImpl<Relu>>());
  if (name == "hard_tanh") return Activation(std::make_shared<NamedImpl<HardTanh>>());
  if (name == "tanh") return Activation(std::make_shared<NamedImpl<Tanh>>());
  if (name == "erf") return Activation(std::make_shared<NamedImpl<Erf>>());
  if (name == "sigmoid") return Activation(std::make_shared<NamedImpl<Sigmoid>>());
  if (name == "gelu") return Activation(std::make_shared<NamedImpl<Gelu>>());
  if (name == "swish") return Activation(std::make_shared<NamedImpl<Swish>>());
  std::string message = "unknown activation \"" + std::string(name) + "\" (no such name), use one of";
  for (const std::string_view known : known_names) message.append(" ").append(known);
  throw std::invalid_argument(message);
}

std::span<const std::string_view> Activation::names() {
  return known_names;
}

Activation Activation::piecewise_linear(std::vector<double> breakpoints, std::vector<double> slopes, double x,
                                        double phi_x) {
  if (slopes.size() != breakpoints.size() + 1) {
    throw std::invalid_argument("a piecewise-linear activation has " + std::to_string(slopes.size()) + " slopes and " +
                                std::to_string(breakpoints.size()) +
                                " breakpoints (each piece has one slope), give one slope more than breakpoints");
  }
  require_finite(breakpoints, "breakpoints");
  require_finite(slopes, "slopes");
  require_finite(std::array{x, phi_x}, "value");
  const auto descent =
      std::adjacent_find(breakpoints.begin(), breakpoints.end(), [](double a, double b) { return !(a < b); });
  if (descent != breakpoints.end()) {
    throw std::invalid_argument("breakpoints do not ascend (" + std::to_string(*descent) + " is followed by " +
                                std::to_string(descent[1]) + "), sort them and give each once");
  }
  std::vector<double> intercepts(slopes.size());
  const auto home =
      static_cast<std::size_t>(std::lower_bound(breakpoints.begin(), breakpoints.end(), x) - breakpoints.begin());
  // Continuity at breakpoint b between pieces k and k + 1: slope_k b + c_k = slope_(k+1) b + c_(k+1).
  intercepts[home] = phi_x - slopes[home] * x;
  for (std::size_t k = home; k + 1 < slopes.size(); ++k) {
    intercepts[k + 1] = intercepts[k] + (slopes[k] - slopes[k + 1]) * breakpoints[k];
  }
  for (std::size_t k = home; k > 0; --k) {
    intercepts[k - 1] = intercepts[k] + (slopes[k] - slopes[k - 1]) * breakpoints[k - 1];
  }
  return Activation(
      std::make_shared<PiecewiseImpl>(LinearPieces{std::move(breakpoints), std::move(slopes), std::move(intercepts)}));
}

Activation Activation::hermite(std::vector<double> coefficients) {
  if (coefficients.empty()) {
    throw std::invalid_argument("a Hermite activation has no coefficients (the list is empty), give c_0, c_1, ...");
  }
  require_finite(coefficients, "Hermite coefficients");
  return Activation(std::make_shared<HermiteImpl>(std::move(coefficients)));
}

Activation Activation::custom(Function phi, Function derivative, Function second_derivative) {
  if (!phi || !derivative || !second_derivative) {
    throw std::invalid_argument(
        "a custom activation lacks a function (phi and both derivatives are needed), give all three");
  }
  return Activation(std::make_shared<CustomImpl>(std::move(phi), std::move(derivative), std::move(second_derivative)));
}

double Activation::operator()(double x) const {
  return impl_->value(x);
}
double Activation::derivative(double x) const {
  return impl_->first(x);
}
double Activation::second_derivative(double x) const {
  return impl_->second(x);
}
void Activation::apply(std::span<double> x) const {
  impl_->apply(x);
}
void Activation::apply(std::span<float> x) const {
  impl_->apply(x);
}
void Activation::apply_with_derivatives(std::span<double> x, std::span<double> first, std::span<double> second) const {
  impl_->apply_with_derivatives(x, first, second);
}
void Activation::apply_with_derivatives(std::span<float> x, std::span<float> first, std::span<float> second) const {
  impl_->apply_with_derivatives(x, first, second);
}
const LinearPieces* Activation::pieces() const {
  return impl_->pieces();
}
const std::vector<double>* Activation::hermite_series() const {
  return impl_->hermite_series();
}
std::optional<double> Activation::max_slope() const {
  return impl_->max_slope();
}

}  // namespace meander
