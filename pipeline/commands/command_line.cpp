#include "pipeline/commands/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "pipeline/archive/format/provenance.hpp"
#include "pipeline/commands/option_checks.hpp"
#include "pipeline/values/terminal.hpp"

namespace meander {
namespace {

struct Arguments {
  RunArguments run;
  PlanArguments plan;
  ListArguments list;
  MergeArguments merge;
  ExportArguments export_cell;
  double time_limit = 0.0;
  std::string archive;
  bool json = false;
};

/// CLI11 says only that a command is required; say which word is none.
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "-";
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (word.starts_with('-') || std::ranges::find(names, word) != names.end()) return;
  throw BadInput(fmt::format("'{}': error: no such command (there are: {})", word, fmt::join(names, ", ")));
}

void add_study(CLI::App& command, StudyArguments& study) {
  command.add_option("study", study.study, "Study file")->required()->type_name("STUDY.toml");
  command.add_option("--set", study.set, "Overrides a key of the study file with a TOML value; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_run(CLI::App& app, Arguments& arguments, const Catalogue& catalogue, Action& action) {
  CLI::App* command =
      app.add_subcommand("run", "Runs a study, or goes on with it; start it with mpirun to use several ranks");
  RunArguments& run = arguments.run;
  RunOptions& options = run.options;
  add_study(*command, run.study);
  command
      ->add_option("-o,--output", options.archive,
                   "Archive to write or go on with; default: the study's stem + .h5 here")
      ->type_name("ARCHIVE.h5");
  command->add_flag("--fresh", options.fresh, "Starts over: what is there is kept beside it, as ARCHIVE.h5.before-1");
  command->add_flag("--retry-failed", options.retry_failed, "Computes failed cells again");
  command->add_option("--part", run.part, "Computes the I-th of N shares, for job arrays")->type_name("I/N");
  command->add_option("--checkpoint", options.checkpoint_seconds, "Seconds between renewals of the shards on disk")
      ->check(is_seconds(false))
      ->capture_default_str();
  CLI::Option* limit =
      command->add_option("--time-limit", arguments.time_limit, "Stops cleanly before this many seconds are over")
          ->check(is_seconds(true));
  command->add_flag("--quiet", options.quiet, "Shows no progress; errors are always shown");
  command->add_option("--timing", run.timing, "Writes where the time went, as JSON")->type_name("FILE.json");
  command->callback([&, limit] {
    if (limit->count() > 0) options.time_limit_seconds = arguments.time_limit;
    action = [&] { return run_command(run, catalogue); };
  });
}

void add_plan(CLI::App& app, PlanArguments& plan, const Catalogue& catalogue, Action& action) {
  CLI::App* command = app.add_subcommand("plan", "Tasks, core-hours, memory and predicted efficiency; runs nothing");
  add_study(*command, plan.study);
  command->add_option("--ranks", plan.ranks, "Predict for this many ranks only")->check(is_count(most_ranks));
  command->add_option("--ranks-per-node", plan.ranks_per_node, "Ranks that share a node")
      ->check(is_count(most_ranks))
      ->capture_default_str();
  command
      ->add_option("--time-limit", plan.time_limit, "Seconds that a job computes: how many it takes, one after another")
      ->check(is_seconds(false));
  command->add_option("--checkpoint", plan.checkpoint_seconds, "Seconds between renewals of the shards on disk")
      ->check(is_seconds(false))
      ->capture_default_str();
  command->add_flag("--json", plan.json, "As JSON");
  command->callback([&] { action = [&] { return plan_command(plan, catalogue); }; });
}

void add_list(CLI::App& app, ListArguments& list, const Catalogue& catalogue, Action& action) {
  CLI::App* command = app.add_subcommand("list", "Measures; or one measure's parameters, defaults, units and arrays");
  command->add_option("measure", list.measure, "Measure to describe")->type_name("MEASURE");
  command->add_flag("--json", list.json, "As JSON");
  command->add_flag("--markdown", list.markdown, "As a page of documentation");
  command->callback([&] { action = [&] { return list_command(list, catalogue); }; });
}

void add_merge(CLI::App& app, MergeArguments& merge, Action& action) {
  CLI::App* command =
      app.add_subcommand("merge", "Joins partial archives; identical cells pass, conflicting ones are refused");
  command->add_option("out", merge.out, "Archive to write")->required()->type_name("OUT.h5");
  command->add_option("in", merge.in, "Archives to join")->required()->type_name("IN.h5");
  command->add_flag("--update", merge.update, "Join what is there at OUT.h5 with the others, and replace it");
  command->callback([&] { action = [&] { return merge_command(merge); }; });
}

void add_export(CLI::App& app, ExportArguments& cell, const Catalogue& catalogue, Action& action) {
  CLI::App* command = app.add_subcommand("export", "Writes the very network and curve of one cell");
  add_study(*command, cell.study);
  command->add_option("--cell", cell.cell, "The cell; keys with one value may be left out")
      ->type_name("KEY=VALUE,...,realization=R");
  command->add_option("-o,--output", cell.out, "Network file to write")->required()->type_name("NET.h5");
  command->callback([&] { action = [&] { return export_command(cell, catalogue); }; });
}

/// Commands on one archive.
void add_readers(CLI::App& app, Arguments& arguments, const ShowFile& show_other, Action& action) {
  const auto add = [&](const std::string& name, const std::string& what, const Action& act,
                       const std::string& file = "Archive") {
    CLI::App* command = app.add_subcommand(name, what);
    command->add_option("archive", arguments.archive, file)->required()->type_name("ARCHIVE.h5");
    command->callback([&action, act] { action = act; });
    return command;
  };
  add("status", "Done, running, failed and missing cells, also while a run goes on", [&] {
    return status_command(arguments.archive, arguments.json);
  })->add_flag("--json", arguments.json, "As JSON");
  add(
      "show", "What an archive or a network file holds, as a short table",
      [&] { return show_command(arguments.archive, show_other); }, "Archive, or network file");
  add("check", "Integrity of every array: exit 0 or 1", [&] { return check_command(arguments.archive); });
}

}  // namespace

int command_line(int argc, char** argv, const Catalogue& catalogue, const std::vector<CommandDeclaration>& more,
                 const ShowFile& show_other) {
  CLI::App app(
      "meander measures how expressive deep networks are: lengths, transitions and patterns of curves\n"
      "through random networks, over sweeps shared among MPI ranks, into HDF5 archives.",
      "meander");
  app.set_version_flag("--version", [] { return version_text(); });
  app.require_subcommand(1);
  app.footer(
      "A first run:  mpirun -n 4 meander run studies/quickstart.toml\n"
      "Exit codes:   0 done, 1 failed, 2 stopped early (run again to go on), 3 bad input (nothing touched)");
  Arguments arguments;
  Action action;
  add_run(app, arguments, catalogue, action);
  add_plan(app, arguments.plan, catalogue, action);
  add_list(app, arguments.list, catalogue, action);
  add_readers(app, arguments, show_other, action);
  add_merge(app, arguments.merge, action);
  add_export(app, arguments.export_cell, catalogue, action);
  for (const CommandDeclaration& declare : more) declare(app, catalogue, action);
  refuse_unknown_command(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    print_output_text(out.str());
    print_error_text(err.str());
    return code == 0 ? exit_done : exit_bad_input;
  }
  return action();
}

}  // namespace meander
