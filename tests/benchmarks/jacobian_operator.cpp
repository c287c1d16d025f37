// Products of a wide Jacobian with nothing stored, against what no such product can do without: drawing every weight
// once (the stream's long rows) and multiplying it with each vector (OpenBLAS's best rate for square matrices), taken
// in turns on one core. `ratio` is their time together over ours.
#include "kernels/jacobian/jacobian_operator.hpp"

#include <benchmark/benchmark.h>
#include <cblas.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/jacobian/orthogonal_jacobian.hpp"

#if defined(__FMA__)
#include <immintrin.h>
#endif

namespace {

using namespace meander;

constexpr int width = 16384;
constexpr int square = 768;  // fits the second-level cache in blocks, and is enough for the full rate

/// Nanoseconds of processor time.
template <class Work>
double nanoseconds(const Work& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

class Peers {
 public:
  Peers() : row_(1 << 16), a_(std::size_t{square} * square, 0.5), b_(a_), c_(a_) {}

  double draw_a_weight() {
    const double time = nanoseconds([&] {
      for (std::uint32_t row = 0; row < 16; ++row) {
        RandomStream(stream_key(1, 2), Purpose::weights, 1).normals(row, 0, row_);
        benchmark::DoNotOptimize(row_.data());
      }
    });
    return time / (16.0 * static_cast<double>(row_.size()));
  }
  double multiply_and_add() { return std::min(in_registers(), square_product()); }

 private:
  static double in_registers() {
#if defined(__AVX512F__)
    return in_registers_of<8>(_mm512_set1_pd(0.5), [](__m512d a, __m512d b) { return _mm512_fmadd_pd(a, b, b); });
#elif defined(__FMA__)
    return in_registers_of<4>(_mm256_set1_pd(0.5), [](__m256d a, __m256d b) { return _mm256_fmadd_pd(a, b, b); });
#else
    return std::numeric_limits<double>::infinity();
#endif
  }
  /// Twelve independent sums keep the units busy.
  template <long lanes, class Register, class Step>
  static double in_registers_of(Register factor, Step step) {
    constexpr long steps = 1 << 20;
    const double time = nanoseconds([&] {
      Register half = factor;
      asm volatile("" : "+v"(half));
      Register a = half, b = a, c = a, d = a, e = a, f = a, g = a, h = a, i = a, j = a, k = a, l = a;
      for (long n = 0; n < steps; ++n) {
        a = step(a, half), b = step(b, half), c = step(c, half), d = step(d, half);
        e = step(e, half), f = step(f, half), g = step(g, half), h = step(h, half);
        i = step(i, half), j = step(j, half), k = step(k, half), l = step(l, half);
        // Equal sums must not become one.
        asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f));
        asm volatile("" : "+v"(g), "+v"(h), "+v"(i), "+v"(j), "+v"(k), "+v"(l));
      }
    });
    return time / static_cast<double>(12 * steps * lanes);
  }
  double square_product() {
    const double time = nanoseconds([&] {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, square, square, square, 1.0, a_.data(), square, b_.data(),
                  square, 0.0, c_.data(), square);
      benchmark::DoNotOptimize(c_.data());
    });
    return time / (static_cast<double>(square) * square * square);
  }

  std::vector<float> row_;
  std::vector<double> a_, b_, c_;
};

/// The product with J of one layer that draws `drawn` weights and multiplies each `uses` times with every vector.
void against_generator_and_fma(benchmark::State& state, const DistributedOperator& j, double drawn, int uses,
                               double least) {
  const int vectors = static_cast<int>(state.range(0));
  const bool transposed = state.range(1) != 0;
  std::vector<double> x = gaussian_point(stream_key(1606, 0), 1, width * vectors), y(x.size());
  openblas_set_num_threads(1);
  Peers peers;
  peers.multiply_and_add();

  std::vector<double> ratios, ours, drawing, adding;
  for (auto _ : state) {
    drawing.push_back(peers.draw_a_weight());
    adding.push_back(peers.multiply_and_add());
    const double time = nanoseconds([&] { transposed ? j.apply_transposed(x, y, vectors) : j.apply(x, y, vectors); });
    ours.push_back(time / drawn);
    ratios.push_back((drawing.back() + uses * vectors * adding.back()) / ours.back());
    state.SetIterationTime(1e-9 * time);
  }
  state.counters["ratio"] = median(ratios);
  if (vectors >= 8) state.counters["ratio_at_least"] = least;
  state.counters["ns_per_weight"] = median(ours);
  state.counters["ns_per_normal"] = median(drawing);
  state.counters["ns_per_multiply_add"] = median(adding);
  state.SetLabel(row_block_paths<float>().front().name);
}

RandomNetwork::Parameters one_layer(WeightLaw::Kind law) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = width;
  parameters.widths.assign(1, width);
  parameters.activation = Activation::named("tanh");
  parameters.law.kind = law;
  return parameters;
}

void regenerated_against_generator_and_fma(benchmark::State& state) {
  const StreamKey key = stream_key(1606, 0);
  const JacobianOperator j(one_layer(WeightLaw::Kind::gaussian), key, gaussian_point(key, 0, width),
                           WeightStorage::regenerated);
  against_generator_and_fma(state, j, double{width} * width, 1, 0.85);
}

/// Reflectors are half as many numbers as a matrix, each used twice.
void reflectors_against_generator_and_fma(benchmark::State& state) {
  const StreamKey key = stream_key(1606, 0);
  const OrthogonalJacobian j(one_layer(WeightLaw::Kind::orthogonal), key, gaussian_point(key, 0, width),
                             WeightStorage::regenerated);
  against_generator_and_fma(state, j, 0.5 * width * (width + 1), 2, 0.85);
}

}  // namespace

BENCHMARK(regenerated_against_generator_and_fma)
    ->ArgsProduct({{1, 8, 16, 32}, {0, 1}})
    ->ArgNames({"vectors", "transposed"})
    ->Iterations(11)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(reflectors_against_generator_and_fma)
    ->ArgsProduct({{1, 8, 16, 32}, {0, 1}})
    ->ArgNames({"vectors", "transposed"})
    ->Iterations(11)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  MPI_Finalize();
}
