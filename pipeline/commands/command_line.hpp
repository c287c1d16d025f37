// The front of the program: reads the command line and runs the chosen command.
#pragma once

#include "pipeline/measure.hpp"

namespace meander {

enum ExitCode { exit_done = 0, exit_failed = 1, exit_stopped = 2, exit_bad_input = 3 };

/// Runs the command in `argv` and gives the exit code; BadInput and other exceptions pass through.
int command_line(int argc, char** argv, const Catalogue& catalogue);

}  // namespace meander
