// What every measure of a curve's image through networks shares: keys, checks, the network and curve
// of a task, theory, cost and export.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/mean_field/curve_theory.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/trajectories/sampled_curve.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/inputs/input_curve.hpp"

namespace meander {

/// A study of curves, decoded.
class CurveStudy {
 public:
  /// Mistakes go to `diagnostics`; the object must not be used where there were any.
  CurveStudy(const Study& study, Diagnostics& diagnostics);
  /// As above; throws BadInput where there was a mistake.
  static CurveStudy read(const Study& study);

  static std::vector<Key> keys();

  struct Subject {
    std::shared_ptr<const Network> network;
    Curve curve;
  };
  Subject subject(const Task& task) const;
  SampledCounts sample(const Task& task, const Subject& subject, bool transitions) const;
  Activation activation(const Point& point) const;
  /// Of a study of a stored network.
  const Activation& stored_activation() const { return stored_->activation(); }

  /// True where theory belongs into a family without realization; the first family holds it
  /// otherwise (and for a stored network, which has none, it stays missing there).
  bool has_theory_family() const { return !stored_ && input_.has_one_theory(); }
  /// Theory for a point whose curve is `curve`, or the one that all its realizations share. Nothing for
  /// a stored network.
  std::optional<CurveTheory> theory(const Point& point, const Curve* curve) const;

  /// What theory needs to know of a point's networks, and the curve that all its realizations share in theory
  /// (has_theory_family). Not for a stored network.
  TheoryParameters theory_parameters(const Point& point) const;
  Curve typical_curve(const Point& point) const { return input_.typical_curve(point); }
  bool is_stored() const { return stored_ != nullptr; }
  bool is_circle() const { return input_.is_circle(); }
  int depth() const { return depth_; }
  int input_dimension() const { return input_.dimension(); }
  /// N_1 .. N_depth of a point's networks.
  std::vector<int> widths(const Point& point) const;

  bool has_readout() const;
  OwnDimension layer_dimension() const;
  Cost sampling_cost(const Point& point) const;
  /// What exact counting costs: events as mean-field theory predicts them for a typical curve.
  Cost exact_cost(const Point& point, bool patterns, bool events) const;
  Cost theory_cost(const Point& point) const;
  /// Warns where realizations would repeat each other.
  void check_realizations(const Study& study, Diagnostics& diagnostics) const;
  void export_cell(const Task& task, const std::string& path) const;

 private:
  CurveStudy(const Study& study, Diagnostics& diagnostics, std::shared_ptr<const StoredNetwork> stored);

  std::shared_ptr<const StoredNetwork> stored_;
  std::string stored_activation_;
  InputCurve input_;
  int depth_ = 0;
  bool random_readout_ = false;
  bool single_ = false;
};

/// Every combination that no measure of curves accepts.
void check_curve_study(const Study& study, Diagnostics& diagnostics);

/// The leading `count` values.
template <class T>
std::span<const T> leading(const std::vector<T>& values, int count) {
  return std::span<const T>(values).first(static_cast<std::size_t>(count));
}

/// Marks the task as out of range, naming the first layer that overflowed, if one did: those before it are
/// `finite_layers`.
void report_overflow(int finite_layers, const Network& network, bool single, Results& results);

/// |all - half| / all for each of the leading `count` layers; 0 where both are 0.
template <class T>
std::vector<double> relative_change(const std::vector<T>& all, const std::vector<T>& half, int count) {
  std::vector<double> change;
  for (std::size_t l = 0; l < static_cast<std::size_t>(count); ++l) {
    const double n = static_cast<double>(all[l]);
    const double difference = n - static_cast<double>(half[l]);
    change.push_back(n == 0.0 ? 0.0 : (difference < 0 ? -difference : difference) / n);
  }
  return change;
}

/// `sampling_change` and `sampling_warning`, their declarations and their values.
std::vector<ArraySpec> sampling_arrays(const std::string& what);
void set_sampling(const std::vector<double>& change, Results& results);

}  // namespace meander
