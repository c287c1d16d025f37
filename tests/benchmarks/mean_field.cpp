// A phase diagram of 500 x 500 points (tanh, sigma_w = 1 .. 5, sigma_b = 0 .. 4): q*, chi_1, c* and the depth scales of
// every point, the table's own cost included. Prints microseconds per point, and the largest difference from
// quadrature on a sample of the points. mean_field_against_numpy.py runs it beside Gauss-Hermite quadrature in numpy.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/mean_field/mean_field_table.hpp"

namespace meander {
namespace {

constexpr int side = 500;

MeanFieldParameters at(int i, int j) {
  return {1.0 + 4.0 * i / (side - 1), 4.0 * j / (side - 1), 1.0, 1.0};
}

/// Largest relative difference of q* and chi_1, and largest difference of c*, from quadrature.
double worst_error(const MeanFieldTable& table) {
  double worst = 0.0;
  for (int i = 3; i < side; i += 71) {
    for (int j = 5; j < side; j += 83) {
      const PhasePoint fast = table.phase_point(at(i, j));
      const PhasePoint plain = phase_point(table.activation(), at(i, j));
      worst = std::max({worst, std::abs(fast.q_star / plain.q_star - 1.0), std::abs(fast.chi_1 / plain.chi_1 - 1.0),
                        std::abs(fast.c_star - plain.c_star)});
    }
  }
  return worst;
}

void phase_diagram(benchmark::State& state, const char* name) {
  for (auto _ : state) {
    const MeanFieldTable table(Activation::named(name));
    double sum = 0.0;
    for (int i = 0; i < side; ++i) {
      for (int j = 0; j < side; ++j) sum += table.phase_point(at(i, j)).chi_1;
    }
    benchmark::DoNotOptimize(sum);
  }
  using benchmark::Counter;
  state.counters["seconds_per_point"] = Counter(side * side, Counter::kIsIterationInvariantRate | Counter::kInvert);
  state.counters["worst_error"] = worst_error(MeanFieldTable(Activation::named(name)));
}

BENCHMARK_CAPTURE(phase_diagram, tanh, "tanh")->Unit(benchmark::kMillisecond)->Repetitions(3);
BENCHMARK_CAPTURE(phase_diagram, hard_tanh, "hard_tanh")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(phase_diagram, gelu, "gelu")->Unit(benchmark::kMillisecond);

/// Every average by quadrature: the plain twin.
void phase_diagram_by_quadrature(benchmark::State& state) {
  const Activation tanh = Activation::named("tanh");
  int points = 0;
  for (auto _ : state) {
    for (int i = 0; i < side; i += 83) {
      for (int j = 0; j < side; j += 83, ++points) benchmark::DoNotOptimize(phase_point(tanh, at(i, j)));
    }
  }
  state.counters["seconds_per_point"] =
      benchmark::Counter(points, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(phase_diagram_by_quadrature)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace meander

BENCHMARK_MAIN();
