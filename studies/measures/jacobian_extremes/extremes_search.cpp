// Products with J for the largest values, with its inverse for the smallest, or the whole spectrum.
#include "studies/measures/jacobian_extremes/extremes_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/jacobian/factored_inverse.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "kernels/spectra/dense_extremes.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/ranks/rank_group.hpp"
#include "studies/jacobians/jacobian_point.hpp"

namespace meander {
namespace {

/// Relative errors of values that are written though no solver's tolerance vouches for them.
constexpr double most_dense_error = 1e-8;
constexpr double most_factor_error = 1e-4;
constexpr double most_rounding = 1e-7;
/// Products below it may have lost digits on the way.
constexpr double most_hidden = 0x1p-960;
constexpr const char* lost = "the smallest singular values were not found";
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

bool has_full_rank(const WeightLaw& law) {
  return weight_rank(law) == WeightRank::full;
}

}  // namespace

ExtremesSearch::ExtremesSearch(const Task& task, const JacobianPoint& jacobian, const ExtremesSettings& settings,
                               Results& results)
    : settings_(settings),
      key_(task_stream(task)),
      parameters_(jacobian.parameters(task.point)),
      input_(jacobian.input(task.point, key_)),
      group_(task.group == nullptr ? MPI_COMM_SELF : task.group->comm),
      results_(results) {}

void ExtremesSearch::together(const std::function<void()>& action) const {
  meander::together(group_, action);
}

bool ExtremesSearch::is_first() const {
  int rank = 0;
  MPI_Comm_rank(group_, &rank);
  return rank == 0;
}

void ExtremesSearch::run() {
  ExtremesWay way = extremes_way(parameters_, settings_);
  const bool by_name = settings_.solver == ExtremesSolver::dense;
  results_.set("solver",
               static_cast<std::int64_t>(way == ExtremesWay::krylov ? used_solver(settings_) : ExtremesSolver::dense));
  results_.set("storage", static_cast<std::int64_t>(extremes_storage(parameters_, settings_)) + 1);
  if (way != ExtremesWay::graded || !by_name) {
    make_operator();
    if (way == ExtremesWay::matrix) {
      find_in_matrix();
    } else {
      find_by_products();
    }
    const bool may_turn = settings_.solver == ExtremesSolver::automatic && width() <= widest_graded;
    if (may_turn && settings_.smallest() && !smallest_found_) way = ExtremesWay::graded;
    by_rows_.reset();
    by_reflectors_.reset();
  }
  if (way == ExtremesWay::graded) {
    problem_.clear();
    results_.set("solver", static_cast<std::int64_t>(ExtremesSolver::dense));
    find_all();
  }
  results_.set("iterations", iterations_);
  results_.set("products", products_);
  if (!by_name && adjoint_checked_) results_.set("adjoint_error", adjoint_error_);
  if (!problem_.empty()) results_.status(Status::not_converged, problem_);
}

SingularValueSearch ExtremesSearch::search() const {
  SingularValueSearch search;
  search.count = settings_.count;
  search.tolerance = settings_.tolerance;
  search.solver = kernel_solver(settings_);
  return search;
}

void ExtremesSearch::make_operator() {
  const WeightStorage storage = extremes_storage(parameters_, settings_);
  const auto note_layers = [&](const auto& j) {
    j_ = &j;
    open_ = *std::min_element(j.open().begin(), j.open().end());
    together([&] { results_.set("slope_square", std::span<const double>(j.slope_square())); });
  };
  if (parameters_.law.kind == WeightLaw::Kind::orthogonal) {
    by_reflectors_ = std::make_unique<OrthogonalJacobian>(parameters_, key_, input_, storage, group_);
    note_layers(*by_reflectors_);
  } else {
    by_rows_ = std::make_unique<JacobianOperator>(parameters_, key_, input_, storage, group_);
    note_layers(*by_rows_);
  }
}

/// Weights of a continuous law have full rank: J's is that of the layer with the fewest open neurons.
void ExtremesSearch::set_rank() {
  if (parameters_.sigma_w == 0.0) {
    results_.set("rank", std::int64_t{0});
  } else if (has_full_rank(parameters_.law)) {
    results_.set("rank", open_);
  }
}

/// One product tells: what is not finite exceeds the range, and a J of positive rank that gives zero lies below it.
void ExtremesSearch::require_range() const {
  std::vector<double> x, y;
  together([&] {
    x.assign(static_cast<std::size_t>(j_->local_size()), 1.0);
    y.resize(x.size());
  });
  j_->apply(x, y);
  double sizes[2] = {0.0, 0.0};  // whether there is an entry that is not finite, and the largest of the others
  for (const double value : y) {
    if (!std::isfinite(value)) sizes[0] = 1.0;
    if (std::isfinite(value)) sizes[1] = std::max(sizes[1], std::abs(value));
  }
  MPI_Allreduce(MPI_IN_PLACE, sizes, 2, MPI_DOUBLE, MPI_MAX, group_);
  if (sizes[0] > 0.0) throw std::overflow_error("singular values exceed the range of double precision");
  const bool has_rank = open_ > 0 && parameters_.sigma_w != 0.0 && has_full_rank(parameters_.law);
  // Below it numbers lose their digits one by one.
  const bool hardly = sizes[1] > 0.0 && sizes[1] < most_hidden;
  if (hardly || (has_rank && sizes[1] == 0.0)) {
    throw std::overflow_error("singular values lie below the range of double precision");
  }
}

void ExtremesSearch::find_by_products() {
  require_range();
  set_rank();
  try {
    if (settings_.largest()) find_largest();
    if (settings_.smallest()) find_smallest();
  } catch (const AdjointMismatch&) {  // on every rank of the group alike
    // Weights of equal sizes cancel, and what is left of a product is rounding: no fault where they do.
    if (has_full_rank(parameters_.law)) throw;
    adjoint_checked_ = false;
    complain(
        "the singular values are lost in rounding (weights with zeros or equal sizes cancel in products with J) "
        "take a smaller sigma_w or fewer layers");
  }
}

void ExtremesSearch::note(const ExtremeSingularValues& found, const char* name) {
  together([&] { note_here(found, name); });
}

void ExtremesSearch::note_here(const ExtremeSingularValues& found, const char* name) {
  iterations_ += found.iterations;
  products_ += found.products;
  adjoint_error_ = std::max(adjoint_error_, found.adjoint_error);
  for (const double value : found.values) {
    if (!std::isfinite(value)) throw std::overflow_error("singular values leave the range of double precision");
  }
  results_.set(name, std::span<const double>(found.values));
  results_.set(std::string("residual_") + name, std::span<const double>(found.residuals));
  if (!found.converged) {
    complain(
        fmt::format("{} of the {} {} singular values converged (in {} iterations) take another solver, or a "
                    "larger tolerance",
                    found.values.size(), settings_.count, name, found.iterations));
  }
}

void ExtremesSearch::find_largest() {
  note(largest_singular_values(*j_, search()), "largest");
}

/// J^-1, or nothing with the reason noted. Every rank of the group meets the same.
std::unique_ptr<DistributedOperator> ExtremesSearch::inverse() {
  if (open_ < width()) {
    complain(
        fmt::format("{} ({} of {} neurons of a layer have slope 0, so that J has no inverse) take solver = "
                    "\"dense\" at a width that it can do",
                    lost, width() - open_, width()));
    return nullptr;
  }
  if (by_rows_ && !factors_fit(parameters_, settings_)) {
    complain(fmt::format(
        "{} (the factorised layers take {:.3g} GB on each rank, more than a core's part of this "
        "machine's memory) take {}",
        lost, FactoredInverse::bytes(width(), depth(), settings_.ranks) / 1e9, enough_ranks(parameters_, settings_)));
    return nullptr;
  }
  try {
    if (by_reflectors_) return std::make_unique<OrthogonalInverse>(*by_reflectors_);
    auto factored = std::make_unique<FactoredInverse>(*by_rows_);
    const double error = width() * std::numeric_limits<double>::epsilon() * factored->condition();
    if (error <= most_factor_error) return factored;
    complain(
        fmt::format("{} (a layer's weights have condition {:.1e}, which leaves the inverse few right digits) take "
                    "solver = \"dense\"",
                    lost, factored->condition()));
  } catch (const std::invalid_argument& error) {
    complain(fmt::format("{}: {}", lost, error.what()));
  }
  return nullptr;
}

/// Relative to itself a reciprocal 1 / s of the inverse is right to rounding of the largest one: values far above the
/// smallest go without. True where there are any.
bool ExtremesSearch::drop_rounded(ExtremeSingularValues& found) {
  const auto is_rounded = [&](double s) {
    return std::numeric_limits<double>::epsilon() * s > std::max(settings_.tolerance, most_rounding) * found.values[0];
  };
  const auto first = std::find_if(found.values.begin(), found.values.end(), is_rounded);
  if (first == found.values.end()) return false;
  complain(
      fmt::format("{} of the {} smallest singular values are lost in rounding (the smallest, {:.1e}, lies so far "
                  "below them) take solver = \"dense\"",
                  std::distance(first, found.values.end()), found.values.size(), found.values[0]));
  found.values.erase(first, found.values.end());
  found.residuals.resize(found.values.size());
  return true;
}

void ExtremesSearch::find_smallest() {
  if (parameters_.sigma_w == 0.0) {  // J is zero
    smallest_found_ = true;
    return;
  }
  const auto inverse_of_j = inverse();
  if (inverse_of_j == nullptr) return;
  try {
    ExtremeSingularValues found = smallest_singular_values(*j_, *inverse_of_j, search());
    results_.set("rank", std::int64_t{width()});  // of whatever law
    const bool rounded = drop_rounded(found);     // also of those that a search gave up on
    smallest_found_ = found.converged && !rounded;
    note(found, "smallest");
  } catch (const std::overflow_error&) {
    throw;
  } catch (const std::runtime_error& error) {  // on every rank of the group alike
    complain(fmt::format("{}: {}", lost, error.what()));
  }
}

/// Of the formed matrix, whose small values are rounding of the largest.
void ExtremesSearch::find_in_matrix() {
  set_rank();
  const DenseSingularValues found = dense_singular_values(*j_);
  if (!std::isfinite(found.values.front())) {
    throw std::overflow_error("the largest singular value overflows double precision");
  }
  const auto rank = parameters_.sigma_w == 0.0 ? std::ptrdiff_t{0} : static_cast<std::ptrdiff_t>(open_);
  std::vector<double> largest = found.values;
  std::fill(largest.begin() + rank, largest.end(), 0.0);
  std::vector<double> smallest(largest.begin(), largest.begin() + rank);
  std::reverse(smallest.begin(), smallest.end());
  const auto count = static_cast<std::size_t>(settings_.count);
  largest.resize(count);
  smallest.resize(std::min(count, smallest.size()));
  const double least = found.error / std::max(settings_.tolerance, most_dense_error);
  const auto keep_right = [&](std::vector<double>& values, const char* name, bool placed) {
    const auto is_rounding = [&](double s) { return s != 0.0 && s < least; };
    const auto wrong = std::count_if(values.begin(), values.end(), is_rounding);
    if (wrong > 0) {
      complain(
          fmt::format("{} of the {} {} singular values lie below {:.1e} (where a product formed as a matrix is "
                      "rounding) take another solver, or ranks_per_task = 1",
                      wrong, values.size(), name, least));
      // Each keeps its place, if it has one.
      if (placed) std::replace_if(values.begin(), values.end(), is_rounding, nothing);
      if (!placed) values.clear();
    }
    results_.set(name, std::span<const double>(values));
  };
  if (settings_.largest()) keep_right(largest, "largest", true);
  // Weights of other laws may be singular: what looks like a small value may be a zero.
  if (settings_.smallest()) keep_right(smallest, "smallest", has_full_rank(parameters_.law));
}

/// The whole spectrum to full relative accuracy, in place of what products found; the other ranks have nothing to do.
void ExtremesSearch::find_all() {
  if (!is_first()) return;
  const RandomNetwork network(parameters_, key_);
  const JacobianSpectrum spectrum = jacobian_spectrum(network, input_, weight_rank(parameters_.law));
  results_.set("slope_square", std::span<const double>(spectrum.slope_square));
  if (spectrum.finite_layers < network.depth()) {
    throw std::overflow_error(
        fmt::format("values overflow double precision in layer {} of {}", spectrum.finite_layers + 1, network.depth()));
  }
  results_.set("rank", spectrum.rank);
  if (spectrum.values.front() > std::numeric_limits<double>::max()) {
    throw std::overflow_error("the largest singular value overflows double precision");
  }
  const auto count = static_cast<std::size_t>(settings_.count);
  const bool hidden = spectrum.resolved < spectrum.rank;  // those from place `resolved` to the rank
  if (hidden) {
    complain(
        fmt::format("{} of the {} singular values that are not zero are lost in rounding (weights with zeros or "
                    "equal sizes, and slopes of very different sizes, leave them to differences of large numbers) "
                    "take a smaller sigma_w or fewer layers",
                    spectrum.rank - spectrum.resolved, spectrum.rank));
  }
  if (settings_.largest()) {
    const auto known = hidden ? static_cast<std::size_t>(spectrum.resolved) : count;
    results_.set("largest", std::span<const double>(spectrum.values).first(std::min(known, count)));
  }
  if (settings_.smallest()) {
    std::vector<double> smallest(spectrum.values.begin(), spectrum.values.begin() + (hidden ? 0 : spectrum.rank));
    std::reverse(smallest.begin(), smallest.end());
    smallest.resize(std::min(smallest.size(), count));
    if (!smallest.empty() && smallest.front() < std::numeric_limits<double>::min()) {
      throw std::overflow_error("the smallest singular values lie below the range of double precision");
    }
    results_.set("smallest", std::span<const double>(smallest));
    // Of vectors that a search gave up on, or that belong to other values.
    if (!smallest_found_) results_.set("residual_smallest", std::vector<double>(count, nothing));
  }
  if (!spectrum.converged) complain("the singular values did not converge (Jacobi rotations ran into their bound)");
}

}  // namespace meander
