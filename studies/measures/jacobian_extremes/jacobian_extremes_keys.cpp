// Declarations of jacobian_extremes' keys and arrays.
#include "studies/measures/jacobian_extremes/jacobian_extremes_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>

#include "studies/declare/array_spec.hpp"
#include "studies/networks/random_networks.hpp"

namespace meander {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 5> solvers{"auto", "dense", "trlanczos", "cross", "randomized"};
constexpr std::array<std::string_view, 4> storages{"auto", "double", "single", "regenerated"};

Key own_key(std::string name, KeyType type, Value value, std::string description) {
  Key key;
  key.section = "jacobian_extremes";
  key.name = std::move(name);
  key.type = type;
  key.default_value = std::move(value);
  key.description = std::move(description);
  return key;
}

template <std::size_t N>
std::vector<std::string> names(const std::array<std::string_view, N>& all) {
  return {all.begin(), all.end()};
}

template <class Choice, std::size_t N>
Choice choice(const Study& study, const char* path, const std::array<std::string_view, N>& all) {
  const std::string& name = *study.setting(path)->get_if<std::string>();
  return static_cast<Choice>(std::find(all.begin(), all.end(), name) - all.begin());
}

}  // namespace

ExtremesSettings::ExtremesSettings(const Study& study)
    : count(static_cast<int>(study.setting("jacobian_extremes.count")->number())),
      ranks(static_cast<int>(study.setting("jacobian_extremes.ranks_per_task")->number())),
      tolerance(study.setting("jacobian_extremes.tolerance")->number()),
      solver(choice<ExtremesSolver>(study, "jacobian_extremes.solver", solvers)),
      storage(choice<ExtremesStorage>(study, "jacobian_extremes.storage", storages)) {
  const std::string& ends = *study.setting("jacobian_extremes.ends")->get_if<std::string>();
  largest = ends != "smallest";
  smallest = ends != "largest";
}

std::vector<Key> extremes_keys() {
  Key count = own_key("count", KeyType::integer, Value(5), "singular values at each end; at most the width");
  count.minimum = 1;
  count.maximum = std::numeric_limits<int>::max();
  Key ranks = own_key("ranks_per_task", KeyType::integer, Value(1),
                      "ranks that share one product; it must divide the number of ranks of the run");
  ranks.minimum = 1;
  ranks.maximum = std::numeric_limits<int>::max();
  Key storage = own_key("storage", KeyType::string, Value("auto"),
                        "what is kept of the weights: all in double or single precision, or nothing, each block drawn "
                        "again as it is used; auto: double where it fits into a core's part of this machine's memory, "
                        "else regenerated (the same numbers)");
  storage.choices = names(storages);
  Key solver = own_key("solver", KeyType::string, Value("auto"),
                       "auto: by cost; dense: the whole spectrum; trlanczos: Lanczos on both sides; cross: Lanczos on "
                       "J'J, for the largest only; randomized: block Krylov from random vectors");
  solver.choices = names(solvers);
  Key tolerance = own_key("tolerance", KeyType::number, Value(1e-10),
                          "largest residual of a value that counts as converged, relative to the value");
  tolerance.minimum = 0;
  tolerance.minimum_exclusive = true;
  tolerance.maximum = 1e-2;
  Key ends = own_key("ends", KeyType::string, Value("both"), "which end of the spectrum to look for");
  ends.choices = {"both", "largest", "smallest"};
  return {count, ranks, storage, solver, tolerance, ends};
}

void check_extremes(const Study& study, Diagnostics& diagnostics) {
  const ExtremesSettings settings(study);
  if (settings.solver == ExtremesSolver::cross && settings.smallest) {
    diagnostics.error(study.place("jacobian_extremes.solver"),
                      "'solver' is \"cross\" and the smallest singular values are asked for (J'J replaces them by "
                      "rounding) take trlanczos, or ends = \"largest\"");
  }
  if (!is_swept(study, "widths") && !is_swept(study, "width")) return;  // said elsewhere
  int narrowest = std::numeric_limits<int>::max(), widest = 1;
  for (const Point& point : distinct_points(study, {"width", "widths"})) {
    const Value* widths = point.find("widths");
    const Value& width = widths != nullptr ? widths->get_if<List>()->front() : point.at("width");
    narrowest = std::min(narrowest, static_cast<int>(width.number()));
    widest = std::max(widest, static_cast<int>(width.number()));
  }
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
    arrays.push_back(number("smallest", "smallest singular values of J that are not zero, ascending", {"index"}));
    arrays.push_back(number("residual_smallest",
                            "larger of |J v - s u| and |J'u - s v| for unit vectors u and v, which rounding of |J| "
                            "limits; missing where no vectors were computed",
                            {"index"}));
  }
  arrays.push_back(array("rank", ArrayType::int64, "singular values that are not zero; missing where not known", {}));
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
    spec.nonfinite = spec.name == "smallest" || spec.name.starts_with("residual_");
  }
  return arrays;
}

std::vector<ArraySpec> extremes_theory_arrays() {
  std::vector<ArraySpec> arrays{
      array("lambda_max_theory", ArrayType::float64,
            "upper end of the spectrum of JJ' at infinite width, its atom included; infinite for unbounded slopes", {}),
      array("theory_valid", ArrayType::int8, "0 where depth/width > 0.05, or no theory is known", {})};
  arrays.front().nonfinite = true;
  return arrays;
}

}  // namespace meander
