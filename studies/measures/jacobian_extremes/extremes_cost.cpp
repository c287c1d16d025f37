// Costs by operation counts, at rates of a 3 GHz core with AVX2.
#include "studies/measures/jacobian_extremes/extremes_cost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/jacobian/factored_inverse.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "kernels/spectra/block_krylov.hpp"
#include "kernels/spectra/dense_extremes.hpp"
#include "pipeline/machine/memory.hpp"
#include "studies/jacobians/spectrum_cost.hpp"

namespace meander {
namespace {

/// Of a machine's memory that tasks may take: the rest is the system's and the program's.
constexpr double usable = 0.8;
/// Reflectors that are applied together, of an orthogonal layer.
constexpr double reflector_block = 64.0;

/// A task in numbers.
struct Size {
  double n, depth, ranks;
  bool orthogonal;
  WeightRank rank;
  bool open;  // no slope is zero but at single points

  Size(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings)
      : n(parameters.widths.front()),
        depth(static_cast<double>(parameters.widths.size())),
        ranks(settings.ranks),
        orthogonal(parameters.law.kind == WeightLaw::Kind::orthogonal),
        rank(weight_rank(parameters.law)) {
    const LinearPieces* pieces = parameters.activation.pieces();
    open = pieces == nullptr ||
           std::none_of(pieces->slopes.begin(), pieces->slopes.end(), [](double s) { return s == 0; });
  }
  double rows() const { return std::ceil(n / ranks); }
  /// Weights of all layers that a rank has to do with; of reflectors, half as many.
  double weights() const { return rows() * n * depth * (orthogonal ? 0.5 : 1.0); }
};

double memory_of_a_core() {
  return usable * std::min(machine_memory() / machine_cores(), process_memory());
}

double factor_bytes(const Size& size) {
  return FactoredInverse::bytes(static_cast<int>(size.n), static_cast<int>(size.depth), static_cast<int>(size.ranks));
}

bool needs_factors(const Size& size, const ExtremesSettings& settings) {
  return settings.smallest() && size.open && !size.orthogonal;
}

double stored_bytes(const Size& size, WeightStorage storage) {
  const double bytes = storage == WeightStorage::double_ ? 8.0 : storage == WeightStorage::single ? 4.0 : 0.0;
  return bytes * size.weights();
}

double graded_bytes(const Size& size) {
  return 1e6 + 8.0 * jacobian_copies(size.rank) * size.n * size.n;
}

double product_bytes(const Size& size, WeightStorage storage, const ExtremesSettings& settings) {
  SingularValueSearch search;
  search.count = settings.count;
  const int n = static_cast<int>(size.n);
  const double block = krylov_block(n, search), basis = 2.0 * krylov_columns(n, search) + 6.0 * block;
  const double triangles = size.orthogonal ? reflector_block * size.rows() * size.depth : 0.0;
  const double whole = size.orthogonal ? 0.0 : 2.0 * block * size.n;
  double bytes = 3e7 + stored_bytes(size, storage) +
                 8.0 * (2.0 * size.depth * size.rows() + 4.0 * size.n + whole + basis * size.rows() + triangles);
  const bool fit = needs_factors(size, settings) && factor_bytes(size) <= memory_of_a_core();
  if (fit) bytes += factor_bytes(size);
  return bytes;
}

double graded_seconds(const Size& size) {
  return jacobian_spectrum_seconds(static_cast<int>(size.n), static_cast<int>(size.depth), size.rank);
}

double matrix_seconds(const Size& size) {
  return 1e-3 + dense_seconds(static_cast<int>(size.n), static_cast<int>(size.depth), static_cast<int>(size.ranks));
}

/// One weight and so many vectors: read or drawn, then multiplied.
double weight_seconds(const Size& size, WeightStorage storage, double vectors) {
  const double fetch = storage == WeightStorage::double_ ? 0.8e-9 : storage == WeightStorage::single ? 0.6e-9 : 1.2e-9;
  return fetch + (size.orthogonal ? 5e-11 : 2.5e-11) * vectors;
}

/// One product of a block with J or J'. Each layer sends whole vectors to each rank, or of reflectors what a block of
/// them makes of the vectors.
double product_seconds(const Size& size, WeightStorage storage, double vectors) {
  double messages = 0.0;
  if (size.ranks > 1) {
    const double latency = 1e-5 * std::ceil(std::log2(size.ranks));
    messages = size.depth * (latency * (size.orthogonal ? size.n / reflector_block : 1.0) + 2e-9 * size.n * vectors);
  }
  return size.weights() * weight_seconds(size, storage, vectors) + messages;
}

/// Products of blocks with J, and as many with J', until the values have converged: the gaps at the edge shrink with
/// N^(-2/3), which enters by its root, and digits are gained one by one.
double expected_passes(const Size& size, double block, const ExtremesSettings& settings) {
  const double digits = -std::log10(settings.tolerance);
  const double passes =
      (2.0 + (0.55 + 0.05 * digits) * std::cbrt(size.n) * std::sqrt(16.0 / block)) * (size.orthogonal ? 2.3 : 1.0);
  return std::min(passes, 1.0 + size.n / block);
}

double krylov_seconds(const Size& size, WeightStorage storage, const ExtremesSettings& settings) {
  SingularValueSearch search;
  search.count = settings.count;
  const double block =
      kernel_solver(settings) == SingularValueSolver::randomized ? krylov_block(static_cast<int>(size.n), search) : 1.0;
  const double passes = expected_passes(size, block, settings);
  const double basis = std::min(passes * block, 384.0);
  const double orthogonal = 8.0 * size.rows() * basis * block * 1e-10;
  const double once = 1.2e-9 * size.weights();
  double seconds = 1e-3 + once;
  if (settings.largest()) {
    seconds += passes * (2.0 * product_seconds(size, storage, block) + orthogonal + 1e-4);
  }
  if (settings.smallest() && size.open) {
    const int n = static_cast<int>(size.n), depth = static_cast<int>(size.depth), ranks = static_cast<int>(size.ranks);
    const double one = size.orthogonal ? product_seconds(size, storage, block)
                                       : FactoredInverse::product_seconds(n, depth, ranks, static_cast<int>(block));
    if (!size.orthogonal) seconds += FactoredInverse::seconds(n, depth, ranks);
    // The gaps at the lower end are wider.
    seconds += 0.25 * passes * (2.0 * one + orthogonal + 1e-4);
  }
  return seconds;
}

/// Whether layers are likely to have no inverse, so that the whole spectrum follows a search in vain: sparse weights
/// with a row or a column of zeros, which is how such matrices mostly become singular.
bool turns_to_spectrum(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  const Size size(parameters, settings);
  if (settings.solver != ExtremesSolver::automatic || !settings.smallest() || size.n > widest_graded) return false;
  if (parameters.law.kind != WeightLaw::Kind::sparse) return false;
  const double empty = 2.0 * size.n * size.depth * std::pow(1.0 - parameters.law.parameter, size.n);
  return empty > 0.7;
}

}  // namespace

ExtremesSolver used_solver(const ExtremesSettings& settings) {
  return settings.solver == ExtremesSolver::automatic ? ExtremesSolver::randomized : settings.solver;
}

SingularValueSolver kernel_solver(const ExtremesSettings& settings) {
  switch (settings.solver) {
    case ExtremesSolver::trlanczos:
      return SingularValueSolver::trlanczos;
    case ExtremesSolver::cross:
      return SingularValueSolver::cross;
    default:
      return SingularValueSolver::randomized;
  }
}

ExtremesWay extremes_way(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  if (settings.solver == ExtremesSolver::dense) return settings.ranks == 1 ? ExtremesWay::graded : ExtremesWay::matrix;
  if (settings.solver != ExtremesSolver::automatic) return ExtremesWay::krylov;
  const Size size(parameters, settings);
  if (size.n > widest_graded) return ExtremesWay::krylov;
  if (settings.smallest() && !size.open) return ExtremesWay::graded;
  // Where memory decides, a choice would depend on the machine: here it decides nothing.
  const double krylov = krylov_seconds(size, WeightStorage::double_, settings);
  return graded_seconds(size) <= krylov ? ExtremesWay::graded : ExtremesWay::krylov;
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
  const Size size(parameters, settings);
  return product_bytes(size, WeightStorage::double_, settings) <= memory_of_a_core() ? WeightStorage::double_
                                                                                     : WeightStorage::regenerated;
}

bool factors_fit(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  return factor_bytes(Size(parameters, settings)) <= memory_of_a_core();
}

std::string enough_ranks(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  Size size(parameters, settings);
  while (factor_bytes(size) > memory_of_a_core()) {
    size.ranks *= 2.0;
    if (size.ranks > 1e6 || size.ranks > size.n) return "narrower layers, or ends = \"largest\"";
  }
  return fmt::format("ranks_per_task = {} on so many such cores, or ends = \"largest\"", size.ranks);
}

Cost extremes_cost(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  const Size size(parameters, settings);
  const WeightStorage storage = extremes_storage(parameters, settings);
  const ExtremesWay way = extremes_way(parameters, settings);
  Cost cost{krylov_seconds(size, storage, settings), product_bytes(size, storage, settings), settings.ranks};
  const bool by_name = settings.solver == ExtremesSolver::dense;
  if (way == ExtremesWay::graded) {
    cost.seconds = spectrum_seconds(parameters) + (by_name ? 0.0 : cost.seconds);
    cost.bytes = by_name ? graded_bytes(size) : std::max(cost.bytes, graded_bytes(size));
  } else if (way == ExtremesWay::krylov && turns_to_spectrum(parameters, settings)) {
    cost.seconds += spectrum_seconds(parameters);
    cost.bytes = std::max(cost.bytes, graded_bytes(size));
  } else if (way == ExtremesWay::matrix) {
    cost.seconds = matrix_seconds(size);
    cost.bytes += dense_bytes(static_cast<int>(size.n), settings.ranks);
  }
  return cost;
}

std::string less_memory(const RandomNetwork::Parameters& parameters, const ExtremesSettings& settings) {
  ExtremesSettings other = settings;
  other.storage = ExtremesStorage::regenerated;
  const double now = extremes_cost(parameters, settings).bytes;
  std::string keys = "storage = \"regenerated\"";
  if (extremes_cost(parameters, other).bytes > 0.7 * now && settings.solver == ExtremesSolver::dense) {
    other.solver = ExtremesSolver::randomized;
    keys += ", solver = \"randomized\"";
  }
  const double then = extremes_cost(parameters, other).bytes;
  const std::string otherwise = "more ranks_per_task on more machines, or narrower layers";
  return then > 0.7 * now ? otherwise : fmt::format("{} ({:.3g} GB on each rank), or {}", keys, then / 1e9, otherwise);
}

}  // namespace meander
