// Costs by operation counts, at rates of a 3 GHz core with AVX2.
#include "studies/extremes_cost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "kernels/jacobian_product.hpp"
#include "pipeline/run/memory.hpp"

namespace meander {
namespace {

/// Of a machine's memory that tasks may take: the rest is the system's and the program's.
constexpr double usable = 0.8;

double width_of(const RandomNetwork::Parameters& parameters) {
  return parameters.widths.front();
}

double depth_of(const RandomNetwork::Parameters& parameters) {
  return static_cast<double>(parameters.widths.size());
}

/// A pivoted QR and three products a layer, then Jacobi sweeps.
double graded_seconds(double n, double depth) {
  return 1e-4 + n * n * n * (5e-10 * depth + 3e-9);
}

double stored_bytes(const RandomNetwork::Parameters& parameters, int ranks, WeightStorage storage) {
  const double n = width_of(parameters);
  const double weight = storage == WeightStorage::double_ ? 8.0 : storage == WeightStorage::single ? 4.0 : 0.0;
  return weight * std::ceil(n / ranks) * n * depth_of(parameters);
}

/// One product of one vector with one layer's weight, seconds.
double weight_seconds(WeightStorage storage) {
  switch (storage) {
    case WeightStorage::double_:
      return 0.4e-9;
    case WeightStorage::single:
      return 0.5e-9;
    default:
      return 1.3e-9;
  }
}

/// Products with J and J' until the values have converged: the gap below the k-th value shrinks with N^(-2/3), which
/// enters by its root, the digits asked for linearly.
double expected_products(double n, const ExtremesSettings& settings) {
  const double digits = -std::log10(settings.tolerance);
  return std::min(2.0 * n, 2.0 * (20.0 + 4.0 * settings.count + 0.8 * digits * std::cbrt(n)));
}

double krylov_seconds(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  const double n = width_of(parameters), depth = depth_of(parameters);
  const WeightStorage storage = extremes_storage(parameters, settings);
  const double weights = n * n * depth / settings.ranks;
  const double draw = 1.3e-9 * weights;
  return 1e-3 + draw + expected_products(n, settings) * (weights * weight_seconds(storage) + 5e-5);
}

}  // namespace

bool has_slopes_everywhere(const Activation& activation) {
  const LinearPieces* pieces = activation.pieces();
  return pieces == nullptr ||
         std::none_of(pieces->slopes.begin(), pieces->slopes.end(), [](double slope) { return slope == 0.0; });
}

ExtremesWay extremes_way(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  if (settings.solver == ExtremesSolver::dense) return ExtremesWay::graded;
  if (settings.solver != ExtremesSolver::automatic) return ExtremesWay::krylov;
  const double n = width_of(parameters);
  if (n > widest_graded) return ExtremesWay::krylov;
  if (settings.smallest) return ExtremesWay::graded;
  return graded_seconds(n, depth_of(parameters)) <= krylov_seconds(parameters, settings) ? ExtremesWay::graded
                                                                                         : ExtremesWay::krylov;
}

WeightStorage extremes_storage(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  switch (settings.storage) {
    case ExtremesStorage::double_:
      return WeightStorage::double_;
    case ExtremesStorage::single:
      return WeightStorage::single;
    case ExtremesStorage::regenerated:
      return WeightStorage::regenerated;
    default:
      break;
  }
  const double part = usable * machine_memory() / std::max(1U, std::thread::hardware_concurrency());
  return stored_bytes(parameters, settings.ranks, WeightStorage::double_) <= part ? WeightStorage::double_
                                                                                  : WeightStorage::regenerated;
}

Cost extremes_cost(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  const double n = width_of(parameters), depth = depth_of(parameters);
  Cost cost{0.0, 0.0, settings.ranks};
  if (extremes_way(parameters, settings) == ExtremesWay::graded) {
    cost.seconds = graded_seconds(n, depth);
    cost.bytes = 1e6 + 8.0 * jacobian_copies * n * n;
    return cost;
  }
  const double rows = std::ceil(n / settings.ranks);
  const double space = 2.0 * std::max(2 * settings.count, settings.count + 15);  // left and right vectors
  cost.seconds = krylov_seconds(parameters, settings);
  cost.bytes = 2e7 + stored_bytes(parameters, settings.ranks, extremes_storage(parameters, settings)) +
               8.0 * (2.0 * depth * rows + 4.0 * n + space * rows);
  return cost;
}

std::string less_memory(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  ExtremesSettings other = settings;
  other.storage = ExtremesStorage::regenerated;
  other.solver = ExtremesSolver::trlanczos;
  const auto with = [&](const char* keys) {
    return fmt::format("{} ({:.3g} GB on each rank), or more ranks_per_task on more machines, or narrower layers", keys,
                       extremes_cost(parameters, other).bytes / 1e9);
  };
  const bool dense = extremes_way(parameters, settings) == ExtremesWay::graded;
  if (dense) return with("solver = \"trlanczos\", storage = \"regenerated\"");
  if (extremes_storage(parameters, settings) != WeightStorage::regenerated) return with("storage = \"regenerated\"");
  return "more ranks_per_task on more machines, or narrower layers";
}

}  // namespace meander
