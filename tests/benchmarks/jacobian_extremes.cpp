// The largest singular values of one wide tanh network's Jacobian, timed: jacobian_extremes_against_scipy.py runs it
// beside scipy. One JSON object a line, for each combination of the storages, solvers, blocks and tolerances asked for.
#include "kernels/spectra/jacobian_extremes.hpp"

#include <mpi.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/jacobian/jacobian_operator.hpp"
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

const StreamKey key = stream_key(1606, 0);
const std::map<std::string, WeightStorage> storage_names{
    {"double", WeightStorage::double_}, {"single", WeightStorage::single}, {"regenerated", WeightStorage::regenerated}};
const std::map<std::string, SingularValueSolver> solver_names{{"trlanczos", SingularValueSolver::trlanczos},
                                                              {"cross", SingularValueSolver::cross},
                                                              {"randomized", SingularValueSolver::randomized}};

struct Options {
  int width = 4096, depth = 10, count = 5;
  double sigma_w = 1.2;
  std::vector<std::string> storages{"single"}, solvers{"randomized"};
  std::vector<int> blocks{16};
  std::vector<double> tolerances{1e-6};
  std::string layers;
};

RandomNetwork::Parameters parameters_of(const Options& options) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = options.width;
  parameters.widths.assign(static_cast<std::size_t>(options.depth), options.width);
  parameters.activation = Activation::named("tanh");
  parameters.sigma_w = options.sigma_w;
  return parameters;
}

/// For each layer the slopes, doubles, and then the standard normals of W, floats.
void write_layers(const Options& options, const RandomNetwork::Parameters& parameters, std::vector<double> x) {
  const auto n = static_cast<std::size_t>(options.width);
  const double scale = options.sigma_w / std::sqrt(static_cast<double>(n));
  std::ofstream file(options.layers, std::ios::binary);
  std::vector<float> row(n);
  const auto write = [&](const auto& values) {
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof values[0]));
  };
  for (int layer = 1; layer <= options.depth; ++layer) {
    std::vector<double> h(n);
    std::vector<float> weights;
    for (std::size_t i = 0; i < n; ++i) {
      draw_row({}, key, Purpose::weights, static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(i), row);
      weights.insert(weights.end(), row.begin(), row.end());
      for (std::size_t k = 0; k < n; ++k) h[i] += scale * static_cast<double>(row[k]) * x[k];
    }
    std::vector<double> slope(n);
    for (std::size_t i = 0; i < n; ++i) {
      slope[i] = parameters.activation.derivative(h[i]);
      x[i] = parameters.activation(h[i]);
    }
    write(slope);
    write(weights);
  }
  if (!file) throw std::runtime_error(options.layers + " could not be written (see the space left), name another");
}

void print(const std::vector<double>& values, const char* name) {
  std::printf(", \"%s\": [", name);
  for (std::size_t k = 0; k < values.size(); ++k) std::printf("%s%.17g", k > 0 ? ", " : "", values[k]);
  std::printf("]");
}

void search(const JacobianOperator& j, const Options& options, const std::string& storage, const std::string& solver,
            int block, double tolerance) {
  int rank = 0;
  MPI_Comm_rank(j.communicator(), &rank);
  ExtremeSingularValues found;
  const double seconds = processor_seconds([&] {
    found = largest_singular_values(j, {options.count, tolerance, 500, solver_names.at(solver), block});
  });
  if (rank != 0) return;
  std::printf("{\"storage\": \"%s\", \"solver\": \"%s\", \"block\": %d, \"tolerance\": %g, \"seconds\": %.4f, ",
              storage.c_str(), solver.c_str(), block, tolerance, seconds);
  std::printf("\"iterations\": %d, \"products\": %d", found.iterations, found.products);
  print(found.values, "values");
  print(found.residuals, "residuals");
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app;
  app.add_option("--width", options.width);
  app.add_option("--depth", options.depth);
  app.add_option("--count", options.count);
  app.add_option("--sigma_w", options.sigma_w);
  app.add_option("--storage", options.storages)->check(CLI::IsMember(storage_names))->delimiter(',');
  app.add_option("--solver", options.solvers)->check(CLI::IsMember(solver_names))->delimiter(',');
  app.add_option("--block", options.blocks)->delimiter(',');
  app.add_option("--tolerance", options.tolerances)->delimiter(',');
  app.add_option("--layers", options.layers, "write slopes and weights to this file");
  CLI11_PARSE(app, argc, argv);
  MPI_Init(&argc, &argv);
  const auto parameters = parameters_of(options);
  std::vector<double> input = gaussian_point(key, 0, options.width);
  rescale(input, 1.0);
  if (!options.layers.empty()) write_layers(options, parameters, input);
  for (const std::string& storage : options.storages) {
    const JacobianOperator j(parameters, key, input, storage_names.at(storage), MPI_COMM_WORLD);
    for (const std::string& solver : options.solvers) {
      for (const int block : options.blocks) {
        for (const double tolerance : options.tolerances) search(j, options, storage, solver, block, tolerance);
      }
    }
  }
  MPI_Finalize();
}
