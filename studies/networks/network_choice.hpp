// The network of a task, drawn or stored, for measures that are not about curves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/networks/network.hpp"
#include "pipeline/measure/measure.hpp"

namespace meander {

/// What a study says of its networks, decoded.
class NetworkChoice {
 public:
  /// Mistakes go to `diagnostics`; the object must not be used where there were any.
  NetworkChoice(const Study& study, Diagnostics& diagnostics);

  /// [sweep] parameters of random networks, [readout] sigma, [network] file.
  static std::vector<Key> keys();

  /// Null where networks are random.
  const std::shared_ptr<const StoredNetwork>& stored() const { return stored_; }
  int input_dimension() const { return stored_ ? stored_->input_dimension() : 0; }
  /// The deepest network's depth.
  int depth() const { return depth_; }
  std::vector<int> widths(const Point& point) const;
  Activation activation(const Point& point) const;
  /// As an archive or a network file names it.
  std::string activation_text(const Point& point) const;

 private:
  std::shared_ptr<const StoredNetwork> stored_;
  std::string stored_activation_;
  int depth_ = 0;
};

/// Complains of missing and contradicting parameters, and of `precision = "single"`, which these measures do
/// not offer.
void check_networks(const Study& study, Diagnostics& diagnostics);

/// Complains where an activation of the study has no linear pieces; `why` completes "(...)".
void require_linear_pieces(const Study& study, const NetworkChoice& networks, const std::string& why,
                           Diagnostics& diagnostics);

/// Warns where several realizations would repeat each other: nothing is drawn.
void warn_of_repetition(const Study& study, Diagnostics& diagnostics);

}  // namespace meander
