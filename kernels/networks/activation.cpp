// Activation functions with their exact derivatives; one virtual call a span, not an element.
#include "kernels/networks/activation.hpp"

#include "kernels/networks/activation_laws.hpp"
#include "kernels/networks/activation_pieces.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <stdexcept>
#include <type_traits>
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
  /// Asked only where there are no linear pieces, which know all of it themselves.
  virtual Activation::Known known() const = 0;
  virtual bool is_sine() const { return false; }
};

namespace {

using activation_laws::infinity;

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

template <typename Law>
struct NamedImpl final : Activation::Impl {
  explicit NamedImpl(Law law = {}) : law_(law) {
    if constexpr (requires { law_.pieces(); }) pieces_ = law_.pieces();
  }
  double value(double x) const override { return law_.template value<double>(x); }
  double first(double x) const override { return law_.first(x); }
  double second(double x) const override { return law_.second(x); }
  void apply(std::span<double> x) const override { apply_law(x); }
  void apply(std::span<float> x) const override { apply_law(x); }
  void apply_with_derivatives(std::span<double> x, std::span<double> first, std::span<double> second) const override {
    derivatives(x, first, second);
  }
  void apply_with_derivatives(std::span<float> x, std::span<float> first, std::span<float> second) const override {
    derivatives(x, first, second);
  }
  const LinearPieces* pieces() const override { return pieces_ ? &*pieces_ : nullptr; }
  std::optional<double> max_slope() const override { return law_.max_slope(); }
  Activation::Known known() const override {
    Activation::Known known{.homogeneous = false, .kinks = std::vector<double>{}};
    if constexpr (requires { law_.range(); }) known.range = law_.range();
    if constexpr (requires { law_.odd(); }) known.odd = law_.odd();
    if constexpr (requires { law_.kinks(); }) known.kinks = law_.kinks();
    known.features.reach = infinity;
    if constexpr (requires { law_.breaks(); }) known.features.breaks = law_.breaks();
    return known;
  }
  bool is_sine() const override { return std::is_same_v<Law, activation_laws::Sine>; }

 private:
  template <class Real>
  void apply_law(std::span<Real> x) const {
    const Law law = law_;  // a local copy, which no store through x can change
    for (Real& element : x) element = law.template value<Real>(element);
  }
  template <class Real>
  void derivatives(std::span<Real> x, std::span<Real> first_out, std::span<Real> second_out) const {
    if constexpr (requires { law_.derivatives(x, first_out, second_out); }) {
      law_.derivatives(x, first_out, second_out);
    } else {
      derivatives_of(*this, x, first_out, second_out);
    }
  }

  Law law_;
  std::optional<LinearPieces> pieces_;
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
  Activation::Known known() const override { return {}; }

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
  /// A series without linear pieces is curved.
  Activation::Known known() const override {
    bool odd = true;
    for (std::size_t n = 0; n < series_.size(); n += 2) odd = odd && series_[n] == 0.0;
    return {.odd = odd, .homogeneous = false, .kinks = std::vector<double>{}, .features = {{}, {}, infinity}};
  }

 private:
  std::optional<LinearPieces> line_;  // of a series that is linear after all
  std::vector<double> series_;
  std::vector<double> first_;
  std::vector<double> second_;
};

struct CustomImpl final : GeneralImpl {
  CustomImpl(Activation::Function phi, Activation::Function first, Activation::Function second, Activation::Known known)
      : phi_(std::move(phi)), first_(std::move(first)), second_(std::move(second)), known_(std::move(known)) {}
  double value(double x) const override { return phi_(x); }
  double first(double x) const override { return first_(x); }
  double second(double x) const override { return second_(x); }
  std::optional<double> max_slope() const override { return std::nullopt; }
  Activation::Known known() const override { return known_; }

 private:
  Activation::Function phi_;
  Activation::Function first_;
  Activation::Function second_;
  Activation::Known known_;
};

void require_finite(std::span<const double> values, const char* what) {
  for (const double value : values) {
    if (!std::isfinite(value)) {
      throw std::invalid_argument(std::string(what) + " must be finite (found " + std::to_string(value) +
                                  "), give ordinary numbers");
    }
  }
}

constexpr std::array<std::string_view, 13> known_names = {"linear",  "relu",     "hard_tanh", "tanh",       "erf",
                                                          "sigmoid", "gelu",     "swish",     "leaky_relu", "elu",
                                                          "selu",    "softplus", "sin"};

/// The shortest TOML text that reads back the same.
std::string float_text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), end.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string list_text(std::span<const double> values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + float_text(values[i]);
  return text + "]";
}

template <class Law>
std::shared_ptr<const Activation::Impl> impl_of(Law law = {}) {
  return std::make_shared<NamedImpl<Law>>(law);
}

/// Null for an unknown name.
std::shared_ptr<const Activation::Impl> find_named(std::string_view name) {
  using namespace activation_laws;
  if (name == "linear") return impl_of<Linear>();
  if (name == "relu") return impl_of<Relu>();
  if (name == "hard_tanh") return impl_of<HardTanh>();
  if (name == "tanh") return impl_of<Tanh>();
  if (name == "erf") return impl_of<Erf>();
  if (name == "sigmoid") return impl_of<Sigmoid>();
  if (name == "gelu") return impl_of<Gelu>();
  if (name == "swish") return impl_of<Swish>();
  if (name == "leaky_relu") return impl_of<LeakyRelu>();
  if (name == "elu") return impl_of<ExponentialLinear>();
  if (name == "selu") return impl_of(ExponentialLinear{selu_scale, selu_alpha});
  if (name == "softplus") return impl_of<Softplus>();
  if (name == "sin") return impl_of<Sine>();
  return nullptr;
}

}  // namespace

Activation::Activation(std::shared_ptr<const Impl> impl, std::string text) : impl_(std::move(impl)) {
  Facts facts{std::move(text), {}, {}, {}};
  if (const LinearPieces* linear = impl_->pieces()) {
    facts.known = {range_of(*linear),
                   is_odd(*linear),
                   is_homogeneous(*linear),
                   kinks_of(*linear),
                   {kinks_of(*linear), {}, infinity}};
    facts.clamp = clamp_of(*linear);
  } else {
    facts.known = impl_->known();
  }
  facts_ = std::make_shared<const Facts>(std::move(facts));
}

Activation Activation::named(std::string_view given) {
  const std::string_view name = settled_name(given);
  if (auto impl = find_named(name)) return Activation(std::move(impl), std::string(name));
  std::string message = "unknown activation \"" + std::string(name) + "\" (no such name), use one of";
  for (const std::string_view known : known_names) message.append(" ").append(known);
  throw std::invalid_argument(message);
}

std::string_view Activation::settled_name(std::string_view name) {
  if (name == "silu") return "swish";
  if (name == "hardtanh") return "hard_tanh";
  return name;
}

Activation Activation::leaky_relu(double slope) {
  require_finite(std::array{slope}, "the slope of leaky_relu");
  return Activation(impl_of(activation_laws::LeakyRelu{slope}),
                    "{ activation = \"leaky_relu\", slope = " + float_text(slope) + " }");
}

Activation Activation::elu(double alpha) {
  require_finite(std::array{alpha}, "alpha of elu");
  std::string text = "{ activation = \"elu\", alpha = " + float_text(alpha) + " }";
  if (alpha == 0.0) return Activation(impl_of<activation_laws::Relu>(), std::move(text));  // with its linear pieces
  return Activation(impl_of(activation_laws::ExponentialLinear{1.0, alpha}), std::move(text));
}

Activation Activation::called(std::string text, std::string label) const {
  Facts facts = *facts_;
  facts.text = std::move(text);
  facts.label = std::move(label);
  Activation result = *this;
  result.facts_ = std::make_shared<const Facts>(std::move(facts));
  return result;
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
  std::string text = "{ breakpoints = " + list_text(breakpoints) + ", slopes = " + list_text(slopes) +
                     ", value = " + list_text(std::array{x, phi_x}) + " }";
  return Activation(
      std::make_shared<PiecewiseImpl>(LinearPieces{std::move(breakpoints), std::move(slopes), std::move(intercepts)}),
      std::move(text));
}

Activation Activation::hermite(std::vector<double> coefficients) {
  if (coefficients.empty()) {
    throw std::invalid_argument("a Hermite activation has no coefficients (the list is empty), give c_0, c_1, ...");
  }
  require_finite(coefficients, "Hermite coefficients");
  std::string text = "{ hermite = " + list_text(coefficients) + " }";
  return Activation(std::make_shared<HermiteImpl>(std::move(coefficients)), std::move(text));
}

Activation Activation::custom(Function phi, Function derivative, Function second_derivative) {
  return custom(std::move(phi), std::move(derivative), std::move(second_derivative), {});
}

Activation Activation::custom(Function phi, Function derivative, Function second_derivative, Known known) {
  if (!phi || !derivative || !second_derivative) {
    throw std::invalid_argument(
        "a custom activation lacks a function (phi and both derivatives are needed), give all three");
  }
  return Activation(std::make_shared<CustomImpl>(std::move(phi), std::move(derivative), std::move(second_derivative),
                                                 std::move(known)),
                    {});
}

std::vector<double> Activation::Features::ends(double low, double high, std::size_t most) const {
  std::vector<double> result{low, high};
  const auto inside = [&](double x) { return x > low && x < high; };
  std::copy_if(breaks.begin(), breaks.end(), std::back_inserter(result), inside);
  double panels = 0.0;
  for (const Stretch& s : narrow) panels += std::max(0.0, std::min(s.end, high) - std::max(s.begin, low)) / s.width;
  const double coarsening = std::max(1.0, panels / static_cast<double>(most));
  for (const Stretch& s : narrow) {
    const double begin = std::max(s.begin, low);
    const double end = std::min(s.end, high);
    if (!(begin < end)) continue;
    const double count = std::ceil((end - begin) / (s.width * coarsening));
    for (double k = 0.0; k <= count; k += 1.0) {
      const double x = k == count ? end : begin + (end - begin) * (k / count);
      if (inside(x)) result.push_back(x);
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
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
bool Activation::is_sine() const {
  return impl_->is_sine();
}

}  // namespace meander
