// What a schedule would take on a machine that is not at hand: the scheduler's own rules, replayed
// on simulated ranks.
#pragma once

#include <cstddef>
#include <span>

#include "pipeline/schedule/scheduler.hpp"

namespace meander {

struct SimulatedMachine {
  int ranks = 1;
  int ranks_per_node = 1;
  double counter_latency = 5e-4;  // seconds for the way to the global counter and back
  double counter_service = 1e-5;  // seconds that the global counter spends on one request
  double hand_out = 5e-7;         // seconds to take one task from the node's counter
};

struct SimulatedRun {
  double makespan = 0.0;      // seconds until the last rank is done
  double efficiency = 1.0;    // sum of task seconds x group size / (ranks x makespan); 1 without tasks
  double largest_wait = 0.0;  // longest time from a node's request to the chunk, seconds
  std::size_t requests = 0;   // to the global counter
  double coarsest = 0.0;      // longest piece of tasks that were played as one, seconds; 0: each was played
};

/// Plays the phases, widest groups first, with costs taken as exact. Requests of one phase queue at
/// the global counter in the order in which they arrive; where phases overlap, those of different
/// phases do not delay each other. Of a phase with more than half a million tasks, most are played as pieces of several
/// (Costs, coarsened): the makespan may be off by one such piece. Time is O(tasks x log(ranks_per_node) + chunks x
/// log(nodes)).
/// Throws std::invalid_argument for fewer than one rank or rank a node, and where a group is wider
/// than the machine.
SimulatedRun simulate_schedule(std::span<const Phase> phases, const SimulatedMachine& machine);

}  // namespace meander
