// The front door: hands the catalogue of measures to the commands, and catches what nothing else did.
#include <fmt/format.h>
#include <mpi.h>

#include <exception>

#include "kernels/base/blas_memory.hpp"
#include "pipeline/commands/command_line.hpp"
#include "pipeline/machine/last_words.hpp"
#include "slurm/scaling/scale.hpp"
#include "slurm/submit.hpp"
#include "studies/measures/catalogue.hpp"
#include "studies/networks/show_network.hpp"

namespace {

/// Other ranks may wait for this one: end them too. Alone, an ordinary exit.
int leave(int code) {
  int started = 0;
  int ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  if (started == 0 || ended != 0) return code;
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks > 1) MPI_Abort(MPI_COMM_WORLD, code);
  MPI_Finalize();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  meander::restart_with_one_blas_thread(argv);
  try {
    return meander::command_line(argc, argv, meander::all_measures(), {meander::add_submit, meander::add_scale},
                                 meander::show_network);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", meander::failure_text(error));
    meander::take_back_last_words();
    return leave(meander::exit_code(error));
  }
}
