// What the measures of a Jacobian share: square networks, the Gaussian point at which the Jacobian is taken, and free
// probability's spectrum of the same ensemble.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/mean_field/free_probability.hpp"
#include "kernels/networks/network.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/inputs/input_keys.hpp"
#include "studies/inputs/input_scale.hpp"
#include "studies/networks/network_source.hpp"

namespace meander {

/// [sweep] parameters of random networks without a readout, and [input] dimension, q0.
struct JacobianPointKeys {
  explicit JacobianPointKeys(Declaration& declare);

  NetworkKeys networks;
  InputKeys input;
};

/// The Jacobian of a study, decoded.
class JacobianPoint {
 public:
  /// Complains of what no square product J can be made of, of contradicting parameters and of `q0` without fixed point.
  JacobianPoint(const Study& study, const JacobianPointKeys& keys, Diagnostics& diagnostics);

  /// False where the networks themselves are in doubt: nothing else of the study can be decoded then.
  bool has_networks() const { return networks_ != nullptr; }
  int depth() const { return networks_->depth(); }
  std::vector<int> widths(const Point& point) const { return networks_->widths(point); }
  int width(const Point& point) const { return networks_->widths(point).front(); }
  double sigma_w(const Point& point) const { return networks_->random()->sigma_w(point); }
  RandomNetwork::Parameters parameters(const Point& point) const {
    return networks_->random()->parameters(point, width(point));
  }
  const Activation& activation(const Point& point) const { return networks_->activation(point); }

  /// The input x^0 of a task, its mean square q0 met exactly: the first Gaussian point of the realization's stream.
  std::vector<double> input(const Point& point, StreamKey key) const;

  /// Writes a task's network, and its input as /points.
  void export_cell(const Task& task, const std::string& path) const;

  /// The ensemble whose spectrum is known; nothing for other distributions of the weights.
  std::optional<WeightEnsemble> ensemble(const Point& point) const;
  /// The spectrum at infinite width under an ensemble; nothing where q leaves the range of numbers or all slopes
  /// vanish.
  std::optional<FreeSpectrum> theory(const Point& point, WeightEnsemble ensemble) const;
  /// Free probability needs depth << width (finite-width corrections of the edge grow with their ratio).
  bool is_wide_enough(const Point& point) const;

 private:
  void check_square(const Study& study, const JacobianPointKeys& keys, Diagnostics& diagnostics) const;

  std::shared_ptr<const NetworkSource> networks_;
  InputScale scale_;
};

}  // namespace meander
