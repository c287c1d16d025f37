// What a study of activation spectra says, decoded: the activation of each point (given, or designed for a chi_1),
// the variance at which its spectrum is taken, and the networks and inputs that are measured beside it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/mean_field/hermite_design.hpp"
#include "kernels/networks/network.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"
#include "pipeline/values/value.hpp"
#include "studies/networks/network_choice.hpp"

namespace meander {

class SpectrumStudy {
 public:
  static std::vector<Key> keys();
  /// Mistakes go to `diagnostics`; the object must not be used where there were any.
  SpectrumStudy(const Study& study, Diagnostics& diagnostics);

  /// The networks that are measured: random ones where the study gives their width, or a stored one.
  const std::optional<NetworkChoice>& networks() const { return networks_; }
  bool is_stored() const { return networks_ && networks_->stored() != nullptr; }
  bool is_designed() const { return is_designed_; }
  int input_dimension() const { return input_dimension_; }
  /// The deepest network's depth, or that of theory alone; 0 where no layers are asked for.
  int depth() const { return depth_; }
  int orders() const { return orders_; }
  int fit_from() const { return fit_from_; }
  int pairs() const { return pairs_; }
  /// Decay lengths are fitted where |c - c_star| lies between these.
  double nearest() const { return nearest_; }
  double farthest() const { return farthest_; }

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
  double c0(const Point& point) const { return point.number("c0"); }
  /// The given variance of the spectrum, or nothing for "fixed_point".
  std::optional<double> given_variance(const Point& point) const;

 private:
  void read_networks(const Study& study, Diagnostics& diagnostics);
  void check_designs(const Study& study, Diagnostics& diagnostics) const;
  void check_q0(const Study& study, Diagnostics& diagnostics) const;

  std::optional<NetworkChoice> networks_;
  bool is_designed_ = false;
  int depth_ = 0;
  int input_dimension_ = 0;
  int orders_ = 0;
  int fit_from_ = 0;
  int pairs_ = 0;
  double nearest_ = 0.0;
  double farthest_ = 0.0;
};

double sigma_b_of(const Point& point);

}  // namespace meander
