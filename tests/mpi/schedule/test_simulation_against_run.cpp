// The simulated schedule and a real run of the same tasks.
#include "pipeline/schedule/simulate.hpp"

#include <algorithm>
#include <thread>

#include "tests/support/schedule_fixture.hpp"

namespace meander::test {
namespace {

class Simulated : public OnEveryLayout {};
INSTANTIATE_TEST_SUITE_P(Layouts, Simulated, testing::ValuesIn(layouts), layout_name);

// Tasks sleep, so that ranks which share cores do not slow each other down. Sleeps overshoot and a
// busy machine wakes late, always towards longer: the run is hardly faster than simulated (5 % for
// the latency that the simulation assumes) and, on a machine that is not overrun, not 1.5 times as
// slow in the best of three attempts.
TEST_P(Simulated, takes_as_long_as_the_run) {
  const std::vector<double> seconds = spread(200, 20e-3, 50.0);
  const Phase phase{1, seconds};
  SimulatedMachine machine;
  machine.ranks = ranks();
  machine.ranks_per_node = GetParam().pretend_nodes ? 1 : ranks();
  if (GetParam().counter == CounterKind::window) machine.counter_latency = machine.counter_service;
  const double simulated = simulate_schedule(std::vector<Phase>{phase}, machine).makespan;

  double fastest = 1e9;
  for (int attempt = 0; attempt < 3 && fastest > 1.2 * simulated; ++attempt) {
    Scheduler scheduler(MPI_COMM_WORLD, {phase}, GetParam().options());
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now();
    double end = start;
    scheduler.run([&](std::size_t, std::size_t task, MPI_Comm) {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds[task]));
      end = now();
    });
    double wall = end - start;
    MPI_Allreduce(MPI_IN_PLACE, &wall, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    fastest = std::min(fastest, wall);
  }
  EXPECT_GT(fastest, 0.95 * simulated);
  EXPECT_LT(fastest, 1.5 * simulated);
}

}  // namespace
}  // namespace meander::test
