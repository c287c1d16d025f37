// The largest and the smallest singular values of the input-output Jacobian of very wide networks, from products with
// it that a group of ranks shares, beside the edge that free probability predicts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/jacobian_extremes.hpp"
#include "kernels/jacobian_operator.hpp"
#include "kernels/jacobian_product.hpp"
#include "pipeline/measure.hpp"
#include "studies/extremes_cost.hpp"
#include "studies/jacobian_extremes_keys.hpp"
#include "studies/jacobian_point.hpp"
#include "studies/random_networks.hpp"

namespace meander {
namespace {

/// One task under way: what every rank of the group does alike, and what its first rank notes.
class Search {
 public:
  Search(const Task& task, const ExtremesSettings& settings, Results& results)
      : settings_(settings),
        key_(stream_key(task.seed, task.realization, task.salt)),
        parameters_(network_parameters(task.point, widths_of(task.point).front())),
        input_(jacobian_input(task.point, key_)),
        group_(task.group),
        results_(results) {}

  void run() {
    if (extremes_way(parameters_, settings_) == ExtremesWay::graded) {
      find_all();
    } else {
      find_ends();
    }
    if (!problem_.empty()) results_.status(Status::not_converged, problem_);
  }

 private:
  int width() const { return parameters_.input_dimension; }
  bool is_first() const {
    int rank = 0;
    MPI_Comm_rank(group_, &rank);
    return rank == 0;
  }
  void complain(const std::string& problem) { problem_ += (problem_.empty() ? "" : "; ") + problem; }

  void find_all();
  void find_ends();
  void set_rank(std::span<const std::int64_t> open);

  const ExtremesSettings& settings_;
  StreamKey key_;
  RandomNetwork::Parameters parameters_;
  std::vector<double> input_;
  MPI_Comm group_;
  Results& results_;
  std::string problem_;
};

/// The whole spectrum; the other ranks of the group have nothing to do.
void Search::find_all() {
  if (!is_first()) return;
  const RandomNetwork network(parameters_, key_);
  const JacobianSpectrum spectrum = jacobian_spectrum(network, input_);
  results_.set("slope_square", std::span<const double>(spectrum.slope_square));
  results_.set("solver", std::int64_t{1});
  results_.set("storage", std::int64_t{1});
  results_.set("iterations", std::int64_t{0});
  results_.set("products", std::int64_t{0});
  if (spectrum.finite_layers < network.depth()) {
    throw std::overflow_error(
        fmt::format("values overflow double precision in layer {} of {}", spectrum.finite_layers + 1, network.depth()));
  }
  results_.set("rank", spectrum.rank);
  if (!std::isfinite(spectrum.values.front())) {
    throw std::overflow_error("the largest singular value overflows double precision");
  }
  const auto count = static_cast<std::size_t>(settings_.count);
  if (settings_.largest) results_.set("largest", std::span<const double>(spectrum.values).first(count));
  if (settings_.smallest) {
    const auto rank = static_cast<std::size_t>(spectrum.rank);
    std::vector<double> smallest(spectrum.values.begin(), spectrum.values.begin() + spectrum.rank);
    std::reverse(smallest.begin(), smallest.end());
    smallest.resize(std::min(rank, count));
    if (!smallest.empty() && smallest.front() == 0.0) {
      throw std::overflow_error("the smallest singular values lie below the range of double precision");
    }
    results_.set("smallest", std::span<const double>(smallest));
  }
  if (!spectrum.converged) complain("the singular values did not converge (Jacobi rotations ran into their bound)");
}

/// Weights of a continuous law have full rank: J's is that of the layer with the fewest open neurons.
void Search::set_rank(std::span<const std::int64_t> open) {
  const WeightLaw::Kind kind = parameters_.law.kind;
  if (kind == WeightLaw::Kind::rademacher || kind == WeightLaw::Kind::sparse || parameters_.sigma_w == 0.0) return;
  results_.set("rank", *std::min_element(open.begin(), open.end()));
}

void Search::find_ends() {
  const WeightStorage storage = extremes_storage(parameters_, settings_);
  const JacobianOperator j(parameters_, key_, input_, storage, group_);
  results_.set("slope_square", std::span<const double>(j.slope_square()));
  results_.set("storage", static_cast<std::int64_t>(storage) + 1);
  results_.set("solver", std::int64_t{2});
  set_rank(j.open());
  std::int64_t iterations = 0, products = 0;
  if (settings_.largest) {
    const auto found = largest_singular_values(j, {settings_.count, settings_.tolerance});
    iterations += found.iterations;
    products += found.products;
    results_.set("adjoint_error", found.adjoint_error);
    results_.set("largest", std::span<const double>(found.values));
    results_.set("residual_largest", std::span<const double>(found.residuals));
    if (!found.converged) {
      complain(fmt::format("{} of the {} largest singular values converged (in {} iterations)", found.values.size(),
                           settings_.count, found.iterations));
    }
  }
  if (settings_.smallest) {
    complain(
        fmt::format("the smallest singular values were not found (products with J alone do not reach them at "
                    "width {}) take solver = \"dense\", or ends = \"largest\"",
                    width()));
  }
  results_.set("iterations", iterations);
  results_.set("products", products);
}

class Extremes final : public Measurement {
 public:
  explicit Extremes(const Study& study) : settings_(study), depth_(max_depth(study)) {}

  Layout layout() const override {
    Layout layout;
    OwnDimension layer{.name = "layer", .size = static_cast<std::size_t>(depth_), .long_name = "layer, counted from 1"};
    for (int l = 1; l <= depth_; ++l) layer.coordinates.emplace_back(l);
    layout.dimensions = {{.name = "index",
                          .size = static_cast<std::size_t>(settings_.count),
                          .long_name = "place, counted from that end of the spectrum"},
                         layer};
    layout.families = {{"measured", std::nullopt, true, extremes_arrays(settings_.largest, settings_.smallest)},
                       {"theory", std::nullopt, false, extremes_theory_arrays()}};
    return layout;
  }

  Cost cost(std::size_t family, const Point& point) const override {
    const std::vector<int> widths = widths_of(point);
    if (family == 1) return {1e-3 + 3e-5 * static_cast<double>(widths.size()), 5e6, 1};
    return extremes_cost(network_parameters(point, widths.front()), settings_);
  }

  std::string smaller(std::size_t, const Point& point) const override {
    return less_memory(network_parameters(point, widths_of(point).front()), settings_);
  }

  void run(const Task& task, Results& results) const override {
    try {
      if (task.family == 1) {
        set_theory(task.point, results);
      } else {
        Search(task, settings_, results).run();
      }
    } catch (const std::overflow_error& error) {
      results.status(Status::out_of_range,
                     fmt::format("{} (they grow or fall with depth beyond the numbers there are) take a sigma_w nearer "
                                 "to criticality, or fewer layers",
                                 error.what()));
    }
  }

 private:
  static void set_theory(const Point& point, Results& results) {
    const auto ensemble = weight_ensemble(point);
    results.set("theory_valid", std::int64_t{ensemble && is_wide_enough(point)});
    if (!ensemble) return;
    if (point.number("sigma_w") == 0.0) return results.set("lambda_max_theory", 0.0);
    const auto spectrum = jacobian_theory(point, *ensemble);
    if (!spectrum) throw std::overflow_error("the mean-field lengths of the layers overflow double precision");
    results.set("lambda_max_theory", spectrum->lambda_max());
  }

  ExtremesSettings settings_;
  int depth_ = 0;
};

class JacobianExtremesMeasure final : public Measure {
 public:
  std::string name() const override { return "jacobian_extremes"; }
  int version() const override { return 1; }
  std::string description() const override {
    return "largest and smallest singular values of the input-output Jacobian of very wide square random networks, "
           "from "
           "products that a group of ranks shares";
  }
  std::vector<Key> keys() const override {
    std::vector<Key> keys = jacobian_point_keys();
    for (Key& key : extremes_keys()) keys.push_back(std::move(key));
    return keys;
  }
  std::vector<ArraySpec> arrays() const override {
    std::vector<ArraySpec> arrays = extremes_arrays(true, true);
    for (ArraySpec& spec : extremes_theory_arrays()) arrays.push_back(std::move(spec));
    return arrays;
  }
  void check(const Study& study, Diagnostics& diagnostics) const override {
    check_jacobian_point(study, diagnostics);
    check_extremes(study, diagnostics);
  }
  std::unique_ptr<Measurement> bind(const Study& study) const override { return std::make_unique<Extremes>(study); }
};

}  // namespace

std::unique_ptr<Measure> make_jacobian_extremes() {
  return std::make_unique<JacobianExtremesMeasure>();
}

}  // namespace meander
