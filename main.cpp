// The front door: hands the catalogue of measures to the commands, catches what nothing else did, and sees that what
// was said was heard.
#include <mpi.h>

#include <exception>
#include <string>

#include "kernels/base/blas_memory.hpp"
#include "pipeline/commands/command_line.hpp"
#include "pipeline/machine/last_words.hpp"
#include "pipeline/ranks/collective.hpp"
#include "pipeline/values/printing.hpp"
#include "slurm/scaling/scale.hpp"
#include "slurm/submit.hpp"
#include "studies/measures/catalogue.hpp"
#include "studies/networks/show_network.hpp"

namespace {

/// Other ranks may wait for this one: end them too, once all have said what is to be said where all have met the
/// failure. Alone, an ordinary exit.
int leave(int code, bool agreed) {
  int started = 0;
  int ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  if (started == 0 || ended != 0) return code;
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks > 1 && agreed) MPI_Barrier(MPI_COMM_WORLD);
  if (ranks > 1) MPI_Abort(MPI_COMM_WORLD, code);
  MPI_Finalize();
  return code;
}

/// Whoever reads the output must not take a part of it for the whole.
int finish(int code) {
  const std::string problem = meander::finish_output();
  if (problem.empty()) return code;
  meander::print_error("meander: error: standard output could not be written ({})\n", problem);
  return code == meander::exit_done ? meander::exit_failed : code;
}

}  // namespace

int main(int argc, char** argv) {
  meander::hold_standard_streams();
  meander::restart_with_one_blas_thread(argv);
  try {
    return finish(meander::command_line(argc, argv, meander::all_measures(), {meander::add_submit, meander::add_scale},
                                        meander::show_network));
  } catch (const std::exception& error) {
    meander::print_error("{}\n", meander::failure_text(error));
    meander::take_back_last_words();
    return finish(leave(meander::exit_code(error), meander::is_agreed(error)));
  }
}
