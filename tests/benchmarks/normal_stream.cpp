// The stream's normals against std::mt19937_64 with std::normal_distribution, in turns in one process: how many
// times faster, for rows of several lengths and every path that this processor has.
#include "kernels/random_stream.hpp"

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/random_paths.hpp"
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

constexpr std::size_t columns_a_time = 1 << 16;

/// Nanoseconds of processor time a number that `work`, which draws columns_a_time of them, takes.
template <class Work>
double nanoseconds(const Work& work) {
  return 1e9 * processor_seconds(work) / columns_a_time;
}

/// `Real` is what the standard library's distribution gives; ours are single precision whatever they become.
template <class Real>
void normals_against_standard_library(benchmark::State& state) {
  const auto columns = static_cast<std::size_t>(state.range(0));
  const RandomPath& path = random_paths()[static_cast<std::size_t>(state.range(1))];
  std::mt19937_64 generator(1606);
  std::normal_distribution<Real> distribution;
  std::vector<Real> theirs(columns_a_time);
  std::vector<float> ours(columns);
  std::vector<double> our_times, their_times;
  std::uint32_t row = 0;
  for (auto _ : state) {
    their_times.push_back(nanoseconds([&] {
      for (Real& x : theirs) x = distribution(generator);
      benchmark::DoNotOptimize(theirs.data());
    }));
    our_times.push_back(nanoseconds([&] {
      for (std::size_t drawn = 0; drawn < columns_a_time; drawn += columns) {
        fill_columns(path, &RandomPath::normals, {{1, 2}, 0, row++, 3, 4}, 0, columns, ours.data());
        benchmark::DoNotOptimize(ours.data());
      }
    }));
    state.SetIterationTime(1e-9 * our_times.back() * columns_a_time);
  }
  state.counters["ns_per_normal"] = median(our_times);
  state.counters["ns_per_normal_standard_library"] = median(their_times);
  state.counters["ratio"] = median(their_times) / median(our_times);
  if (state.range(1) == 0 && columns >= 512) state.counters["ratio_at_least"] = 12.0;
  state.SetLabel(path.name);
}

void rows_and_paths(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"columns", "path"})->Iterations(101)->UseManualTime();
  const auto paths = static_cast<long>(random_paths().size());
  for (const long columns : {128, 512, 1024, 65536}) benchmark->Args({columns, 0});
  for (long path = 1; path < paths; ++path) benchmark->Args({1024, path});
}

}  // namespace

BENCHMARK(normals_against_standard_library<double>)->Apply(rows_and_paths);
BENCHMARK(normals_against_standard_library<float>)->Apply(rows_and_paths);

BENCHMARK_MAIN();
