// The scheduler itself under SimGrid's SMPI, on as many ranks as asked for, beside what the plan's
// simulator says of the same tasks. Prints one line: ranks, tasks, tasks done, the mean load of a rank,
// the simulated machine's time, the plan's time (seconds), and the counter's latency and service time.
#include <mpi.h>
#include <smpi/smpi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "pipeline/schedule/scheduler.hpp"
#include "pipeline/schedule/simulate.hpp"

namespace {

using namespace meander;

/// Costs from `largest` down to a tenth of it, geometrically.
std::vector<double> costs(std::size_t tasks, double largest) {
  std::vector<double> seconds(tasks);
  for (std::size_t task = 0; task < tasks; ++task) {
    seconds[task] = largest * std::pow(10.0, -static_cast<double>(task) / static_cast<double>(tasks));
  }
  return seconds;
}

double largest_of(double value) {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return value;
}

/// Seconds of one request of the scheduler's window counter, which is three fetch-and-ops on rank 0,
/// where `asking` ranks make 20 requests each at once.
double seconds_of_a_request(bool asking) {
  std::int64_t* word = nullptr;
  MPI_Win window = MPI_WIN_NULL;
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Win_allocate(rank == 0 ? 8 : 0, 8, MPI_INFO_NULL, MPI_COMM_WORLD, &word, &window);
  if (rank == 0) *word = 0;
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Win_lock(MPI_LOCK_SHARED, 0, MPI_MODE_NOCHECK, window);
  const double start = MPI_Wtime();
  for (int i = 0; asking && i < 60; ++i) {
    const std::int64_t one = 1;
    std::int64_t before = 0;
    MPI_Fetch_and_op(&one, &before, MPI_INT64_T, 0, 0, MPI_SUM, window);
    MPI_Win_flush(0, window);
  }
  const double seconds = (MPI_Wtime() - start) / 20.0;
  MPI_Win_unlock(0, window);
  MPI_Win_free(&window);
  return largest_of(seconds);
}

}  // namespace

/// schedule_at_scale TASKS_PER_RANK LARGEST_SECONDS RANKS_PER_NODE
int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  if (argc != 4) return 3;
  int rank = 0;
  int ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int ranks_per_node = std::atoi(argv[3]);
  const int nodes = (ranks + ranks_per_node - 1) / ranks_per_node;
  const std::size_t tasks = static_cast<std::size_t>(ranks) * static_cast<std::size_t>(std::atoi(argv[1]));
  const Phase phase{1, costs(tasks, std::atof(argv[2]))};

  // Alone, a request takes its way and its service; together, they queue for the service.
  const double alone = seconds_of_a_request(rank == ranks - 1);
  const double together = seconds_of_a_request(rank % ranks_per_node == 0);
  const double service = std::min(alone, together / nodes);
  const SimulatedMachine machine{
      .ranks = ranks, .ranks_per_node = ranks_per_node, .counter_latency = alone - service, .counter_service = service};

  ScheduleOptions options;
  options.counter = CounterKind::window;
  Scheduler scheduler(MPI_COMM_WORLD, {phase}, options);
  int done = 0;
  double first = 1e9;  // when the first task began: communicators and windows are made before
  double end = 0.0;
  MPI_Barrier(MPI_COMM_WORLD);
  scheduler.run([&](std::size_t, std::size_t task, MPI_Comm) {
    first = std::min(first, MPI_Wtime());
    smpi_execute_benched(phase.seconds[task]);
    end = MPI_Wtime();
    ++done;
  });
  const double wall = largest_of(end) + largest_of(-first);
  MPI_Allreduce(MPI_IN_PLACE, &done, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (rank == 0) {
    const double planned = simulate_schedule(std::vector<Phase>{phase}, machine).makespan;
    double work = 0.0;
    for (const double seconds : phase.seconds) work += seconds;
    std::printf("%d %zu %d %.6f %.6f %.6f %.3e %.3e\n", ranks, tasks, done, work / ranks, wall, planned,
                machine.counter_latency, machine.counter_service);
  }
  MPI_Finalize();
  return 0;
}
