// The whole transitions measure of one network against single-thread OpenBLAS gemm alone for the same
// shapes, taken in turns; `ratio` is what to quote, absolute times depend on the machine's other work.
#include "kernels/trajectories/sampled_curve.hpp"

#include <benchmark/benchmark.h>
#include <cblas.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

constexpr int depth = 8;

RandomNetwork::Parameters parameters_of(int width, const char* activation) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = width;
  parameters.widths.assign(depth, width);
  parameters.activation = Activation::named(activation);
  parameters.sigma_w = std::string(activation) == "relu" ? 1.5 : 2.0;
  parameters.sigma_b = 0.1;
  return parameters;
}

/// One product with all samples per layer, on buffers that exist already: nothing of the measure.
template <class Real>
class GemmAlone {
 public:
  GemmAlone(int width, long samples)
      : width_(width),
        samples_(samples),
        weight_(static_cast<std::size_t>(width) * static_cast<std::size_t>(width), Real{0.01F}),
        x_(static_cast<std::size_t>(samples) * static_cast<std::size_t>(width), Real{0.5F}),
        h_(x_.size()) {}

  void layer() {
    const int rows = static_cast<int>(samples_);
    if constexpr (std::is_same_v<Real, double>) {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, width_, width_, 1.0, x_.data(), width_, weight_.data(),
                  width_, 0.0, h_.data(), width_);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, width_, width_, 1.0F, x_.data(), width_,
                  weight_.data(), width_, 0.0F, h_.data(), width_);
    }
    benchmark::DoNotOptimize(h_.data());
  }

 private:
  int width_;
  long samples_;
  std::vector<Real> weight_, x_, h_;
};

double work_of(int width, long samples) {
  return static_cast<double>(samples) * width * width;
}

template <class Real>
void transitions_against_gemm(benchmark::State& state, int width, long samples, const char* activation,
                              double at_most) {
  openblas_set_num_threads(1);
  const StreamKey key = stream_key(1606, 0);
  const RandomNetwork network(parameters_of(width, activation), key);
  std::vector<double> x0 = gaussian_point(key, 0, width);
  std::vector<double> x1 = gaussian_point(key, 1, width);
  rescale(x0, 1.0);
  make_orthonormal(x0, x1);
  const Curve curve = curve_between(CurveKind::circle, x0, x1);
  SampledOptions options;
  options.samples = samples;
  options.precision = std::is_same_v<Real, double> ? Precision::double_ : Precision::single;
  GemmAlone<Real> gemm(width, samples);
  gemm.layer();

  std::vector<double> ratios, ratios_of_later_layers, gemm_seconds, kernel_seconds;
  // Layers are of one shape: of products that take seconds two are enough.
  const int timed_layers = work_of(width, samples) > 1e10 ? 2 : depth;
  for (auto _ : state) {
    const double first = processor_seconds([&] { gemm.layer(); });
    const double timed = processor_seconds([&] {
      for (int layer = 1; layer < timed_layers; ++layer) gemm.layer();
    });
    const double later = timed * (depth - 1) / (timed_layers - 1);
    const double kernel = processor_seconds([&] { benchmark::DoNotOptimize(sample_curve(network, curve, options)); });
    state.SetIterationTime(kernel);
    gemm_seconds.push_back(first + later);
    kernel_seconds.push_back(kernel);
    ratios.push_back(kernel / (first + later));
    ratios_of_later_layers.push_back(kernel / later);
  }
  const double multiplications = depth * work_of(width, samples);
  const double best_gemm = *std::min_element(gemm_seconds.begin(), gemm_seconds.end());
  state.counters["ratio"] = median(ratios);
  if (at_most > 0.0) state.counters["ratio_at_most"] = at_most;
  state.counters["ratio_best"] = *std::min_element(kernel_seconds.begin(), kernel_seconds.end()) / best_gemm;
  // The kernel needs no product for layer 1: against the products that it does need.
  state.counters["ratio_layers_2_up"] = median(ratios_of_later_layers);
  state.counters["gemm_gflops"] = 2e-9 * multiplications / best_gemm;
  state.SetLabel(std::string("OpenBLAS core ") + openblas_get_corename());
}

void add(int width, long samples, const char* activation, double at_most = 0.0) {
  const std::string shape = "/width:" + std::to_string(width) + "/points:" + std::to_string(samples) + "/" + activation;
  // About as much work for each shape, and several turns, but one of those that take half a minute.
  const double work = work_of(width, samples);
  const double least = work < 2e10 ? 5.0 : work < 1e11 ? 3.0 : 1.0;
  const auto turns = static_cast<benchmark::IterationCount>(std::clamp(1e9 / work, least, 21.0));
  const auto settle = [turns](benchmark::internal::Benchmark* benchmark) {
    benchmark->Iterations(turns)->UseManualTime()->Unit(benchmark::kMillisecond);
  };
  settle(benchmark::RegisterBenchmark(
      ("transitions_against_gemm/double" + shape).c_str(),
      [=](benchmark::State& state) { transitions_against_gemm<double>(state, width, samples, activation, at_most); }));
  settle(benchmark::RegisterBenchmark(("transitions_against_gemm/float" + shape).c_str(), [=](benchmark::State& state) {
    transitions_against_gemm<float>(state, width, samples, activation, at_most);
  }));
}

}  // namespace

int main(int argc, char** argv) {
  for (const char* activation : {"relu", "hard_tanh"}) {
    add(100, 100000, activation, 0.8);
    add(500, 10000, activation, 1.0);
    add(1000, 10000, activation, 1.0);
  }
  // How it holds from few to many points and from narrow to wide.
  for (const int width : {8, 32, 100, 500, 1000, 4000}) {
    for (const long samples : {1000L, 10000L, 100000L, 1000000L}) {
      const bool above = width == 100 ? samples == 100000 : width >= 500 && samples == 10000;
      if (!above && work_of(width, samples) <= 2e10) add(width, samples, "hard_tanh");
    }
  }
  for (const int width : {500, 1000}) add(width, 100000, "hard_tanh", 1.0);
  add(10000, 1000, "hard_tanh");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
