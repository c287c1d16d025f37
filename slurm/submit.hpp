// `meander submit`: plans a study's job at a site, shows the plan, writes the script and submits it.
#pragma once

#include <string>

#include "pipeline/commands/command_line.hpp"
#include "pipeline/commands/commands.hpp"

namespace meander {

struct SubmitArguments {
  StudyArguments study;
  std::string site;
  std::string archive;  // empty: the study's default
  int nodes = 0;        // 0: chosen
  int ranks = 0;
  std::string time;  // empty: chosen
  int parts = 1;
  double checkpoint_seconds = 60.0;
  bool yes = false;
  bool dry_run = false;
};

/// Gives the exit code. Throws BadInput for bad input and for what Slurm rejects, std::runtime_error
/// where Slurm is not there; whatever was submitted before the failure has been cancelled then.
int submit_command(const SubmitArguments& arguments, const Catalogue& catalogue);

/// Declares the command on the command line.
void add_submit(CLI::App& app, const Catalogue& catalogue, Action& action);

}  // namespace meander
