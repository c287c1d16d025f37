// What a study of activation spectra says, decoded: the activation of each point (given, or designed for a chi_1),
// the variance at which its spectrum is taken, and the networks and inputs that are measured beside it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/mean_field/hermite_design.hpp"
#include "kernels/networks/network.hpp"
#include "studies/inputs/input_keys.hpp"
#include "studies/networks/network_source.hpp"

namespace meander {

/// The variance of the pre-activations at which a spectrum is taken: a number, or nothing for the fixed point.
struct SpectrumVariance {
  std::optional<double> number;
};

template <>
struct KeyTraits<SpectrumVariance> {
  static constexpr KeyType type = KeyType::any;
  static void complete(Key& key);
  static SpectrumVariance decode(const Value& value);
};

/// Keys of networks and inputs, and [activation_spectrum].
struct ActivationSpectrumKeys {
  explicit ActivationSpectrumKeys(Declaration& declare);

  NetworkKeys networks;
  InputKeys input;
  Parameter<double> c0;
  int orders = 40;
  Parameter<SpectrumVariance> variance;
  int fit_from = 4;
  int pairs = 16;
  std::vector<double> decay_range;
  Parameter<double> design_chi_1;
  double design_slope = 0.5;
  std::vector<int> design_orders;
};

class SpectrumStudy {
 public:
  /// Mistakes go to `diagnostics`; the object must not be used where there were any.
  SpectrumStudy(const Study& study, const ActivationSpectrumKeys& keys, Diagnostics& diagnostics);

  /// Random or stored networks' parameters; random ones need not have a width (has_networks).
  const NetworkSource& networks() const { return *networks_; }
  /// Whether networks are measured: stored ones, or random ones whose width the study gives.
  bool has_networks() const { return has_networks_; }
  bool is_stored() const { return networks_->random() == nullptr; }
  /// Whether activations are polynomials made for a chi_1.
  bool is_designed() const { return keys_.design_chi_1.is_given(); }
  int input_dimension() const { return input_dimension_; }
  /// The deepest network's depth, or that of theory alone; 0 where no layers are asked for.
  int depth() const { return depth_; }
  int orders() const { return keys_.orders; }
  int fit_from() const { return keys_.fit_from; }
  int pairs() const { return keys_.pairs; }
  /// Decay lengths are fitted where |c - c_star| lies between these.
  double nearest() const { return keys_.decay_range[0]; }
  double farthest() const { return keys_.decay_range[1]; }
  double sigma_w(const Point& point) const { return networks_->random()->sigma_w(point); }
  double sigma_b(const Point& point) const { return networks_->random()->sigma_b(point); }

  /// The activation of a point and its text; of a designed one the polynomial, or nothing where there is none
  /// (`refusal` says why).
  struct Subject {
    std::optional<Activation> activation;
    std::string text;
    std::string refusal;
  };
  Subject subject(const Point& point) const;

  /// Mean square of the inputs' components; not for "fixed_point" of a stored network.
  double q0(const Point& point, const Activation& activation) const;
  double c0(const Point& point) const { return keys_.c0(point); }
  /// The given variance of the spectrum, or nothing for "fixed_point".
  std::optional<double> given_variance(const Point& point) const { return keys_.variance(point).number; }

 private:
  void read_networks(const Study& study, Diagnostics& diagnostics);
  void check_designs(const Study& study, Diagnostics& diagnostics) const;
  void check_q0(const Study& study, Diagnostics& diagnostics) const;
  HermiteTarget target(const Point& point) const;

  ActivationSpectrumKeys keys_;
  std::shared_ptr<const NetworkSource> networks_;
  bool has_networks_ = false;
  int depth_ = 0;
  int input_dimension_ = 0;
};

}  // namespace meander
