// How fast tasks are handed out, and how much of the ranks' time becomes work. Run under mpirun; one
// line a mode, or one JSON object with --json. MEANDER_PRETEND_NODES=1 makes each rank a node.
#include "pipeline/schedule/scheduler.hpp"

#include <mpi.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

using namespace meander;

struct Timing {
  double wall = 0.0;  // from a barrier until the last rank has left run()
  double work = 0.0;  // sum of the times that tasks took, over all ranks
};

void compute_for(double seconds) {
  const double end = MPI_Wtime() + seconds;
  while (MPI_Wtime() < end) {
  }
}

template <class Body>
Timing measure(const std::vector<double>& seconds, const Body& body) {
  Scheduler scheduler(MPI_COMM_WORLD, {{1, seconds}}, {});
  double work = 0.0;
  MPI_Barrier(MPI_COMM_WORLD);
  const double start = MPI_Wtime();
  scheduler.run([&](std::size_t, std::size_t task, MPI_Comm) { work += body(seconds[task]); });
  Timing timing{MPI_Wtime() - start, work};
  MPI_Allreduce(MPI_IN_PLACE, &timing.wall, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, &timing.work, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return timing;
}

double nothing(double) {
  return 0.0;
}

/// Busy for a time by the clock; what it took counts, not what was asked for. So where cores are
/// shared with other programs, time that a rank lost in the middle of a task passes for work.
double busy(double seconds) {
  const double start = MPI_Wtime();
  compute_for(seconds);
  return MPI_Wtime() - start;
}

std::vector<double> spread(std::size_t tasks, double largest, double span) {
  std::vector<double> seconds(tasks);
  for (std::size_t task = 0; task < tasks; ++task) {
    seconds[task] = largest * std::pow(span, -static_cast<double>(task) / static_cast<double>(tasks));
  }
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  const bool json = argc > 1 && std::strcmp(argv[1], "--json") == 0;
  int rank = 0;
  int ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const auto width = static_cast<std::size_t>(ranks);

  constexpr std::size_t tiny_tasks = 1000000;
  const Timing none = measure(std::vector<double>(tiny_tasks, 1e-7), nothing);
  const Timing tiny = measure(std::vector<double>(tiny_tasks, 1e-6), busy);
  const Timing even = measure(std::vector<double>(400 * width, 5e-3), busy);
  const Timing uneven = measure(spread(700 * width, 30e-3, 1000.0), busy);

  const auto efficiency = [&](const Timing& timing) { return timing.work / (ranks * timing.wall); };
  if (rank == 0 && json) {
    std::printf(
        "{\"ranks\": %d, \"noop_per_second\": %.6g, \"microsecond_per_second\": %.6g, "
        "\"efficiency_5ms\": %.6g, \"efficiency_1000x\": %.6g}\n",
        ranks, tiny_tasks / none.wall, tiny_tasks / tiny.wall, efficiency(even), efficiency(uneven));
  } else if (rank == 0) {
    std::printf("%-38s%d\n", "ranks", ranks);
    std::printf("%-38s%.4g\n", "no-op tasks per second", tiny_tasks / none.wall);
    std::printf("%-38s%.4g\n", "1 us tasks per second", tiny_tasks / tiny.wall);
    std::printf("%-38s%.4f\n", "efficiency, 5 ms tasks", efficiency(even));
    std::printf("%-38s%.4f\n", "efficiency, costs spanning 1000x", efficiency(uneven));
  }
  MPI_Finalize();
}
