// Exact dichotomies against sampling with 256 000 steps, in one process: s = 15 points, width 100, depth 8,
// hard-tanh, sigma_w = 4, the first layer swept. Prints how many times faster the exact count is (15 asked
// for) and how many labelings the samples miss. Sampling forms blocks of 512 rows and hands them to gemm.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/linear_regions/dichotomies.hpp"
#include "kernels/networks/network.hpp"
#include "tests/benchmarks/timing.hpp"

namespace meander {
namespace {

constexpr int points = 15;
constexpr int inputs = 100;

struct Subject {
  explicit Subject(std::uint64_t seed) : network(parameters(), stream_key(seed, 0)) {
    sweep.weight.resize(static_cast<std::size_t>(network.width(1)) * static_cast<std::size_t>(inputs));
    network.second_weight(1, sweep.weight);
    for (std::uint32_t p = 0; p < points; ++p) {
      labeled.push_back(gaussian_point(stream_key(seed, 0), p, inputs));
      rescale(labeled.back(), 1.0);
    }
  }
  static RandomNetwork::Parameters parameters() {
    RandomNetwork::Parameters parameters;
    parameters.input_dimension = inputs;
    parameters.widths.assign(8, 100);
    parameters.activation = Activation::named("hard_tanh");
    parameters.sigma_w = 4.0;
    parameters.readout_sigma = 1.0;
    return parameters;
  }
  RandomNetwork network;
  WeightSweep sweep{1, {}};
  std::vector<std::vector<double>> labeled;
};

void exact_against_sampled(benchmark::State& state) {
  const long steps = static_cast<long>(state.range(0));
  const Subject subject(1606);
  DichotomyCounts exact, sampled;
  // The smallest of several times on either side, taken in turns: the machine may be shared.
  double exact_seconds = 1e300, sampled_seconds = 1e300;
  for (auto _ : state) {
    const double own =
        clock_seconds([&] { exact = exact_dichotomies(subject.network, subject.sweep, subject.labeled); });
    const double peer =
        clock_seconds([&] { sampled = sampled_dichotomies(subject.network, subject.sweep, subject.labeled, steps); });
    exact_seconds = std::min(exact_seconds, own);
    sampled_seconds = std::min(sampled_seconds, peer);
    state.SetIterationTime(own);
  }
  state.counters["exact_seconds"] = exact_seconds;
  state.counters["sampled_seconds"] = sampled_seconds;
  state.counters["times_faster"] = sampled_seconds / exact_seconds;
  if (steps == 256'000) state.counters["times_faster_at_least"] = 15.0;
  state.counters["dichotomies"] = static_cast<double>(exact.dichotomies);
  state.counters["missed_dichotomies"] = static_cast<double>(exact.dichotomies - sampled.dichotomies);
  state.counters["label_flips"] = static_cast<double>(exact.label_flips);
  state.counters["missed_flips"] = static_cast<double>(exact.label_flips - sampled.label_flips);
}

BENCHMARK(exact_against_sampled)
    ->ArgName("steps")
    ->Arg(4'000)
    ->Arg(256'000)
    ->UseManualTime()
    ->Iterations(3)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace meander

BENCHMARK_MAIN();
