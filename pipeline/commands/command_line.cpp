#include "pipeline/commands/command_line.hpp"

#include <iostream>

#include "pipeline/commands/commands.hpp"
#include "pipeline/provenance.hpp"

namespace meander {

int command_line(int argc, char** argv, const Catalogue& catalogue) {
  CLI::App app(
      "meander measures how expressive deep networks are: lengths, transitions and patterns of curves\n"
      "through random networks, over sweeps shared among MPI ranks, into HDF5 archives.",
      "meander");
  app.set_version_flag("--version", [] { return version_text(); });
  app.require_subcommand(1);
  app.footer(
      "A first run:  mpirun -n 4 meander run studies/quickstart.toml\n"
      "Exit codes:   0 done, 1 failed, 2 stopped early (run again to go on), 3 bad input (nothing touched)");
  Action action;
  add_run(app, catalogue, action);
  add_plan(app, catalogue, action);
  add_list(app, catalogue, action);
  add_status(app, action);
  add_show(app, action);
  add_merge(app, action);
  add_check(app, action);
  add_export(app, catalogue, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? exit_done : exit_bad_input;
  }
  return action();
}

}  // namespace meander
