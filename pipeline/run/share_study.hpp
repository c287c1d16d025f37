// One rank reads the study, all ranks run it.
#pragma once

#include <mpi.h>

#include "pipeline/study/study.hpp"

namespace meander {

/// Rank 0's study, with the content of its files, on every rank. Collective.
void broadcast(MPI_Comm comm, Study& study);

}  // namespace meander
