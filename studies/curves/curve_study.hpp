// What every measure of a curve's image through networks shares: keys, checks, the network and curve
// of a task, theory, cost and export.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/mean_field/curve_theory.hpp"
#include "kernels/mean_field/gaussian_correction.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/trajectories/sampled_curve.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/costs/average_costs.hpp"
#include "studies/inputs/input_curve.hpp"
#include "studies/networks/network_source.hpp"

namespace meander {

/// The keys of every measure of curves.
struct CurveStudyKeys {
  explicit CurveStudyKeys(Declaration& declare) : networks(declare, {}), input(declare, {}), curve(declare) {}

  NetworkKeys networks;
  InputKeys input;
  CurveKeys curve;
};

/// A study of curves, decoded.
class CurveStudy {
 public:
  /// Mistakes go to `diagnostics`; the object must not be used where there were any.
  CurveStudy(const Study& study, const CurveStudyKeys& keys, Diagnostics& diagnostics,
             LayersTaken taken = LayersTaken::dense);

  const NetworkSource& networks() const { return *networks_; }
  bool is_circle() const { return input_.is_circle(); }
  int depth() const { return networks_->depth(); }
  int input_dimension() const { return input_.dimension(); }
  const Parameter<long>& samples() const { return samples_; }
  Precision precision() const { return precision_; }

  struct Subject {
    std::shared_ptr<const Network> network;
    Curve curve;
  };
  Subject subject(const Task& task) const;
  SampledCounts sample(const Task& task, const Subject& subject, bool transitions) const;

  /// True where theory is the same for all realizations and belongs into a family of its own; elsewhere the first
  /// family holds it (and for a stored network, which has none, it stays missing there).
  bool has_theory_family() const { return networks_->random() != nullptr && input_.has_one_theory(); }
  /// True where a realization has a theory of its own, for its own curve.
  bool has_theory_of_draws() const { return networks_->random() != nullptr && !input_.has_one_theory(); }
  /// What theory needs to know of a point's random networks, and the curve that all its realizations share in theory
  /// (has_theory_family).
  TheoryParameters theory_parameters(const Point& point) const;
  Curve typical_curve(const Point& point) const { return input_.typical_curve(point); }
  /// Theory for a point of random networks along `curve`.
  CurveTheory theory(const Point& point, const Curve& curve) const;
  /// How far the weights' law takes pre-activations from the Gaussian that theory assumes.
  GaussianCorrection correction(const Point& point, const Curve& curve) const;

  Cost sampling_cost(const Point& point) const;
  /// The same where a neuron's activation takes `element` seconds a sample.
  Cost sampling_cost(const Point& point, double element) const;
  /// What exact counting costs: events as mean-field theory predicts them for a typical curve.
  Cost exact_cost(const Point& point, bool patterns, bool events) const;
  Cost theory_cost(const Point& point) const;
  const AverageCosts& average_costs(const Point& point) const { return theory_costs_(networks_->activation(point)); }
  void export_cell(const Task& task, const std::string& path) const;

 private:
  std::shared_ptr<const NetworkSource> networks_;
  InputCurve input_;
  Parameter<long> samples_;
  Precision precision_ = Precision::double_;
  TheoryCosts theory_costs_;
};

/// The leading `count` values.
template <class T>
std::span<const T> leading(const std::vector<T>& values, int count) {
  return std::span<const T>(values).first(static_cast<std::size_t>(count));
}

/// Marks the task as out of range, naming the first layer that overflowed, if one did: those before it are
/// `finite_layers`.
void report_overflow(int finite_layers, const Network& network, Precision precision, Results& results);

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
