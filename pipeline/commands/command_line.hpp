// The front of the program: reads the command line and runs the chosen command.
#pragma once

#include "pipeline/commands/commands.hpp"

namespace meander {

/// Runs the command in `argv` and gives the exit code; BadInput and other exceptions pass through.
int command_line(int argc, char** argv, const Catalogue& catalogue);

}  // namespace meander
