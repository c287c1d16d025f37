// Ranks, node layouts and counters that the scheduler is tested with, and busy work of known length.
#pragma once

#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "pipeline/schedule/scheduler.hpp"

namespace meander::test {

inline int rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

inline int ranks() {
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return ranks;
}

inline double now() {
  return MPI_Wtime();
}

/// Computes, without a call to MPI, for a time by the clock.
inline void compute_for(double seconds) {
  const double end = now() + seconds;
  volatile double x = 1.0;
  while (now() < end) {
    for (int i = 0; i < 100; ++i) x = std::sqrt(x + 1.0);
  }
}

inline long sum_over_ranks(long value) {
  long sum = 0;
  MPI_Allreduce(&value, &sum, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

/// How often each task ran, over all ranks.
inline std::vector<int> sum_over_ranks(std::vector<int> counts) {
  MPI_Allreduce(MPI_IN_PLACE, counts.data(), static_cast<int>(counts.size()), MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return counts;
}

/// Costs from `largest` down to `largest / span`, geometrically.
inline std::vector<double> spread(std::size_t tasks, double largest, double span) {
  std::vector<double> seconds(tasks);
  for (std::size_t task = 0; task < tasks; ++task) {
    seconds[task] = largest * std::pow(span, -static_cast<double>(task) / static_cast<double>(tasks));
  }
  return seconds;
}

/// How the machine looks to the scheduler.
struct Layout {
  std::string name;
  bool pretend_nodes;
  CounterKind counter;

  ScheduleOptions options() const { return {.pretend_nodes = pretend_nodes, .counter = counter, .may_start = {}}; }
};

inline const std::vector<Layout> layouts = {
    {"one_node", false, CounterKind::automatic},
    {"served", true, CounterKind::served},
    {"window", true, CounterKind::window},
};

inline void PrintTo(const Layout& layout, std::ostream* out) {
  *out << layout.name;
}

class OnEveryLayout : public testing::TestWithParam<Layout> {};

inline std::string layout_name(const testing::TestParamInfo<Layout>& info) {
  return info.param.name;
}

}  // namespace meander::test
