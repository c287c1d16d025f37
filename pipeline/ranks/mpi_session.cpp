#include "pipeline/ranks/mpi_session.hpp"

#include <mpi.h>

#include <cstdlib>
#include <string_view>

namespace meander {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

enum class Start { alone, on_one_node, elsewhere };

/// How this process was started, as far as launchers tell: mpirun, or srun with PMIx or PMI-2.
Start start_of_process() {
  if (const auto ranks = variable("OMPI_COMM_WORLD_SIZE"); !ranks.empty()) {
    return ranks == variable("OMPI_COMM_WORLD_LOCAL_SIZE") ? Start::on_one_node : Start::elsewhere;
  }
  if (!variable("PMIX_RANK").empty() || !variable("PMI_RANK").empty()) {
    return variable("SLURM_STEP_NUM_NODES") == "1" ? Start::on_one_node : Start::elsewhere;
  }
  return Start::alone;
}

/// Ranks of one node talk through its memory: Open MPI's sockets, which listen on every network, stay closed. A process
/// that no launcher started needs no daemon beside it either. The user's own settings win.
void keep_off_the_network() {
  const Start start = start_of_process();
  if (start == Start::elsewhere) return;
  setenv("OMPI_MCA_pml", "ob1", 0);
  setenv("OMPI_MCA_btl", "self,vader", 0);
  if (start != Start::alone) return;
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  // Isolated processes all have one folder of Open MPI's in /tmp, which the first to end removes while others start.
  setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
  // The others' shared file pointers, which nobody uses, lie in that folder.
  setenv("OMPI_MCA_sharedfp", "individual", 0);
}

}  // namespace

MpiSession::MpiSession(int argc, char** argv) {
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  setenv("OMP_NUM_THREADS", "1", 0);
  keep_off_the_network();
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
}

void MpiSession::finish() {
  MPI_Finalize();
}

}  // namespace meander
