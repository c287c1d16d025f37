// The options of `meander submit`; this and pipeline/commands/command_line.cpp alone include CLI11.
#include <CLI/CLI.hpp>
#include <memory>

#include "pipeline/commands/option_checks.hpp"
#include "slurm/submit.hpp"

namespace meander {

void add_submit(CLI::App& app, const Catalogue& catalogue, Action& action) {
  const auto submit = std::make_shared<SubmitArguments>();
  CLI::App* command =
      app.add_subcommand("submit", "Plans a study as a batch job of Slurm, writes its script and submits it");
  command->add_option("study", submit->study.study, "Study file")->required()->type_name("STUDY.toml");
  command->add_option("--site", submit->site, "Site file: the cluster's partition, nodes, limits, launcher")
      ->required()
      ->type_name("FILE.toml");
  command
      ->add_option("--set", submit->study.set, "Overrides a key of the study file with a TOML value; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option("-o,--output", submit->archive,
                   "Archive to write or go on with; default: the study's stem + .h5 here")
      ->type_name("ARCHIVE.h5");
  command->add_option("--nodes", submit->nodes, "Nodes of one job; chosen if left out")->check(is_count(most_ranks));
  command->add_option("--ranks", submit->ranks, "Ranks of one job; chosen if left out")->check(is_count(most_ranks));
  command->add_option("--time", submit->time, "Time limit of one job; chosen if left out")->type_name("HH:MM:SS");
  command->add_option("--array", submit->parts, "Splits the study into N jobs side by side, merged by a last one")
      ->check(is_count(100000))
      ->type_name("N");
  command->add_option("--checkpoint", submit->checkpoint_seconds, "Seconds between renewals of the shards on disk")
      ->check(is_seconds(false))
      ->capture_default_str();
  command->add_flag("--yes", submit->yes, "Submits without asking");
  command->add_flag("--dry-run", submit->dry_run, "Prints the script and submits nothing");
  command->callback(
      [submit, &catalogue, &action] { action = [submit, &catalogue] { return submit_command(*submit, catalogue); }; });
}

}  // namespace meander
