// Activation functions: by name, as linear pieces, as a Hermite series, or as a caller's function
// with its derivatives.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

  /// linear relu hard_tanh tanh erf sigmoid gelu swish. Throws std::invalid_argument on any other.
  static Activation named(std::string_view name);
  /// The names that `named` knows.
  static std::span<const std::string_view> names();
  /// Slopes between ascending breakpoints, with phi(x) = phi_x fixing the constant. Throws
  /// std::invalid_argument where the sizes do not match or the breakpoints do not ascend.
  static Activation piecewise_linear(std::vector<double> breakpoints, std::vector<double> slopes, double x,
                                     double phi_x);
  /// sum_n c_n He_n(x) / sqrt(n!), He_n the probabilists' Hermite polynomials.
  static Activation hermite(std::vector<double> coefficients);
  /// A caller's function with its first and second derivatives.
  static Activation custom(Function phi, Function derivative, Function second_derivative);

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

 private:
  explicit Activation(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace meander
