// Exact counts along a curve against the ways around them, timed in turns in one process: three columns per piece
// pushed through every layer; a plain sampling loop over Eigen products with as many samples as 0.1 % of the count
// takes; and Richardson extrapolation of the fused sampler, to about 0.1 % as well.
#include "kernels/linear_regions/exact_curve.hpp"

#include <benchmark/benchmark.h>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/trajectories/sampled_curve.hpp"
#include "tests/benchmarks/repushed_curve.hpp"
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

struct Subject {
  RandomNetwork network;
  Curve curve;
};

Subject subject_of(int width, int depth, int dimension, CurveKind kind) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = dimension;
  parameters.widths.assign(static_cast<std::size_t>(depth), width);
  parameters.activation = Activation::named("hard_tanh");
  parameters.sigma_w = 4.0;
  const StreamKey key = stream_key(1606, 0);
  const std::vector<double> x0 = gaussian_point(key, 0, dimension);
  std::vector<double> x1 = gaussian_point(key, 1, dimension);
  if (kind == CurveKind::circle) make_orthonormal(x0, x1);
  return {RandomNetwork(parameters, key), curve_between(kind, x0, x1)};
}

std::int64_t total(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

/// The loop that a user would write: products of matrices with all samples, states compared between neighbours.
std::int64_t sample_with_eigen(const RandomNetwork& network, const Curve& curve, long samples) {
  Eigen::MatrixXd x(curve.dimension(), samples);
  for (long i = 0; i < samples; ++i)
    curve.point(curve.parameter(i, samples), {x.col(i).data(), static_cast<std::size_t>(curve.dimension())});
  std::int64_t transitions = 0;
  for (int layer = 1; layer <= network.depth(); ++layer) {
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> weight(network.width(layer),
                                                                                  network.fan_in(layer));
    network.weight(layer, std::span<double>(weight.data(), static_cast<std::size_t>(weight.size())));
    const Eigen::MatrixXd h = weight * x;
    for (long i = 0; i < samples; ++i) {
      const long next = (i + 1) % samples;
      for (Eigen::Index j = 0; j < h.rows(); ++j) {
        transitions += (h(j, i) > 1.0) != (h(j, next) > 1.0) ? 1 : 0;
        transitions += (h(j, i) > -1.0) != (h(j, next) > -1.0) ? 1 : 0;
      }
    }
    x = h.cwiseMin(1.0).cwiseMax(-1.0);
  }
  return transitions;
}

/// Width 100, depth 8, sigma_w 4, a circle.
void exact_circle(benchmark::State& state) {
  const Subject subject = subject_of(100, 8, 100, CurveKind::circle);
  const auto sampled = [&](long samples) {
    return static_cast<double>(total(sample_curve(subject.network, subject.curve, {.samples = samples}).transitions));
  };
  std::int64_t count = 0;
  double plain_error = 0.0;
  double richardson_error = 0.0;
  double everything = 1e9, exact = 1e9, repushed = 1e9, eigen = 1e9, richardson = 1e9;
  constexpr long fine = 165'000;
  constexpr long coarse = 20'000;
  constexpr int arcs = 64;
  std::int64_t found_repushing = 0;
  for (auto _ : state) {
    const double seconds =
        clock_seconds([&] { count = total(exact_curve(subject.network, subject.curve).transitions); });
    state.SetIterationTime(seconds);
    everything = std::min(everything, seconds);
    exact = std::min(
        exact, clock_seconds([&] {
          benchmark::DoNotOptimize(exact_curve(subject.network, subject.curve, {.patterns = false, .lengths = false}));
        }));
    repushed = std::min(repushed, clock_seconds([&] {
                          found_repushing = RepushedCurve(subject.network, subject.curve).transitions(arcs);
                        }));
    std::int64_t found = 0;
    eigen = std::min(eigen, clock_seconds([&] { found = sample_with_eigen(subject.network, subject.curve, fine); }));
    plain_error = 1.0 - static_cast<double>(found) / static_cast<double>(count);
    double extrapolated = 0.0;
    richardson =
        std::min(richardson, clock_seconds([&] { extrapolated = 2.0 * sampled(2 * coarse) - sampled(coarse); }));
    richardson_error = extrapolated / static_cast<double>(count) - 1.0;
  }
  // The others count transitions alone; so does `exact` in the ratios.
  state.counters["everything_over_exact"] = everything / exact;
  state.counters["transitions"] = static_cast<double>(count);
  state.counters["repushing_over_exact"] = repushed / exact;
  state.counters["repushing_over_exact_at_least"] = 3.0;
  state.counters["repushing_difference"] = static_cast<double>(found_repushing - count);
  state.counters["eigen_sampling_over_exact"] = eigen / exact;
  state.counters["eigen_sampling_over_exact_at_least"] = 25.0;
  state.counters["eigen_sampling_over_everything"] = eigen / everything;
  state.counters["eigen_missed_percent"] = 100.0 * plain_error;
  state.counters["richardson_over_exact"] = richardson / exact;
  state.counters["richardson_error_percent"] = 100.0 * richardson_error;
}

/// 784 -> 256 x 12, sigma_w 4, a line between two Gaussian points.
void exact_line(benchmark::State& state) {
  const Subject subject = subject_of(256, 12, 784, CurveKind::line);
  ExactCounts counts;
  for (auto _ : state)
    state.SetIterationTime(clock_seconds([&] { counts = exact_curve(subject.network, subject.curve); }));
  state.counters["pieces"] = static_cast<double>(counts.pieces.back());
  state.counters["unresolved_events"] = static_cast<double>(counts.unresolved_events);
}

}  // namespace

BENCHMARK(exact_circle)->Iterations(5)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(exact_line)->Iterations(3)->UseManualTime()->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
