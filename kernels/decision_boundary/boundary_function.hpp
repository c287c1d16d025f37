// A network's decision function G = beta . x^D - beta_0, as a function of its input and of every layer's
// pre-activations, with exact gradients and Hessians (Poole et al. 2016, section 5).
#pragma once

#include <span>
#include <vector>

#include "kernels/networks/network.hpp"

namespace meander {

/// Everything of one input that derivatives need. Index l - 1 belongs to layer l.
struct BoundaryPoint {
  std::vector<double> x;
  double value = 0.0;  // G
  /// sum_i |beta_i x_i^D| + |beta_0|: what |G| is small against.
  double scale = 0.0;
  std::vector<std::vector<double>> h;  // pre-activations
  /// phi'(h), phi'(h) r and phi''(h) r, where r = dG/dx^l: the slopes, the gradient of G with respect to h^l and
  /// what layer l itself adds to the Hessian's diagonal.
  std::vector<std::vector<double>> slope, gradient, bend;
  std::vector<double> input_gradient;  // dG/dx
};

/// G of one network, its weights held in memory. "Layer 0" is the input.
class BoundaryFunction {
 public:
  /// `beta` has as many elements as the network's last layer. Throws std::invalid_argument where it has not,
  /// where the activation has kinks (its Hessian is zero but for delta functions), or where phi'' is not given.
  BoundaryFunction(const Network& network, std::vector<double> beta, double beta_0);

  int depth() const { return static_cast<int>(layers_.size()); }
  int input_dimension() const { return input_dimension_; }
  /// Neurons of layer l; the input's dimension for l = 0.
  int size(int layer) const;
  const std::vector<double>& beta() const { return beta_; }

  /// G alone.
  double value(std::span<const double> x) const;
  /// G with all its first derivatives.
  BoundaryPoint at(std::span<const double> x) const;
  /// dG/dh^l, or dG/dx for l = 0.
  static std::span<const double> gradient(const BoundaryPoint& point, int layer);

  /// out <- (d2G/ds2) v with s = h^l or the input: tangents forwards, then their adjoints backwards (Pearlmutter
  /// 1994). Exact to rounding; 4 sum N_l N_(l+1) flops over the layers above.
  void hessian_product(const BoundaryPoint& point, int layer, std::span<const double> v, std::span<double> out) const;

  /// d2G/ds2 of layer l, row-major (N_l, N_l) and symmetric, from that of layer l + 1 (`above`; empty for the last
  /// layer):  H^D = diag(bend^D),  H^l = S W' H^(l+1) W S + diag(bend^l) with W = W^(l+1), S = diag(slope^l);  at
  /// the input W' H^1 W alone.
  std::vector<double> hessian(const BoundaryPoint& point, int layer, const std::vector<double>& above) const;

 private:
  struct Layer {
    int outputs, inputs;
    Activation activation;
    std::vector<double> weight, bias;
  };
  /// h^1, or h of the layer after `layer`, from what it is multiplied with.
  static std::vector<double> multiply(const Layer& layer, std::span<const double> x);
  static std::vector<double> multiply_back(const Layer& layer, std::span<const double> g);

  int input_dimension_;
  std::vector<Layer> layers_;
  std::vector<double> beta_;
  double beta_0_;
};

}  // namespace meander
