// The whole geometry measure of one network (Poole et al. 2016, figure 4: 500 points, 40 layers of 1000) against
// single-thread OpenBLAS gemm alone for its three coupled forward passes, taken in turns; `ratio` is what to quote.
#include "kernels/trajectories/manifold_geometry.hpp"

#include <benchmark/benchmark.h>
#include <cblas.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

constexpr int width = 1000;
constexpr int depth = 40;
constexpr int samples = 500;

/// Positions, velocities and accelerations of all samples times a layer's weights, on buffers that exist already.
template <class Real>
class GemmAlone {
 public:
  GemmAlone()
      : weight_(std::size_t{width} * width, Real{0.01F}),
        x_(std::size_t{3} * samples * width, Real{0.5F}),
        h_(x_.size()) {}

  void layer() {
    if constexpr (std::is_same_v<Real, double>) {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, 3 * samples, width, width, 1.0, x_.data(), width,
                  weight_.data(), width, 0.0, h_.data(), width);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, 3 * samples, width, width, 1.0F, x_.data(), width,
                  weight_.data(), width, 0.0F, h_.data(), width);
    }
    benchmark::DoNotOptimize(h_.data());
  }

 private:
  std::vector<Real> weight_, x_, h_;
};

template <class Real>
void geometry_against_gemm(benchmark::State& state) {
  openblas_set_num_threads(1);
  const StreamKey key = stream_key(1606, 0);
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = width;
  parameters.widths.assign(depth, width);
  parameters.activation = Activation::named("tanh");
  parameters.sigma_w = 2.5;
  parameters.sigma_b = 0.3;
  const RandomNetwork network(parameters, key);
  std::vector<double> x0 = gaussian_point(key, 0, width);
  std::vector<double> x1 = gaussian_point(key, 1, width);
  rescale(x0, 0.64);
  make_orthonormal(x0, x1);
  const Curve curve = curve_between(CurveKind::circle, x0, x1);
  GeometryOptions options;
  options.samples = samples;
  options.precision = std::is_same_v<Real, double> ? Precision::double_ : Precision::single;
  options.autocorrelation = state.range(0) != 0;
  GemmAlone<Real> gemm;
  gemm.layer();

  std::vector<double> ratios, gemm_seconds, kernel_seconds;
  for (auto _ : state) {
    const double alone = clock_seconds([&] {
      for (int layer = 0; layer < depth; ++layer) gemm.layer();
    });
    const double kernel = clock_seconds([&] { benchmark::DoNotOptimize(manifold_geometry(network, curve, options)); });
    state.SetIterationTime(kernel);
    gemm_seconds.push_back(alone);
    kernel_seconds.push_back(kernel);
    ratios.push_back(kernel / alone);
  }
  const double best = *std::min_element(gemm_seconds.begin(), gemm_seconds.end());
  state.counters["ratio"] = median(ratios);
  state.counters["ratio_at_most"] = 1.2;
  state.counters["ratio_best"] = *std::min_element(kernel_seconds.begin(), kernel_seconds.end()) / best;
  state.counters["gemm_gflops"] = 2e-9 * 3.0 * samples * width * width * depth / best;
  state.SetLabel(std::string("OpenBLAS core ") + openblas_get_corename());
}

}  // namespace

BENCHMARK(geometry_against_gemm<double>)
    ->Arg(0)
    ->Arg(1)
    ->ArgName("autocorrelation")
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(geometry_against_gemm<float>)
    ->Arg(0)
    ->Arg(1)
    ->ArgName("autocorrelation")
    ->Iterations(3)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
