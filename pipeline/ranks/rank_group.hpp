// The ranks that share a task. Most measures never ask for more than one, and need not know MPI.
#pragma once

#include <mpi.h>

namespace meander {

struct RankGroup {
  MPI_Comm comm = MPI_COMM_SELF;
};

}  // namespace meander
