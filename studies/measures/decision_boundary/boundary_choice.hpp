// What a study says of decision boundaries: whose they are, where their points are looked for, and which curvatures
// are wanted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/decision_boundary/boundary_curvature.hpp"
#include "kernels/decision_boundary/boundary_search.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/networks/network_choice.hpp"

namespace meander {

class BoundaryChoice {
 public:
  /// Mistakes go to `diagnostics`; the object must not be used where there were any.
  BoundaryChoice(const Study& study, const NetworkChoice& networks, Diagnostics& diagnostics);

  /// [decision_boundary]
  static std::vector<Key> keys();

  int dimension() const { return inputs_ ? inputs_->dimension() : static_cast<int>(starts_.front().size()); }
  int points() const { return points_; }
  int curvatures() const { return options_.count; }
  const CurvatureOptions& curvature_options() const { return options_; }
  const BoundarySearch& search() const { return search_; }
  /// Points on the sphere |x|^2 = N_0 q0, which all realizations share.
  bool has_random_points() const { return inputs_ && !inputs_->has_data() && !line_; }
  /// True where beta and the points come from files.
  bool is_fixed() const { return !starts_.empty() && !beta_is_drawn_; }

  /// beta (of unit length where it is drawn), and beta_0.
  BoundaryFunction function(const Network& network, const Point& point, StreamKey key) const;
  /// Boundary point `index` of a realization, or nothing.
  std::optional<BoundaryHit> find(const BoundaryFunction& boundary, const Point& point, StreamKey key, int index) const;
  /// True where the network's values leave the range of numbers at the input that the search for it starts from.
  bool overflows(const BoundaryFunction& boundary, const Point& point, StreamKey key, int index) const;
  /// Why there may be none.
  std::string no_boundary() const;
  /// /extra/beta and /extra/x, the points that were found.
  void add_boundary(const Network& network, const Task& task, NamedArrays& arrays) const;

  /// Complains of activations with kinks.
  void check_smooth(const Study& study, const NetworkChoice& networks, Diagnostics& diagnostics) const;

 private:
  void read_file(const Study& study, const NetworkChoice& networks, Diagnostics& diagnostics);
  void read_readout(const Study& study, const NetworkChoice& networks, Diagnostics& diagnostics);
  void read_path(const Study& study, Diagnostics& diagnostics);
  std::vector<double> beta(const Network& network, StreamKey key) const;

  int points_ = 0;
  CurvatureOptions options_;
  BoundarySearch search_;
  /// Nothing: the median of beta . x^D over the inputs.
  std::optional<double> beta_0_;
  double readout_bias_ = 0.0;
  bool line_ = false;
  bool beta_is_drawn_ = true;
  std::vector<double> beta_;                 // where it is not drawn
  std::vector<std::vector<double>> starts_;  // from a file
  std::optional<InputPoints> inputs_;
};

}  // namespace meander
