// Who works with whom in a run: the ranks of a node, and for each phase the groups that share a task.
#pragma once

#include <mpi.h>

#include <span>
#include <vector>

#include "pipeline/schedule/chunk_table.hpp"
#include "pipeline/schedule/scheduler.hpp"

namespace meander {

/// This rank's group in one phase. Groups are consecutive ranks of the world; the last ranks of a
/// world that does not divide belong to none.
struct Group {
  MPI_Comm comm = MPI_COMM_NULL;  // null where this rank sits the phase out
  int size = 1;
  bool leader = false;
  int leaders_on_node = 0;
  Workforce workforce;

  bool member() const { return comm != MPI_COMM_NULL; }
};

struct Crew {
  MPI_Comm world = MPI_COMM_NULL;  // a duplicate, for the scheduler's own messages
  MPI_Comm node = MPI_COMM_NULL;
  int rank = 0;
  int node_rank = 0;
  int node_index = 0;
  int nodes = 1;
  std::vector<Group> groups;  // one per phase

  /// Collective over `parent`.
  Crew(MPI_Comm parent, std::span<const Phase> phases, bool pretend_nodes);
  /// Collective; frees every communicator.
  void disband();
};

}  // namespace meander
