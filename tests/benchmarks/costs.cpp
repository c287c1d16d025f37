// What every measure's tasks take beside what their cost models say: processor seconds of tasks of the study files
// given, in turn. Ends with 1 where a task, or a family of them, takes less than half or more than twice what was said.
#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "kernels/base/blas.hpp"
#include "kernels/base/lapack.hpp"
#include "kernels/base/machine_rates.hpp"
#include "kernels/networks/network.hpp"
#include "pipeline/measure/measure.hpp"
#include "pipeline/measure/tasks.hpp"
#include "pipeline/ranks/rank_group.hpp"
#include "pipeline/study_reader/study_reader.hpp"
#include "studies/measures/catalogue.hpp"
#include "tests/benchmarks/timing.hpp"

namespace {

using namespace meander;

/// Tasks that are over sooner count only in the sum over their family: the run's own work for a task takes as long.
constexpr double shortest = 1e-3;
constexpr double largest_ratio = 2.0;

struct Compared {
  double expected = 0.0;
  double taken = 0.0;

  double ratio() const { return taken / expected; }
  bool is_off() const { return ratio() > largest_ratio || ratio() < 1.0 / largest_ratio; }
};

/// Each draw twice, the quicker of which the machine disturbed less; short ones are many, since draws differ. Theory
/// once: what it keeps for the next time is part of what it takes.
double seconds_of(const BoundStudy& bound, const Family& family, Task task) {
  const auto once = [&] {
    return processor_seconds([&] {
      Results results(family);
      bound.measurement->run(task, results);
    });
  };
  const double first = once();
  double sum = 0.0;
  std::uint64_t draws = 0;
  const std::uint64_t most = !family.per_realization ? 1 : first < 0.02 ? 8 : first < 0.2 ? 3 : 1;
  for (; draws < most; ++draws) {
    task.realization = draws;
    const double one = draws == 0 ? first : once();
    sum += family.per_realization && one < 0.02 ? std::min(one, once()) : one;
  }
  return sum / static_cast<double>(draws);
}

void print(const std::string& what, const Compared& compared, bool counts) {
  std::printf("%-9s %10.3g %10.3g %8.2f  %s\n", counts && compared.is_off() ? "OFF" : "", compared.expected,
              compared.taken, compared.ratio(), what.c_str());
  std::fflush(stdout);
}

/// The quickest of several.
template <class Work>
double least_seconds(const Work& work) {
  double least = processor_seconds(work);
  for (int again = 0; again < 9; ++again) least = std::min(least, processor_seconds(work));
  return least;
}

/// What cost models count, on this machine: the steps of plain code as the functions are slower or faster than stated.
MachineRates measured_rates() {
  constexpr int n = 500;
  constexpr double products = 1.0 * n * n * n;
  MachineRates rates;
  const double stated_function = rates.function;
  std::vector<double> a(n * n, 0.5), b(n * n, 0.25), c(n * n);
  rates.product =
      least_seconds([&] {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1.0, a.data(), n, b.data(), n, 0.0, c.data(), n);
      }) /
      products;
  std::vector<float> d(n * n, 0.5F), e(n * n, 0.25F), f(n * n);
  rates.product_single = least_seconds([&] {
                           cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1.0F, d.data(), n, e.data(), n,
                                       0.0F, f.data(), n);
                         }) /
                         products;
  const StreamKey key = stream_key(1, 1);
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = n;
  parameters.widths = {n};
  const RandomNetwork network(parameters, key);
  rates.draw = least_seconds([&] { network.weight(1, a); }) / (1.0 * n * n);
  std::vector<double> q = a, tau(n);
  rates.factorisation = least_seconds([&] {
                          q = a;
                          lapack::geqrf(n, n, q.data(), n, tau.data());
                        }) /
                        (2.0 / 3.0 * products) * 2.0;
  const Activation tanh = Activation::named("tanh");
  double sum = 0.0;
  rates.function = least_seconds([&] {
                     for (const double x : a) sum += tanh(10.0 * x);
                   }) /
                   (1.4 * n * n);
  const double faster = rates.function / stated_function;
  rates.step *= faster;
  rates.task *= faster;
  rates.streamed *= faster;
  if (sum == 0.5) std::printf("%g\n", c[0]);  // so that nothing is left out
  return rates;
}

void print(const char* name, double measured, double stated) {
  std::printf("# %-16s %10.3g s, stated %10.3g s: %5.2f\n", name, measured, stated, measured / stated);
}

void measure_rates() {
  const MachineRates stated, measured = measured_rates();
  print("product", measured.product, stated.product);
  print("product_single", measured.product_single, stated.product_single);
  print("factorisation", measured.factorisation, stated.factorisation);
  print("draw", measured.draw, stated.draw);
  print("function", measured.function, stated.function);
  set_machine_rates(measured);
}

/// Gives how many are off.
int compare(const std::string& path) {
  const Catalogue catalogue = all_measures();
  const BoundStudy bound = read_study(path, {}, catalogue);
  const RankGroup group{MPI_COMM_SELF};
  int off = 0;
  const Layout layout = bound.measurement->layout();
  for (std::size_t f = 0; f < layout.families.size(); ++f) {
    const Family& family = layout.families[f];
    const CellSpace cells(bound.study, family);
    Compared sum;
    std::vector<std::size_t> seen;
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
      if (cells.realization(cell) != 0) continue;
      const Point point(bound.study, cells.point_indices(cell));
      const Task task{bound.study, point, f, 0, bound.study.seed, 0, &group};
      Compared one{bound.measurement->cost(f, point).seconds, 0.0};
      try {
        one.taken = seconds_of(bound, family, task);
      } catch (const std::exception& error) {
        std::printf("failed: %s\n", error.what());
        continue;
      }
      // A point of a phase diagram is told its share of tables that the first of them builds.
      const bool counts = bound.study.measure != "phase_diagram" && std::max(one.expected, one.taken) >= shortest;
      off += counts && one.is_off();
      print(fmt::format("{} {} {}", path.substr(path.rfind('/') + 1), family.name, point.text()), one, counts);
      sum.expected += one.expected;
      sum.taken += one.taken;
    }
    if (sum.expected > 0.0) {
      off += sum.is_off();
      print(fmt::format("{} {}: all", path.substr(path.rfind('/') + 1), family.name), sum, true);
    }
  }
  return off;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  measure_rates();
  int off = 0;
  for (int i = 1; i < argc; ++i) off += compare(argv[i]);
  std::printf("%d off\n", off);
  MPI_Finalize();
  return off == 0 ? 0 : 1;
}
