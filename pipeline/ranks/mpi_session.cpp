#include "pipeline/ranks/mpi_session.hpp"

#include <mpi.h>

#include <cstdlib>

namespace meander {

MpiSession::MpiSession(int argc, char** argv) {
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  setenv("OMP_NUM_THREADS", "1", 0);
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
}

void MpiSession::finish() {
  MPI_Finalize();
}

}  // namespace meander
