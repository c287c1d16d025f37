// What the ways to the extreme singular values of a Jacobian cost beside what their formulas say: processor seconds of
// the busiest rank. A program for mpirun: extremes_costs [WIDTH ...].
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/jacobian/factored_inverse.hpp"
#include "kernels/jacobian/jacobian_operator.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "kernels/spectra/dense_extremes.hpp"
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

const StreamKey key = stream_key(1, 1);

int ranks() {
  int count = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  return count;
}

/// Of the rank that works longest; one that waits yields.
template <class Work>
double busiest_seconds(const Work& work) {
  double seconds = processor_seconds(work);
  MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return seconds;
}

void print(const char* way, int n, int depth, double measured, double expected) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank != 0) return;
  std::printf("%-28s %6d %6d %6d %12.6f %12.6f %8.2f\n", way, n, depth, ranks(), measured, expected,
              measured / expected);
  std::fflush(stdout);
}

void compare(int n, int depth) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = n;
  parameters.widths.assign(static_cast<std::size_t>(depth), n);
  parameters.activation = Activation::named("tanh");
  parameters.sigma_w = 1.2;
  std::vector<double> input = gaussian_point(key, 0, n);
  rescale(input, 1.0);
  const JacobianOperator j(parameters, key, input, WeightStorage::double_, MPI_COMM_WORLD);
  if (ranks() == 1) {
    print("jacobian_spectrum", n, depth,
          busiest_seconds([&] { jacobian_spectrum(RandomNetwork(parameters, key), input, WeightRank::full); }),
          jacobian_spectrum_seconds(n, depth, WeightRank::full));
  }
  print("dense_singular_values", n, depth, busiest_seconds([&] { dense_singular_values(j); }),
        dense_seconds(n, depth, ranks()));
  std::optional<FactoredInverse> inverse;
  print("FactoredInverse", n, depth, busiest_seconds([&] { inverse.emplace(j); }),
        FactoredInverse::seconds(n, depth, ranks()));
  for (const int vectors : {1, 16}) {
    constexpr int repeats = 5;
    std::vector<double> x(static_cast<std::size_t>(j.local_size() * vectors), 1.0), y(x.size());
    const double seconds = busiest_seconds([&] {
      for (int k = 0; k < repeats; ++k) {
        inverse->apply(x, y, vectors);
        inverse->apply_transposed(x, y, vectors);
      }
    });
    print(vectors == 1 ? "product with one vector" : "product with sixteen", n, depth, seconds / (2 * repeats),
          FactoredInverse::product_seconds(n, depth, ranks(), vectors));
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  for (int k = 1; k < argc; ++k) {
    for (const int depth : {2, 10}) compare(std::atoi(argv[k]), depth);
  }
  MPI_Finalize();
  return 0;
}
