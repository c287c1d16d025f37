// The mean square of inputs: a number, or what starts a random network's layer 1 at its fixed point.
#pragma once

#include <memory>
#include <optional>

#include "studies/inputs/input_keys.hpp"
#include "studies/networks/network_source.hpp"

namespace meander {

/// (q* - sigma_b^2) / sigma_w^2, the mean square of inputs whose layer 1 has q*; not finite or not positive where no
/// input has such a scale. With dropout, `keep` is the share of neurons that stay.
double fixed_point_scale(const Activation& activation, double sigma_w, double sigma_b, double keep = 1.0);

class InputScale {
 public:
  /// Complains of "fixed_point" where a stored network has none and where a point's networks have none. `networks` may
  /// be null: then that was complained of already.
  InputScale(const Study& study, Parameter<MeanSquare> q0, std::shared_ptr<const NetworkSource> networks,
             Diagnostics& diagnostics);

  /// True where the study gives q0.
  bool is_given() const { return q0_.is_given(); }
  /// q0 of a point; nothing where the inputs keep their own scale.
  std::optional<double> operator()(const Point& point) const;

 private:
  void check(const Study& study, Diagnostics& diagnostics) const;

  Parameter<MeanSquare> q0_;
  std::shared_ptr<const NetworkSource> networks_;
};

}  // namespace meander
