// The front of the program: reads the command line and runs the chosen command.
#pragma once

#include <functional>
#include <vector>

#include "pipeline/commands/commands.hpp"

namespace CLI {
class App;
}

namespace meander {

/// What the chosen command does; gives the exit code.
using Action = std::function<int()>;

/// A command of another room: it declares itself on `app`, and where it is chosen, sets `action`.
using CommandDeclaration = std::function<void(CLI::App& app, const Catalogue& catalogue, Action& action)>;

/// Runs the command in `argv`, one of the pipeline's own or of `more`, and gives the exit code; BadInput and other
/// exceptions pass through. `show_other` is for files that `show` does not know itself.
int command_line(int argc, char** argv, const Catalogue& catalogue, const std::vector<CommandDeclaration>& more = {},
                 const ShowFile& show_other = {});

}  // namespace meander
