// Predicted efficiency of the schedule on machines that are not at hand: the table of docs/scaling.md.
#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "pipeline/schedule/simulate.hpp"

namespace {

using namespace meander;

/// Costs over a factor of thirty, geometrically, with the given mean.
std::vector<double> costs(std::size_t tasks, double mean) {
  std::vector<double> seconds(tasks);
  double sum = 0.0;
  for (std::size_t task = 0; task < tasks; ++task) {
    seconds[task] = std::pow(30.0, -static_cast<double>(task) / static_cast<double>(tasks));
    sum += seconds[task];
  }
  for (double& cost : seconds) cost *= mean * static_cast<double>(tasks) / sum;
  return seconds;
}

}  // namespace

int main() {
  const std::vector<std::pair<double, double>> counters = {
      {5e-6, 1e-6}, {5e-4, 1e-5}, {5e-3, 1e-4}};  // latency, service
  fmt::print("| ranks | tasks a rank | mean task | fabric 6 us | served 510 us | slow 5.1 ms | requests |\n");
  fmt::print("|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const int ranks : {1024, 16384, 100000}) {
    for (const int tasks : {3, 10, 30, 100}) {
      for (const double mean : {0.01, 1.0}) {
        const std::vector<Phase> phases = {{1, costs(static_cast<std::size_t>(ranks) * tasks, mean)}};
        fmt::print("| {} | {} | {} |", ranks, tasks, mean < 1.0 ? "10 ms" : "1 s");
        std::size_t requests = 0;
        for (const auto& [latency, service] : counters) {
          const SimulatedRun run = simulate_schedule(
              phases, {.ranks = ranks, .ranks_per_node = 64, .counter_latency = latency, .counter_service = service});
          requests = run.requests;
          fmt::print(" {:.1f} % |", 100.0 * run.efficiency);
        }
        fmt::print(" {} |\n", requests);
      }
    }
  }
  return 0;
}
