// Declarations of jacobian_extremes' keys and arrays.
#include "studies/measures/jacobian_extremes/jacobian_extremes_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "studies/declare/array_spec.hpp"

namespace meander {
ExtremesSettings::ExtremesSettings(Declaration& declare) {
  const std::string section = "jacobian_extremes";
  declare(count, {.section = section,
                  .name = "count",
                  .description = "singular values at each end; at most the width",
                  .default_value = Value(5),
                  .minimum = 1,
                  .maximum = std::numeric_limits<int>::max()});
  declare(ranks, {.section = section,
                  .name = "ranks_per_task",
                  .description = "ranks that share one product; it must divide the number of ranks of the run",
                  .default_value = Value(1),
                  .minimum = 1,
                  .maximum = std::numeric_limits<int>::max()});
  declare(storage, {.section = section,
                    .name = "storage",
                    .description = "what is kept of the weights: all in double or single precision, or nothing, each "
                                   "block drawn again as it is used; auto: double where it fits into a core's part of "
                                   "this machine's memory, else regenerated (the same numbers)",
                    .default_value = Value("auto")});
  declare(solver, {.section = section,
                   .name = "solver",
                   .description = "auto: by cost; dense: the whole spectrum; trlanczos: Lanczos on both sides; cross: "
                                  "Lanczos on J'J, for the largest only; randomized: block Krylov from random vectors",
                   .default_value = Value("auto")});
  declare(tolerance, {.section = section,
                      .name = "tolerance",
                      .description = "largest residual of a value that counts as converged, relative to the value",
                      .default_value = Value(1e-10),
                      .minimum = 0,
                      .maximum = 1e-2,
                      .minimum_exclusive = true});
  declare(ends, {.section = section,
                 .name = "ends",
                 .description = "which end of the spectrum to look for",
                 .default_value = Value("both")});
}

void check_extremes(const Study& study, const ExtremesSettings& settings, const NetworkKeys& networks,
                    Diagnostics& diagnostics) {
  if (settings.solver == ExtremesSolver::cross && settings.smallest()) {
    diagnostics.error(study.place("jacobian_extremes.solver"),
                      "'solver' is \"cross\" and the smallest singular values are asked for (J'J replaces them by "
                      "rounding) take trlanczos, or ends = \"largest\"");
  }
  std::vector<int> widths = networks.width.values();
  for (const std::vector<int>& layers : networks.widths.values()) widths.push_back(layers.front());
  if (widths.empty()) return;  // said elsewhere
  const int narrowest = *std::min_element(widths.begin(), widths.end());
  const int widest = *std::max_element(widths.begin(), widths.end());
  if (settings.count > narrowest) {
    diagnostics.error(study.place("jacobian_extremes.count"),
                      fmt::format("'count' is {} (a Jacobian of width {} has {} singular values) take at most {}, or "
                                  "wider networks",
                                  settings.count, narrowest, narrowest, narrowest));
  }
  // MPI counts what it sends in 31 bits; a block solver sends `count` whole vectors at a time.
  const double most = std::floor(2147483647.0 / widest);
  const bool in_blocks = settings.solver == ExtremesSolver::automatic || settings.solver == ExtremesSolver::randomized;
  if (in_blocks && settings.count > most) {
    diagnostics.error(study.place("jacobian_extremes.count"),
                      fmt::format("'count' is {} (blocks of so many vectors of {} numbers are more than can be sent) "
                                  "take at most {}, or solver = \"trlanczos\"",
                                  settings.count, widest, most));
  }
  if (settings.ranks > narrowest) {
    diagnostics.error(study.place("jacobian_extremes.ranks_per_task"),
                      fmt::format("'ranks_per_task' is {} (layers of width {} are shared by rows) take at most {}",
                                  settings.ranks, narrowest, narrowest));
  }
}

std::vector<ArraySpec> extremes_arrays(bool largest, bool smallest) {
  const auto number = [](const char* name, const char* long_name, std::vector<std::string> dimensions) {
    return array(name, ArrayType::float64, long_name, std::move(dimensions));
  };
  std::vector<ArraySpec> arrays;
  if (largest) {
    arrays.push_back(number("largest", "largest singular values of J, descending", {"index"}));
    arrays.push_back(number("residual_largest",
                            "larger of |J v - s u| and |J'u - s v| for unit vectors u and v; missing where no vectors "
                            "were computed",
                            {"index"}));
  }
  if (smallest) {
    arrays.push_back(number("smallest",
                            "smallest singular values of J that are not zero, ascending; missing where the "
                            "rank is less than count, and in a cell that has not converged",
                            {"index"}));
    arrays.push_back(number("residual_smallest",
                            "larger of |J v - s u| and |J'u - s v| for unit vectors u and v, which rounding of |J| "
                            "limits; missing where no vectors were computed",
                            {"index"}));
  }
  arrays.push_back(array("rank", ArrayType::int64,
                         "singular values that are not zero, by gates and, of sparse and rademacher weights, in "
                         "modular arithmetic; missing "
                         "where not known",
                         {}));
  arrays.push_back(
      array("iterations", ArrayType::int64,
            "iterations of the solvers, both ends together; 0 where no search went before the whole spectrum", {}));
  arrays.push_back(
      array("products", ArrayType::int64, "products with J by the solver, as many with J', or with the inverses", {}));
  arrays.push_back(
      number("adjoint_error", "|<J x, y> - <x, J'y>| over |J x| |y| for two vectors, measured before the search", {}));
  arrays.push_back(
      number("slope_square", "mean of phi'(h)^2 over the layer's neurons (0/1 gates: the open fraction)", {"layer"}));
  arrays.push_back(array("solver", ArrayType::int8,
                         "what found the values: 1 dense (the whole spectrum), 2 trlanczos, 3 cross, 4 randomized",
                         {}));
  arrays.push_back(array("storage", ArrayType::int8,
                         "what was kept of the weights: 1 double, 2 single, 3 nothing (regenerated)", {}));
  arrays.back().run_dependent = true;  // auto asks for this machine's memory
  for (ArraySpec& spec : arrays) {
    if (spec.name == "largest" || spec.name == "smallest") spec.undefined_where = "there are fewer than were asked for";
    if (spec.name == "rank") spec.undefined_where = "it is not known";
    if (spec.name == "adjoint_error") spec.undefined_where = "the whole spectrum was asked for";
    if (spec.name.starts_with("residual_")) spec.undefined_where = "no vectors were computed";
  }
  return arrays;
}

std::vector<ArraySpec> extremes_theory_arrays() {
  std::vector<ArraySpec> arrays{
      array("lambda_max_theory", ArrayType::float64,
            "upper end of the spectrum of JJ' at infinite width, its atom included; infinite for unbounded slopes", {}),
      array("theory_valid", ArrayType::int8, "0 where depth/width > 0.05, or no theory is known", {})};
  arrays.front().undefined_where = "no theory is known for the weights";
  arrays.front().infinite_where = "the activation's slopes are not bounded";
  return arrays;
}

}  // namespace meander
