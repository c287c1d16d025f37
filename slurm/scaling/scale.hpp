// `meander scale`: runs a study at several rank counts, again and again, and keeps where the time went.
#pragma once

#include <string>
#include <vector>

#include "pipeline/commands/command_line.hpp"
#include "pipeline/commands/commands.hpp"

namespace meander {

struct ScaleArguments {
  StudyArguments study;
  std::vector<int> ranks;
  bool weak = false;
  int repeats = 3;
  std::string part;      // "I/N": the I-th of N shares of the repeats, for job arrays; or empty
  std::string archive;   // empty: the study file's stem + "_strong.h5" or "_weak.h5"
  std::string launcher;  // words, `{ranks}` among them; empty: srun in a batch job of Slurm, else mpirun
  bool fresh = false;
};

/// Runs every rank count once, then all of them once more, and so on, so that what drifts on a machine
/// hits all of them alike. Runs that the archive already holds are not repeated. Gives the exit code: 1
/// where a run failed, 2 where a signal stopped the series between two runs. Throws BadInput before
/// anything was run.
int scale_command(const ScaleArguments& arguments, const Catalogue& catalogue);

/// Declares the command on the command line.
void add_scale(CLI::App& app, const Catalogue& catalogue, Action& action);

}  // namespace meander
