// Activation functions: by name, as linear pieces, as a Hermite series, or as a caller's function
// with its derivatives.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meander {

/// phi(x) = slopes[k] x + intercepts[k] on piece k; piece k lies between breakpoints[k-1] and
/// breakpoints[k] (ascending), so there is one slope more than there are breakpoints. phi is
/// continuous.
struct LinearPieces {
  std::vector<double> breakpoints;
  std::vector<double> slopes;
  std::vector<double> intercepts;

  friend bool operator==(const LinearPieces&, const LinearPieces&) = default;
};

/// An activation phi with its exact first and second derivatives. Immutable; cheap to copy.
class Activation {
 public:
  using Function = std::function<double(double)>;
  /// The function behind an activation; defined where the functions are.
  struct Impl;

  /// inf phi and sup phi, infinite where phi is not bounded; `rises` where it never falls.
  struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool rises = false;

    friend bool operator==(const Range&, const Range&) = default;
  };
  /// phi(x) = max(low, min(high, x)); a bound may be infinite.
  struct IdentityBounds {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();

    friend bool operator==(const IdentityBounds&, const IdentityBounds&) = default;
  };
  /// A stretch begin <= x <= end over which phi changes on the scale of `width`, finer than an eighth: panels of that
  /// width follow it.
  struct Stretch {
    double begin = 0.0;
    double end = 0.0;
    double width = 0.0;

    friend bool operator==(const Stretch&, const Stretch&) = default;
  };
  /// Where quadrature has to look closely. Between -reach and reach phi has no others, which is proved and not sampled:
  /// elsewhere there, phi is analytic on the scale of an eighth or more. Beyond, and everywhere where reach is zero,
  /// nothing is known, and quadrature has its own estimate of its error alone.
  struct Features {
    /// Where phi or a derivative of any order jumps, ascending: kinks() among them. Panels end there.
    std::vector<double> breaks;
    /// Ascending and disjoint.
    std::vector<Stretch> narrow;
    double reach = 0.0;

    bool empty() const { return breaks.empty() && narrow.empty(); }
    /// Ends of panels for an integral over phi: low, high, every break between them, and multiples of its width in
    /// every narrow stretch; ascending, each once. At most about `most` of them: where a stretch would take more, its
    /// panels are wider, and the error estimate has to tell.
    std::vector<double> ends(double low, double high, std::size_t most = 4096) const;

    friend bool operator==(const Features&, const Features&) = default;
  };
  /// What a caller knows about a function of its own; nothing where it does not.
  struct Known {
    std::optional<Range> range = {};
    std::optional<bool> odd = {};
    std::optional<bool> homogeneous = {};
    std::optional<std::vector<double>> kinks = {};
    Features features = {};
  };

  /// linear relu hard_tanh tanh erf sigmoid gelu swish leaky_relu (slope 0.01) elu (alpha 1) selu softplus sin; also
  /// silu and hardtanh, which are swish and hard_tanh. Throws std::invalid_argument on any other.
  static Activation named(std::string_view name);
  /// The names that `named` knows, each function once.
  static std::span<const std::string_view> names();
  /// swish for silu, hard_tanh for hardtanh, and any other name itself.
  static std::string_view settled_name(std::string_view name);
  /// x for x > 0, slope x otherwise.
  static Activation leaky_relu(double slope);
  /// x for x > 0, alpha (e^x - 1) otherwise.
  static Activation elu(double alpha);
  /// Slopes between ascending breakpoints, with phi(x) = phi_x fixing the constant. Throws
  /// std::invalid_argument where the sizes do not match or the breakpoints do not ascend.
  static Activation piecewise_linear(std::vector<double> breakpoints, std::vector<double> slopes, double x,
                                     double phi_x);
  /// sum_n c_n He_n(x) / sqrt(n!), He_n the probabilists' Hermite polynomials.
  static Activation hermite(std::vector<double> coefficients);
  /// A caller's function with its first and second derivatives.
  static Activation custom(Function phi, Function derivative, Function second_derivative);
  static Activation custom(Function phi, Function derivative, Function second_derivative, Known known);

  /// As a network file writes it: a name, or a table as TOML text. Empty for a caller's function that was given none.
  const std::string& text() const { return facts_->text; }
  /// What legends, messages and an archive's coordinate call it: the name that its user gave it, else its text.
  const std::string& label() const { return facts_->label.empty() ? facts_->text : facts_->label; }
  /// The same function with these.
  Activation called(std::string text, std::string label = {}) const;

  double operator()(double x) const;
  double derivative(double x) const;
  /// phi''; zero inside linear pieces (the jumps of phi' are not represented).
  double second_derivative(double x) const;

  /// x <- phi(x), element by element; vectorised for the named activations.
  void apply(std::span<double> x) const;
  void apply(std::span<float> x) const;
  /// x <- phi(x), first <- phi'(x), second <- phi''(x), element by element; all of one size. Vectorised for tanh.
  void apply_with_derivatives(std::span<double> x, std::span<double> first, std::span<double> second) const;
  void apply_with_derivatives(std::span<float> x, std::span<float> first, std::span<float> second) const;

  /// The linear pieces, or null for an activation that is not piecewise linear.
  const LinearPieces* pieces() const;
  /// The coefficients c_n of a Hermite series, or null for any other activation.
  const std::vector<double>* hermite_series() const;
  /// sup |phi'|; infinity for polynomials of degree above one; nothing where it is not known
  /// (custom).
  std::optional<double> max_slope() const;

  // What is known about phi, nothing where it is not (Hermite series and custom functions): no property is guessed.

  const std::optional<Range>& range() const { return facts_->known.range; }
  /// phi(-x) = -phi(x); to the last bit too, but for the rounding of linear pieces at their kinks.
  std::optional<bool> odd() const { return facts_->known.odd; }
  /// phi(a x) = a phi(x) for every a > 0: at most a kink at zero.
  std::optional<bool> homogeneous() const { return facts_->known.homogeneous; }
  /// Where phi' jumps, ascending; empty for smooth ones.
  const std::optional<std::vector<double>>& kinks() const { return facts_->known.kinks; }
  /// Breaks, narrow stretches, and how far they are known to be all. Named activations and Hermite series have none
  /// that are narrow; linear pieces break at their kinks.
  const Features& features() const { return facts_->known.features; }
  /// Whether phi' is known to jump somewhere.
  bool has_kinks() const { return kinks() && !kinks()->empty(); }
  /// The bounds of an activation that is the identity between two and constant beyond them; nothing for any other.
  const std::optional<IdentityBounds>& clamp() const { return facts_->clamp; }
  /// Whether phi is the sine, whose Gaussian averages have closed forms where quadrature would have to follow every
  /// wave.
  bool is_sine() const;

 private:
  /// What is found out once.
  struct Facts {
    std::string text, label;
    Known known;
    std::optional<IdentityBounds> clamp;
  };
  Activation(std::shared_ptr<const Impl> impl, std::string text);

  std::shared_ptr<const Impl> impl_;
  std::shared_ptr<const Facts> facts_;
};

}  // namespace meander
