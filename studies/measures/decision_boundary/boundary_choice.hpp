// What a study says of decision boundaries: whose they are, where their points are looked for, and which curvatures
// are wanted.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/decision_boundary/boundary_curvature.hpp"
#include "kernels/decision_boundary/boundary_search.hpp"
#include "pipeline/inputs/arrays.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/declare/declaration.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/networks/network_source.hpp"

namespace meander {

template <>
constexpr std::array<std::string_view, 3> choice_names<CurvatureSolver>{"auto", "dense", "slepc"};

enum class BoundaryPath { circle, line };

template <>
constexpr std::array<std::string_view, 2> choice_names<BoundaryPath>{"circle", "line"};

/// The threshold of G: a number, or nothing for the median of beta . x^D over the inputs.
struct BoundaryLevel {
  std::optional<double> number;
};

template <>
struct KeyTraits<BoundaryLevel> {
  static constexpr KeyType type = KeyType::any;
  static void complete(Key& key);
  static BoundaryLevel decode(const Value& value);
};

/// [decision_boundary]
struct BoundaryKeys {
  explicit BoundaryKeys(Declaration& declare);

  int points = 10;
  int curvatures = 4;
  BoundaryLevel beta_0;
  std::optional<BoundaryPath> path;
  long samples = 512;
  double tolerance = 1e-12;
  CurvatureSolver solver = CurvatureSolver::automatic;
  std::optional<std::vector<std::size_t>> classes;
  const StudyFile* file = nullptr;
};

/// Complains of activations with kinks.
void require_smooth(const Study& study, const NetworkSource& networks, Diagnostics& diagnostics);

class BoundaryChoice {
 public:
  /// Mistakes go to `diagnostics`; the object must not be used where there were any. `networks` may be null where they
  /// were complained of.
  BoundaryChoice(const Study& study, const BoundaryKeys& keys, const InputKeys& input,
                 const std::shared_ptr<const NetworkSource>& networks, Diagnostics& diagnostics);

  int dimension() const { return inputs_ ? inputs_->dimension() : static_cast<int>(starts_.front().size()); }
  int points() const { return points_; }
  int curvatures() const { return options_.count; }
  const CurvatureOptions& curvature_options() const { return options_; }
  const BoundarySearch& search() const { return search_; }
  /// Of inputs that are drawn.
  const InputScale& scale() const { return inputs_->scale(); }
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

 private:
  void read_file(const Study& study, const StudyFile& file, const StoredNetwork* network, Diagnostics& diagnostics);
  void read_readout(const Study& study, const BoundaryKeys& keys, const StoredNetwork* network,
                    Diagnostics& diagnostics);
  void check_starts(const Study& study, const BoundaryKeys& keys, Diagnostics& diagnostics) const;
  void read_path(const Study& study, const BoundaryKeys& keys, Diagnostics& diagnostics);
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
