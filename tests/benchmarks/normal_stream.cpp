// The stream's normals against std::mt19937_64 with std::normal_distribution, in turns in one process: how many
// times faster, for rows of several lengths and every path that this processor has.
#include "kernels/random/random_stream.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "kernels/random/random_paths.hpp"
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

constexpr std::size_t columns_a_time = 1 << 16;

/// Nanoseconds of processor time a number that `work`, which draws columns_a_time of them, takes.
template <class Work>
double nanoseconds(const Work& work) {
  return 1e9 * processor_seconds(work) / columns_a_time;
}

/// By itself, so that nothing around it changes what the compiler makes of it.
template <class Real>
[[gnu::noinline]] void draw_by_standard_library(std::mt19937_64& generator, std::vector<Real>& out) {
  std::normal_distribution<Real> distribution;
  for (Real& x : out) x = distribution(generator);
}

/// `Real` is what the standard library's distribution gives; ours are single precision whatever they become. Rows are
/// drawn `rows` at a time.
template <class Real>
void normals_against_standard_library(benchmark::State& state) {
  const auto columns = static_cast<std::size_t>(state.range(0));
  const RandomPath& path = random_paths()[static_cast<std::size_t>(state.range(1))];
  const auto rows = static_cast<std::size_t>(state.range(2));
  std::mt19937_64 generator(1606);
  std::vector<Real> theirs(columns_a_time);
  std::vector<float> ours(rows * columns);
  std::vector<double> our_times, their_times;
  std::uint32_t row = 0;
  for (auto _ : state) {
    their_times.push_back(nanoseconds([&] {
      draw_by_standard_library(generator, theirs);
      benchmark::DoNotOptimize(theirs.data());
    }));
    our_times.push_back(nanoseconds([&] {
      for (std::size_t drawn = 0; drawn < columns_a_time; drawn += rows * columns) {
        if (rows == 1) {
          fill_columns(path, &RandomPath::normals, {{1, 2}, 0, row, 3, 4}, 0, columns, ours.data());
        } else {
          fill_rows(path, {{1, 2}, 0, row, 3, 4}, rows, 0, columns, ours.data(), columns);
        }
        row += static_cast<std::uint32_t>(rows);
        benchmark::DoNotOptimize(ours.data());
      }
    }));
    state.SetIterationTime(1e-9 * our_times.back() * columns_a_time);
  }
  state.counters["ns_per_normal"] = median(our_times);
  state.counters["ns_per_normal_standard_library"] = median(their_times);
  state.counters["ratio"] = median(their_times) / median(our_times);
  if (state.range(1) == 0 && (columns >= 512 || rows > 1)) state.counters["ratio_at_least"] = 12.0;
  state.SetLabel(path.name);
}

void rows_and_paths(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"columns", "path", "rows"})->Iterations(101)->UseManualTime();
  const auto paths = static_cast<long>(random_paths().size());
  for (const long columns : {128, 512, 1024, 65536}) benchmark->Args({columns, 0, 1});
  // As a network draws its weights.
  for (const long columns : {128, 512}) benchmark->Args({columns, 0, std::min(16L, 4096 / columns)});
  for (long path = 1; path < paths; ++path) benchmark->Args({1024, path, 1});
}

}  // namespace

BENCHMARK(normals_against_standard_library<double>)->Apply(rows_and_paths);
BENCHMARK(normals_against_standard_library<float>)->Apply(rows_and_paths);

BENCHMARK_MAIN();
